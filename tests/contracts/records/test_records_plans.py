"""Plans, their edits and the desk that publishes them, on both engines."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dure.city import City, read_city
from dure.config import Settings
from dure.core.assets import Asset
from dure.core.errors import Conflict, DureError, InputError, NotFound, Unavailable
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.clock import FixedClock
from dure.engines.jobs.pool import PoolJobs
from dure.engines.records import assets, decisions, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.routing.model import Violation
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting, SightingKind
from dure.services.waste.planning import plan_jobs, plan_records
from dure.services.waste.planning.edits import Edit, EditKind
from dure.services.waste.planning.inputs import inputs_of
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.services.waste.planning.plan_watch import PlanWatch
from dure.spine.house import House

DAY = date(2026, 11, 25)  # the day after the NOW of the records' tests: 12:00 of the 24th in Seoul
HOUR = timedelta(hours=1)
SPIN = "dure.engines.jobs.rehearsal.spin"


@pytest.fixture
def city(tmp_path: Path) -> City:
    folder = tmp_path / "city"
    (folder / "rules" / "waste").mkdir(parents=True)
    shipped = Path(__file__).parents[3] / "src/dure/services/waste/rules/planning.toml"
    quick = shipped.read_text("utf-8").replace("value = 20_000\nnote = \"A day's", "value = 40\nnote = \"A day's")
    (folder / "rules" / "waste" / "planning.toml").write_text(quick, "utf-8")
    example = Path(__file__).parents[3] / "examples" / "hwaseong"
    for name in ("city.toml", "zones.geojson"):
        (folder / name).write_bytes((example / name).read_bytes())
    return read_city(folder)


@pytest.fixture
def house(records: Records, by: By, city: City, tmp_path: Path) -> House:
    """A city of eight bins, a truck that is asked too much of, and one more; its heavy work is done here."""
    with records.begin() as connection:
        for asset in register():
            assets.add(connection, asset, by)
    parts = dict.fromkeys(House.__slots__)
    parts |= {"settings": Settings(data_dir=str(tmp_path / "data")), "city": city, "clock": FixedClock(by.at), "records": records}
    return House(**parts)  # type: ignore[arg-type]


def register() -> list[Asset]:
    def one(kind: str, name: str, east: float, **words: object) -> Asset:
        attributes = {key: str(value) for key, value in words.items()}
        place = place_at(127.07 + east / 88_600, 37.2)
        return Asset(
            id=name, city="hwaseong", kind=kind, name=Text(name, name), place=place, state="live", attributes=attributes
        )  # fmt: skip

    bins = [one("bin", f"bin-{number}", 300 * number, capacity_l=200, interval_d=1) for number in range(1, 9)]
    trucks = [one("truck", f"truck-{number}", 0, depot="depot", capacity_l=3_000, shift="06:00-14:00") for number in (1, 2)]
    return [*bins, *trucks, one("depot", "depot", 0), one("dump", "dump", -2_000, windows="06:00-16:00")]


@pytest.fixture
def desk(house: House) -> PlanDesk:
    return PlanDesk(house)


def later(by: By, hours: float) -> By:
    return By(by.actor, by.at + hours * HOUR)


def edit(kind: EditKind, by: By, bin_id: str = "", truck: str = "", ident: str = "edit-1") -> Edit:
    return Edit(id=ident, day=DAY.isoformat(), kind=kind, bin=bin_id, truck=truck, made_at=by.at, person=by.actor)


async def test_a_draft_is_kept_with_its_decision_and_comes_back_as_it_was_made(desk: PlanDesk, house: House, by: By) -> None:
    kept = await desk.draft(DAY, by)

    with house.records.read() as connection:
        assert plan_records.get(connection, kept.head.id) == kept
        assert plan_records.newest(connection, DAY) == kept.head
        decision = decisions.get(connection, kept.head.id)
    assert (kept.head.state, kept.head.version, kept.plan.violations) == ("draft", 1, ())
    assert decision.inputs["sha256"] == kept.head.inputs_sha256
    assert any("bins" in reason for reason in decision.reasons)


async def test_a_plan_made_again_from_its_inputs_is_the_same(desk: PlanDesk, by: By) -> None:
    kept = await desk.draft(DAY, by)

    assert await desk.again(kept.head.id) == kept.plan


async def test_publishing_supersedes_the_version_in_force_and_tells_the_city(desk: PlanDesk, house: House, by: By) -> None:
    first, second = await desk.draft(DAY, by), await desk.draft(DAY, later(by, 1))
    await desk.publish(first.head.id, later(by, 2))
    await desk.publish(second.head.id, later(by, 3))

    with house.records.read() as connection:
        states = [(one.version, one.state) for one in plan_records.versions(connection, DAY)]
        told = events.listing(connection, prefix="waste.plan.").items
        seen = tap_records.plans_seen(connection, [first.head.id])
        days = plan_records.days(connection)
    assert states == [(2, "published"), (1, "superseded")]
    assert [one.data["before"] for one in told] == [first.head.id, ""]
    assert (seen[first.head.id].state, seen[first.head.id].newer) == ("superseded", second.head.id)
    assert days == [(DAY.isoformat(), second.plan.figures)]


async def test_the_detours_of_a_plan_in_force_are_known_the_day_after(desk: PlanDesk, house: House, by: By) -> None:
    first = await desk.draft(DAY, by)
    unpublished = await desk.draft(DAY + timedelta(days=1), later(by, 1))
    await desk.publish(first.head.id, later(by, 2))
    second = await desk.draft(DAY + timedelta(days=1), later(by, 3))
    await desk.publish(second.head.id, later(by, 4))
    third = await desk.draft(DAY + timedelta(days=2), later(by, 5))

    met = {one.bin: (max(one.added_m, 0),) for one in first.plan.verdicts if one.added_m is not None}
    with house.records.read() as connection:
        learnt = [plan_records.inputs(connection, one.head.id).learnt.other for one in (first, unpublished, second, third)]
    assert met
    assert learnt[:3] == [{}, {}, met]
    assert {len(learnt[3][name]) for name in met} == {2}


async def test_an_older_draft_is_not_published_over_a_newer_plan(desk: PlanDesk, by: By) -> None:
    first, second = await desk.draft(DAY, by), await desk.draft(DAY, later(by, 1))
    await desk.publish(second.head.id, later(by, 2))

    with pytest.raises(Conflict) as caught:
        await desk.publish(first.head.id, later(by, 3))

    assert (caught.value.code, caught.value.detail["newer"]) == ("plan.older", second.head.id)


async def test_a_plan_is_published_once(desk: PlanDesk, by: By) -> None:
    kept = await desk.draft(DAY, by)
    await desk.publish(kept.head.id, by)

    with pytest.raises(Conflict) as caught:
        await desk.publish(kept.head.id, by)

    assert caught.value.code == "plan.state"


async def test_a_plan_the_checker_finds_fault_with_is_refused_and_set_aside(desk: PlanDesk, house: House, by: By) -> None:
    good = await desk.draft(DAY, by)
    bad = msgspec.structs.replace(good.plan, violations=(Violation(code="route.shift", vehicle="truck-1"),))
    with house.records.begin() as connection:
        head = plan_records.add(connection, 2, bad, plan_records.inputs(connection, good.head.id), by)

    with pytest.raises(InputError) as caught:
        await desk.publish(head.id, by)

    with house.records.read() as connection:
        assert plan_records.get(connection, head.id).head.state == "refused"
        assert events.listing(connection, prefix="waste.plan.refused").items[0].data["codes"] == ["route.shift"]
    assert (caught.value.code, caught.value.detail["codes"]) == ("plan.refused", ("route.shift",))


async def test_bins_that_must_be_emptied_and_are_not_are_published_only_knowingly(desk: PlanDesk, house: House, by: By) -> None:
    asset = Asset(
        id="bin-9", city="hwaseong", kind="bin", name=Text("유리", "Glass"), place=place_at(127.07, 37.2), state="live",
        attributes={"stream": "glass", "interval_d": "1"},
    )  # fmt: skip
    with house.records.begin() as connection:
        assets.add(connection, asset, by)
    kept = await desk.draft(DAY, by)

    with pytest.raises(InputError) as caught:
        await desk.publish(kept.head.id, by)

    assert caught.value.code == "plan.unserved"
    assert (await desk.publish(kept.head.id, by, unserved_ok=True)).state == "published"


async def test_an_edit_makes_a_new_draft_and_the_old_one_is_not_published_any_more(desk: PlanDesk, by: By) -> None:
    before = await desk.draft(DAY, by)
    after = await desk.edit(edit("ban", later(by, 1), "bin-3"), later(by, 1))

    with pytest.raises(Conflict) as caught:
        await desk.publish(before.head.id, later(by, 2))

    assert caught.value.code == "plan.edits"
    assert "bin-3" not in after.plan.served
    assert after.plan.served.keys() == before.plan.served.keys() - {"bin-3"}
    assert (await desk.publish(after.head.id, later(by, 2))).state == "published"


async def test_an_edit_taken_back_is_planned_away_again(desk: PlanDesk, by: By) -> None:
    await desk.draft(DAY, by)
    await desk.edit(edit("ban", by, "bin-3"), by)

    after = await desk.undo("edit-1", later(by, 1))

    assert "bin-3" in after.plan.served
    for code in ("edit.undone", "edit.unknown"):
        with pytest.raises(DureError) as caught:
            await desk.undo("edit-1" if code == "edit.undone" else "edit-2", later(by, 2))
        assert caught.value.code == code


async def test_the_same_edit_sent_twice_is_kept_once(desk: PlanDesk, house: House, by: By) -> None:
    for _ in range(2):
        await desk.edit(edit("lock", by, "bin-3"), by)

    with house.records.read() as connection:
        assert [one.id for one in plan_records.edits(connection, DAY)] == ["edit-1"]


async def test_an_edit_is_tried_without_keeping_anything(desk: PlanDesk, house: House, by: By) -> None:
    before = await desk.draft(DAY, by)
    truck = before.plan.served["bin-3"]
    other = {"truck-1": "truck-2", "truck-2": "truck-1"}[truck]

    found = await desk.trial(edit("move", by, "bin-3", other), by)

    with house.records.read() as connection:
        assert plan_records.edits(connection, DAY) == ()
        assert len(plan_records.versions(connection, DAY)) == 1
    assert found.plan.served["bin-3"] == other
    assert found.added_m > 0


async def test_an_edit_without_a_plan_to_try_it_on_is_refused(desk: PlanDesk, by: By) -> None:
    with pytest.raises(Conflict) as caught:
        await desk.trial(edit("lock", by, "bin-3"), by)

    assert caught.value.code == "plan.none"


@pytest.mark.parametrize(("day", "code"), [("2026-11-23", "plan.past"), ("someday", "plan.day")])
async def test_a_day_that_is_over_or_none_is_not_edited(desk: PlanDesk, by: By, day: str, code: str) -> None:
    wanted = msgspec.structs.replace(edit("lock", by, "bin-3"), day=day)

    with pytest.raises(DureError) as caught:
        await desk.edit(wanted, by)

    assert caught.value.code == code


async def test_a_truck_that_breaks_down_at_work_hands_over_what_it_has_not_done(desk: PlanDesk, house: House, by: By) -> None:
    morning = await desk.draft(DAY, by)
    await desk.publish(morning.head.id, by)
    route = morning.plan.routes[0]
    now = datetime.fromisoformat("2026-11-24T15:00:00+00:00") + timedelta(seconds=route.visits[1].leave_s + 60)
    seen = Sighting(id="tap-1", bin=route.stops[0], kind="emptied", seen_at=now, level=0.5, truck=route.vehicle, received_at=now)
    with house.records.begin() as connection:
        tap_records.add(connection, [seen])

    at = By(by.actor, now + timedelta(minutes=1))
    after = await desk.edit(edit("breakdown", at, truck=route.vehicle), at)

    done = {name for name, truck in after.plan.served.items() if truck == route.vehicle}
    other = {name for name, truck in after.plan.served.items() if truck != route.vehicle}
    assert after.plan.violations == ()
    assert done == {route.stops[0]}
    assert other == morning.plan.served.keys() - done


async def test_the_pool_of_processes_makes_the_same_plan(house: House, by: By) -> None:
    here = await PlanDesk(house).draft(DAY, by)
    house.jobs = PoolJobs(1)
    try:
        there = await PlanDesk(house).again(here.head.id)
    finally:
        await house.jobs.close()

    assert there == here.plan


class Stuck(PoolJobs):
    """A process in which searches and trials never come back, as a loop in the solver does not; plans without one are made."""

    def __init__(self, marker: Path) -> None:
        super().__init__(1)
        self.marker = str(marker)

    async def submit(self, function: str, arguments: dict[str, Any], **words: Any) -> str:
        if function == plan_jobs.PLAN and inputs_of(arguments["inputs"]).budget.iterations == 0:
            return await super().submit(function, arguments, **words)
        assert words["lasts_s_max"] >= 60
        return await super().submit(SPIN, {"marker": self.marker}, **words | {"lasts_s_max": 1.0})


async def test_a_draft_whose_search_hangs_is_the_plan_before_and_says_so(house: House, by: By, tmp_path: Path) -> None:
    desk = PlanDesk(house)
    before = await desk.draft(DAY, by)
    house.jobs = Stuck(tmp_path / "pid")
    try:
        after = await desk.draft(DAY, later(by, 1))
        edited = await desk.edit(edit("ban", later(by, 2), "bin-3"), later(by, 2))
    finally:
        await house.jobs.close()

    assert after.plan.unsearched
    assert not before.plan.unsearched
    assert after.plan.routes == before.plan.routes
    assert edited.plan.unsearched
    assert edited.plan.served.keys() == before.plan.served.keys() - {"bin-3"}
    assert edited.plan.violations == ()
    house.jobs = None
    assert await desk.again(after.head.id) == msgspec.structs.replace(after.plan, frontier=())


async def test_the_first_draft_of_a_day_whose_search_hangs_is_a_quick_one(house: House, by: By, tmp_path: Path) -> None:
    house.jobs = Stuck(tmp_path / "pid")
    try:
        kept = await PlanDesk(house).draft(DAY, by)
    finally:
        await house.jobs.close()

    assert kept.plan.unsearched
    assert (kept.plan.figures.unserved_n, kept.plan.violations) == (0, ())
    assert (await PlanDesk(house).publish(kept.head.id, by)).state == "published"


async def test_a_trial_that_hangs_is_refused_with_a_code(house: House, by: By, tmp_path: Path) -> None:
    desk = PlanDesk(house)
    await desk.draft(DAY, by)
    house.jobs = Stuck(tmp_path / "pid")
    try:
        with pytest.raises(Unavailable) as caught:
            await desk.trial(edit("ban", by, "bin-3"), by)
    finally:
        await house.jobs.close()

    assert caught.value.code == "plan.overdue"


def tapped(ident: str, seen_at: datetime, kind: SightingKind, **facts: object) -> Sighting:
    return Sighting(id=ident, bin="bin-3", kind=kind, seen_at=seen_at, level=0.5, received_at=seen_at, facts=facts)


@pytest.mark.parametrize(
    ("seen", "demand"),
    [
        ([("level", 2, {"wet": True})], "wet"),
        ([("blocked", 2, {"wet": True}), ("level", 1, {})], "wet"),
        ([("level", 2, {"wet": True, "undone_at": "2026-11-24T02:00:00Z"})], "interval"),
        ([("level", 2, {"wet": True}), ("emptied", 1, {})], "interval"),
        ([("level", 2, {"note": '"wet": no'})], "interval"),
    ],
)
async def test_a_bin_with_wet_waste_must_be_emptied_until_it_is(
    desk: PlanDesk, house: House, by: By, seen: list[tuple[SightingKind, int, dict[str, Any]]], demand: str
) -> None:
    with house.records.begin() as connection:
        tap_records.add(
            connection,
            [tapped(f"tap-{hours}", by.at - hours * HOUR, kind, **facts) for kind, hours, facts in seen],
        )

    kept = await desk.draft(DAY, by)

    assert next(one.demand for one in kept.plan.verdicts if one.bin == "bin-3") == demand


async def test_tomorrows_draft_is_made_in_the_evening_once(house: House) -> None:
    watch, made = PlanWatch(house), []
    for wait_h in (0, 0.2, 0, 6, 0):
        house.clock.advance(wait_h * HOUR)  # type: ignore[attr-defined]  # the tests' clock
        made.append(await watch.look())

    assert made == [0, 1, 0, 1, 0]  # today's when nothing was heard for long enough; tomorrow's from 18:00 on
    with house.records.read() as connection:
        assert plan_records.newest(connection, DAY) is not None


def test_a_plan_nobody_made_is_unknown(records: Records) -> None:
    with records.read() as connection:
        for ask in (plan_records.get, plan_records.inputs):
            with pytest.raises(NotFound) as caught:
                ask(connection, "plan-2026-11-25-v1")
            assert caught.value.code == "plan.unknown"


async def test_two_drafts_made_at_once_do_not_take_the_same_version(desk: PlanDesk, house: House, by: By) -> None:
    kept = await desk.draft(DAY, by)

    with house.records.begin() as connection, pytest.raises(Conflict) as caught:
        plan_records.add(connection, 1, kept.plan, plan_records.inputs(connection, kept.head.id), by)

    assert caught.value.code == "plan.version"
