"""Work on many things in turn: a few each round, so that no round is long and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Turns:
    """Whose turn it is; the next call goes on from there.

    Attributes
    ----------
    within_rounds : everybody's turn comes within so many calls
    least_n : so many at least, each time
    """

    def __init__(self, within_rounds: int = 60, *, least_n: int = 50) -> None:
        self.within_rounds, self.least_n = within_rounds, least_n
        self._next = 0

    def of(self, waiting: Sequence[T], n: int | None = None) -> list[T]:
        """The next n of those that wait, in order; None: as many as it takes."""
        if not waiting:
            return []
        wanted = max(self.least_n, -(-len(waiting) // self.within_rounds)) if n is None else n
        first = self._next % len(waiting)
        self._next = first + min(wanted, len(waiting))
        return [*waiting[first:], *waiting[:first]][:wanted]
