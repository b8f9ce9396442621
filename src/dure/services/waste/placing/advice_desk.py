"""Advice on the city's own bins, from what is learnt of their rates and from the detours of its published plans. Blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import Conflict
from dure.core.time import day_of
from dure.services.waste.accounting.factors import numbers
from dure.services.waste.belief.belief_records import newest_learned
from dure.services.waste.placing.advice import Advice, Limits, Site, advise
from dure.services.waste.placing.trying import QUANTILES
from dure.services.waste.placing.worth import Habit
from dure.services.waste.planning import plan_records, plan_source
from dure.services.waste.planning import travel as roads
from dure.services.waste.planning.policy import policy_on

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.waste.belief.learned import Learned
    from dure.services.waste.model import Bin, FloatArray
    from dure.services.waste.planning.plan_source import Register
    from dure.spine.house import House

BACK_D = 28
BINS_MAX = 400
"""Above this, zones are advised one by one: every change is tried on all bins together."""
SEED = 1


def advice(house: House, connection: Connection, zone: str = "") -> list[Advice]:
    """What could be changed about the bins of a zone ("": all), the best first.

    Raises
    ------
    Conflict : ``advice.early`` before rates are learnt and plans published, ``advice.many`` for too many bins at once
    """
    today = day_of(house.clock.now(), house.city.zone)
    known = plan_source.register(connection)
    bins = [one for one in known.bins if not zone or one.zone == zone]
    learned = newest_learned(connection)
    offered = detours(connection, today, [one.id for one in bins])
    if learned is None or not bins or not known.fleet.trucks or not offered:
        raise Conflict("advice.early", "Advice needs learnt rates and published plans; there are none yet.")
    if len(bins) > BINS_MAX:
        raise Conflict("advice.many", f"{len(bins)} bins are too many at once; ask for one zone, at most {BINS_MAX} bins.")
    limits = msgspec.convert(numbers(today, "placing", house.city.folder), Limits, strict=False)
    return advise(_site(house, today, (known, bins), learned[0], offered), limits, SEED)


def detours(connection: Connection, today: date, bins: Sequence[str]) -> dict[str, FloatArray]:
    """Metres each bin added to the routes of the last weeks, or would have; bins of which no plan tells are absent."""
    found: dict[str, list[int]] = defaultdict(list)
    wanted = set(bins)
    for back in range(BACK_D):
        head = plan_records.newest(connection, today - timedelta(days=back), states=("published",))
        for verdict in plan_records.get(connection, head.id).plan.verdicts if head else ():
            if verdict.bin in wanted and verdict.added_m is not None:
                found[verdict.bin].append(max(0, verdict.added_m))
    return {name: np.quantile(metres, QUANTILES) for name, metres in found.items()}


def _site(
    house: House, today: date, known: tuple[Register, Sequence[Bin]], learned: Learned, offered: Mapping[str, FloatArray]
) -> Site:
    register, bins = known
    usual = np.mean(list(offered.values()), axis=0)
    truck = register.fleet.trucks[0]
    depot = next((one.lon, one.lat) for one in register.fleet.depots if one.id == truck.depot)
    places = np.array([depot, *((one.lon, one.lat) for one in bins)], np.float64)
    matrix = roads.travel(plan_source.ground_of(house, today), truck.profile, places)
    classes = [learned.of_class(one.bin_class) for one in bins]
    return Site(
        ids=tuple(one.id for one in bins),
        distance_m=matrix.distance_m.astype(np.float64),
        capacity_l=np.array([one.capacity_l * one.compaction for one in bins]),
        sensing=np.array([one.sensor for one in bins], bool),
        habit=Habit(
            rate=np.maximum([learned.rate_of(one.id, one.bin_class) for one in bins], 1e-3),
            detour_m=np.array([offered.get(one.id, usual) for one in bins]),
            rho_m=float(policy_on(today, house.city.folder).dial_m),
            day_cv=float(np.clip(np.mean([one.cv for one in classes]), 0.1, 2.0)),
        ),
    )
