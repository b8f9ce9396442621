from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from planning_days import H, a_bin, a_day, a_fleet, a_truck, changed, scattered

from dure.core.errors import InputError
from dure.routing.model import Budget
from dure.services.waste.planning.day import Day
from dure.services.waste.planning.edits import Edit, EditKind, accepted, trial, with_edits
from dure.services.waste.planning.plan import DayPlan, plan_day
from dure.services.waste.planning.progress import Emptied, underway
from dure.services.waste.planning.selection import Wishes

AT = datetime(2026, 11, 25, 0, 0, tzinfo=UTC)
SEARCH = Budget(iterations=120)


def edit(kind: EditKind, bin_id: str = "", truck: str = "", *, minute: int = 0) -> Edit:
    return Edit(
        id=f"{kind}-{bin_id}-{truck}-{minute}", day="2026-11-25", kind=kind, bin=bin_id, truck=truck,
        made_at=AT + timedelta(minutes=minute),
    )  # fmt: skip


def planned(n: int = 40, seed: int = 2) -> tuple[Day, DayPlan]:
    """A day that needs both of its trucks."""
    bins, risk, level = scattered(n, seed, service_s=600)
    day = a_day(bins, risk, level, fleet=a_fleet([a_truck(1), a_truck(2)]))
    return day, plan_day(day, SEARCH)


def a_bin_that_is(plan: DayPlan, code: str) -> str:
    return next(one.bin for one in plan.verdicts if one.code == code)


def test_a_locked_bin_comes_in_and_says_what_it_costs() -> None:
    day, before = planned()
    name = a_bin_that_is(before, "not_worth_it")

    found = trial(with_edits(day, [edit("lock", name)]), before)

    verdict = next(one for one in found.plan.verdicts if one.bin == name)
    assert (verdict.code, verdict.must, found.taken, found.left, found.unserved) == ("locked", True, (name,), (), ())
    assert found.added_m > 0
    assert found.plan.violations == ()


def test_a_banned_bin_goes_out_and_its_metres_with_it() -> None:
    day, before = planned()
    name = next(iter(before.served))
    saved = next(one for one in before.verdicts if one.bin == name).added_m

    found = trial(with_edits(day, [edit("ban", name)]), before)

    assert (found.left, found.taken) == ((name,), ())
    assert saved is not None
    assert found.added_m == -saved


def test_a_bin_given_to_a_truck_is_emptied_by_it() -> None:
    day, before = planned()
    name, truck = next(iter(before.served.items()))
    other = "truck-2" if truck == "truck-1" else "truck-1"

    found = trial(with_edits(day, [edit("move", name, other)]), before)

    assert found.plan.served[name] == other
    assert found.plan.violations == ()


def test_a_move_that_no_truck_has_time_for_says_what_it_breaks() -> None:
    bins = [a_bin(1, 0, 500), a_bin(2, 0, 60_000)]
    fleet = a_fleet([a_truck(1), a_truck(2, shift=(6 * H, 7 * H))])
    day = a_day(bins, [1.0, 1.0], fleet=fleet)
    before = plan_day(day, SEARCH)

    found = trial(with_edits(day, [edit("move", "bin-2", "truck-2")]), before)

    assert found.unserved == ("bin-2",)
    assert found.plan.violations == ()


def test_nothing_else_moves_when_one_bin_is_edited() -> None:
    day, before = planned()
    name = next(iter(before.served))

    found = trial(with_edits(day, [edit("ban", name)]), before)

    assert found.plan.figures.moved_share == 0.0


def test_of_two_edits_on_one_bin_the_later_holds_and_one_taken_back_does_not() -> None:
    day, _ = planned(5)
    undone = Edit(**{**{name: getattr(edit("lock", "bin-3"), name) for name in Edit.__struct_fields__}, "undone_at": AT})

    found = with_edits(day, [edit("ban", "bin-1", minute=2), edit("lock", "bin-1", minute=1), edit("lock", "bin-2"), undone])

    assert (found.wishes.banned, found.wishes.locked) == ({"bin-1"}, {"bin-2"})


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (edit("lock", "nobody"), "edit.bin"),
        (edit("move", "bin-1", "nobody"), "edit.truck"),
        (edit("breakdown", truck="nobody"), "edit.truck"),
        (edit("move", "bin-2", "truck-1"), "edit.stream"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_with_its_code(wanted: Edit, code: str) -> None:
    bins = [a_bin(1, 0, 0), a_bin(2, 0, 0, stream="food")]

    with pytest.raises(InputError) as caught:
        accepted(wanted, bins, [a_truck(1)])

    assert caught.value.code == code


def test_a_re_plan_after_an_edit_keeps_most_stops_with_their_truck() -> None:
    day, before = planned(60, seed=4)
    name = a_bin_that_is(before, "not_worth_it")

    after = plan_day(with_edits(day, [edit("lock", name)]), SEARCH, before, keep=True)

    assert after.violations == ()
    assert name in after.served
    assert after.figures.moved_share is not None
    assert after.figures.moved_share <= day.policy.moved_share_max


def broken_down(day: Day, before: DayPlan, at_s: int) -> tuple[Day, DayPlan, str]:
    """The first truck stands still at an instant; every stop left behind by then is done."""
    emptied = [
        Emptied(one.id, route.vehicle, one.leave_s)
        for route in before.routes
        for one in route.visits
        if one.kind == "stop" and one.leave_s <= at_s
    ]
    home = (day.fleet.depots[0].lon, day.fleet.depots[0].lat)
    out = underway(before, emptied, {one.id: one for one in day.bins}, dict.fromkeys(("truck-1", "truck-2"), home), at_s)
    wishes = Wishes(done=frozenset(one.bin for one in emptied))
    truck = before.routes[0].vehicle
    later = with_edits(changed(day, underway=out, wishes=wishes), [edit("breakdown", truck=truck)])
    return later, plan_day(later, SEARCH, before, keep=True), truck


def two_trucks_busy() -> tuple[Day, DayPlan]:
    bins, _, level = scattered(30, 6, service_s=600)
    day = a_day(bins, [1.0] * 30, level, fleet=a_fleet([a_truck(1, shift=(6 * H, 12 * H)), a_truck(2, shift=(6 * H, 14 * H))]))
    return day, plan_day(day, SEARCH)


def test_after_a_breakdown_done_stops_stay_and_the_others_take_over_what_they_can() -> None:
    day, before = two_trucks_busy()
    at_s = before.routes[0].visits[0].leave_s + H

    later, after, truck = broken_down(day, before, at_s)

    assert after.violations == ()
    assert {one.code for one in after.verdicts if one.bin in later.wishes.done} == {"done"}
    done_by_it = {name for name, by in before.served.items() if by == truck and name in later.wishes.done}
    rest_of_it = {name for name, by in before.served.items() if by == truck} - done_by_it
    assert {name for name, by in after.served.items() if by == truck} == done_by_it
    assert {after.served.get(name) for name in rest_of_it} - {None} == {"truck-1", "truck-2"} - {truck}
    assert later.wishes.done <= after.served.keys()


def test_after_a_breakdown_hardly_any_stop_of_the_others_changes_its_truck() -> None:
    day, before = two_trucks_busy()

    _, after, _ = broken_down(day, before, before.routes[0].visits[0].leave_s + H)

    assert after.figures.moved_share is not None
    assert after.figures.moved_share <= day.policy.moved_share_max


def test_a_truck_under_way_carries_what_it_emptied_since_it_last_unloaded() -> None:
    bins = {one.id: one for one in (a_bin(number, 400 * number, 0) for number in range(1, 9))}
    day = a_day(list(bins.values()), [1.0] * 8, [1.0] * 8, fleet=a_fleet([a_truck(1, capacity_l=1_000.0)]))
    plan = plan_day(day, SEARCH)
    stops = [one for one in plan.routes[0].visits if one.kind == "stop"]
    dump_at = next(at for at, one in enumerate(plan.routes[0].visits) if one.kind == "dump")
    done = [one for one in stops if one.leave_s <= plan.routes[0].visits[dump_at + 1].leave_s]

    found = underway(plan, [Emptied(one.id, "truck-1", one.leave_s) for one in done], bins, {"truck-1": (0, 0)}, done[-1].leave_s)

    assert found[0].aboard_l == 200.0
    assert found[0].done == tuple(one.id for one in done)
    assert (found[0].lon, found[0].lat) == (bins[done[-1].id].lon, bins[done[-1].id].lat)


def test_what_a_crew_saw_counts_as_load_instead_of_what_was_expected() -> None:
    bins = {"bin-1": a_bin(1, 0, 500)}
    plan = plan_day(a_day(list(bins.values()), [1.0], [0.5]), SEARCH)
    truck = plan.routes[0].vehicle

    found = underway(plan, [Emptied("bin-1", truck, 7 * H, level=1.0)], bins, {truck: (0, 0)}, 8 * H)

    assert found[0].aboard_l == 200.0


def test_a_truck_that_has_not_left_is_not_under_way() -> None:
    _, plan = planned(10)

    assert underway(plan, [], {}, {}, 0) == ()
