"""Refused attempts by address: after some, each next one waits, so that nobody guesses secrets or fills the log."""

from __future__ import annotations

FREE_N = 30  # a site behind one address whose secrets were all turned at once
PER_MINUTE = 20.0
ADDRESSES_MAX = 10_000


class Attempts:
    """A bucket per address that empties with time; an address whose bucket is full waits."""

    def __init__(self, free_n: int = FREE_N, per_minute: float = PER_MINUTE) -> None:
        self._free_n = free_n
        self._per_s = per_minute / 60
        self._filled: dict[str, tuple[float, float]] = {}

    def refused(self, address: str, at_s: float) -> None:
        """Note a refused attempt."""
        if len(self._filled) >= ADDRESSES_MAX:
            self._forget(at_s)
        self._filled[address] = (min(self._level(address, at_s) + 1, self._free_n + 1), at_s)

    def wait_s(self, address: str, at_s: float) -> int:
        """Seconds an address must wait before it is looked at again; 0: it may come."""
        over = self._level(address, at_s) - self._free_n
        return 0 if over < 0 else int(over / self._per_s) + 1

    def _level(self, address: str, at_s: float) -> float:
        level, since_s = self._filled.get(address, (0.0, at_s))
        return max(0.0, level - (at_s - since_s) * self._per_s)

    def _forget(self, at_s: float) -> None:
        kept = {address: entry for address, entry in self._filled.items() if self._level(address, at_s) > 0}
        while len(kept) >= ADDRESSES_MAX:  # more strangers than we can count: the oldest begin anew
            del kept[next(iter(kept))]
        self._filled = kept
