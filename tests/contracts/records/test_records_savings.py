"""Measures on both engines: frozen before they begin, judged every month from the frozen baseline, verified once for each day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from savings_world import BEGINS, FIRST, FROZEN_ON, SEOUL, billed, hours, house_of, kept, lived, months, registered
from sqlalchemy import func, select

from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_interval
from dure.engines.clock import FixedClock
from dure.engines.records import assets, decisions, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_buildings import building_models, building_savings
from dure.services.buildings.baselines import measure_records, model_records
from dure.services.buildings.baselines.measure_desk import MeasureDesk
from dure.services.buildings.baselines.measures import Wanted
from dure.services.buildings.baselines.saving_desk import retold, saving_of
from dure.services.buildings.baselines.saving_story import FROZEN, VERIFIED, saving_id
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.spine.house import House

DAY = timedelta(days=1)
LED = Wanted(
    building="school",
    name=Text("조명 교체", "New lighting"),
    work="led",
    meters=("power",),
    begins_on=BEGINS,
    baseline_start=FIRST,
    baseline_end=FIRST + 365 * DAY,
    kind="daily",
    static="면적 5,000 m2",
)


@pytest.fixture
def house(records: Records, tmp_path: Path) -> Iterator[House]:
    registered(records, meters=("power", "power-2", "gas"))
    found = house_of(records, tmp_path)
    yield found
    found.telemetry.close()


def on(house: House, day: date) -> By:
    house.clock = FixedClock(day_interval(day, SEOUL).start + timedelta(hours=12))
    return By("person-1", house.clock.now())


def refused_with(code: str, work, *given, kind: type[DureError] = InputError) -> None:
    with pytest.raises(kind) as refused:
        work(*given)
    assert refused.value.code == code


def frozen(house: House, **other: object):  # the measure as the desk returns it
    by = on(house, FROZEN_ON)
    return MeasureDesk(house).freeze(msgspec.structs.replace(LED, **other), by)


def test_a_baseline_is_frozen_with_its_readings_and_readings_that_come_later_change_nothing(house: House) -> None:
    lived(house, until=FROZEN_ON)
    measure = frozen(house)
    one = measure.baselines[0]
    assert (one.start_day, one.end_day, one.kind) == ("2024-10-30", "2025-10-30", "daily")
    assert len(one.missed) == len(one.held) == 32
    late = hours(FIRST, FIRST + 30 * DAY)
    known = day_interval(FROZEN_ON + DAY, SEOUL).start
    kept(house.telemetry, ("power", "electricity_use"), late + 1, np.full(len(late), 9_000.0), known)
    assert MeasureDesk(house).preview(LED, measure.known_at)[0].baseline.readings_sha256 == one.readings_sha256
    assert MeasureDesk(house).preview(LED, known)[0].baseline.readings_sha256 != one.readings_sha256
    with house.records.read() as connection:
        assert measure_records.get(connection, measure.id) == measure
        assert decisions.get(connection, f"frozen-{measure.id}").inputs["baselines"][0]["readings_sha256"] == one.readings_sha256
        assert [each.type for each in events.listing(connection, prefix="buildings.measure").items] == [FROZEN]
        fit = model_records.get(connection, one.model).fit
    assert fit.fitted
    assert not fit.short


def test_a_saving_is_told_with_its_interval_and_only_weather_is_not_a_saving(house: House) -> None:
    lived(house, saved=0.15)
    measure = frozen(house)
    on(house, date(2026, 7, 10))
    with house.records.read() as connection:
        found = saving_of(house, connection, measure, (BEGINS, date(2026, 7, 1)))
    truth = found.measured_wh * 0.15 / 0.85
    assert found.energy_wh.low < truth < found.energy_wh.high
    assert found.verdict == "saving"
    assert found.co2e_g.value == pytest.approx(found.energy_wh.value * found.co2e_g.low / found.energy_wh.low)
    assert "interval" in found.headline.en
    assert sum(each.expected for each in found.meters[0].months) == pytest.approx(found.expected_wh)
    assert found.won.low < found.won.value < found.won.high
    assert "prices.toml" in found.prices["power"]  # no bill says what it cost


def test_no_saving_is_shown_where_nothing_was_saved(house: House) -> None:
    lived(house, saved=0.0)
    measure = frozen(house)
    on(house, date(2026, 7, 10))
    with house.records.read() as connection:
        found = saving_of(house, connection, measure, (BEGINS, date(2026, 7, 1)))
    assert found.verdict == "none_shown"
    assert found.headline.en.startswith("No saving shown.")


async def test_months_are_told_once_and_no_day_is_verified_twice(house: House) -> None:
    lived(house, saved=0.2)
    measure = frozen(house)
    watch = SavingWatch(house)
    on(house, date(2026, 2, 3))
    assert await watch.look() == 2  # November and December; January is not settled
    on(house, date(2026, 3, 6))
    assert await watch.look() == 2
    assert await SavingWatch(house).look() == 0
    with house.records.read() as connection:
        told = measure_records.savings_of(connection, measure.id)
        verified = events.listing(connection, prefix="buildings.saving").items
        decision = decisions.get(connection, saving_id(measure.id, date(2026, 3, 1)))
    assert [until for until, _, _ in told] == [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]
    spans = sorted((one.data["start"], one.data["until"]) for one in verified)
    assert spans[0][0] == BEGINS.isoformat()
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    claim = verified[0].data["evidence"][0]
    assert verified[0].type == VERIFIED
    assert 0 < claim["low"] < claim["quantity"] < claim["high"]
    assert claim["unit"] == "Wh"
    assert sha256("/".join(verified[0].data["readings"]).encode()).hexdigest() == claim["readings_sha256"]
    assert decision.result["verdict"] == "saving"


async def test_a_retrospective_measure_is_told_and_never_verified(house: House) -> None:
    lived(house, saved=0.2)
    by = on(house, date(2026, 1, 10))
    refused_with("measure.late", MeasureDesk(house).freeze, LED, by, kind=Conflict)
    measure = MeasureDesk(house).freeze(msgspec.structs.replace(LED, late=True), by)
    assert measure.retrospective
    on(house, date(2026, 2, 10))
    assert await SavingWatch(house).look() == 3
    with house.records.read() as connection:
        assert events.listing(connection, prefix="buildings.saving").items == []
        assert measure_records.newest_savings(connection)[measure.id][1]["verdict"] == "saving"


async def test_a_withdrawn_measure_saves_nothing_and_one_that_ended_counts_to_its_end(house: House) -> None:
    lived(house, saved=0.2)
    one = frozen(house)
    refused_with("measure.overlaps", frozen, house, kind=Conflict)
    desk = MeasureDesk(house)
    assert desk.withdraw(one.id, "계획이 바뀜", on(house, FROZEN_ON)).state == "withdrawn"
    other = frozen(house, work="schedule")
    by = on(house, date(2025, 12, 20))
    refused_with("measure.state", desk.withdraw, one.id, "", by, kind=Conflict)
    assert desk.end(other.id, date(2025, 12, 15), "철거", by).ends_on == date(2025, 12, 15)
    refused_with("measure.state", desk.end, other.id, date(2025, 12, 16), "", by, kind=Conflict)
    refused_with("measure.unknown", desk.withdraw, "nobody", "", by, kind=NotFound)
    on(house, date(2026, 3, 10))
    await SavingWatch(house).look()
    with house.records.read() as connection:
        assert measure_records.savings_of(connection, one.id) == []
        assert measure_records.last_until(connection, other.id) == date(2025, 12, 15)
        gone = measure_records.get(connection, one.id)
        refused_with("measure.state", saving_of, house, connection, gone, (BEGINS, BEGINS + DAY), kind=Conflict)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"work": "magic"}, "measure.work"),
        ({"name": Text("")}, "measure.name"),
        ({"meters": ()}, "measure.meter"),
        ({"meters": ("power", "power")}, "measure.meter"),
        ({"meters": ("nobody",)}, "measure.meter"),
        ({"baseline_start": FIRST + 40 * DAY}, "measure.baseline_short"),
        ({"baseline_end": BEGINS + DAY}, "measure.span"),
        ({"baseline_start": FIRST - 700 * DAY, "baseline_end": FIRST - 200 * DAY}, "weather.none"),
        ({"meters": ("power-2",), "kind": "hourly"}, "measure.no_model"),
    ],
)
def test_what_cannot_be_frozen_is_refused_and_nothing_is_kept(house: House, other: dict[str, object], code: str) -> None:
    lived(house, until=FROZEN_ON)
    refused_with(code, MeasureDesk(house).freeze, msgspec.structs.replace(LED, **other), on(house, FROZEN_ON))
    with house.records.read() as connection:
        assert measure_records.listing(connection) == []
        assert connection.execute(select(func.count()).select_from(building_models)).scalar_one() == 0


def test_a_baseline_with_a_season_missing_is_refused(house: House) -> None:
    at_us = hours(FIRST, FROZEN_ON)
    lived(house, until=FIRST + 240 * DAY)
    assert len(at_us)
    refused_with("weather.coverage", MeasureDesk(house).freeze, LED, on(house, FROZEN_ON))


def test_the_same_measure_is_not_frozen_twice(house: House) -> None:
    lived(house, until=FROZEN_ON)
    frozen(house)
    refused_with("measure.overlaps", frozen, house, kind=Conflict)
    with house.records.read() as connection:
        one = measure_records.listing(connection)[0]
    MeasureDesk(house).withdraw(one.id, "", on(house, FROZEN_ON))
    refused_with("measure.exists", frozen, house, kind=Conflict)  # what is withdrawn keeps its baseline


def test_meters_are_summed_with_one_interval_that_is_no_wider_than_both(house: House) -> None:
    lived(house, saved=0.15, meters={"power": 2, "power-2": 5})
    measure = frozen(house, meters=("power", "power-2"))
    on(house, date(2026, 5, 10))
    with house.records.read() as connection:
        found = saving_of(house, connection, measure, (BEGINS, date(2026, 5, 1)))
    halves = [one.avoided.half_width for one in found.meters]
    assert found.energy_wh.value == pytest.approx(sum(one.avoided.value for one in found.meters))
    assert max(halves) / 2 < found.energy_wh.half_width <= sum(halves) * 1.001


def test_a_meter_that_is_billed_is_judged_by_its_bills(house: House) -> None:
    lived(house, saved=0.0)
    rows = []
    for number, (first, end) in enumerate(months(date(2024, 11, 1), 23)):
        cold = max(0, 12 - abs(((first.month - 1 + 6) % 12) - 6) * 3)
        amount = 4_000_000 + 9_000_000 * cold + 10_000 * number
        rows.append((first, end, int(amount * (0.7 if first >= BEGINS else 1.0)), amount // 20_000))
    billed(house.records, "gas", rows)
    by = on(house, FROZEN_ON + DAY)
    gas = {"meters": ("gas",), "kind": "auto", "work": "boiler"}
    days = {"begins_on": BEGINS + DAY, "baseline_start": date(2024, 11, 1), "baseline_end": BEGINS}
    wanted = msgspec.structs.replace(LED, **gas, **days)
    measure = MeasureDesk(house).freeze(wanted, by)
    assert measure.baselines[0].kind == "billing"
    on(house, date(2026, 11, 5))
    with house.records.read() as connection:
        found = saving_of(house, connection, measure, (BEGINS + DAY, date(2026, 10, 1)))
    assert found.meters[0].avoided.value > 0
    assert found.won is not None
    assert found.prices["gas"].startswith("1")
    assert found.meters[0].weeks == 10  # November is not a whole bill of the reporting period


async def test_a_saving_that_was_told_stays_when_it_is_told_again(house: House) -> None:
    lived(house, saved=0.2)
    measure = frozen(house)
    on(house, date(2026, 1, 10))
    await SavingWatch(house).look()
    with house.records.begin() as connection:
        before = measure_records.savings_of(connection, measure.id)
        made = (house.clock.now(), "another")
        again = measure_records.add_savings(connection, measure.id, before[0][0], {"*": {"verdict": "more"}}, made)
        assert not again
        assert measure_records.savings_of(connection, measure.id) == before
        assert connection.execute(select(func.count()).select_from(building_savings)).scalar_one() == 4


async def test_a_saving_is_made_again_to_the_last_digit_also_after_later_readings(house: House) -> None:
    lived(house, saved=0.2)
    measure = frozen(house)
    on(house, date(2026, 1, 10))
    await SavingWatch(house).look()
    late = hours(BEGINS, BEGINS + 9 * DAY)
    kept(house.telemetry, ("power", "electricity_use"), late + 1, np.full(len(late), 900.0), house.clock.now() + DAY)
    on(house, date(2026, 2, 1))
    with house.records.read() as connection:
        found = retold(house, connection, measure.id, date(2026, 1, 1))
        now = saving_of(house, connection, measure, (BEGINS, date(2026, 1, 1)))
        refused_with("saving.unknown", retold, house, connection, measure.id, date(2026, 2, 1), kind=NotFound)
    assert (found.same, found.weather_same) == (True, True)
    assert now.measured_wh > found.told.measured_wh


def test_a_measure_of_a_meter_that_is_gone_says_so(house: House, records: Records) -> None:
    lived(house)
    measure = frozen(house)
    by = on(house, date(2026, 1, 10))
    with records.begin() as connection:
        assets.set_state(connection, "power", "retired", by)
    with records.read() as connection:
        refused_with("meter.unknown", saving_of, house, connection, measure, (BEGINS, date(2026, 1, 1)))
    with records.begin() as connection:
        assets.set_state(connection, "school", "retired", by)
    with records.read() as connection:
        refused_with("buildings.unknown", saving_of, house, connection, measure, (BEGINS, date(2026, 1, 1)))


def test_records_of_fits_replace_what_stood(records: Records) -> None:
    from dure.services.buildings.baselines.fits import Fit

    def fit(sha256: str) -> Fit:
        return Fit(
            kind="daily",
            start_day="2024-01-01",
            end_day="2025-01-01",
            coverage=0.1,
            short=True,
            sha256=sha256,
            method="x",
            code="no_data",
        )

    at = day_interval(FIRST, SEOUL).start
    with records.begin() as connection:
        assert model_records.put(connection, "power", [fit("a" * 64)], at) == 1
        assert model_records.put(connection, "power", [fit("a" * 64)], at) == 0
        assert model_records.put(connection, "power", [fit("b" * 64)], at) == 1
        assert model_records.digests(connection) == {"power": {"daily": "b" * 64}}
        assert model_records.empty_meters(connection) == {"power"}
        assert [one.fit.sha256 for one in model_records.standing(connection, ["power"]).values()] == ["b" * 64]
