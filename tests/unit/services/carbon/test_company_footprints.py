"""Footprints: scopes, dated factors, gases, contracts, and what is missing."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import msgspec
import pytest

from dure.core.text import Text
from dure.emissions.packs import load_factors, load_pack
from dure.services.carbon.companies.activity import Activity
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.company import Company, Site
from dure.services.carbon.companies.contracts import Contract, objection
from dure.services.carbon.companies.footprint import Covered, Question, Sources, footprint

DAY = date(2026, 3, 1)
SOURCES = Sources(rules=activity_rules(DAY), factors=load_factors(), energy=load_pack("energy"))
COMPANY = Company(
    id="acme", name=Text("에이크미"), business_number="1248100998",
    sites=(Site(id="hq", name=Text("본사"), address="", heat_supplier="KDHC", heat_branch="수도권"),),
)  # fmt: skip
ASKED = Question(company=COMPANY, first=date(2025, 1, 1), after=date(2026, 1, 1), as_of=DAY)


def row(kind, value, unit, start=date(2025, 1, 1), end=date(2025, 2, 1), **more):
    return Activity(
        id=f"{kind}-{start}", company="acme", kind=kind, start=start, end=end, value=value, unit=unit, site="hq", **more
    )


def test_electricity_by_the_newest_factor_known():
    rows = [row("electricity", "1000", "kWh")]

    now = footprint(ASKED, rows, (), SOURCES)
    earlier = footprint(msgspec.structs.replace(ASKED, as_of=date(2025, 6, 1)), rows, (), SOURCES)

    assert now.scope2_location_g == 417_300
    assert earlier.scope2_location_g == 454_100
    assert now.lines[0].factor == "electricity-2023"


def test_scopes_and_categories_of_all_kinds():
    rows = [
        row("city_gas", "42700", "MJ", basis="GCV"),
        row("diesel", "100", "L"),
        row("r410a", "2", "kg"),
        row("district_heat", "100", "GJ"),
        row("travel_ktx", "412", "pkm"),
        row("waste_landfill", "1.5", "t"),
        row("spend_goods", "1000000", "KRW"),
    ]

    found = footprint(ASKED, rows, (), SOURCES)

    by_kind = {one.kind: one for one in found.lines}
    assert not found.missing
    assert by_kind["city_gas"].co2e_g == round(Fraction(385, 10) * 1000 * (56100 + 5 * 21 + Fraction(1, 10) * 310) / 1000)
    assert by_kind["diesel"].co2e_g == round(Fraction("35.3") * 100 * 74100 / 1000)
    assert by_kind["r410a"].co2e_g == 3_847_000
    assert by_kind["travel_ktx"].co2e_g == round(412 * Fraction("0.0156") * 1000)
    assert found.scope1_g == sum(by_kind[one].co2e_g for one in ("city_gas", "diesel", "r410a"))
    assert found.scope2_location_g == by_kind["district_heat"].co2e_g
    assert set(found.scope3_g) == {"1", "5", "6"}
    assert by_kind["spend_goods"].quality == 5
    assert by_kind["spend_goods"].provisional


def test_a_row_tells_its_gases_where_the_factor_does():
    found = footprint(ASKED, [row("city_gas", "42700", "MJ", basis="GCV"), row("electricity", "10", "kWh")], (), SOURCES)

    gas, power = sorted(found.lines, key=lambda one: one.kind)
    assert gas.co2_g == round(Fraction(385, 10) * 1000 * 56100 / 1000)
    assert (gas.ch4_g, gas.n2o_g) == (round(Fraction(385, 10) * 5), round(Fraction(385, 10) * Fraction(1, 10)))
    assert (power.co2_g, power.ch4_g) == (None, None)


def test_another_set_of_warming_potentials_changes_what_is_published_by_gas_only():
    rows = [row("city_gas", "42700", "MJ", basis="GCV"), row("electricity", "10", "kWh")]

    sar, ar5 = footprint(ASKED, rows, (), SOURCES), footprint(msgspec.structs.replace(ASKED, gwp="AR5"), rows, (), SOURCES)

    assert ar5.scope1_g > sar.scope1_g
    assert {one.gwp for one in ar5.lines if one.kind == "city_gas"} == {"AR5"}
    assert ar5.scope2_location_g == sar.scope2_location_g


def test_a_bill_over_new_year_counts_by_its_days():
    bill = row("electricity", "310", "kWh", start=date(2025, 12, 17), end=date(2026, 1, 17))

    found = footprint(ASKED, [bill], (), SOURCES)

    assert found.electricity_wh == 150_000
    assert found.lines[0].share == "15/31"


def test_a_missing_factor_is_said_and_counts_nothing():
    rows = [row("district_heat", "100", "GJ", start=date(2023, 1, 1), end=date(2023, 2, 1)), row("diesel", "100", "L")]
    asked = msgspec.structs.replace(ASKED, first=date(2023, 1, 1))

    found = footprint(asked, rows, (), SOURCES)

    assert [(one.kind, one.refused, one.co2e_g) for one in found.missing] == [("district_heat", "factor.not_in_force", None)]
    assert found.scope2_location_g == 0
    assert found.scope1_g > 0


def test_heat_of_a_site_without_a_supplier_is_not_guessed():
    asked = msgspec.structs.replace(ASKED, company=msgspec.structs.replace(COMPANY, sites=()))

    found = footprint(asked, [row("district_heat", "100", "GJ")], (), SOURCES)

    assert found.missing[0].refused == "factor.supplier"


def test_market_based_counts_contracts_and_says_that_there_is_no_residual_mix():
    rows = [row("electricity", "1000", "kWh")]

    none = footprint(ASKED, rows, (), SOURCES)
    some = footprint(ASKED, rows, (Covered("rec", 400_000), Covered("more", 100_000)), SOURCES)
    all_ = footprint(ASKED, rows, (Covered("rec", 9_000_000),), SOURCES)

    assert none.scope2_market_g == none.scope2_location_g == 417_300
    assert some.scope2_market_g == 208_650
    assert (all_.scope2_market_g, all_.covered_wh) == (0, 1_000_000)
    assert [one.code for one in some.notices] == ["residual.missing"]
    assert all_.notices == ()


def test_quality_is_weighed_by_emissions():
    found = footprint(ASKED, [row("electricity", "1000", "kWh"), row("spend_goods", "1324762", "KRW")], (), SOURCES)

    assert found.quality_hundredths == pytest.approx(300, abs=1)
    estimated = footprint(ASKED, [row("electricity", "1000", "kWh", estimated=True)], (), SOURCES)
    assert estimated.quality_hundredths == 400


CONTRACT = Contract(company="acme", kind="ppa", source="plant/1", start=date(2025, 1, 1), end=date(2026, 1, 1), share_ppm=600_000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "magic"}, "contract.kind"),
        ({"source": " "}, "contract.source"),
        ({"end": date(2025, 1, 1)}, "contract.period"),
        ({"share_ppm": 0}, "contract.amount"),
        ({"share_ppm": 1_000_001}, "contract.amount"),
        ({"amount_wh": 5}, "contract.amount"),
        ({"company": "other", "share_ppm": 400_001}, "contract.over_allocated"),
        ({"kind": "rec", "source": "R-1", "share_ppm": 0, "amount_wh": 5}, "contract.taken"),
    ],
)
def test_a_contract_that_cannot_be_is_refused(change, code):
    others = [CONTRACT, msgspec.structs.replace(CONTRACT, kind="rec", source="R-1", share_ppm=0, amount_wh=9)]

    found = objection(msgspec.structs.replace(CONTRACT, **change), SOURCES.rules.instruments, others)

    assert found is not None
    assert found.code == code


def test_what_others_leave_of_a_source_may_be_contracted():
    other = msgspec.structs.replace(CONTRACT, company="other", share_ppm=400_000)
    later = msgspec.structs.replace(CONTRACT, start=date(2026, 1, 1), end=date(2027, 1, 1), share_ppm=900_000)

    assert objection(other, SOURCES.rules.instruments, [CONTRACT]) is None
    assert objection(later, SOURCES.rules.instruments, [CONTRACT]) is None
