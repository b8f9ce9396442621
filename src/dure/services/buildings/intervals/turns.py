"""Work on many meters in turn: a few each round, so that no round is long and none is forgotten."""

from __future__ import annotations

from collections.abc import Sequence


class Turns:
    """Whose turn it is; the next call goes on from there."""

    def __init__(self, within_rounds: int, *, least_n: int = 1) -> None:
        self._within, self._least, self._next = within_rounds, least_n, 0

    def of(self, waiting: Sequence[str]) -> list[str]:
        """The next of those that wait, so many that everybody's turn comes within the rounds."""
        if not waiting:
            return []
        wanted = min(len(waiting), max(self._least, -(-len(waiting) // self._within)))
        first = self._next % len(waiting)
        self._next = first + wanted
        return [*waiting[first:], *waiting[:first]][:wanted]
