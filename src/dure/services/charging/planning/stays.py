"""Stays of vehicles at a site as arrays over a grid of steps, and the days of that grid.

The grid begins at a local midnight and has `per_day` steps a day; a stay covers ``[arrive, depart)``. A vehicle is known of from
the first whole step after it came, and can be charged until the last whole step before it left; one that stayed shorter has
the one step it came before.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from dure.services.charging.planning.problem import Floats, Ints

DAY_S = 86_400
MICRO = 1_000_000
HOLIDAY = 7  # kind of a day beside 0 (Monday) .. 6 (Sunday)
SUNDAY = 6
LOOK_BACK_D = 98


class Stay(msgspec.Struct, frozen=True):
    """One stay as it was measured: when the vehicle came and left [us], and what it was given [Wh]; `max_w` 0: not known."""

    arrived_us: int
    departed_us: int
    energy_wh: float
    max_w: float = 0.0


class Stays(msgspec.Struct, frozen=True, eq=False):
    """Stays in the order of their arrival: (n,) steps, energy [Wh], most power [W]."""

    arrive: Ints
    depart: Ints
    need_wh: Floats
    max_w: Floats

    def __len__(self) -> int:
        """How many."""
        return len(self.arrive)

    def where(self, chosen: np.ndarray) -> Stays:
        """Those chosen by a mask or by places."""
        return Stays(self.arrive[chosen], self.depart[chosen], self.need_wh[chosen], self.max_w[chosen])

    def ended(self, now: int) -> Stays:
        """Those over at step `now`: all that may be learned from then."""
        return self.where(self.depart <= now)


def stays_of(rows: Iterable[Stay], start_us: int, step_s: int, usual_w: float) -> Stays:
    """Stays on the grid from `start_us`; one that came before it is left out.

    Parameters
    ----------
    usual_w : power of a vehicle that nobody measured; more where its energy would not fit into its stay otherwise
    """
    kept: list[tuple[int, int, float, float]] = []
    width = step_s * MICRO
    for one in rows:
        arrive = -((start_us - one.arrived_us) // width)
        if one.arrived_us < start_us or one.energy_wh <= 0:
            continue
        depart = max((one.departed_us - start_us) // width, arrive + 1)
        least = one.energy_wh / ((depart - arrive) * step_s / 3_600)
        kept.append((arrive, depart, one.energy_wh, max(one.max_w or usual_w, least)))
    kept.sort()
    table = np.array(kept, dtype=np.float64).reshape(-1, 4)
    return Stays(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2].copy(), table[:, 3].copy())


class Days(msgspec.Struct, frozen=True):
    """The days of a grid: which weekday the first is (0 Monday), which are holidays, and from which on anything was recorded."""

    per_day: int
    weekday: int
    holidays: frozenset[int] = frozenset()
    since: int = 0

    def kind(self, day: int) -> int:
        """0 Monday .. 6 Sunday, 7 a holiday."""
        return HOLIDAY if day in self.holidays else (self.weekday + day) % 7

    def like(self, day: int, before: int, n: int) -> list[int]:
        """Up to `n` days of the same kind that are over before day `before`, the latest first.

        A holiday is like holidays and, as they are few, Sundays; a day never seen before is like the last days there were.
        """
        kinds = {self.kind(day)} if self.kind(day) != HOLIDAY else {HOLIDAY, SUNDAY}
        past = range(before - 1, max(self.since, before - LOOK_BACK_D) - 1, -1)
        found = [one for one in past if self.kind(one) in kinds][:n]
        return found or list(past)[:n]
