"""Statements: figures that re-derive, gaps that are told, bytes that stay, versions that say what changed."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import msgspec
import openpyxl
import pytest
from carbon_house import NOW, carbon_house
from sqlalchemy import event
from sqlalchemy.pool import Pool
from stated_company import (
    ACME,
    BY,
    CITY,
    EARLY,
    OFFICER,
    YEAR,
    bill,
    booked,
    bring,
    claim,
    sponsored,
    stated_house,
)

from dure.core.errors import Conflict, InputError, NotFound
from dure.engines.records.tables_carbon_transparency import carbon_log_staged as staged
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.companies import activity_records, company_records, figure_desk, right_records
from dure.services.carbon.companies.targets import Target
from dure.services.carbon.ledger import posting
from dure.services.carbon.statements import files, statement_desk, statement_records, taxonomy
from dure.services.carbon.statements.footprint_figures import CATEGORIES
from dure.services.carbon.statements.standards import standards
from dure.services.carbon.statements.statement import canonical, sha256
from dure.services.carbon.statements.statement_desk import Asked
from dure.services.carbon.statements.units import written
from dure.services.carbon.transparency import dure_verify, proof_desk
from dure.services.carbon.transparency.log_desk import LogDesk

FULL = Asked(incomplete=True)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    made = stated_house(tmp_path_factory.mktemp("stated"))
    sponsored(made)
    return made


@pytest.fixture(scope="module")
def issued(house):
    return statement_desk.issue(house, YEAR, FULL, OFFICER)


@pytest.fixture(scope="module")
def said(house, issued):
    with house.records.read() as connection:
        return statement_records.statement(connection, issued.id)


def amounts(statement):
    return {one.row: one.amount for one in statement.figures}


def test_a_statement_says_what_the_footprint_says(house, said):
    with house.records.read() as connection:
        found = figure_desk.year_footprint(house, connection, "acme", 2025, YEAR.as_of)

    told = amounts(said)
    assert told["scope1"] == found.scope1_g == told["scope1-stationary"] + told["scope1-mobile"] + told["scope1-fugitive"]
    assert told["scope2-location"] == found.scope2_location_g
    assert told["scope2-market"] == found.scope2_market_g
    assert told["scope3"] == sum(found.scope3_g.values()) == sum(told[f"scope3-{one}"] for one in (1, 5, 6))
    assert told["renewable-covered"] == found.covered_wh == told["contract:ctr-1"] + told["contract:ctr-2"]
    assert told["hourly-matched"] == 840_000
    assert said.figure("scope2-hourly-market").mark == "draft revision"


def test_what_is_missing_is_told_and_never_filled(said):
    heat = said.figure("energy-heat")
    empty = {one.code: one for one in said.disclosures if not one.rows}

    assert heat.amount is None
    assert heat.why.en
    assert "E-5-1" in empty
    assert empty["E-5-1"].left.en == "Dure does not measure this; the company writes it."
    assert {"residual.missing", "statement.provisional"} <= {one.code for one in said.gaps}


def test_hours_that_are_of_a_part_of_the_electricity_only_are_told(said):
    (gap,) = [one for one in said.gaps if one.code == "statement.hours_coverage"]

    assert "1.200 MWh" in gap.words.en
    assert "372.000 MWh" in gap.words.en


def test_every_factor_that_counted_is_named_with_its_value_and_source(said):
    found = {one.id: one for one in said.factors}

    assert (found["electricity-2023"].value, found["electricity-2023"].per, found["electricity-2023"].rows) == (
        "417.3",
        "MWh",
        12,
    )
    assert found["travel-ktx-2024"].mark == "to be confirmed"
    assert all(one.source and one.published_at <= said.question.as_of.date() for one in said.factors)
    assert sum(one.rows for one in said.factors) == said.figure("rows-counted").amount


def test_scope_3_is_named_as_the_ghg_protocol_names_it(said):
    assert said.figure("scope3-1").name.en == "Category 1: Purchased goods and services"
    assert said.figure("scope3-6").name.en == "Category 6: Business travel"
    assert list(CATEGORIES) == [str(number) for number in range(1, 16)]


def test_a_small_mass_of_gas_is_not_written_as_none():
    assert written(192, "g") == "0.000192 t"
    assert written(0, "g") == "0.000 t"
    assert written(6_273_659, "gCO2e") == "6.274 tCO2e"


def test_k_esg_has_its_61_items_and_dure_fills_environmental_ones_alone(said):
    items = [one for one in said.disclosures if one.standard == "k-esg"]

    assert [sum(one.code.startswith(part) for one in items) for part in "PESG"] == [5, 17, 22, 17]
    assert {one.code for one in items if one.rows} == {"E-1-1", "E-3-1", "E-3-2", "E-4-1", "E-4-2", "E-6-1", "E-6-2"}


@pytest.mark.parametrize(("first", "found"), [(date(2026, 1, 1), {"gri-302", "gri-305"}),
                                              (date(2027, 1, 1), {"gri-302", "gri-305", "gri-102", "gri-103"})])  # fmt: skip
def test_old_and_new_gri_numbers_stand_side_by_side_from_2027(first, found):
    assert {one.id for one in standards(first).standards if one.id.startswith("gri-")} == found
    codes = [one.code for one in standards(first).disclosures]
    assert ("102-5" in codes) == ("102-9" in codes) == (first.year == 2027)
    assert "305-1" in codes


def test_contributions_stand_apart_from_own_reductions_and_tiers_are_not_summed(house, said):
    told = amounts(said)

    assert (told["contribution-A"], told["contribution-B"], told["contribution-C"]) == (1_000_000, 0, 0)
    assert told["credits-received"] == told["credits-held"] == 0
    assert told["sponsor-released"] == 0  # the money moved in 2026, the reduction is of 2025
    own = next(one for one in said.disclosures if (one.standard, one.code) == ("gri-305", "305-5"))
    assert not any(row.startswith("contribution") for row in own.rows)
    later = msgspec.structs.replace(YEAR, first=date(2026, 1, 1), after=date(2027, 1, 1))
    money = amounts(statement_desk.draft(house, later).statement)
    assert (money["sponsor-paid"], money["sponsor-released"]) == (1_000_000, 100_000)


def test_reductions_that_went_to_the_company_by_contract_are_its_credits(tmp_path):
    house = stated_house(tmp_path)
    sponsored(house, transfers=True)
    told = amounts(
        statement_desk.draft(house, msgspec.structs.replace(YEAR, first=date(2026, 1, 1), after=date(2027, 1, 1))).statement
    )

    with house.records.read() as connection:
        held = posting.balance(connection, "held/company/acme").available
    assert told["credits-held"] == told["credits-received"] == held == 1_000_000
    assert told["contribution-A"] == 0


def test_the_city_tells_its_claims_by_tier_and_each_is_what_the_ledger_holds(tmp_path):
    house = carbon_house(tmp_path)
    booked(house, claim(1), claim(2, 2_500_000), claim(3, 700, "B"))

    found = statement_desk.draft(house, CITY)

    told = amounts(found.statement)
    with house.records.read() as connection:
        held = posting.balance(connection, "held/city").available
    assert (told["reduction-A"], told["reduction-B"], told["reduction-C"]) == (3_500_000, 700, 0)
    assert told["reduction-A:city-verified"] == 3_500_000
    assert told["reduction-A"] + told["reduction-B"] == held  # by tier, side by side; the books hold both
    assert found.rows["reduction-A"].parts[0].figure == f"carbon/claim/{claim(1).id}"
    assert not found.stops


def test_a_claim_that_the_ledger_does_not_hold_stops_the_city_statement(tmp_path):
    house = carbon_house(tmp_path)
    booked(house, claim(1))
    booked(house, claim(2), post=False)

    with pytest.raises(InputError) as caught:
        statement_desk.issue(house, CITY, FULL, OFFICER)

    assert caught.value.code == "statement.ledger_differs"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"first": date(2026, 1, 1), "after": date(2025, 1, 1)}, "statement.period"),
        ({"after": date(2025, 1, 1)}, "statement.period"),
        ({"first": date(2020, 1, 1)}, "statement.period"),
        ({"first": date(1900, 1, 1), "after": date(1901, 1, 1)}, "statement.period"),
        ({"as_of": NOW}, "statement.as_of"),
        ({"as_of": YEAR.as_of.replace(microsecond=5)}, "statement.as_of"),
        ({"subject": "person/x"}, "statement.subject"),
        ({"subject": "company/"}, "statement.subject"),
        ({"subject": "company/nobody"}, "company.unknown"),
        ({"first": date(2019, 1, 1), "after": date(2020, 1, 1)}, "statement.nothing"),
        ({"first": date(2026, 1, 1), "after": date(2027, 1, 1)}, "statement.period_open"),
    ],
)
def test_what_cannot_be_stated_is_refused_with_a_code(house, change, code):
    if code == "statement.period_open":
        late = bill(90, start=date(2026, 1, 1), end=date(2026, 2, 1))
        bring(house, late)
    with pytest.raises((InputError, NotFound)) as caught:
        statement_desk.issue(house, msgspec.structs.replace(YEAR, **change), FULL, OFFICER)

    assert caught.value.code == code


def test_a_row_without_a_factor_must_be_owned_up_to(tmp_path):
    heat = bill(1, "district_heat", "10", "GJ", start=date(2021, 1, 1), end=date(2021, 2, 1))
    house = stated_house(tmp_path, heat, bill(2, start=date(2021, 1, 1), end=date(2021, 2, 1)))
    asked = msgspec.structs.replace(YEAR, first=date(2021, 1, 1), after=date(2022, 1, 1))

    with pytest.raises(InputError) as caught:
        statement_desk.issue(house, asked, Asked(), OFFICER)
    issued = statement_desk.issue(house, asked, FULL, OFFICER)

    assert caught.value.code == "statement.incomplete"
    with house.records.read() as connection:
        said = statement_records.statement(connection, issued.id)
    assert amounts(said)["rows-missing"] == 1
    assert "factor.supplier" in {one.code for one in said.gaps}
    assert "statement.coverage" in {one.code for one in said.gaps}


def test_a_draft_that_is_not_what_was_seen_is_not_issued(house):
    other = msgspec.structs.replace(YEAR, as_of=YEAR.as_of - timedelta(hours=2))
    with pytest.raises(Conflict) as caught:
        statement_desk.issue(house, other, Asked(sha256="0" * 64), OFFICER)

    assert caught.value.code == "statement.differs"


def test_a_figure_that_does_not_re_derive_is_not_issued(tmp_path):
    house = stated_house(tmp_path)
    given_back = []

    def meddle(*_):
        """Another writer, whose clock is behind, takes a bill away right after the first drawing has let go of the records."""
        given_back.append(1)
        if len(given_back) == 2:  # the first was the question whether it is issued already
            with house.records.begin() as connection:
                activity_records.end(connection, "acme", ["act-22"], EARLY)

    event.listen(Pool, "checkin", meddle)
    try:
        with pytest.raises(Conflict) as caught:
            statement_desk.issue(house, YEAR, FULL, OFFICER)
    finally:
        event.remove(Pool, "checkin", meddle)

    assert caught.value.code == "statement.differs"
    assert "scope1" in str(caught.value)
    with house.records.read() as connection:
        assert statement_records.find(connection, YEAR.ident) is None


def test_every_file_is_printed_again_to_the_byte_whatever_came_later(tmp_path):
    house = stated_house(tmp_path)
    issued = statement_desk.issue(house, YEAR, FULL, BY)
    with house.records.read() as connection:
        first = {name: statement_desk.printed(connection, issued.id, name) for name in files.NAMES}
    late = NOW + timedelta(days=1)
    bring(house, bill(80, "diesel", "5", "L"), at=late, brought="imp-2")
    with house.records.begin() as connection:
        activity_records.end(connection, "acme", ["act-1"], late)
        company_records.put(connection, msgspec.structs.replace(ACME, sites=()), msgspec.structs.replace(OFFICER, at=late))

    with house.records.read() as connection:
        again = {name: statement_desk.printed(connection, issued.id, name) for name in files.NAMES}
        changed = statement_desk.rederived(house, connection, issued.id)

    assert again == first
    assert {name: sha256(content) for name, content in again.items()} == issued.files
    assert changed == ()  # drawn up anew as of its instant, every row is the same


def test_changed_facts_give_a_version_that_names_what_changed(tmp_path):
    house = stated_house(tmp_path)
    early = msgspec.structs.replace(YEAR, as_of=EARLY + timedelta(days=1))
    first = statement_desk.issue(house, early, FULL, BY)
    bring(house, bill(80, "diesel", "5", "L"), at=EARLY + timedelta(days=2), brought="imp-2")

    with pytest.raises(Conflict) as caught:
        statement_desk.issue(house, msgspec.structs.replace(early, as_of=EARLY + timedelta(days=1, seconds=1)), FULL, BY)
    second = statement_desk.issue(house, YEAR, FULL, OFFICER)

    assert caught.value.code == "statement.unchanged"
    assert (first.version, second.version, second.replaces) == (1, 2, first.id)
    names = {one.what: one for one in second.changes}
    assert {"ground:activities", "scope1", "scope1-mobile", "energy-fuel", "rows-counted"} <= set(names)
    assert "scope1-stationary" not in names
    assert names["scope1"].after - names["scope1"].before == round(5 * 353 * 74100 / 10_000)
    assert statement_desk.issue(house, YEAR, FULL, BY) == second  # the same question is the same statement
    with house.records.read() as connection:
        assert [one.version for one in statement_records.listing(connection, subject="company/acme").items] == [2, 1]


def test_targets_are_told_in_their_own_measure_and_those_without_data_are_owned_up_to(tmp_path):
    house = stated_house(tmp_path)
    words = {"company": "acme", "covers": "scope1", "base_year": 2024, "base_g": 10_000_000, "year": 2030, "cut_ppm": 500_000}
    with house.records.begin() as connection:
        right_records.add_target(connection, Target(id="tgt-2", measure="per_m2", base_per="1000", **words), EARLY)
        right_records.add_target(connection, Target(id="tgt-3", measure="per_output", base_per="10", **words), EARLY)

    found = statement_desk.draft(house, YEAR).statement

    told = amounts(found)
    assert (told["target:tgt-2:base"], told["target:tgt-2:goal"]) == (10_000_000, 5_000_000)  # 10 kg and 5 kg of a square metre
    assert told["target:tgt-2:actual"] == round(told["scope1"] * 1000 * 10 / 12505)
    assert told["target:tgt-1:actual"] == told["scope1"] + told["scope2-market"]
    assert not any(row.startswith("target:tgt-3") for row in told)
    assert "statement.target_output" in {one.code for one in found.gaps}


def test_an_issued_statement_is_staged_for_the_log_without_anybodys_name(house, issued):
    with house.records.read() as connection:
        leaf = connection.execute(staged.select().where(staged.c.id == f"statement/{issued.id}")).mappings().one()["leaf"]

    body = json.loads(leaf)["body"]
    assert body["sha256"] == issued.sha256
    assert body["files"] == issued.files
    assert "officer-1" not in leaf


def test_the_one_file_verifier_finds_an_issued_statement_in_the_log(house, issued, tmp_path):
    LogDesk(house.records, tmp_path, "city.example/carbon-log").place(NOW, 1_000)
    with house.records.read() as connection:
        bundle = proof_desk.bundle_of(connection, f"statement/{issued.id}")

    found = {one.name: one for one in dure_verify.checks(bundle)}

    assert all(one.ok for one in found.values())
    assert {"place", "signatures"} <= set(found)
    flipped = bundle.replace(issued.sha256.encode(), issued.sha256[::-1].encode())
    assert not all(one.ok for one in dure_verify.checks(flipped))


def test_each_row_explains_itself_down_to_what_it_was_made_of(house, issued, said):
    for row in ("scope1", "scope2-market", "contribution-A", "renewable-covered", "hourly-matched"):
        found = explain(house, f"carbon/statement/{issued.id}/{row}")

        assert found.agrees
        assert found.amount == found.again == said.figure(row).amount
        assert found.parts
    assert explain(house, f"carbon/statement/{issued.id}/contribution-A").parts[0].figure == f"carbon/claim/{claim(1).id}"
    assert explain(house, f"carbon/statement/{issued.id}/scope1").parts[0].figure.startswith("carbon/company/acme/2025/activity/")
    unknown = explain(house, f"carbon/statement/{issued.id}/energy-heat")
    assert unknown.agrees
    assert unknown.notes


@pytest.mark.parametrize("figure", ["carbon/statement/stm-0/scope1", "carbon/statement/{id}/nothing", "carbon/statement/{id}"])
def test_a_row_that_is_not_there_is_not_explained(house, issued, figure):
    with pytest.raises(NotFound):
        explain(house, figure.format(id=issued.id))


def test_an_explanation_says_when_the_records_no_longer_give_the_figure(tmp_path):
    house = stated_house(tmp_path)
    issued = statement_desk.issue(house, YEAR, FULL, BY)
    with house.records.begin() as connection:
        activity_records.end(connection, "acme", ["act-22"], EARLY)  # as if it had never been there

    found = explain(house, f"carbon/statement/{issued.id}/scope1-mobile")

    assert not found.agrees
    assert (found.amount, found.again) == (261_573, 0)


def test_the_workbook_holds_the_books_and_csv_and_json_the_same(house, issued, said):
    with house.records.read() as connection:
        made = {name: statement_desk.printed(connection, issued.id, name) for name in files.NAMES}
    sheet = openpyxl.load_workbook(io.BytesIO(made["statement-en.xlsx"]))["Figures"]
    told = {row[0]: row[5] for row in sheet.iter_rows(min_row=2, values_only=True) if row[0]}
    shown = {row[0]: row[3] for row in sheet.iter_rows(min_row=2, values_only=True) if row[0]}
    rows = list(csv.DictReader(io.StringIO(made["statement.csv"].decode("utf-8-sig"))))

    assert told == amounts(said)
    assert shown["scope1"] == told["scope1"] / 10**6  # numbers, so that an auditor can add them up
    assert shown["hourly-score"] == told["hourly-score"] / 10**4
    assert {row["row"]: int(row["book_amount"]) if row["book_amount"] else None for row in rows} == amounts(said)
    words = json.loads(made["statement.json"])
    assert words["sha256"] == issued.sha256 == sha256(canonical(said))
    assert made["statement-ko.pdf"].startswith(b"%PDF-")


def test_a_name_is_never_a_formula_nor_markup(tmp_path):
    house = stated_house(tmp_path)
    with house.records.begin() as connection:
        odd = msgspec.structs.replace(ACME, name=type(ACME.name)("=1+1 <b>&\x0b", "@x"))
        company_records.put(connection, odd, BY)
    made = statement_desk.draft(house, YEAR).statement

    found = files.files_of(made)

    book = openpyxl.load_workbook(io.BytesIO(found["statement-ko.xlsx"]))
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert b"<b>" not in found["statement-ko.xhtml"]
    assert b"\x0b" not in found["statement-ko.xhtml"]


def test_the_shipped_taxonomy_is_what_the_concepts_give():
    assert taxonomy.shipped() == taxonomy.made()


def test_who_may_see_it_moves_on_and_nothing_else(house, issued):
    with house.records.begin() as connection:
        statement_desk.show(connection, issued.id, OFFICER, public=True)
        assert [one.id for one in statement_records.listing(connection, public=True).items] == [issued.id]
        statement_desk.show(connection, issued.id, OFFICER, public=False)
        assert statement_records.listing(connection, public=True).items == []
        assert statement_records.get(connection, issued.id) == issued
