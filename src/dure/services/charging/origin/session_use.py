"""What each session took in each interval, from the register of its EVSE, all sessions of a site at once. Pure.

The register is read at the begin and the end of a session and in between. It is cut at the bounds of intervals like any register
(`registers`); what a session took in all is what the session says (`energy_wh`, after resets, lost stops and disputes), so where
its reads say another sum, they only share it out. The parts of a session sum to its energy exactly.
"""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.origin.model import Ints, Uses
from dure.services.charging.origin.registers import STEP_US, Bools, Counting, Grid, Reads, steps_of

_ROOM = 2**62


class SessionReads(msgspec.Struct, frozen=True, eq=False):
    """Sessions of a site and reads of their EVSEs' registers.

    Attributes
    ----------
    start_us, end_us : (s,) half-open; of one that runs, its last read
    energy_wh : (s,) what it took in all; -1 while it runs: what its reads say
    session, time_us, wh : (k,) reads, any order: place of the session, instant, register
    """

    start_us: Ints
    end_us: Ints
    energy_wh: Ints
    session: Ints
    time_us: Ints
    wh: Ints

    def __len__(self) -> int:
        return len(self.start_us)


class SessionUse(msgspec.Struct, frozen=True, eq=False):
    """`uses` of a grid, and which of their rows (m,) are estimates."""

    uses: Uses
    estimated: Bools


def session_use(reads: SessionReads, counting: Counting, grid: Grid, claim_us: int) -> SessionUse:
    """What sessions took in the intervals of a grid; what they took outside it is left out.

    Parameters
    ----------
    claim_us : what was cut out of a longer step is of origin grid, for nobody knows in which interval it was taken [us]
    """
    if len(reads) == 0:
        none = np.zeros(0, np.int64)
        return SessionUse(Uses(none, none, none, none.astype(bool)), none.astype(bool))
    session, time_us, wh, doubted = _believed(reads, counting)
    first = (reads.start_us - grid.start_us) // STEP_US
    last = np.maximum(-((grid.start_us - reads.end_us) // STEP_US), first + 1)
    owner, place = _runs(first, last + 1)
    bounds = grid.start_us + place * STEP_US
    total, cut_us = _totals(_Flat(session, time_us, wh), owner, bounds)
    parts = _fitted(np.diff(total), owner, reads)
    inside = (owner[:-1] == owner[1:]) & (parts > 0) & (place[:-1] >= 0) & (place[:-1] < grid.n)
    rows = np.flatnonzero(inside)
    rows = rows[np.lexsort((owner[rows], place[rows]))]
    longest = np.maximum(cut_us[rows], cut_us[rows + 1])
    guessed = (longest > counting.long_us) | doubted[owner[rows]]
    return SessionUse(Uses(place[rows], owner[rows], parts[rows], longest <= claim_us), guessed)


class _Flat(msgspec.Struct, frozen=True, eq=False):
    """Running totals of all sessions, by session and time (k,)."""

    session: Ints
    time_us: Ints
    wh: Ints


def _believed(reads: SessionReads, counting: Counting) -> tuple[Ints, Ints, Ints, Bools]:
    """Reads by session and time as running totals from 0, and the sessions whose reads had to be explained."""
    order = np.lexsort((np.arange(len(reads.session)), reads.time_us, reads.session))
    session, time_us, wh = reads.session[order], reads.time_us[order], reads.wh[order]
    same = session[:-1] == session[1:]
    step, length = np.diff(wh), np.diff(time_us)
    room = (1.25 * counting.rate_max_w * length / 3.6e9).astype(np.int64) + 1_000
    odd = same & ((step < 0) | (step > room) | ((length == 0) & (step != 0)))
    doubted = np.zeros(len(reads), bool)
    doubted[np.unique(session[:-1][odd])] = True
    if doubted.any():
        return *_explained(_Flat(session, time_us, wh), doubted, counting), doubted
    return session, time_us, _from_zero(session, wh), doubted


def _from_zero(session: Ints, wh: Ints) -> Ints:
    first = np.flatnonzero(np.diff(session, prepend=np.int64(-1)) != 0)
    sizes = np.diff(np.append(first, len(session)))
    return np.asarray(wh - np.repeat(wh[first], sizes), np.int64)


def _explained(flat: _Flat, doubted: Bools, counting: Counting) -> tuple[Ints, Ints, Ints]:
    """Totals of all sessions; the register of each doubted one is explained by itself."""
    plain = ~doubted[flat.session]
    session, time_us = [flat.session[plain]], [flat.time_us[plain]]
    wh = [_from_zero(session[0], flat.wh[plain])]
    bounds = np.searchsorted(flat.session, np.flatnonzero(doubted)), np.searchsorted(flat.session, np.flatnonzero(doubted) + 1)
    for one, low, high in zip(np.flatnonzero(doubted).tolist(), *(each.tolist() for each in bounds), strict=True):
        steps = steps_of(Reads(flat.time_us[low:high], flat.wh[low:high]), counting)
        session.append(np.full(len(steps.time_us), one, np.int64))
        time_us.append(steps.time_us)
        wh.append(np.concatenate([[0], np.cumsum(steps.wh)])[: len(steps.time_us)])
    joined = np.concatenate(session)
    order = np.argsort(joined, kind="stable")
    return joined[order], np.concatenate(time_us)[order], np.concatenate(wh)[order]


def _runs(first: Ints, end: Ints) -> tuple[Ints, Ints]:
    """(owner, number) of all whole numbers ``first[i] .. end[i] - 1`` after each other."""
    sizes = end - first
    owner = np.repeat(np.arange(len(first)), sizes)
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return owner, np.arange(len(owner)) - np.repeat(begins - first, sizes)


def _totals(flat: _Flat, owner: Ints, bounds: Ints) -> tuple[Ints, Ints]:
    """What each session had taken by each bound, rounded down; and how long the step was it was cut out of [us]."""
    if len(flat.time_us) == 0:
        return np.zeros(len(owner), np.int64), np.full(len(owner), _ROOM)
    base = min(int(flat.time_us.min(initial=_ROOM)), int(bounds.min()))
    width = max(int(flat.time_us.max(initial=0)), int(bounds.max())) - base + 1
    keys = flat.session * width + (flat.time_us - base)
    wanted = owner * width + (bounds - base)
    at = np.searchsorted(keys, wanted, side="right") - 1
    low = np.searchsorted(flat.session, owner)
    high = np.searchsorted(flat.session, owner, side="right") - 1
    left, right = np.clip(at, low, np.maximum(high, low)), np.clip(at + 1, low, np.maximum(high, low))
    empty = high < low  # no read at all
    left, right = np.where(empty, 0, left), np.where(empty, 0, right)
    length = flat.time_us[right] - flat.time_us[left]
    share = np.clip((bounds - flat.time_us[left]) / np.maximum(length, 1), 0.0, 1.0)
    step = flat.wh[right] - flat.wh[left]
    total = flat.wh[left] + np.floor(share * step).astype(np.int64)
    cut_us = np.where((step > 0) & (share > 0) & (share < 1), length, 0)
    return np.where(empty, 0, total), np.where(empty, _ROOM, cut_us)


def _fitted(parts: Ints, owner: Ints, reads: SessionReads) -> Ints:
    """Parts of each session that sum to its energy: as they are where they do, else shared out as they say, or by time."""
    own = owner[:-1] == owner[1:]
    parts = np.where(own, parts, 0)
    sums = np.bincount(owner[:-1], parts, len(reads)).astype(np.int64)
    for one in np.flatnonzero((sums != reads.energy_wh) & (reads.energy_wh >= 0)).tolist():
        rows = np.arange(*np.searchsorted(owner, [one, one + 1])[:2])[:-1]
        weight = parts[rows].astype(float) if sums[one] > 0 else np.ones(len(rows))
        running = np.floor(np.cumsum(weight) / weight.sum() * int(reads.energy_wh[one]) + 1e-9).astype(np.int64)
        running[-1] = reads.energy_wh[one]
        parts[rows] = np.diff(running, prepend=np.int64(0))
    return np.asarray(parts, np.int64)
