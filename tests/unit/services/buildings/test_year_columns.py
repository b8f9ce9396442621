"""Intensities of all buildings from columns are those of the rows, building by building."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.text import Text
from dure.engines.records.store import Records
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.eui import Eui, eui
from dure.services.buildings.comparing.spans import months_ending
from dure.services.buildings.comparing.year_columns import euis, shares
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.model import SUPPLIES, Building, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_columns import runs_of
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import of_buildings, portfolio
from dure.services.buildings.sites import Sites

LAST = "2025-12"
RULES = compare_rules(date(2025, 12, 1))
KNOWN_AT = datetime(2026, 1, 9, tzinfo=UTC)
FUELS = ("electricity", "city_gas", "heat", "lpg", "diesel", "pv", "water")
BUILDINGS = {
    name: Building(id=name, lon=126.8, lat=37.2, name=Text(name), use="office", area_m2=area)
    for name, area in (("a", 900.0), ("b", 4_000.0), ("c", 0.0))
}
BRANCHES = ("수도권", "nowhere")
METERS = {
    one.id: one
    for one in (
        Meter(id=f"{name}-{fuel}-{n}", building=name, fuel=fuel, supplier="KDHC", branch=BRANCHES[n])
        for name in BUILDINGS
        for fuel in FUELS
        for n in (0, 1)
    )
}
METER, MONTH = st.sampled_from(sorted(METERS)), st.sampled_from(months_ending(LAST, 13))
row = st.tuples(METER, MONTH, st.integers(0, 10**11), st.sampled_from((0.0, 0.5, 0.9, 1.0)), st.integers(0, 100))


def use_of(meter, month, amount, coverage, uncertain):
    supply = SUPPLIES[METERS[meter].fuel]
    estimated = amount * uncertain // 200
    kept = {"amount": amount, "measured": amount - 2 * estimated, "estimated": estimated, "filled": estimated}
    return MonthUse(
        meter=meter, month=month, known_at=KNOWN_AT, building=METERS[meter].building, fuel=supply.id, part="main",
        book=supply.book, coverage=coverage, **kept,
    )  # fmt: skip


class Undone(Exception):
    """Ends a transaction without a trace."""


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    store = Records(f"sqlite:///{tmp_path_factory.mktemp('columns')}/records.db")
    store.migrate()
    yield store
    store.close()


def both_ways(records, rows):
    """Intensities by columns, and rows by building."""
    found = ()
    with contextlib.suppress(Undone), records.begin() as connection:
        month_records.put(connection, [use_of(*one) for one in rows])
        book, sites = carbon_book(None, KNOWN_AT.date()), Sites(BUILDINGS, METERS, [])
        runs = runs_of(connection, METERS, KNOWN_AT)
        listed = portfolio(None, connection, sites, "2025-01", LAST, as_of=KNOWN_AT)
        found = (euis(runs, BUILDINGS, LAST, RULES, book), of_buildings(listed))
        raise Undone
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(row, max_size=60, unique_by=lambda one: one[:2]))
def test_columns_and_rows_say_the_same_of_every_building(records, rows):
    by_columns, by_rows = both_ways(records, rows)

    for name, building in BUILDINGS.items():
        one, other = by_columns[name], eui(building, by_rows.get(name, ()), LAST, RULES)
        assert type(one) is type(other)
        if isinstance(one, Eui):
            assert (one.energy_wh, one.by_fuel, one.area_m2) == (other.energy_wh, other.by_fuel, other.area_m2)
            assert (one.short, one.unknown, one.co2e_g) == (other.short, other.unknown, other.co2e_g)
            assert one.provisional == other.provisional
            assert one.co2e_g is None or one.factors == other.factors
            assert one.estimated_share == pytest.approx(other.estimated_share, abs=1e-6)
            assert one.filled_share == pytest.approx(other.filled_share, abs=1e-6)
        else:
            assert one == other


def test_shares_round_half_to_even_also_beyond_64_bits():
    from fractions import Fraction

    import numpy as np

    from dure.services.buildings.months.month_columns import Alike, Run

    amounts = (1, 3, 5, 10**17)
    run = Run(Alike("2025-01", "electricity", "Wh", ("", "")), ("a",) * 4, amounts, np.array(amounts, np.int64), (None,) * 4, ())

    assert shares(run, Fraction(1, 2)).tolist() == [0, 2, 2, 5 * 10**16]
    assert shares(run, Fraction(999, 1000)).tolist() == [round(one * Fraction(999, 1000)) for one in amounts]
