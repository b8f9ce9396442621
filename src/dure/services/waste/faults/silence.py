"""A sensor that says nothing, by its own period; and the network's outages, which are no fault of a bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
import numpy as np

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.waste.faults.fault_rules import SilenceRow
from dure.services.waste.faults.findings import HOUR_US, Found, Series, Window, rounded


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """Many bins that fell silent together: the gateway or the network."""

    bins: tuple[str, ...]
    since_us: int


def silent(window: Window, row: SilenceRow) -> Found | None:
    """Silent for longer than its own period explains; a bin that never spoke has nothing to fall silent from."""
    if not len(window.level):
        return None
    last_us = int(window.level.time_us[-1])
    hours = (window.now_us - last_us) / HOUR_US
    limit = silence_limit_h(window.level, row)
    if hours < limit:
        return None
    evidence = Text(
        f"마지막 측정 뒤 {hours:.0f}시간이 지났습니다(이 쓰레기통의 한도 {limit:.0f}시간).",
        f"The last reading is {hours:.0f} h old; for this bin {limit:.0f} h is too long.",
    )
    numbers = rounded([("hours", hours), ("limit_h", limit)])
    return Found(bin=window.bin, fault="silent", since=from_us(last_us), evidence=evidence, numbers=numbers)


def silence_limit_h(level: Series, row: SilenceRow) -> float:
    """How long a bin may say nothing [h]."""
    if len(level) < row.readings_least:
        return max(row.hours_least, row.periods * row.period_unknown_h)
    gap_h = np.diff(level.time_us) / HOUR_US
    return max(row.hours_least, row.periods * float(np.quantile(gap_h, 0.9)))


def fell_silent_us(window: Window, row: SilenceRow) -> int | None:
    """When it last fell silent for longer than its own period explains, whether or not it is back by now; None: not lately."""
    level = window.level
    if not len(level):
        return None
    limit_us = silence_limit_h(level, row) * row.outage_overdue * HOUR_US
    recent = level.time_us[level.time_us >= window.now_us - 2 * row.outage_hold_h * HOUR_US]
    gap_us = np.diff(np.append(recent, window.now_us))
    long = np.flatnonzero(gap_us > limit_us)
    if not len(recent):
        return int(level.time_us[-1])
    return int(recent[long[-1]]) if len(long) else None


def outages(fell_us: Mapping[str, int], bins_n: int, row: SilenceRow) -> list[Outage]:
    """Groups of bins that fell silent at about the same time, too many to be chance.

    Parameters
    ----------
    fell_us : when each bin that did fell silent [us]
    bins_n : how many bins speak at all
    """
    ordered = sorted(fell_us, key=lambda one: (fell_us[one], one))
    least = max(row.outage_bins, int(np.ceil(row.outage_share * bins_n)))
    found: list[Outage] = []
    start = 0
    for end in range(1, len(ordered) + 1):
        if end < len(ordered) and fell_us[ordered[end]] - fell_us[ordered[end - 1]] <= row.outage_within_h * HOUR_US:
            continue
        if end - start >= least:
            first, last = fell_us[ordered[start]], fell_us[ordered[end - 1]]
            before = first - row.outage_before_h * HOUR_US
            found.append(Outage(bins=tuple(one for one in ordered if before <= fell_us[one] <= last), since_us=first))
        start = end
    return found


def without_outages(found: Sequence[Found], lost: Sequence[Outage], now_us: int, row: SilenceRow) -> list[Found]:
    """The findings without silences that an outage explains, until it has lasted so long that each bin is asked about."""
    hold = timedelta(hours=row.outage_hold_h)
    held = {one for outage in lost for one in outage.bins}
    now = from_us(now_us)
    return [one for one in found if one.fault != "silent" or one.bin not in held or now - one.since >= hold]
