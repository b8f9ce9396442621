"""Beliefs follow observations: each kind moves the level as far as it can be trusted, and what rose trains the rate.

The level is kept as a mean and an sd, brought forward by the gain expected and corrected as a Kalman filter does; emptyings set
it anew. A rise between two looks trains the tempo of the bin; where an emptying lies between, nothing is trained. Arrays: the
r-th observation of every bin is worked on in one go.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Rejected
from dure.services.waste.belief import levels
from dure.services.waste.belief.emptying import HOUR_US, came_back, is_drop
from dure.services.waste.belief.state import LEVEL_KINDS, NEVER_US, Beliefs, Emptied, Kind, forgotten
from dure.services.waste.belief.weekdays import exposure_d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.waste.belief.emptying import Evidence
    from dure.services.waste.belief.observations import Observations
    from dure.services.waste.model import FloatArray

UNLIKELY = 0.01  # a rise so much smaller than awaited means that the bin was emptied unseen
LEAP_SD = 3.0  # deposits come in lumps: a rise so far beyond the usual is taken as seen
SLIP_SD = 0.15  # after an observation that was not believed the level is at least so uncertain


def observe(beliefs: Beliefs, observations: Observations, untrusted: Collection[str] = ()) -> Beliefs:
    """Beliefs after some observations, up to the last of them.

    Parameters
    ----------
    beliefs : before
    observations : `observations_of` readings and sightings, sorted
    untrusted : bins whose sensor has an open fault: its levels and counts are left out, what people say is not
    """
    follower = _Follower(beliefs, untrusted)
    turn = _turns(observations.bin)
    for number in range(int(turn.max(initial=-1)) + 1):
        follower.take(np.flatnonzero(turn == number), observations)
    return follower.done(observations)


def _turns(bin_row: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) the how-manieth observation of its bin each is."""
    order = np.argsort(bin_row, kind="stable")
    ordered = bin_row[order]
    first = np.flatnonzero(np.concatenate([[True], np.diff(ordered) != 0])) if len(ordered) else np.empty(0, np.int64)
    turn = np.empty(len(bin_row), np.int64)
    turn[order] = np.arange(len(bin_row)) - np.repeat(first, np.diff(np.append(first, len(ordered))))
    return turn


class _Follower:
    """A copy of beliefs that is worked on."""

    def __init__(self, beliefs: Beliefs, untrusted: Collection[str]) -> None:
        copies = {one.name: getattr(beliefs, one.name).copy() for one in fields(beliefs) if _is_array(beliefs, one.name)}
        self.now = replace(beliefs, **copies)
        self.doubted = np.array([one.id in untrusted for one in beliefs.bins], np.bool_)
        self.rejected: list[Rejected] = []
        self.emptied: list[Emptied] = []

    def done(self, observations: Observations) -> Beliefs:
        """The beliefs as they are now."""
        last_us = int(observations.time_us.max(initial=self.now.as_of_us))
        return replace(
            self.now,
            as_of_us=max(self.now.as_of_us, last_us),
            rejected=(*observations.rejected, *self.rejected),
            emptied=tuple(self.emptied),
        )

    def take(self, turn: NDArray[np.int64], observations: Observations) -> None:
        """One observation of each of some bins."""
        rows, kind = observations.bin[turn], observations.kind[turn]
        time_us, value = observations.time_us[turn], observations.value[turn]
        late = time_us <= self.now.read_us[rows, kind]
        self._refuse(rows[late], "belief.late", "is not newer than what was taken already.")
        doubted = self.doubted[rows] & np.isin(kind, (Kind.SENSOR, Kind.DEPOSITS, Kind.EMPTYINGS)) & ~late
        self._refuse(rows[doubted], "belief.untrusted", "has a sensor with an open fault.")
        self.now.read_us[rows[~late], kind[~late]] = time_us[~late]
        for one in Kind:
            fits = (kind == one) & ~late & ~doubted
            if fits.any():
                self._one_kind(one, rows[fits], time_us[fits], value[fits])
                self.now.last_us[rows[fits], one] = time_us[fits]

    def _one_kind(self, kind: Kind, rows: NDArray[np.int64], time_us: NDArray[np.int64], value: FloatArray) -> None:
        if kind in LEVEL_KINDS:
            behind = time_us < self.now.anchor_us[rows]
            self._refuse(rows[behind], "belief.late", "was looked at since.")
            self._look(kind, rows[~behind], time_us[~behind], value[~behind])
        elif kind == Kind.EMPTIED:
            self._empty(rows, time_us, "tap")
        else:
            self._count(kind, rows, time_us, value)

    def _look(self, kind: Kind, rows: NDArray[np.int64], time_us: NDArray[np.int64], seen: FloatArray) -> None:
        """A level was seen."""
        now, seeing = self.now, self.now.rules.seeing
        noise = np.full(len(rows), {Kind.SENSOR: seeing.sensor_sd, Kind.CREW: seeing.crew_sd}.get(kind, seeing.report_sd))
        before, before_sd, anchor_us = now.level[rows].copy(), now.sd[rows].copy(), now.anchor_us[rows]
        known = now.last_us[rows].max(axis=1) > NEVER_US
        days = now.waste_days(rows, time_us)
        gained = now.gain(rows, days)
        mean, variance = self._awaited_level(rows, days), before_sd**2 + gained.variance()
        if kind == Kind.REPORT:
            up = seen > mean
            self._correct(rows[up], time_us[up], seen[up], noise[up], (mean[up], variance[up]))
            return
        rises = seen - mean > now.rules.emptying.drop_min
        back = came_back(now.fell_from[rows], time_us - now.fell_us[rows], seen, now.rules.emptying) & rises
        back &= kind == Kind.SENSOR
        doubted, restored = back & now.sure[rows], back & ~now.sure[rows]
        self._slip(rows[doubted])
        dropped = is_drop(before, seen, np.hypot(before_sd, noise), now.rules.emptying) & known & ~back
        unseen = (1 - gained.passes(seen - before + 2 * np.hypot(before_sd, noise)) < UNLIKELY) & known & ~back & ~dropped
        plain = known & ~back & ~dropped & ~unseen
        self._restore(rows[restored], time_us[restored], seen[restored], noise[restored])
        self._fall(kind, rows[dropped], time_us[dropped], (before[dropped], seen[dropped], noise[dropped]))
        fresh = unseen | (~known & ~back)
        self._set(rows[fresh], time_us[fresh], seen[fresh], noise[fresh])
        self._correct(rows[plain], time_us[plain], seen[plain], noise[plain], (mean[plain], variance[plain]))
        self._train(rows[plain], anchor_us[plain], time_us[plain], before[plain])

    def _awaited_level(self, rows: NDArray[np.int64], days: FloatArray) -> FloatArray:
        """(r,) level expected after so many waste days, at the tempo of the bin."""
        now = self.now
        mean = now.level[rows] + now.gain(rows, days).mean()
        for number, group in enumerate(now.traits.stepwise):
            own = now.traits.steps[rows] == number
            if own.any():
                mean[own] = now.spread(group, rows[own], days[own]) @ group.grid
        return mean

    def _correct(
        self,
        rows: NDArray[np.int64],
        time_us: NDArray[np.int64],
        seen: FloatArray,
        noise: FloatArray,
        awaited: tuple[FloatArray, FloatArray],
    ) -> None:
        """The level between what was awaited and what was seen, nearer to the surer of both; a leap up is a big deposit."""
        mean, variance = awaited
        leap = seen - mean > LEAP_SD * np.sqrt(variance + noise**2)
        share = np.where(leap, 1.0, variance / (variance + noise**2))
        self._set(rows, time_us, np.maximum(mean + share * (seen - mean), 0.0), np.sqrt(share) * noise)

    def _set(self, rows: NDArray[np.int64], time_us: NDArray[np.int64], level: FloatArray, sd: FloatArray) -> None:
        now = self.now
        now.level[rows], now.sd[rows], now.anchor_us[rows] = np.maximum(level, 0.0), sd, time_us
        now.slips[rows] = 0

    def _slip(self, rows: NDArray[np.int64]) -> None:
        self._refuse(rows, "belief.slip", "was emptied a short while ago, and its sensor says it was not.")
        self.now.slips[rows] += 1
        self.now.sd[rows] = np.maximum(self.now.sd[rows], SLIP_SD)

    def _restore(self, rows: NDArray[np.int64], time_us: NDArray[np.int64], seen: FloatArray, noise: FloatArray) -> None:
        """A fall that nobody confirmed was none: the sensor slipped."""
        now = self.now
        gone = {(now.bins[row].id, at_us) for row, at_us in zip(rows.tolist(), now.fell_us[rows].tolist(), strict=True)}
        self.emptied = [one for one in self.emptied if (one.bin, one.at_us) not in gone]
        slips = now.slips[rows] + 1
        self._set(rows, time_us, seen, noise)
        now.fell_from[rows], now.slips[rows] = np.nan, slips

    def _fall(
        self, kind: Kind, rows: NDArray[np.int64], time_us: NDArray[np.int64], seen: tuple[FloatArray, FloatArray, FloatArray]
    ) -> None:
        """The level is lower than it was: an emptying, unless a crew only corrects what was believed."""
        before, after, noise = seen
        now = self.now
        if kind == Kind.SENSOR:
            near = (now.fell_us[rows] > time_us - int(now.rules.emptying.tap_h * HOUR_US)) & now.sure[rows]
            self._tell(rows[~near], time_us[~near], (before[~near], after[~near]), "fall")
            now.fell_from[rows[~near]], now.fell_us[rows[~near]], now.sure[rows[~near]] = before[~near], time_us[~near], False
        self._set(rows, time_us, after, noise)

    def _empty(self, rows: NDArray[np.int64], time_us: NDArray[np.int64], evidence: Evidence) -> None:
        """Somebody or a counter says that the bin was emptied."""
        now, emptying = self.now, self.now.rules.emptying
        looked = now.last_us[rows][:, LEVEL_KINDS].max(axis=1)
        fallen = np.abs(time_us - now.fell_us[rows]) <= int(emptying.tap_h * HOUR_US)
        now.sure[rows[fallen]] = True  # the sensor saw it: its level is better than "empty"
        behind = (time_us < looked) & ~fallen
        self._refuse(rows[behind], "belief.late", "was looked at since it was emptied.")
        new = ~fallen & ~behind
        rows, time_us = rows[new], time_us[new]
        before = np.maximum(self._awaited_level(rows, now.waste_days(rows, time_us)), 0.0)
        self._tell(rows, time_us, (before, np.zeros(len(rows))), evidence)
        now.fell_from[rows], now.fell_us[rows], now.sure[rows] = before, time_us, True
        self._set(rows, time_us, np.zeros(len(rows)), np.full(len(rows), emptying.emptied_sd))

    def _count(self, kind: Kind, rows: NDArray[np.int64], time_us: NDArray[np.int64], total: FloatArray) -> None:
        """A counter was read: what it rose by fell in, or was emptied; a counter that fell begins anew and says nothing."""
        now = self.now
        column = 0 if kind == Kind.DEPOSITS else 1
        rose = total - now.totals[rows, column]
        before_us = now.last_us[rows, kind]
        now.totals[rows, column] = total
        usable = np.isfinite(rose) & (rose > 0)
        if kind == Kind.EMPTYINGS:
            self._empty(rows[usable], time_us[usable], "counter")
            return
        usable = np.isfinite(rose) & (rose >= 0) & (time_us > now.anchor_us[rows])
        rows, time_us, before_us, rose = rows[usable], time_us[usable], before_us[usable], rose[usable]
        start_us = np.maximum(now.anchor_us[rows], before_us)
        n = rose * (time_us - start_us) / np.maximum(time_us - before_us, 1)
        volume = now.traits.deposit[rows]
        before, anchor_us = now.level[rows].copy(), now.anchor_us[rows]
        sd = np.sqrt(now.sd[rows] ** 2 + n * (now.rules.seeing.deposit_cv * volume) ** 2)
        now.level[rows], now.sd[rows], now.anchor_us[rows] = before + n * volume, sd, time_us
        self._train(rows, anchor_us, time_us, before)

    def _train(self, rows: NDArray[np.int64], start_us: NDArray[np.int64], end_us: NDArray[np.int64], before: FloatArray) -> None:
        """What rose between two looks, and what was to rise at the learnt rate."""
        now, traits, learning = self.now, self.now.traits, self.now.rules.learning
        open_ = (before < learning.full_from) & (now.level[rows] < learning.full_from + 0.05)
        rows, start_us, end_us, before = rows[open_], start_us[open_], end_us[open_], before[open_]
        days = exposure_d(traits.weekday[rows], start_us, end_us, now.learned.offset_s)
        awaited = traits.rate_per_day[rows] * days
        for number, group in enumerate(traits.stepwise):
            own = traits.steps[rows] == number
            if own.any():
                begin = levels.distribution(before[own], np.full(int(own.sum()), 1e-3), group.grid)
                then = levels.after(begin, group.transitions[traits.place[rows[own]]], days[own])
                awaited[own] = (then - begin) @ group.grid
        risen, due = forgotten(now, rows, end_us)
        now.awaited[rows] = due + awaited
        now.risen[rows] = np.maximum(risen + now.level[rows] - before, 0.02 * now.awaited[rows])
        now.paced_us[rows] = end_us

    def _tell(
        self, rows: NDArray[np.int64], time_us: NDArray[np.int64], level: tuple[FloatArray, FloatArray], evidence: Evidence
    ) -> None:
        columns = (rows.tolist(), time_us.tolist(), level[0].tolist(), level[1].tolist())
        for row, at_us, before, left in zip(*columns, strict=True):
            self.emptied.append(Emptied(self.now.bins[row].id, at_us, before, left, evidence))

    def _refuse(self, rows: NDArray[np.int64], code: str, why: str) -> None:
        self.rejected += [Rejected(0, code, f"{self.now.bins[row].id} {why}") for row in rows.tolist()]


def _is_array(beliefs: Beliefs, name: str) -> bool:
    return isinstance(getattr(beliefs, name), np.ndarray)
