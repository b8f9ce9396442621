"""Work on many bins in turn: a few each round, so that no round is long and nobody is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
WITHIN_ROUNDS = 60
LEAST_N = 50


class Turns:
    """Whose turn it is; the next call goes on from there."""

    def __init__(self) -> None:
        self._next = 0

    def of(self, waiting: Sequence[T], n: int | None = None) -> list[T]:
        """The next n of those that wait, in order; None: so many that everybody's turn comes within an hour of minute rounds."""
        if not waiting:
            return []
        wanted = max(LEAST_N, -(-len(waiting) // WITHIN_ROUNDS)) if n is None else n
        first = self._next % len(waiting)
        self._next = first + min(wanted, len(waiting))
        return [*waiting[first:], *waiting[:first]][:wanted]
