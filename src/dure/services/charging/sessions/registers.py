"""From reads of a register that only counts up to Wh: resets, rollovers, strays and meters that run backwards. Pure.

Between two reads that follow each other passed their difference. Where that cannot be, one of these is told, with what it counts:

=================  ======================================================================================  ============
reason             what is seen                                                                            counts
=================  ======================================================================================  ============
``out_of_line``    a few reads lie below or above the line that the reads before and after them make       they are left out
``rollover``       the register went past its last digit and began again                                   what passed
``reset``          the register began again at zero                                                        what it shows since
``backwards``      it fell otherwise: **disputed**                                                         0, never less
``too_fast``       more than the EVSE can give in that time: **disputed**                                  what it shows
=================  ======================================================================================  ============
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.charging.sessions.session_rules import RegisterRow

Ints = NDArray[np.int64]
DISPUTED = frozenset({"backwards", "too_fast"})
ESTIMATED = frozenset({"reset"})
WH_PER_W_US = 1 / 3.6e9


class Counted(msgspec.Struct, frozen=True):
    """What passed a register.

    Attributes
    ----------
    at_us, total_wh : times of the reads that count, and what had passed until then: from 0, never falling
    reasons : what was seen, each once, in order of time
    """

    at_us: tuple[int, ...]
    total_wh: tuple[int, ...]
    reasons: tuple[str, ...] = ()

    @property
    def wh(self) -> int:
        """All of it."""
        return self.total_wh[-1] if self.total_wh else 0


def counted(at_us: Sequence[int], read_wh: Sequence[int], power_w: float, rules: RegisterRow) -> Counted:
    """What passed a register, read at `at_us` (rising) with `read_wh`; `power_w` is the most that can pass (0: not known)."""
    if not power_w and all(before <= after for before, after in pairwise(read_wh)):
        first = read_wh[0] if read_wh else 0
        return Counted(tuple(at_us), tuple(one - first for one in read_wh))
    walk = _Walk(at_us, read_wh, power_w, rules)
    walk.run()
    return Counted(tuple(walk.kept_us), tuple(walk.total_wh), tuple(dict.fromkeys(walk.reasons)))


def counted_many(at_us: Ints, read_wh: Ints, first: Ints, power_w: NDArray[np.float64], rules: RegisterRow) -> Ints:
    """(s,) Wh of s registers at once, as `counted` gives each: their reads one after the other.

    Parameters
    ----------
    at_us, read_wh : (r,) reads of all, rising in time within each register
    first : (s,) where each register's reads begin; none is empty
    power_w : (s,) the most that can pass each, 0: not known
    """
    last = np.append(first[1:], len(at_us)) - 1
    step, dt = np.diff(read_wh), np.diff(at_us)
    inner = np.ones(len(at_us), bool)
    inner[first] = False
    inner = inner[1:]
    most = np.repeat(power_w, last - first + 1)[1:]
    limit = most * rules.margin * dt * WH_PER_W_US + rules.slack_wh
    bad = inner & ((step < 0) | ((most > 0) & (step > limit)))
    wh: Ints = read_wh[last] - read_wh[first]
    owner = np.repeat(np.arange(len(first)), last - first + 1)[1:]
    for one in np.unique(owner[bad]).tolist():
        span = slice(first[one], last[one] + 1)
        wh[one] = counted(at_us[span].tolist(), read_wh[span].tolist(), float(power_w[one]), rules).wh
    return wh


class _Walk:
    """One walk over the reads in order of time."""

    def __init__(self, at_us: Sequence[int], read_wh: Sequence[int], power_w: float, rules: RegisterRow) -> None:
        self._at, self._read, self._power_w, self._rules = at_us, read_wh, power_w, rules
        self.kept_us: list[int] = []
        self.total_wh: list[int] = []
        self.reasons: list[str] = []

    def run(self) -> None:
        if not self._at:
            return
        before, row = 0, 1
        self._keep(0, 0)
        while row < len(self._at):
            wh, reason = self._step(before, row)
            if reason == "out_of_line":
                self.reasons.append(reason)
                row += 1
                continue
            if reason:
                self.reasons.append(reason)
            self._keep(row, wh)
            if reason or self._read[row] >= self._read[before]:
                before = row
            row += 1

    def _keep(self, row: int, wh: int) -> None:
        self.kept_us.append(self._at[row])
        self.total_wh.append((self.total_wh[-1] if self.total_wh else 0) + wh)

    def _step(self, before: int, row: int) -> tuple[int, str]:
        """What passed from one read to another, and what was seen."""
        step, limit = self._read[row] - self._read[before], self._limit(before, row)
        if 0 <= step <= limit:
            return step, ""
        if -self._rules.jitter_wh <= step < 0:
            return 0, ""
        if self._is_stray(before, row):
            return 0, "out_of_line"
        return (step, "too_fast") if step > 0 else self._fallen(before, row, limit)

    def _fallen(self, before: int, row: int, limit: float) -> tuple[int, str]:
        """What passed where the register fell for good."""
        for modulus in self._rules.rollovers_wh:
            passed = modulus - self._read[before] + self._read[row]
            if self._read[before] < modulus and 0 <= passed <= self._bounded(limit):
                return passed, "rollover"
        if self._read[row] <= self._bounded(limit):
            return self._read[row], "reset"
        return 0, "backwards"

    def _is_stray(self, before: int, row: int) -> bool:
        """Whether a read soon after fits the read before, and this one does not lie between them."""
        for later in range(row + 1, min(row + 1 + self._rules.stray_n, len(self._at))):
            step = self._read[later] - self._read[before]
            if 0 <= step <= self._limit(before, later):
                return not self._read[before] <= self._read[row] <= self._read[later]
        return False

    def _limit(self, before: int, row: int) -> float:
        if not self._power_w:
            return float("inf")
        dt = self._at[row] - self._at[before]
        return self._power_w * self._rules.margin * dt * WH_PER_W_US + self._rules.slack_wh

    def _bounded(self, limit: float) -> float:
        """A limit for a register that began again, also where the most that can pass is not known."""
        return min(limit, 100.0 * self._rules.slack_wh)
