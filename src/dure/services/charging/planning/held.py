"""What EVSEs may still draw by what they hold when nobody can tell them anything else. Pure.

A charger without a link goes on by the profiles it was told last: a running transaction by its plan until that ends, everything
else by the default. The rest of the site is planned around that, and a default says no more than what the plans of now leave
for as long as they hold, whoever comes: so all together keep the contract also when links are lost.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from dure.core.time import from_us
from dure.services.charging.model import Site
from dure.services.charging.planning.conservative import STEP_W, Room, least_w
from dure.services.charging.planning.plan_records import Told
from dure.services.charging.planning.problem import Floats

NEAR_W = 1.0


def held_w(site: Site, told: Sequence[Told], unlinked: Collection[str], start_us: int, step_s: int, n: int) -> dict[str, Floats]:
    """Most that each EVSE without a link may draw (n,) [W], by asset id.

    An EVSE that was never told anything is left out: its charger never was connected.
    """
    known = {(one.target, one.purpose): one for one in told}
    begins = [from_us(start_us) + timedelta(seconds=t * step_s) for t in range(n)]
    found: dict[str, Floats] = {}
    for evse in site.evses:
        plan, default = known.get((evse.id, "plan")), known.get((evse.id, "default"))
        if evse.charger not in unlinked or (plan is None and default is None):
            continue
        still = [_default_w(default, at) if default else evse.power_w for at in begins]
        running = [_plan_w(plan, at, step_s) if plan else 0.0 for at in begins]
        found[evse.id] = np.minimum(np.maximum(still, running), evse.power_w)
    return found


def _plan_w(told: Told, at: datetime, step_s: int) -> float:
    """What a plan allows at an instant; 0 before it and when it has ended."""
    if told.until is None:
        return 0.0
    step = len(told.limits_w) - int(np.ceil((told.until - at).total_seconds() / step_s - 1e-9))
    return told.limits_w[max(0, step)] if at < told.until else 0.0


def _default_w(told: Told, at: datetime) -> float:
    """What a default allows at an instant: its first limit until it ends, then its last."""
    return told.limits_w[0] if told.until is not None and at < told.until else told.limits_w[-1]


def defaults_w(
    site: Site, load_w: float, shares: Mapping[str, float], planned: Mapping[str, Sequence[float]]
) -> dict[str, float]:
    """What each EVSE may give without a plan while the plans of now hold [W], by asset id: never more than its safe share.

    Parameters
    ----------
    load_w : the most that the site's other load is believed to draw [W]
    shares : safe share of each EVSE [W]
    planned : what each EVSE with a plan, or without a link, may draw in the steps meanwhile [W]
    """
    room = Room(site, load_w)
    for one in site.evses:
        room.take(one, max(planned.get(one.id, (0.0,))))
    found: dict[str, float] = {}
    for one in sorted(site.evses, key=lambda one: (least_w(site, one), one.id)):
        if one.id in planned:
            most = min(shares[one.id], *planned[one.id])  # who comes after it draws no more than it at any time
        else:
            most = min(shares[one.id], max(0.0, np.floor(room.left_w(one) / STEP_W) * STEP_W))
        found[one.id] = float(most) if most >= least_w(site, one) - NEAR_W else 0.0
        if one.id not in planned:
            room.take(one, found[one.id])
    return found
