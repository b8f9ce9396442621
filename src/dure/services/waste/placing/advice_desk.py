"""What advice on the city's own bins is asked with: rates that were learnt, and the detours of its published plans. Blocks.

A bin can only be put beside one of its own stream, and trucks take streams, so each stream is asked about by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from dure.core.time import day_of
from dure.services.waste.accounting.factors import numbers
from dure.services.waste.belief.belief_records import newest_learned
from dure.services.waste.placing.advice import Limits
from dure.services.waste.placing.advice_jobs import Question
from dure.services.waste.placing.trying import QUANTILES
from dure.services.waste.planning import plan_records, plan_source
from dure.services.waste.planning.policy import policy_on

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.waste.belief.learned import Learned
    from dure.services.waste.model import Bin, FloatArray
    from dure.spine.house import House

BACK_D = 28
BINS_MAX = 200
"""Above this a city is cut into parts that are advised one by one: every change is tried on all bins of a part together."""


class Detours(NamedTuple):
    """(q,) metres each bin added to the routes of the last weeks, or would have, by its id; and from how many days."""

    of: Mapping[str, FloatArray]
    days_n: int


class Asked(NamedTuple):
    """The questions of a city, one for each stream and part of it; detours come from so many days with a plan."""

    questions: tuple[Question, ...]
    days_n: int


def asked(house: House, connection: Connection) -> Asked:
    """What can be asked about the live bins; nothing before rates are learnt and plans published."""
    today = day_of(house.clock.now(), house.city.zone)
    known = plan_source.register(connection)
    learned = newest_learned(connection)
    found = detours(connection, today, [one.id for one in known.bins]) if learned else Detours({}, 0)
    if learned is None or not found.of:
        return Asked((), found.days_n)
    limits = msgspec.convert(numbers(today, "placing", house.city.folder), Limits, strict=False)
    dial_m = float(policy_on(today, house.city.folder).dial_m)
    depots = {one.id: (one.lon, one.lat) for one in known.fleet.depots}
    questions: list[Question] = []
    for stream in sorted({one.stream for one in known.bins}):
        truck = next((one for one in known.fleet.trucks if one.depot in depots and stream in one.streams), None)
        if truck is not None:
            bare = Question(depot=depots[truck.depot], profile=truck.profile, rho_m=dial_m, limits=limits)
            bins = [one for one in known.bins if one.stream == stream]
            questions += [_question(bare, part, learned[0], found.of) for part in parts(bins)]
    return Asked(tuple(questions), found.days_n)


def detours(connection: Connection, today: date, bins: Sequence[str]) -> Detours:
    """The detours of the plans in force of the last weeks; bins of which no plan tells are absent."""
    found: dict[str, list[int]] = defaultdict(list)
    wanted, days_n = set(bins), 0
    for back in range(BACK_D):
        head = plan_records.newest(connection, today - timedelta(days=back), states=("published",))
        days_n += head is not None
        for verdict in plan_records.get(connection, head.id).plan.verdicts if head else ():
            if verdict.bin in wanted and verdict.added_m is not None:
                found[verdict.bin].append(max(0, verdict.added_m))
    return Detours({name: np.quantile(metres, QUANTILES) for name, metres in found.items()}, days_n)


def parts(bins: Sequence[Bin], most: int = BINS_MAX) -> list[list[Bin]]:
    """The bins in as few parts as halving needs, each with at most so many that stand close together."""
    if len(bins) <= most:
        return [list(bins)] if bins else []
    east_m, north_m = (np.array([getattr(one, name) for one in bins]) for name in ("lon", "lat"))
    east_m = east_m * np.cos(np.radians(north_m.mean()))
    wide = east_m if np.ptp(east_m) >= np.ptp(north_m) else north_m
    order, half = np.argsort(wide, kind="stable"), len(bins) // 2
    return [part for rows in (order[:half], order[half:]) for part in parts([bins[row] for row in rows], most)]


def _question(bare: Question, bins: Sequence[Bin], learned: Learned, offered: Mapping[str, FloatArray]) -> Question:
    usual = np.mean(list(offered.values()), axis=0)
    classes = [learned.of_class(one.bin_class) for one in bins]
    return msgspec.structs.replace(
        bare,
        bins=tuple(one.id for one in bins),
        lon_lat=tuple((one.lon, one.lat) for one in bins),
        capacity_l=tuple(one.capacity_l * one.compaction for one in bins),
        sensing=tuple(bool(one.sensor) for one in bins),
        rate=tuple(max(1e-3, learned.rate_of(one.id, one.bin_class)) for one in bins),
        detour_m=tuple(tuple(offered.get(one.id, usual).tolist()) for one in bins),
        day_cv=float(np.clip(np.mean([one.cv for one in classes]), 0.1, 2.0)),
    )
