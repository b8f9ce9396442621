"""Storage as lots: what went in, of which origin, comes out first in, first out. Pure.

A lot is what can be given out again: of what an interval put in, the losses of both ways are booked at once, by the efficiencies
on the register. First in, first out, because every Wh given out then names the interval it was put in; energy has no such order,
and a mean over the store would be as true (docs/decisions). Three guards keep a claim below what can be:

- Lots above what the state of charge bears out are booked as lost, the oldest first.
- What is given out above the lots is of origin grid.
- When a register of the store was silent, all lots become grid; when it was read too seldom to say in which hour, what was put in
  and given out in that time is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from dure.services.charging.origin.model import Drawn, Ints, Lot, Measured, Stored, Trust


class _Store:
    """The lots as they stand, oldest first."""

    def __init__(self, lots: Sequence[Lot]) -> None:
        self.lots = deque((one.start_us, one.pv, one.wh) for one in lots)
        self.total = sum(one.wh for one in lots)
        self._frozen: tuple[Lot, ...] | None = tuple(lots)

    def put(self, start_us: int, wh: int, *, pv: bool) -> None:
        """Add a lot."""
        if wh > 0:
            self.lots.append((start_us, pv, wh))
            self.total += wh
            self._frozen = None

    def draw(self, wanted: int) -> list[Drawn]:
        """Take the oldest; less than wanted when there is no more."""
        taken: list[Drawn] = []
        left = min(wanted, self.total)
        if left <= 0:
            return taken
        self._frozen = None
        self.total -= left
        while left > 0:
            start_us, pv, wh = self.lots[0]
            part = min(wh, left)
            taken.append(Drawn(start_us, pv, part))
            left -= part
            if part == wh:
                self.lots.popleft()
            else:
                self.lots[0] = (start_us, pv, wh - part)
        return taken

    def doubt(self) -> int:
        """All lots become grid; how much had been from PV."""
        found = sum(wh for _, pv, wh in self.lots if pv)
        if found:
            self.lots = deque((start_us, False, wh) for start_us, _, wh in self.lots)
            self._frozen = None
        return found

    def frozen(self) -> tuple[Lot, ...]:
        """The lots as values."""
        if self._frozen is None:
            self._frozen = tuple(Lot(*one) for one in self.lots)
        return self._frozen


def stored(measured: Measured, charge_pv: Ints, starts_us: Ints, opening: Sequence[Lot] = ()) -> Stored:
    """Storage over the intervals.

    Parameters
    ----------
    charge_pv : (n,) of `measured.charge`, what came from PV [Wh]
    starts_us : (n,) where the intervals begin [us]
    opening : lots before the first interval
    """
    n = len(measured)
    kept_pv = np.where(measured.charge > 0, measured.kept * charge_pv // np.maximum(measured.charge, 1), 0)
    kept_grid = measured.kept - kept_pv
    out = {name: np.zeros(n, np.int64) for name in ("given_pv", "given_grid", "lost_pv", "lost_grid", "doubted")}
    out["lost_pv"] += charge_pv - kept_pv
    out["lost_grid"] += measured.charge - charge_pv - kept_grid
    store = _Store(opening)
    openings, drawn = [store.frozen()], []
    columns = (starts_us, kept_pv, kept_grid, measured.discharge, measured.ceiling, measured.trust)
    for row, (start_us, pv, grid, wanted, ceiling, trust) in enumerate(zip(*(one.tolist() for one in columns), strict=True)):
        if trust:
            out["doubted"][row] = pv + (store.doubt() if trust == Trust.SILENT else 0)
        store.put(start_us, 0 if trust else pv, pv=True)
        store.put(start_us, grid + (pv if trust else 0), pv=False)
        taken = store.draw(wanted)
        if wanted > (told := sum(one.wh for one in taken)):
            taken.append(Drawn(0, False, wanted - told))  # noqa: FBT003  # a column of a row
        _add(taken, out["given_pv"], out["given_grid"], row)
        if 0 <= ceiling < store.total:
            _add(store.draw(store.total - ceiling), out["lost_pv"], out["lost_grid"], row)
        openings.append(store.frozen())
        drawn.append(tuple(taken))
    untimed = np.where(measured.trust == Trust.UNTIMED, out["given_pv"], 0)
    out["doubted"] += untimed
    out["given_pv"] -= untimed
    out["given_grid"] += untimed
    return Stored(**out, opening=tuple(openings), drawn=tuple(drawn))


def _add(taken: Sequence[Drawn], pv: Ints, grid: Ints, row: int) -> None:
    for one in taken:
        (pv if one.pv else grid)[row] += one.wh
