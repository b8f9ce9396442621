"""Days of weather are told of what stations sent: by the minute, by the hour, and of years that were brought in later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from dure.city import read_city
from dure.core.observations import Batch
from dure.core.properties import Properties
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records import events
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.running.starting import demo_city
from dure.services.environment.grades.weather_day import OBSERVED
from dure.services.environment.model import PROPERTIES
from dure.services.environment.watches.day_watch import DayWatch
from dure.spine.house import House

CITY = read_city(demo_city())
TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # noon in Seoul
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Stations:
    """One live station."""

    async def live(self):
        return {"wx-1": None}


@pytest.fixture
def house(tmp_path):
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.migrate()
    found = Properties(PROPERTIES)
    CITY.apply_ranges(found)  # its stations promise a reading each minute
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "city": CITY, "clock": FixedClock(NOW), "properties": found, "records": records,
        "telemetry": DuckTelemetry(tmp_path / "t.duckdb"),
    }  # fmt: skip
    yield House(**parts)
    parts["telemetry"].close()
    records.close()


def sent(house, name, start, step, values, flag=1):
    at = to_us(start) + np.arange(len(values), dtype=np.int64) * round(step.total_seconds() * 1_000_000)
    none = np.zeros(len(values), np.int8)
    seq = np.arange(len(values), dtype=np.int64)
    house.telemetry.append(
        Batch([("wx-1", name)], none.astype(np.int32), at, at, np.asarray(values, float), none + flag, none, seq), {}
    )


def midnight(days_ago):
    return datetime(2026, 11, 23, 15, 0, tzinfo=UTC) - days_ago * DAY


def told(house):
    with house.records.read() as connection:
        return {one.data["day"]: one.data for one in events.listing(connection, prefix=OBSERVED, limit=1_000).items}


async def test_hourly_readings_make_a_day_whatever_rhythm_was_promised(house):
    sent(house, "air_temperature", midnight(2), HOUR, [10.0] * 12 + [16.0] * 12)
    assert await DayWatch(house, Stations()).look() == 1
    day = told(house)["2026-11-22"]
    assert (day["mean_c"], day["hours"], day["sun_wh_m2"]) == (13.0, 24, None)


async def test_sunshine_needs_the_readings_that_were_promised(house):
    sent(house, "air_temperature", midnight(2), HOUR, [10.0] * 48)
    sent(house, "solar_irradiance", midnight(2), HOUR, [500.0] * 24)
    sent(house, "solar_irradiance", midnight(1), MINUTE, [500.0] * 1_440)
    assert await DayWatch(house, Stations()).look() == 2
    assert (told(house)["2026-11-22"]["sun_wh_m2"], told(house)["2026-11-23"]["sun_wh_m2"]) == (None, 12_000.0)


async def test_an_hour_with_a_doubtful_reading_does_not_count(house):
    sent(house, "air_temperature", midnight(2), HOUR, [10.0] * 19)
    sent(house, "air_temperature", midnight(2) + 19 * HOUR, HOUR, [10.0] * 5, flag=3)
    assert await DayWatch(house, Stations()).look() == 0


async def test_a_day_is_told_once_and_today_not_yet(house):
    sent(house, "air_temperature", midnight(1), HOUR, [10.0] * 30)
    watch = DayWatch(house, Stations())
    assert [await watch.look(), await watch.look(), await DayWatch(house, Stations()).look()] == [1, 0, 0]
    assert list(told(house)) == ["2026-11-23"]


async def test_two_years_that_were_brought_in_are_told_in_a_round(house):
    sent(house, "air_temperature", midnight(760), HOUR, [10.0] * 24 * 760)
    assert await DayWatch(house, Stations()).look() == 760
    assert str(TODAY - 760 * DAY) in told_days(house)


async def test_a_stretch_behind_a_gap_is_found_by_later_rounds(house):
    sent(house, "air_temperature", midnight(400), HOUR, [10.0] * 48)
    watch = DayWatch(house, Stations())
    assert sum([await watch.look() for _ in range(40)]) == 2


def told_days(house):
    found, after = set(), ""
    while True:
        with house.records.read() as connection:
            page = events.listing(connection, prefix=OBSERVED, after=after, limit=500)
        found |= {one.data["day"] for one in page.items}
        after = page.next
        if not after:
            return found
