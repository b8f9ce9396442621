"""Baselines and accounts on both engines: frozen once, accounted once a day, each figure with its decision and its event."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from dure.city import City, read_city
from dure.config import Settings
from dure.core.assets import Asset
from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.core.time import day_interval
from dure.engines.clock import FixedClock
from dure.engines.records import assets, decisions, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.account_story import CLOSED, FROZEN, SAVED
from dure.services.waste.accounting.account_watch import AccountWatch
from dure.services.waste.accounting.baseline import Due
from dure.services.waste.accounting.baseline_desk import BaselineDesk
from dure.services.waste.accounting.savings_desk import savings
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting
from dure.spine.house import House

DAY = timedelta(days=1)
TODAY = date(2026, 11, 24)  # by the clock of the records' tests: 12:00 in Seoul
BINS = tuple(f"bin-{number}" for number in range(1, 5))


@pytest.fixture
def city(tmp_path: Path) -> City:
    folder = tmp_path / "city"
    (folder / "rules" / "waste").mkdir(parents=True)
    shipped = Path(__file__).parents[3] / "src/dure/services/waste/rules/planning.toml"
    (folder / "rules" / "waste" / "planning.toml").write_text(_quick(shipped.read_text("utf-8")), "utf-8")
    example = Path(__file__).parents[3] / "examples" / "hwaseong"
    for name in ("city.toml", "zones.geojson"):
        (folder / name).write_bytes((example / name).read_bytes())
    return read_city(folder)


def _quick(text: str) -> str:
    """The planner's numbers with short searches."""
    head, _, rest = text.partition('id = "edit_iterations"\n')
    before, _, after = rest.partition("value = 1_000\n")
    assert "[[" not in before, "the row has another value"
    return f'{head}id = "edit_iterations"\n{before}value = 40\n{after}'


@pytest.fixture
def house(records: Records, by: By, city: City, tmp_path: Path) -> Iterator[House]:
    with records.begin() as connection:
        for asset in register():
            assets.add(connection, asset, by)
    telemetry = DuckTelemetry(tmp_path / "telemetry.duckdb")
    parts = dict.fromkeys(House.__slots__)
    parts |= {"settings": Settings(data_dir=str(tmp_path / "data")), "city": city, "clock": FixedClock(by.at)}
    parts |= {"records": records, "telemetry": telemetry}
    yield House(**parts)  # type: ignore[arg-type]
    telemetry.close()


def register() -> list[Asset]:
    def one(kind: str, name: str, east: float, **words: object) -> Asset:
        attributes = {key: str(value) for key, value in words.items()}
        place = place_at(127.07 + east / 88_600, 37.2)
        return Asset(
            id=name, city="hwaseong", kind=kind, name=Text(name, name), place=place, state="live", attributes=attributes
        )  # fmt: skip

    bins = [one("bin", name, 400 * number, capacity_l=200) for number, name in enumerate(BINS, 1)]
    truck = one("truck", "truck-1", 0, depot="depot", capacity_l=3_000, shift="06:00-14:00", fuel_l_100km=50)
    return [*bins, truck, one("depot", "depot", 0), one("dump", "dump", -2_000, windows="06:00-16:00")]


def emptied(records: Records, city: City, day: date, *bins: str, level: float = 0.5, kind: str = "emptied") -> None:
    start = day_interval(day, city.zone).start
    taps = [
        Sighting(
            id=f"{kind}-{one}-{day}",
            bin=one,
            kind=kind,  # type: ignore[arg-type]
            seen_at=start + timedelta(hours=8, minutes=row),
            received_at=start + timedelta(hours=9),
            level=level,
            truck="truck-1",
        )
        for row, one in enumerate(bins)
    ]
    with records.begin() as connection:
        tap_records.add(connection, taps)


def at(house: House, day: date, hour: int = 12) -> None:
    house.clock = FixedClock(day_interval(day, house.city.zone).start + timedelta(hours=hour))


def declared(house: House, by: By, starts_on: date = TODAY):  # what the desk returns
    return BaselineDesk(house).declare([Due(bin=one, interval_d=1) for one in BINS], starts_on, by)


def refused_with(code: str, work, *given, kind: type[DureError] = Conflict) -> None:
    with pytest.raises(kind) as refused:
        work(*given)
    assert refused.value.code == code


def test_a_baseline_is_frozen_once_and_the_same_again_is_the_same(house: House, by: By, records: Records) -> None:
    frozen = declared(house, by)
    assert declared(house, by) == frozen
    other = [Due(bin=one, interval_d=2) for one in BINS]
    refused_with("baseline.frozen", BaselineDesk(house).declare, other, TODAY, by)
    refused_with("baseline.frozen", BaselineDesk(house).declare, other, TODAY + DAY, by)
    with records.read() as connection:
        assert account_records.newest_baseline(connection) == frozen
        assert [one.type for one in events.listing(connection, prefix="waste.baseline").items] == [FROZEN]


def test_a_baseline_is_frozen_before_the_pilot_and_not_after(house: House, by: By) -> None:
    refused_with("baseline.late", declared, house, by, TODAY - DAY)


def test_a_baseline_of_a_bin_nobody_knows_is_refused(house: House, by: By) -> None:
    refused_with("baseline.bin", BaselineDesk(house).declare, [Due(bin="bin-9")], TODAY, by, kind=InputError)


def test_a_baseline_is_read_from_the_crews_own_log(house: House, by: By, records: Records) -> None:
    start = TODAY - 42 * DAY
    for day in range(42):
        emptied(records, house.city, start + day * DAY, *(BINS[:2] if day % 3 == 0 else BINS[2:3]))
    frozen = BaselineDesk(house).from_log(start, TODAY, TODAY, by)
    assert frozen.baseline.origin == "log"
    assert [(one.bin, one.interval_d, one.weekdays) for one in frozen.baseline.due] == [
        ("bin-1", 3, ()),
        ("bin-2", 3, ()),
        ("bin-3", 1.5, ()),  # two days of three
    ]


def test_a_log_of_too_few_days_is_refused(house: House, by: By) -> None:
    refused_with("baseline.log_short", BaselineDesk(house).from_log, TODAY - 10 * DAY, TODAY, TODAY, by, kind=InputError)


async def test_without_a_baseline_nothing_is_accounted(house: House) -> None:
    assert await AccountWatch(house).look() == 0
    with house.records.read() as connection:
        assert savings(house, connection) == (None, None)


async def test_a_day_is_accounted_once_when_its_taps_have_had_their_time(house: House, by: By, records: Records) -> None:
    declared(house, by)
    watch = AccountWatch(house)
    emptied(records, house.city, TODAY - DAY, *BINS, level=0.4)
    emptied(records, house.city, TODAY, "bin-1", "bin-2", level=0.4)
    at(house, TODAY + DAY, 9)
    assert await watch.look() == 0, "phones may be offline for a shift"
    at(house, TODAY + DAY, 11)
    assert await watch.look() == 1
    assert await watch.look() == 0
    with records.read() as connection:
        found = account_records.account(connection, TODAY, "baseline-2026-11-24")
        decision = decisions.get(connection, "account-2026-11-24-baseline-2026-11-24")
        told = [one for one in events.listing(connection, prefix="waste.account").items if one.type == CLOSED]
    assert (found.actual.visits_n, found.baseline.visits_n) == (2, 4)
    assert found.source == "taps"
    assert found.estimated
    assert found.actual.distance_m > 0
    assert found.baseline.distance_m > 0
    assert found.actual.fuel_l == pytest.approx(found.actual.distance_m / 1000 * 0.5)
    assert decision.inputs["readings_sha256"] == found.readings_sha256
    assert decision.result["actual"]["distance_m"] == found.actual.distance_m
    assert "taps" in decision.reasons[0]
    evidence = {one["unit"]: one for one in told[0].data["actual"]}
    assert evidence["m"]["quantity"] == found.actual.distance_m
    assert evidence["gCO2e"]["quantity"] == round(found.actual.co2e_g)
    assert "factors@2026-11/carbon/diesel" in evidence["gCO2e"]["factors"]


async def test_days_left_out_are_made_up_for_in_order_and_go_on_from_one_another(house: House, by: By, records: Records) -> None:
    declared(house, by)
    emptied(records, house.city, TODAY - 20 * DAY, *BINS, level=0.5)
    emptied(records, house.city, TODAY - 10 * DAY, *BINS, level=0.5)
    for day in range(4):
        emptied(records, house.city, TODAY + day * DAY, "bin-1", level=0.3)
    at(house, TODAY + 5 * DAY, 11)
    assert await AccountWatch(house).look() == 5
    with records.read() as connection:
        found = account_records.accounts(connection, "baseline-2026-11-24")
    assert [one.day for one in found] == [TODAY + day * DAY for day in range(5)]
    second = found[0].bins.index("bin-2")
    levels = [one.actual_level[second] for one in found]
    rises = [one.rise[second] for one in found]
    assert levels[1:] == pytest.approx([before + rise for before, rise in zip(levels, rises[1:], strict=False)], abs=0.002)
    assert found[-1].baseline_level[second] < found[-1].actual_level[second], "the baseline empties it each day"


async def test_a_month_that_closes_tells_what_it_saved(house: House, by: By, records: Records) -> None:
    declared(house, by, date(2026, 12, 1))
    for day in (15, 25):
        emptied(records, house.city, date(2026, 11, day), *BINS, level=0.2)
    for day in range(31):
        if day % 2:
            emptied(records, house.city, date(2026, 12, 1) + day * DAY, *BINS, level=0.4)
    at(house, date(2027, 1, 1))
    watch = AccountWatch(house)
    while await watch.look():
        pass
    with records.read() as connection:
        told = events.listing(connection, prefix=SAVED).items
        frozen, period = savings(house, connection)
    assert frozen is not None
    assert period is not None
    assert period.days_n == 31
    assert period.sources == {"taps": 31}
    assert period.savings["km"].verdict == "saving", "half of the rounds"
    assert len(told) == 1
    evidence = {one["unit"]: one["quantity"] for one in told[0].data["evidence"]}
    assert 0 < evidence["m"] <= period.baseline["distance_m"] - period.actual["distance_m"]
    digest = sha256("|".join(told[0].data["readings"]).encode()).hexdigest()
    assert (len(told[0].data["readings"]), told[0].data["readings_sha256"]) == (31, digest)
    assert told[0].data["headline"]["ko"].startswith("주행 거리: 기준선보다")


def test_an_account_that_is_not_there_is_told_so(records: Records) -> None:
    with records.read() as connection, pytest.raises(NotFound) as refused:
        account_records.account(connection, TODAY, "baseline-2026-11-24")
    assert refused.value.code == "account.unknown"


def test_the_clock_of_these_tests_is_noon_in_seoul(by: By, city: City) -> None:
    assert by.at.astimezone(city.zone).date() == TODAY
    assert by.at == datetime(2026, 11, 24, 3, tzinfo=UTC)
