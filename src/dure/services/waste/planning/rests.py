"""Rests of a crew: which a shift must hold (``rules/breaks.toml``), and whether a route gives them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from dure.routing.model import Break, Route, Span, Violation
from dure.services.waste.bins import Truck
from dure.services.waste.rules import Rule, load_pack

PACK = "breaks"


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """From `work_s_min` of work on, one more rest of `rest_s`, begun within the span counted from the start of the shift."""

    id: str
    work_s_min: int
    rest_s: int
    begins_s_min: int
    begins_s_max: int
    rule: str = ""


class _Row(Rule, frozen=True, kw_only=True):
    work_s_min: int
    rest_s: int
    begins_s_min: int
    begins_s_max: int


def rests_on(day: date, folder: Path | None = None) -> tuple[Rest, ...]:
    """The rests in force on a day, shortest work first."""
    pack = load_pack(PACK, folder)
    rows = sorted(pack.rows("rests", _Row, day), key=lambda row: row.work_s_min)
    return tuple(
        Rest(
            id=row.id,
            work_s_min=row.work_s_min,
            rest_s=row.rest_s,
            begins_s_min=row.begins_s_min,
            begins_s_max=row.begins_s_max,
            rule=pack.basis("rests", row).rule,
        )
        for row in rows
    )


def breaks_of(truck: Truck, rests: Iterable[Rest]) -> tuple[Break, ...]:
    """The breaks of a truck's day: its crew's own where they are as long and as early as the law asks, else the law's.

    A crew that is back before its own break is due gets none; so a break that may begin only after more work than the law allows
    without one would leave some routes without any.
    """
    earliest_s, latest_s = truck.shift
    lawful: tuple[Break, ...] = ()
    owed: list[tuple[int, int]] = []  # rest that must have begun by then, both in s
    for one in sorted(rests, key=lambda rest: rest.work_s_min):
        rested_s = sum(rest.duration_s for rest in lawful)
        if latest_s - earliest_s - rested_s >= one.work_s_min:
            span = Span(earliest_s + one.begins_s_min, earliest_s + one.begins_s_max)
            lawful = (*lawful, Break(span=span, duration_s=one.rest_s, source=one.rule))
            owed.append((earliest_s + one.work_s_min + rested_s, rested_s + one.rest_s))
    own = tuple(
        Break(span=Span(begin_s, end_s), duration_s=duration_s, source=truck.id) for begin_s, end_s, duration_s in truck.breaks
    )
    in_work = all(earliest_s < one.span.earliest_s and one.span.latest_s + one.duration_s < latest_s for one in own)
    rests_enough = all(sum(one.duration_s for one in own if one.span.latest_s <= by_s) >= rest_s for by_s, rest_s in owed)
    return own if own and in_work and rests_enough else lawful


def rests_missing(route: Route, rests: Iterable[Rest]) -> tuple[Violation, ...]:
    """Rest that the route does not give its crew; work is the time from leaving to being back less the rests taken.

    It asks the law anew, whatever breaks the planner put into the day.
    """
    if not route.visits:
        return ()
    rested_s = sum(one.leave_s - one.begin_s for one in route.visits if one.kind == "break")
    work_s = route.duration_s - rested_s
    owed_s = sum(one.rest_s for one in rests if work_s >= one.work_s_min)
    if rested_s >= owed_s:
        return ()
    return (Violation(code="route.rest_missing", vehicle=route.vehicle, amount=owed_s - rested_s),)
