"""All detectors over the days of one meter: what is wasted now, each waste once. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.buildings.finding.day_grid import Bools, DayGrid
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.leak import leak
from dure.services.buildings.finding.missing import missing
from dure.services.buildings.finding.night_base import night_base
from dure.services.buildings.finding.schedule_drift import schedule_drift
from dure.services.buildings.finding.stuck import stuck
from dure.services.buildings.finding.weekend import weekend


def findings_of(grid: DayGrid, rules: FindingRules, *, barred: Bools | None = None, flows: bool = False) -> list[Finding]:
    """What the days of a grid show at their end.

    A meter that is stuck or silent shows nothing else. A leak is no night base as well.

    Parameters
    ----------
    grid : whole local days up to now
    rules : in force
    barred : (days,) rows nothing is compared with: an unsettled finding ran on them
    flows : whether the meter counts water or gas

    Returns
    -------
    Findings, at most one of a kind
    """
    earlier = np.asarray(~np.isnan(grid.use).all(1))
    if barred is not None:
        earlier = earlier & ~barred
    silent = missing(grid, rules)
    if silent is not None:
        return [silent]
    still = stuck(grid, earlier, rules)
    if still is not None:
        return [still]
    always = leak(grid, earlier, rules, flows=flows) or night_base(grid, earlier, rules)
    rest = (weekend(grid, earlier, rules), schedule_drift(grid, earlier, rules))
    return [one for one in (always, *rest) if one is not None]
