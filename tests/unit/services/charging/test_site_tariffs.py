"""What a site pays for energy: bad tariffs are refused by name; a price depends on season, hour and kind of day, by date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError, InputError
from dure.core.rules import parse_pack
from dure.services.charging.pricing.days import kind_of
from dure.services.charging.pricing.site_prices import billing_period, site_prices
from dure.services.charging.pricing.tariffs import TariffBook, tariff_book

SEOUL = ZoneInfo("Asia/Seoul")
BOOK = tariff_book(None, SEOUL)
AUGUST = datetime(2022, 8, 10, 0, 0, tzinfo=SEOUL)  # a Wednesday


def words() -> dict[str, Any]:
    """A small tariff as its file says it."""
    row = {"effective_from": date(2020, 1, 1), "source": "a test", "mark": "own choice"}
    seasons = ("summer", "spring_autumn", "winter")
    hours = {"off": ["22:00-08:00"], "mid": ["08:00-15:00"], "peak": ["15:00-22:00"]}
    return {
        "id": "tariffs", "version": "1", "name": {"ko": "시험", "en": "Test"},
        "choices": [
            row | {"id": "default_tariff", "value": "small"}, row | {"id": "won_kwh_most", "value": 10_000.0},
        ],
        "export": [row | {"id": "surplus", "won_kwh": 80.0}],
        "seasons": [row | {"id": "s", "summer": [6, 7, 8], "winter": [12, 1, 2]}],
        "day_kinds": [row | {"id": "d", "saturday": {"peak": "mid"}, "free": {"peak": "off", "mid": "off"}}],
        "hours": [row | {"id": f"h.{one}"} | hours for one in seasons],
        "rates": [row | {"id": f"r.{one}", "off": 50.0, "mid": 100.0, "peak": 200.0} for one in seasons],
        "tariffs": [
            row | {
                "id": "small", "name": {"ko": "작은", "en": "Small"}, "rates": "r", "hours": "h", "seasons": "s",
                "day_kinds": "d", "basic_won_kw": 1_000.0, "basic_on": "peak",
            }
        ],
    }  # fmt: skip


def book_of(changed: dict[str, Any]) -> TariffBook:
    return TariffBook(parse_pack(changed, "tariffs"), SEOUL)


def refused(changed: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        book_of(changed)
    return error.value.code


def test_a_negative_price_is_refused() -> None:
    changed = words()
    changed["rates"][0]["peak"] = -1.0
    assert refused(changed) == "tariff.negative"


def test_a_negative_basic_charge_and_a_negative_export_price_are_refused() -> None:
    basic, export = words(), words()
    basic["tariffs"][0]["basic_won_kw"] = -2_390.0
    export["export"][0]["won_kwh"] = -0.1
    assert (refused(basic), refused(export)) == ("tariff.negative", "tariff.negative")


@pytest.mark.parametrize("won", [57_600.0, float("nan"), float("inf"), "57.6", True])
def test_an_absurd_price_is_refused(won: object) -> None:
    changed = words()
    changed["rates"][1]["off"] = won
    assert refused(changed) == "tariff.absurd"


@pytest.mark.parametrize(
    "peak", [["15:00-21:00"], ["14:00-22:00"], ["15:00-22:10"], ["three"], ["15:00-22:00-23:00"], ["15:00-25:00"], ["-15:00"]]
)
def test_hours_that_do_not_cover_the_day_once_are_refused(peak: list[str]) -> None:
    changed = words()
    changed["hours"][2]["peak"] = peak
    assert refused(changed) == "tariff.hours"


def test_overlapping_versions_are_refused() -> None:
    changed = words()
    changed["rates"].append(changed["rates"][0] | {"effective_from": date(2024, 1, 1)})
    with pytest.raises(ConfigError) as error:
        parse_pack(changed, "tariffs")
    assert error.value.code == "rules.overlap"


def test_a_tariff_nobody_knows_and_a_day_without_rules_are_refused() -> None:
    with pytest.raises(ConfigError) as unknown:
        BOOK.day("nobody", date(2026, 1, 1))
    with pytest.raises(ConfigError) as before:
        BOOK.day("ev_self_lv", date(2009, 1, 1))
    assert (unknown.value.code, before.value.code) == ("tariff.unknown", "rules.not_in_force")


@pytest.mark.parametrize(("n", "step_s"), [(0, 900), (1, 0), (500_000, 900)])
def test_steps_that_are_none_are_refused(n: int, step_s: int) -> None:
    with pytest.raises(InputError) as error:
        site_prices(BOOK, "", AUGUST, n, step_s)
    assert error.value.code == "price.steps"


def test_a_summer_working_day_has_three_prices_at_the_hours_of_its_year() -> None:
    prices = site_prices(BOOK, "ev_self_lv", AUGUST, 24, 3_600).buy_won_kwh
    assert prices.tolist() == [57.6] * 9 + [145.3] + [232.5] * 2 + [145.3] + [232.5] * 4 + [145.3] * 6 + [57.6]


@pytest.mark.parametrize(
    ("day", "kind", "least", "most"),
    [
        (date(2022, 8, 10), "working", 57.6, 232.5),
        (date(2022, 8, 13), "saturday", 57.6, 145.3),
        (date(2022, 8, 14), "free", 57.6, 57.6),
        (date(2022, 8, 15), "free", 57.6, 57.6),  # Liberation Day
        (date(2022, 9, 12), "free", 58.7, 58.7),  # in place of Chuseok on a Sunday
    ],
)
def test_saturday_has_no_peak_and_holidays_are_off_peak(day: date, kind: str, least: float, most: float) -> None:
    found = BOOK.day("ev_self_lv", day)
    assert (found.kind, found.won_kwh.min(), found.won_kwh.max()) == (kind, least, most)


def test_a_city_names_its_own_holidays() -> None:
    changed = words()
    changed["holidays"] = [changed["seasons"][0] | {"id": "festival", "day": date(2026, 5, 13)}]
    assert kind_of(date(2026, 5, 13), country="KR") == "working"
    assert book_of(changed).day("small", date(2026, 5, 13)).kind == "free"


def test_the_version_in_force_on_the_local_day_decides() -> None:
    before = site_prices(BOOK, "ev_self_lv", datetime(2023, 11, 8, 0, 0, tzinfo=SEOUL), 2, 86_400)
    assert before.buy_won_kwh[0] < before.buy_won_kwh[1]
    night = site_prices(BOOK, "ev_self_lv", datetime(2023, 11, 8, 23, 45, tzinfo=SEOUL), 2, 900)
    assert night.buy_won_kwh.tolist() == [80.7, 107.4]


def test_a_peak_price_is_told_only_where_the_basic_charge_is_on_the_peak() -> None:
    on_contract, on_peak = (site_prices(BOOK, one, AUGUST, 1, 900) for one in ("ev_operator_1_lv", "ev_operator_1_lv_peak"))
    assert (on_contract.demand_won_kw, on_peak.demand_won_kw) == (0.0, 2_390.0)
    assert on_contract.basic_won_kw == 2_390.0


def test_what_could_not_be_traced_is_told_as_to_be_confirmed() -> None:
    assert site_prices(BOOK, "ev_operator_1_lv", datetime(2026, 8, 3, 0, 0, tzinfo=SEOUL), 1, 900).provisional


def test_the_billing_period_is_the_local_month() -> None:
    period = billing_period(datetime(2026, 1, 31, 15, 0, tzinfo=UTC), SEOUL)
    assert (period.start, period.end) == (datetime(2026, 1, 31, 15, tzinfo=UTC), datetime(2026, 2, 28, 15, tzinfo=UTC))


@given(minutes=st.integers(0, 527_040), n=st.integers(1, 200), step_s=st.sampled_from([60, 300, 900, 1_000, 1_800, 3_600, 5_000]))
def test_a_step_costs_the_mean_of_its_minutes(minutes: int, n: int, step_s: int) -> None:
    start = datetime(2025, 12, 31, 15, 0, tzinfo=UTC) + timedelta(minutes=minutes)
    found = site_prices(BOOK, "ev_self_hv", start, n, step_s).buy_won_kwh
    whole = site_prices(BOOK, "ev_self_hv", start, 1, n * step_s).buy_won_kwh
    assert len(found) == n
    assert np.isclose(found.mean(), whole[0])
    assert found.min() >= 79.2 - 1e-9


def test_days_of_23_and_25_hours_have_as_many_quarters() -> None:
    book = TariffBook(tariff_book(None, SEOUL).pack, ZoneInfo("America/Los_Angeles"), "US")
    zone = ZoneInfo("America/Los_Angeles")
    spring = site_prices(book, "ev_self_lv", datetime(2022, 3, 13, 0, 0, tzinfo=zone), 23, 3_600).buy_won_kwh
    assert spring.shape == (23,)
    day_after = site_prices(book, "ev_self_lv", datetime(2022, 3, 14, 9, 0, tzinfo=zone), 1, 3_600).buy_won_kwh
    assert day_after.tolist() == [70.5]


def test_a_citys_own_file_wins(tmp_path: Path) -> None:
    own = tmp_path / "rules" / "charging"
    own.mkdir(parents=True)
    text = Path(tariff_book(None, SEOUL).pack.file).read_text("utf-8").replace('value = "ev_operator_1_lv"', 'value = "flat"')
    (own / "tariffs.toml").write_text(text, "utf-8")
    book = tariff_book(tmp_path, SEOUL)
    assert site_prices(book, "", AUGUST, 4, 900).buy_won_kwh.tolist() == [150.0] * 4
