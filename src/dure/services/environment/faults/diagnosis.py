"""What is wrong with which station: all detectors over the last days, as one pure function of what was kept.

`diagnose_network` looks at one property across stations, `diagnose_station` at one series by itself. What a finding holds
back is data (`diagnosis_rules.held_by`), what it means for people stands in `diagnosis_finding.EXPLANATIONS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

from dure.services.environment.faults.diagnosis_device import Series, by_checks, clock_off, doubled, gaps
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS, Explanation, Finding, Kind
from dure.services.environment.faults.diagnosis_place import misplaced, uncontradicted
from dure.services.environment.faults.diagnosis_rules import DiagnosisRules, diagnosis_rules_on, held_by
from dure.services.environment.faults.diagnosis_unit import channels_swapped, units_mixed
from dure.services.environment.faults.diagnosis_window import Window, on_grid

PLACED = ("moved", "swapped")

__all__ = [
    "EXPLANATIONS",
    "DiagnosisRules",
    "Explanation",
    "Finding",
    "Kind",
    "Series",
    "Window",
    "diagnose_channels",
    "diagnose_network",
    "diagnose_networks",
    "diagnose_station",
    "diagnosis_rules_on",
    "held_by",
    "on_grid",
]


def diagnose_network(window: Window, rules: DiagnosisRules) -> list[Finding]:
    """Faults of one property that only the neighbours show: units mixed up, stations moved or exchanged.

    A series in another unit is not asked where it belongs.
    """
    mixed = units_mixed(window, rules)
    known = {one.asset for one in mixed}
    return mixed + [one for one in misplaced(window, rules.place) if one.asset not in known]


def diagnose_networks(windows: Sequence[Window], rules: DiagnosisRules) -> list[Finding]:
    """`diagnose_network` of several properties; a station has moved only if none of its other quantities is at home."""
    found = [one for window in windows for one in diagnose_network(window, rules)]
    placed = [one for one in found if one.kind in PLACED]
    return [one for one in found if one.kind not in PLACED] + uncontradicted(placed, windows, rules.place)


def diagnose_channels(windows: Sequence[Window], rules: DiagnosisRules) -> list[Finding]:
    """Quantities of one station that were exchanged, over every two windows of the same stations and grid.

    Raises
    ------
    ValueError : the windows differ in stations or in time
    """
    grids: Mapping[tuple[object, ...], str] = {
        (tuple(one.assets), one.start_us, one.step_us, one.values.shape[1]): one.property for one in windows
    }
    if len(grids) > 1:
        raise ValueError("the windows of two channels must have the same stations and the same grid")
    return [found for one, other in combinations(windows, 2) for found in channels_swapped(one, other, rules)]


def diagnose_station(series: Series, start_us: int, end_us: int, rules: DiagnosisRules) -> list[Finding]:
    """Faults that one series shows by itself in ``[start, end)``; a clock that is off makes no gaps."""
    clock = clock_off(series, rules.clock)
    timely = series if clock is None else msgspec.structs.replace(series, time_us=series.arrival_us)
    alone = (clock, doubled(series, rules.doubled), gaps(timely, start_us, end_us, rules.gaps))
    return [one for one in alone if one is not None] + by_checks(series, rules.checks)
