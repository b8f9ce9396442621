"""What of the last months teaches how bins fill: few rows of each bin, read from hourly roll-ups and from what crews said.

An hour's level is its mean; an hour in which a crew emptied the bin says nothing, since it mixes before and after. Of a bin that
only counts its deposits the level is what fell in since it was emptied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.time import to_us
from dure.services.waste.belief.emptying import HOUR_US, is_drop
from dure.services.waste.belief.weekdays import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dure.engines.telemetry.port import Telemetry
    from dure.services.waste.belief.belief_rules import BeliefRules
    from dure.services.waste.model import Bin, FloatArray, Sighting

Row = tuple[str, int, float, bool]  # bin, when [µs], level, whether it was emptied right after; see `history.history_of`
BINS_AT_ONCE = 250


class Hours(NamedTuple):
    """Hours of one bin in order: middle of each [µs], and its mean or highest value."""

    time_us: NDArray[np.int64]
    mean: FloatArray
    high: FloatArray

    def take(self, rows: NDArray[np.bool_] | slice) -> Hours:
        """Some of them."""
        return Hours(self.time_us[rows], self.mean[rows], self.high[rows])


def rows_of_taps(taps: Iterable[Sighting]) -> list[Row]:
    """What crews saw and did."""
    return [
        (one.bin, to_us(one.seen_at), float("nan") if one.level is None else one.level, one.kind == "emptied")
        for one in taps
        if one.kind in ("emptied", "level")
    ]


def rows_of_sensors(
    telemetry: Telemetry, bins: Sequence[Bin], taps: Sequence[Row], span_us: tuple[int, int], offset_s: int, rules: BeliefRules
) -> list[Row]:
    """What sensors and counters of some bins saw in a span. Blocks."""
    told: dict[str, list[int]] = {}
    for bin_id, at_us, _, emptied in taps:
        if emptied:
            told.setdefault(bin_id, []).append(at_us)
    found: list[Row] = []
    for begin in range(0, len(bins), BINS_AT_ONCE):
        part = bins[begin : begin + BINS_AT_ONCE]
        ids = [one.id for one in part]
        levels = hours_of(telemetry, "fill_fraction", ids, span_us)
        counting = [one.id for one in part if one.id not in levels]
        deposits = hours_of(telemetry, "deposits_total", counting, span_us)
        emptyings = hours_of(telemetry, "emptyings_total", sorted(deposits), span_us)
        for one in part:
            emptied_us = told.get(one.id, [])
            if one.id in levels:
                hours = _without(levels[one.id], emptied_us)
                kept = worth_learning(hours.time_us, hours.mean, offset_s, rules)
                found += _rows(one.id, hours.time_us[kept], hours.mean[kept])
            elif one.id in deposits:
                found += _counted(one, deposits[one.id], emptyings.get(one.id), emptied_us, offset_s)
    return found


def hours_of(telemetry: Telemetry, name: str, bins: Sequence[str], span_us: tuple[int, int]) -> dict[str, Hours]:
    """The hours with usable values of some bins."""
    if not bins:
        return {}
    found = telemetry.rollup(name, "hour", *span_us, assets=bins)
    usable = (found.n_good + found.n_suspect > 0) & np.isfinite(found.mean)
    assets = np.array(found.asset, dtype=object)[usable]
    hours = Hours(found.start_us[usable] + HOUR_US // 2, found.mean[usable], found.high[usable])
    return {str(assets[part.start]): hours.take(part) for part in _parts(assets)}


def worth_learning(time_us: NDArray[np.int64], level: FloatArray, offset_s: int, rules: BeliefRules) -> NDArray[np.bool_]:
    """(m,) which levels of one bin, in order of time, teach anything: the last of each day and both sides of each fall."""
    kept = np.ones(len(time_us), np.bool_)
    if len(time_us) < 2:
        return kept
    kept[:-1] = np.diff(_day(time_us, offset_s)) != 0
    fell = is_drop(level[:-1], level[1:], np.full(len(level) - 1, rules.seeing.sensor_sd), rules.emptying)
    kept[1:] |= fell
    kept[:-1] |= fell
    return kept


def counted_levels(hours: Hours, emptied_us: Sequence[int], deposit: float) -> FloatArray:
    """(m,) level of a bin by its counter of deposits: what fell in since it was last emptied; nan before the first emptying.

    Parameters
    ----------
    hours : of the counter; one that fell began anew
    deposit : what one deposit fills [1]
    """
    rose = np.diff(hours.high, prepend=hours.high[:1])
    total = np.cumsum(np.where(rose < 0, hours.high, rose))
    before = np.searchsorted(np.sort(np.array(emptied_us, np.int64)), hours.time_us, side="right")
    level = np.full(len(total), np.nan)
    for number in range(1, int(before.max(initial=0)) + 1):
        own = np.flatnonzero(before == number)
        if len(own):
            level[own] = (total[own] - total[own[0] - 1 if own[0] else 0]) * deposit
    return level


def _counted(one: Bin, deposits: Hours, emptyings: Hours | None, told_us: Sequence[int], offset_s: int) -> list[Row]:
    """Rows of a bin that counts: its level at the end of each day, and the emptyings its device counted."""
    own_us = [] if emptyings is None else emptyings.time_us[1:][np.diff(emptyings.high) > 0].tolist()
    deposit = one.deposit_l / (one.capacity_l * one.compaction)
    level = counted_levels(deposits, [*told_us, *own_us], deposit)
    kept = np.isfinite(level)
    kept[:-1] &= np.diff(_day(deposits.time_us, offset_s)) != 0
    emptied: list[Row] = [(one.id, at_us, float("nan"), True) for at_us in own_us]
    return emptied + _rows(one.id, deposits.time_us[kept], level[kept])


def _without(hours: Hours, emptied_us: Sequence[int]) -> Hours:
    mixed = np.isin(hours.time_us // HOUR_US, np.array(emptied_us, np.int64) // HOUR_US)
    return hours.take(~mixed) if mixed.any() else hours


def _rows(bin_id: str, time_us: NDArray[np.int64], level: FloatArray) -> list[Row]:
    return [(bin_id, at_us, value, False) for at_us, value in zip(time_us.tolist(), level.tolist(), strict=True)]


def _parts(assets: NDArray[np.object_]) -> Iterator[slice]:
    """Where each asset's rows stand; they come in the order of assets."""
    borders = np.flatnonzero(assets[1:] != assets[:-1]) + 1
    for begin, end in zip([0, *borders.tolist()], [*borders.tolist(), len(assets)], strict=True):
        if end > begin:
            yield slice(begin, end)


def _day(time_us: NDArray[np.int64], offset_s: int) -> NDArray[np.int64]:
    return (time_us + offset_s * 1_000_000) // DAY_US
