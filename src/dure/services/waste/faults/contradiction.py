"""People see a full bin beside a sensor that says it is not, or a crew finds another level than it says."""

from __future__ import annotations

import numpy as np

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.fault_rules import ContradictionRow
from dure.services.waste.faults.findings import HOUR_US, Found, Window, rounded, us_of
from dure.services.waste.model import Sighting


def contradicted(window: Window, row: ContradictionRow) -> Found | None:
    """Sightings of the last two days that the sensor contradicts: one crew's that is far off, else two that agree."""
    start_us = window.now_us - round(row.hours * HOUR_US)
    weight, against = 0.0, []
    for one in window.sightings:
        at_us = us_of(one.seen_at)
        if one.level is None or not start_us <= at_us <= window.now_us:
            continue
        before = window.level.between(at_us - round(row.within_h * HOUR_US), at_us).value[-2:]
        if not len(before):
            continue
        sensed = float(np.median(before))
        if all(_contradicts(one, each, row) for each in before.tolist()):
            weight += _weight(one, sensed, row)
            against.append((one, sensed))
        elif one.kind != "report":
            weight, against = 0.0, []  # the crew came and found what the sensor says
    if weight < row.weight_least:
        return None
    seen, sensed = against[-1]
    level = seen.level or 0.0
    evidence = Text(
        f"사람이 본 적재율 {level:.0%}, 센서는 {sensed:.0%}입니다({len(against)}건).",
        f"People saw {level:.0%}, the sensor says {sensed:.0%} ({len(against)} sightings).",
    )
    numbers = rounded([("seen", level), ("sensed", sensed), ("sightings", len(against))])
    since = from_us(us_of(against[0][0].seen_at))
    return Found(bin=window.bin, fault="contradicted", since=since, evidence=evidence, numbers=numbers)


def _weight(one: Sighting, sensed: float, row: ContradictionRow) -> float:
    """How much a sighting counts. A crew may have come just after somebody threw in a large bag: less, unless far apart."""
    if one.kind == "report":
        return row.citizen_weight
    return (
        row.crew_weight if (one.level or 0.0) - sensed >= row.far or sensed - (one.level or 0.0) >= row.far else row.near_weight
    )


def _contradicts(one: Sighting, sensed: float, row: ContradictionRow) -> bool:
    """Whether what was seen cannot be what the sensor says. A citizen's word counts for overflow only."""
    level = one.level or 0.0
    overflow = level >= row.overflow and sensed < row.not_full
    if one.kind == "report":
        return overflow
    return overflow or abs(min(level, 1.0) - sensed) >= row.difference
