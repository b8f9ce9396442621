"""Building months: exact sums of main meters, with grams that equal the carbon book's to the gram."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission
from dure.engines.records.store import Records
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_columns import Alike
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import NOW as NOW_EVER
from dure.services.buildings.months.portfolio import Question, _Rates, _share, by_month_and_fuel, month_totals, portfolio, total
from dure.services.buildings.sites import Sites

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
METERS = {
    one.id: one
    for one in (
        Meter(id="e-1", building="hall", fuel="electricity"),
        Meter(id="e-2", building="hall", fuel="electricity"),
        Meter(id="e-sub", building="hall", fuel="electricity", part="sub"),
        Meter(id="g-1", building="hall", fuel="city_gas"),
        Meter(id="h-1", building="hall", fuel="heat", supplier="KDHC", branch="수도권"),
        Meter(id="h-2", building="hall", fuel="heat"),
        Meter(id="w-1", building="hall", fuel="water"),
        Meter(id="d-1", building="hall", fuel="diesel"),
        Meter(id="v-1", building="hall", fuel="city_gas", volume=True),
    )
}
HALL = Building(id="hall", lon=127.0, lat=37.2, name=Text("시청", "City hall"))
SITES = Sites(MappingProxyType({"hall": HALL}), MappingProxyType(METERS), [])


def use(meter: str, amount: int, month: str = "2024-05", **more: object) -> MonthUse:
    one = METERS[meter]
    usual = {"part": one.part, "known_at": NOW - timedelta(days=2), "measured": amount} | more
    return MonthUse(meter=meter, month=month, building="hall", fuel=one.fuel, book=one.supply.book, amount=amount, **usual)  # type: ignore[arg-type]


@pytest.fixture
def records(tmp_path):
    store = Records(f"sqlite:///{tmp_path}/records.db")
    store.migrate()
    yield store
    store.close()


def kept(records, *rows):
    with records.begin() as connection:
        assert month_records.put(connection, rows) == len(rows)


def asked(records, **more):
    with records.read() as connection:
        return portfolio(None, connection, SITES, "2024-01", "2024-12", **more)


def test_main_meters_of_one_fuel_are_one_row_and_sub_meters_are_never_added(records):
    kept(records, use("e-1", 1_000, won=70), use("e-2", 234, coverage=0.5), use("e-sub", 999))
    (row,) = asked(records)
    assert (row.amount, row.energy_wh, row.won, row.coverage, row.meters) == (1_234, 1_234, 70, 0.5, 2)
    book = carbon_book(None, date(2026, 11, 24))
    assert row.co2e_g == sum(book.emission(METERS["e-1"], one, date(2024, 5, 1)).co2e_g for one in (1_000, 234))


def test_what_has_no_factor_has_no_grams_and_says_why(records):
    kept(records, use("h-1", 5_000), use("h-2", 7_000))
    (row,) = asked(records)
    assert (row.amount, row.energy_wh, row.co2e_g) == (12_000, 12_000, None)
    assert row.refused == "factor.supplier"
    assert total([row]).refused == {"factor.supplier": 1}


def test_water_emits_nothing_here_and_is_no_energy(records):
    kept(records, use("w-1", 5_000))
    (row,) = asked(records)
    assert (row.energy_wh, row.co2e_g, row.refused) == (None, 0, "")


def test_gas_by_volume_and_by_energy_are_rows_of_their_own(records):
    kept(records, use("g-1", 3_600), use("v-1", 1_000))
    by_book = {row.book: row for row in asked(records)}
    assert by_book["kJ"].energy_wh == 1_000
    assert by_book["L"].energy_wh == round(1_000 * 273.15 / 288.15 / 1_000 * 42.7 * 1e6 / 3_600)
    assert by_book["L"].provisional


def test_oil_counts_with_its_gross_calorific_value(records):
    kept(records, use("d-1", 36))
    (row,) = asked(records)
    assert row.energy_wh == 377_000


def test_an_old_report_comes_out_again_as_it_was(records):
    kept(records, use("e-1", 1_000))
    before = asked(records, as_of=NOW - timedelta(days=1))
    kept(records, msgspec.structs.replace(use("e-1", 2_000), known_at=NOW))
    assert asked(records, as_of=NOW - timedelta(days=1)) == before
    assert [row.amount for row in asked(records)] == [2_000]
    assert asked(records, as_of=NOW - timedelta(days=9)) == ()


@given(st.sampled_from(sorted(METERS)), st.integers(0, 10**12), st.sampled_from(["2018-02", "2023-01", "2025-12"]))
def test_grams_equal_the_carbon_book_to_the_gram(meter, amount, month):
    book = carbon_book(None, NOW_EVER)
    one = METERS[meter]
    alike = Alike(month, one.fuel, one.supply.book, (one.supplier, one.branch) if one.fuel == "heat" else ("", ""))
    rate = _Rates(book).of(alike)
    found = book.emission(one, amount, date(int(month[:4]), int(month[5:]), 1))
    if isinstance(found, Refused):
        assert (rate.grams, rate.refused) == (None, found.code)
    elif isinstance(found, Emission):
        assert _share(amount, rate.grams) == found.co2e_g
    else:
        assert _share(amount, rate.grams) == 0


def test_a_table_by_month_and_fuel_sums_its_rows(records):
    kept(records, use("e-1", 1_000), use("e-1", 500, "2024-06"), use("w-1", 7))
    found = by_month_and_fuel(asked(records))
    assert list(found) == [("2024-05", "electricity", "Wh"), ("2024-05", "water", "L"), ("2024-06", "electricity", "Wh")]
    assert found["2024-05", "electricity", "Wh"].amount == 1_000


def test_totals_of_the_whole_are_the_sums_of_its_rows_in_every_digit(records):
    amounts = {"e-1": 3, "e-2": 10**12 + 7, "g-1": 10**11 + 1, "h-1": 999_999, "h-2": 4, "w-1": 12, "d-1": 77, "v-1": 5}
    kept(records, *(use(meter, amount + n, f"2024-0{n}", won=n) for meter, amount in amounts.items() for n in range(1, 6)))
    for programme in ("NGMS", "ESG", "KETS"):
        question = Question("2024-02", "2024-12", None, programme)
        with records.read() as connection:
            told = month_totals(None, connection, SITES, question)
        rows = by_month_and_fuel(asked(records, programme=programme))
        for key, found in told.items():
            assert (found.amount, found.energy_wh, found.won) == (rows[key].amount, rows[key].energy_wh, rows[key].won)
            if not found.refused:
                assert found.co2e_g == rows[key].co2e_g


def test_an_answer_about_now_follows_every_write_at_once(records):
    kept(records, use("e-1", 1))
    assert [row.amount for row in asked(records)] == [1]
    with records.begin() as connection:
        month_records.put(connection, [use("e-1", 2)])  # at the same instant, by the same clock
    assert [row.amount for row in asked(records)] == [2]
