"""The portfolio of staff: months as charts draw them, the shape of a week, what needs somebody, words for numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from published_city import COMPARE, DAY, RULES, building, month, months

from dure.core.observations import Flag
from dure.core.time import to_us
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.standings import Vintage, comparison
from dure.services.buildings.intervals.interval_books import Intervals
from dure.services.buildings.model import Meter
from dure.services.buildings.months.portfolio import of_buildings
from dure.services.buildings.pages import energy_words, needs
from dure.services.buildings.pages.fuel_charts import energy_months, fuel_series
from dure.services.buildings.publishing.load_shape import shape
from dure.services.buildings.publishing.month_cells import month_cells
from dure.services.buildings.publishing.spans import Span, twelve
from dure.services.buildings.publishing.staff_view import staff_view
from dure.services.buildings.sites import Sites
from dure.spine.live import LiveValue
from dure.web.i18n import Speech

SEOUL = ZoneInfo("Asia/Seoul")
KO, EN = Speech("ko", SEOUL), Speech("en", SEOUL)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_a_month_has_its_fuels_what_is_unsure_and_the_year_before():
    rows = [
        month("b001", "2025-01", 80.0),
        month("b001", "2026-01", 100.0, measured=75_000, filled=25_000),
        month("b001", "2026-01", 50.0, "city_gas"),
        month("b001", "2026-01", 9.0, "pv"),
    ]
    (cell,) = month_cells(rows, ["2026-01"])
    assert dict(cell.by_fuel) == {"electricity": 100_000, "city_gas": 50_000}
    assert (cell.energy_wh, cell.unsure_wh, cell.complete, cell.before_wh) == (150_000, 25_000, True, 80_000)


def test_a_month_that_lacks_a_fuel_or_is_thin_is_not_complete():
    rows = [*months("b001", "2026-01", "2026-03", 10.0), month("b001", "2026-01", 5.0, "city_gas")]
    rows += [month("b001", "2026-03", 5.0, "city_gas", coverage=0.5)]
    assert [cell.complete for cell in month_cells(rows, ["2026-01", "2026-02", "2026-03"])] == [True, False, False]


def test_months_after_the_last_one_known_are_left_out():
    cells = month_cells(months("b001", "2026-01", "2026-02", 10.0), ["2026-01", "2026-02", "2026-03"])
    assert [cell.month for cell in cells] == ["2026-01", "2026-02"]
    assert len(month_cells([], ["2026-01", "2026-02"])) == 2


def test_fuels_stand_in_one_order_and_each_has_a_pattern_of_its_own():
    series = fuel_series({"water", "heat", "electricity", "city_gas"}, KO)
    assert [one.id for one in series] == ["electricity", "city_gas", "heat", "water"]
    assert len({one.pattern for one in series}) == 4


@pytest.mark.parametrize(("kwh", "unit"), [(900.0, "kWh"), (250_000.0, "MWh")])
def test_a_chart_speaks_in_the_unit_that_fits(kwh, unit):
    chart = energy_months(month_cells(months("b001", "2026-01", "2026-03", kwh), ["2026-01"]), KO, id_="a", title="a")
    assert chart.unit == unit
    assert chart.stacks[0].total == pytest.approx(kwh if unit == "kWh" else kwh / 1_000)


def intervals(begin: datetime, amounts: list[int], quality: list[int] | None = None) -> Intervals:
    start_us = to_us(begin) + np.arange(len(amounts), dtype=np.int64) * 3_600_000_000
    marks = np.array(quality or [0] * len(amounts), np.uint8)
    return Intervals(start_us, np.array(amounts, np.int64), marks, np.ones(len(amounts), np.int64), start_us)


def test_the_week_is_of_local_hours_and_begins_on_monday():
    monday = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)  # midnight of Monday in Seoul
    found = shape(intervals(monday, list(range(168))), SEOUL)
    assert found.week[0, 0] == 0
    assert found.week[6, 23] == 167
    assert found.working[0] == pytest.approx(np.mean([0, 24, 48, 72, 96]))
    assert found.weekend[5] == pytest.approx(np.mean([125, 149]))


def test_an_hour_that_is_not_known_is_not_nothing_and_what_is_disputed_does_not_count():
    monday = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
    found = shape(intervals(monday, [5, 900], [0, 3]), SEOUL)
    assert found.hours_n == 1
    assert found.week[0, 0] == 5
    assert np.isnan(found.week[0, 1])
    assert np.isnan(shape(intervals(monday, []), SEOUL).week).all()


def test_hours_follow_a_clock_that_is_changed():
    begin = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # midnight in Berlin, two hours before its clocks go forward
    found = shape(intervals(begin, [1, 2, 3, 4]), ZoneInfo("Europe/Berlin"))
    assert [found.week[6, hour] for hour in (0, 1, 3, 4)] == [1, 2, 3, 4]
    assert np.isnan(found.week[6, 2])


def test_late_are_fuels_whose_newest_month_is_too_old():
    rows = of_buildings([*months("b001", "2026-01", "2026-10", 1.0), *months("b001", "2026-01", "2026-07", 1.0, "city_gas")])
    assert [(one.building, one.fuel, one.month) for one in needs.late(rows, "2026-11", RULES)] == [
        ("b001", "city_gas", "2026-07")
    ]


def test_silent_are_meters_that_sent_and_no_longer_do():
    meters = {one: Meter(id=one, building="b001", fuel="electricity") for one in ("fresh", "stale", "never")}
    hour = 3_600_000_000
    live = [
        LiveValue("fresh", "electricity_use", to_us(NOW) - hour, 0, 1.0, Flag.GOOD, 0),
        LiveValue("stale", "electricity_use", to_us(NOW) - 90 * hour, 0, 1.0, Flag.GOOD, 0),
        LiveValue("stale", "electricity_register", to_us(NOW) - 80 * hour, 0, 1.0, Flag.GOOD, 0),
        LiveValue("no-meter", "air_temperature", 0, 0, 1.0, Flag.GOOD, 0),
    ]
    (one,) = needs.silent(Sites({}, meters, []), live, NOW, RULES)
    assert (one.meter, one.since_us) == ("stale", to_us(NOW) - 80 * hour)


def test_all_are_compared_with_the_year_before_like_for_like():
    buildings = {one.id: one for one in (building(1), building(2))}
    rows = of_buildings(
        [
            *months("b001", "2024-11", "2025-10", 100.0),
            *months("b001", "2025-11", "2026-10", 90.0),
            *months("b002", "2026-01", "2026-10", 999.0),
        ]
    )
    span = twelve("2026-10")
    standings = comparison(buildings, rows, span.last, COMPARE, Vintage("NGMS", DAY))
    found = staff_view(buildings, rows, (span, standings), "2026-11", RULES.coverage_min)
    assert (found.change, found.compared_n) == (pytest.approx(-0.1), 1)
    assert [row.building.id for row in found.rows] == ["b001", "b002"]
    assert found.newest.energy_kwh == pytest.approx(12 * 90 + 10 * 999)
    assert found.last_month.energy_kwh == pytest.approx(90 + 999)
    assert found.row("b002").eui is None
    assert found.row("b003") is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (energy_words.energy(999_000, EN), "999\N{NO-BREAK SPACE}kWh"),
        (energy_words.energy(250_000_000, EN), "250.0\N{NO-BREAK SPACE}MWh"),
        (energy_words.energy(None, EN), "–\N{NO-BREAK SPACE}kWh"),
        (energy_words.carbon(123_400_000, EN), "123\N{NO-BREAK SPACE}tCO2e"),
        (energy_words.carbon(450_000, EN), "0.45\N{NO-BREAK SPACE}tCO2e"),
        (energy_words.money(1_234_567_890, KO), "123,457\N{NO-BREAK SPACE}만원"),
        (energy_words.money(12_000, EN), "12,000\N{NO-BREAK SPACE}won"),
        (energy_words.metered(5_000, "L", "water", KO), "5\N{NO-BREAK SPACE}m³"),
        (energy_words.metered(5_000, "L", "kerosene", KO), "5,000\N{NO-BREAK SPACE}L"),
        (energy_words.span_words(Span("2025-01", "2025-12"), KO), "2025년"),
        (energy_words.span_words(Span("2025-11", "2026-10"), KO), "2025년 11월 ~ 2026년 10월"),
        (energy_words.change_words(-0.12, 0.03, EN), "It used 12% less than the year before."),
        (energy_words.change_words(0.012, 0.03, EN), "About the same as the year before (+1.2%)."),
        (energy_words.change_words(None, 0.03, EN), ""),
    ],
)
def test_numbers_are_written_as_people_read_them(words, expected):
    assert str(words) == expected


@pytest.mark.parametrize(
    ("percentile", "said"), [(90.0, "That is a lot: of 10"), (50.0, "That is usual: of 10"), (10.0, "only 1 use less")]
)
def test_a_sentence_says_whether_it_is_a_lot(percentile, said):
    place = Place(
        level="use", use="library", size="", region="", others_n=10, percentile=percentile, low=1.0, median=2.0, high=3.0
    )
    assert said in energy_words.place_words(place, "Libraries", EN)
