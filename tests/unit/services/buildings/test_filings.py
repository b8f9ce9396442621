"""Filings: what stands in a workbook, that it prints again byte for byte, and what an officer is told before."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta

import msgspec
import openpyxl
import pytest
from filed_city import BUILDINGS, CITY, KNOWN_AT, MONTHS, NOW, house_in, months_of_city

from dure.core.assets import Asset
from dure.core.errors import Conflict, InputError, NotFound
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.emissions.packs import SHIPPED
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.targets import Target
from dure.services.buildings.explaining.figures import parse
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.filing import filing_desk, filing_records
from dure.services.buildings.filing.activity import activities
from dure.services.buildings.filing.checks import checks
from dure.services.buildings.filing.dossier import brief, gather, register_again, register_of
from dure.services.buildings.filing.filing_rules import filing_rules
from dure.services.buildings.filing.ngms import ngms
from dure.services.buildings.filing.question import Question, checked
from dure.services.buildings.filing.reports import report
from dure.services.buildings.filing.sheets import Column, Sheet, Workbook
from dure.services.buildings.filing.workbook import xlsx_bytes
from dure.services.buildings.months import month_records
from dure.services.buildings.months.portfolio import portfolio
from dure.services.buildings.sites import registered

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
BODY = "body:화성시"
BY = By("officer-1", NOW)
EVERY_KIND = [
    ("ngms", BODY),
    ("unit_target", "portfolio"),
    ("grade_sheet", "portfolio"),
    ("report", "portfolio"),
    ("report", "building:hall"),
]


@pytest.fixture
def house(tmp_path):
    made = house_in(tmp_path)
    yield made
    made.records.close()


def asked(kind="ngms", subject=BODY, **changes):
    given = {"kind": kind, "subject": subject, "period": "2025", "as_of": AS_OF} | changes
    return Question(**given)


def target(**changes):
    given = {
        "id": "t1", "subject": BODY, "kind": "emissions_g", "year": 2030, "value": 600e6, "base": 1_200e6, "base_from": 2007,
        "base_to": 2009, "programme": "NGMS", "person": "p", "made_at": KNOWN_AT,
    }  # fmt: skip
    return Target(**given | changes)


def put(house, *, months=(), targets=()):
    with house.records.begin() as connection:
        month_records.put(connection, months)
        for one in targets:
            target_records.put(connection, one)


def dossier_of(house, question):
    with house.records.read() as connection:
        return gather(house.city, connection, question, registered(connection))


def again(house, filing_id):
    with house.records.read() as connection:
        return filing_desk.printed_again(house.city, connection, filing_id)


def cells(content):
    """Sheets by name, as rows of values that a spreadsheet shows."""
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book}


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("kind", "subject"), EVERY_KIND)
def test_a_filing_prints_again_byte_for_byte_after_later_readings_factors_and_a_changed_register(house, kind, subject, language):
    put(house, targets=[target()])
    given = filing_desk.given_out(house, asked(kind, subject, language=language), BY)

    later = NOW + timedelta(days=3)
    put(house, months=months_of_city(later, amount=1, measured=1), targets=[target(id="t2", value=1.0, made_at=later)])
    with house.records.begin() as connection:
        hall = assets.get(connection, "hall")
        attributes = {**hall.attributes, "area_m2": 99_000}
        assets.update_one(connection, msgspec.structs.replace(hall, attributes=attributes), By("x", later))
    house.clock.advance(timedelta(days=4))

    assert again(house, given.filing.id).content == given.content
    assert filing_desk.answer(dossier_of(house, asked(kind, subject, language=language, as_of=later))) != given.content


@pytest.mark.parametrize(("kind", "subject"), EVERY_KIND)
def test_two_who_ask_the_same_get_the_same_bytes(house, kind, subject):
    one, other = (filing_desk.given_out(house, asked(kind, subject), BY) for _ in range(2))

    assert one.content == other.content
    assert one.filing.sha256 == other.filing.sha256
    assert one.filing.id != other.filing.id


def test_a_factor_published_later_does_not_change_an_older_answer():
    before, after = (carbon_book(None, day, "ESG") for day in (date(2025, 12, 1), date(2026, 1, 1)))
    uses = [one for one in months_of_city() if one.meter == "hall-electricity" and one.month == "2025-01"]
    units = filing_rules(date(2025, 12, 1)).units

    old, new = (activities(uses, {}, book, units) for book in (before, after))

    assert old.series[0].factors == ("electricity-2020-2022",)
    assert new.series[0].factors == ("electricity-2023",)
    assert activities(uses, {}, carbon_book(None, date(2025, 12, 1), "ESG"), units) == old


def newer_factors(folder):
    """The city's own factor file: Dure's with a row that was published after the filing, and a version of its own."""
    text = (SHIPPED / "factors.toml").read_text("utf-8").replace('version = "2026-11"', 'version = "2027-01"')
    old = 'effective_from = 2015-01-01\npublished_at = 2020-12-31\ntotal_kg = 459.41\nsource = "public-sector'
    assert text.count(old) == 1
    row = text[text.index('[[factors]]\nid = "electricity-public-2020"') :].split("\n\n")[0]
    newer = row.replace("electricity-public-2020", "electricity-public-2027").replace("459.41", "400.0")
    newer = newer.replace("published_at = 2020-12-31", "published_at = 2026-03-05")
    place = folder / "rules" / "buildings"
    place.mkdir(parents=True)
    (place / "factors.toml").write_text(f"{text}\n{newer}\n", "utf-8")
    return dataclasses.replace(CITY, folder=folder)


@pytest.mark.parametrize(("kind", "subject"), EVERY_KIND)
def test_a_factor_entered_later_leaves_a_filing_as_it_was_and_changes_a_new_one(house, tmp_path, kind, subject):
    given = filing_desk.given_out(house, asked(kind, subject), BY)
    house.city = newer_factors(tmp_path / "city")

    assert again(house, given.filing.id).content == given.content
    assert filing_desk.answer(dossier_of(house, asked(kind, subject))) == given.content
    if kind != "unit_target":  # it states energy, no carbon
        assert filing_desk.answer(dossier_of(house, asked(kind, subject, as_of=NOW))) != given.content
    assert dossier_of(house, asked(as_of=NOW)).worked().factors.keys() >= {"electricity-public-2027"}


def test_an_altered_row_is_told_instead_of_printed(house):
    given = filing_desk.given_out(house, asked(), BY)
    with house.records.begin() as connection:  # what must never happen: a row that was known is changed in place
        connection.exec_driver_sql("UPDATE building_months SET amount = amount + 1000000 WHERE month = '2025-05'")

    with pytest.raises(Conflict) as refused:
        again(house, given.filing.id)

    assert refused.value.code == "filing.differs"
    assert "months was" in refused.value.message


def test_tonnes_of_the_workbook_are_those_of_the_books(house):
    put(house, targets=[target()])
    found = cells(filing_desk.given_out(house, asked(), BY).content)
    with house.records.read() as connection:
        sites = registered(connection)
        rows = portfolio(house.city.folder, connection, sites, "2025-01", "2025-12", as_of=AS_OF)
    mine = {one.id for one in sites.buildings.values() if one.body == "화성시"}
    grams = sum(one.co2e_g or 0 for one in rows if one.building in mine)

    assert {row[0]: row for row in found["요약"]}["온실가스 배출량"][1] == pytest.approx(grams / 1e6, abs=1e-9)
    assert found["배출량"][-1][7] == pytest.approx(grams / 1e6, abs=1e-9)
    assert found["시설"][-1][5] == pytest.approx(grams / 1e6, abs=1e-6)
    assert sum(row[7] for row in found["배출량"][3:-1]) == pytest.approx(grams / 1e6, abs=1e-6)


def test_activity_stands_in_its_filing_unit(house):
    rows = {(row[0], row[1]): row for row in cells(filing_desk.given_out(house, asked(), BY).content)["월별 활동자료"]}

    assert rows["시청", "전기"][3] == "MWh"
    assert rows["시청", "전기"][4] == pytest.approx(86.4)
    assert rows["시청", "지역난방"][2:4] == ["KDHC 수도권", "GJ"]
    assert rows["시청", "지역난방"][4] == pytest.approx(30_000_000 * 2.4 * 0.96 * 3.6e-6)
    assert rows["별관", "도시가스"][3] == "Nm3"
    assert rows["별관", "도시가스"][4] == pytest.approx(30_000 * 0.96 / 42.7)


def test_the_summary_states_base_change_and_line(house):
    put(house, targets=[target()])

    rows = {row[0]: row[1] for row in cells(filing_desk.given_out(house, asked(language="en"), BY).content)["Summary"]}

    assert rows["Base emissions (2007-2009)"] == 1_200
    assert rows["Change against the base"] == pytest.approx((rows["Greenhouse gas emissions"] / 1_200 - 1) * 100)
    assert rows["This year on the line to 2030"] == pytest.approx(1_200 - 600 * 16 / 21)


def test_generation_and_water_are_not_filed(house):
    worked = dossier_of(house, asked()).worked()

    assert {one.fuel for one in worked.series} == {"electricity", "heat", "city_gas"}


def test_heat_of_an_unknown_branch_is_left_out_and_told(house):
    with house.records.begin() as connection:
        meter = assets.get(connection, "hall-heat")
        changed = msgspec.structs.replace(meter, attributes={"fuel": "heat", "supplier": "KDHC", "branch": "nowhere"})
        assets.update_one(connection, changed, By("x", NOW))
    dossier = dossier_of(house, asked())

    found = {one.code: one for one in checks(dossier, date(2026, 3, 10))}

    assert found["filing.no_factor"].count == 12
    assert dossier.worked().refused_n == 12
    row = next(row for row in cells(xlsx_bytes(ngms(dossier)))["배출량"] if row[1] == "지역난방")
    assert row[9] == "factor.supplier"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"coverage": 0.5}, "filing.month_short"),
        ({"amount": 100, "measured": 80, "estimated": 20}, "filing.estimated"),
    ],
)
def test_short_and_estimated_months_are_told_before_filing(house, change, code):
    put(house, months=[msgspec.structs.replace(one, known_at=KNOWN_AT + timedelta(1)) for one in months_of_city(**change)])

    assert code in {one.code for one in checks(dossier_of(house, asked()), date(2026, 3, 10))}


def test_a_missing_month_is_told_and_stands_in_the_workbook(tmp_path):
    house = house_in(tmp_path, months=False)
    put(house, months=[one for one in months_of_city() if (one.meter, one.month) != ("hall-electricity", "2025-04")])
    dossier = dossier_of(house, asked())

    found = {one.code: one for one in checks(dossier, date(2026, 3, 10))}

    assert found["filing.month_missing"].examples == ("시청 전기 2025-04",)
    rows = cells(filing_desk.given_out(house, asked(), BY).content)
    assert ["시청", "hall-electricity", "전기", "2025-04"] in [row[:4] for row in rows["추정과 보완"]]
    assert {row[:2]: row for row in map(tuple, rows["월별 활동자료"])}["시청", "전기"][7] is None
    house.records.close()


def test_a_year_that_is_not_over_and_a_body_without_base_are_told(house):
    codes = {one.code for one in checks(dossier_of(house, asked()), date(2025, 12, 31))}

    assert {"filing.year_open", "filing.no_base"} <= codes
    assert "filing.year_open" not in {one.code for one in checks(dossier_of(house, asked()), date(2026, 1, 1))}


@pytest.mark.parametrize("subject", ["body:nobody", "building:none"])
def test_nothing_to_file_is_refused_and_nothing_is_kept(house, subject):
    with pytest.raises(InputError) as refused:
        filing_desk.given_out(house, asked(subject=subject), BY)

    assert refused.value.code == "filing.nothing"
    with house.records.read() as connection:
        assert not filing_records.listing(connection).items


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "tax"}, "filing.kind"),
        ({"subject": "city"}, "filing.subject"),
        ({"subject": "body:"}, "filing.subject"),
        ({"subject": "body:a\nb"}, "filing.subject"),
        ({"period": "25"}, "filing.period"),
        ({"period": "2025-10"}, "filing.period"),
        ({"period": "1989"}, "filing.period"),
        ({"period": "2027"}, "filing.period"),
        ({"kind": "report", "period": "2025-13"}, "filing.period"),
        ({"language": "de"}, "filing.language"),
        ({"as_of": NOW + timedelta(seconds=1)}, "filing.as_of"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_a_code(changes, code):
    with pytest.raises(InputError) as refused:
        checked(asked(**changes), NOW)

    assert refused.value.code == code


def test_a_filing_nobody_made_is_not_found(house):
    with pytest.raises(NotFound):
        again(house, "nothing")


def test_a_workbook_holds_no_clock_and_no_formula_of_whoever_entered_a_name():
    sheet = Sheet(
        name="s", title="=1+1", columns=(Column("n"), Column("v", 10, 1)), rows=(("=cmd()", 1.5), ("b", 2.5), ("sum", 4.0)),
        total=True,
    )  # fmt: skip
    book = Workbook(title="t", language="en", created_at=AS_OF, sheets=(sheet,))
    content = xlsx_bytes(book)

    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert {one.date_time for one in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}  # the first a ZIP can hold
        told = parts.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d{2}-\d{2}T[\d:]+", told)) == {AS_OF.strftime("%Y-%m-%dT%H:%M:%S")}
    values = openpyxl.load_workbook(io.BytesIO(content))["s"]
    assert [values["A4"].data_type, values["B6"].value] == ["s", "=SUM(B4:B5)"]
    assert cells(content)["s"][5][1] == 4.0
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-03-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_the_register_a_filing_keeps_comes_back_as_it_was(house):
    with house.records.read() as connection:
        sites = registered(connection)

    kept = register_of(sites, asked("grade_sheet", "portfolio"))
    back = register_again(msgspec.json.decode(msgspec.json.encode(kept)))

    assert back.buildings == sites.buildings
    assert set(back.meters) == set(sites.meters)
    assert "areas" not in brief(sites.buildings["hall"])
    assert {one["id"] for one in register_of(sites, asked())["buildings"]} == {"hall", "annex", "centre"}


def test_a_grade_sheet_says_by_what_each_building_is_judged(house):
    rows = {row[1]: row for row in cells(filing_desk.given_out(house, asked("grade_sheet", "portfolio"), BY).content)["등급"]}

    assert rows["hall"][9] == "법정 목표"
    assert rows["lib-1"][9] == "비슷한 건물의 중앙값"
    assert rows["lib-1"][11] in "ABCDE"
    assert "centre" not in rows  # below the area the form asks for


def test_an_energy_per_area_sheet_judges_offices_and_leaves_others_unjudged(house):
    given = filing_desk.given_out(house, asked("unit_target", "portfolio", language="en"), BY)
    rows = {row[1]: row for row in cells(given.content)["Energy per area"]}

    assert (rows["hall"][11], rows["hall"][14]) == (131.0, "Met")
    assert (rows["annex"][11], rows["annex"][14]) == (83.8, "Missed")
    assert rows["lib-1"][14] == "Not judged"
    assert rows["hall"][16] == "to be confirmed"


def test_a_report_is_a_tagged_pdf_with_its_fonts_inside_and_no_clock(house):
    content = filing_desk.given_out(house, asked("report", "building:hall"), BY).content

    assert content.startswith(b"%PDF-")
    assert b"PretendardGOV" in content
    assert b"/StructTreeRoot" in content or b"/ObjStm" in content


@pytest.mark.parametrize(("subject", "figures"), [("building:hall", 4), (BODY, 2), ("portfolio", 2)])
def test_every_figure_of_a_report_has_an_id_that_explain_reads(house, subject, figures):
    made = report(dossier_of(house, asked("report", subject, programme="ESG")))

    ids = [fact.figure for fact in made.parts[0].facts if fact.figure]
    assert len(ids) == figures
    listed = [one for part in made.parts for grid in part.grids for one in grid.figures]
    for figure in (*ids, *listed):
        read = parse(figure)
        assert (read.last, read.as_of, read.programme) == ("2025-12", AS_OF, "ESG")


def test_names_of_buildings_are_never_read_as_markup(house):
    wild = Asset(
        id="wild", city="hwaseong", kind="building", name=Text('#panic("x") $ _*`<b>&', "#panic() \\ [x]"),
        place=place_at(126.8, 37.2),
        state="live", attributes={"use": "office", "area_m2": 4_000},
    )  # fmt: skip
    month = next(iter(months_of_city()))
    with house.records.begin() as connection:
        assets.add(connection, wild, By("x", NOW))
        month_records.put(
            connection, [msgspec.structs.replace(month, meter=f"m-{at}", building="wild", month=at) for at in MONTHS]
        )

    assert filing_desk.given_out(house, asked("report", "building:wild"), BY).content.startswith(b"%PDF-")
    assert filing_desk.given_out(house, asked("ngms", "building:wild"), BY).content.startswith(b"PK")


@pytest.mark.parametrize("name", ["漢字 회관", "쀍 😀", "العربية"])
def test_a_name_the_font_cannot_show_does_not_stop_a_report(house, name):
    with house.records.begin() as connection:
        assets.update_one(
            connection, msgspec.structs.replace(assets.get(connection, "hall"), name=Text(name, name)), By("x", NOW)
        )

    first, second = (filing_desk.given_out(house, asked("report", "building:hall"), BY).content for _ in range(2))

    assert first.startswith(b"%PDF-")
    assert first == second


def test_every_fuel_has_a_filing_unit_and_every_kind_a_form():
    rules = filing_rules(date(2025, 12, 1))

    assert {fuel for *_, fuels in BUILDINGS for fuel in fuels} - {"pv"} <= set(rules.units)
    assert {"ngms", "unit_target", "grade_sheet"} == set(rules.forms)
    assert all(one.provisional for one in rules.forms.values())
