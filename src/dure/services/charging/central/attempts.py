"""Refused attempts by address: after some, each next one waits, so that nobody guesses secrets or fills the log.

Counted for each identity that an address claims, and for the address as a whole with more room: many sites come through one
address of their telephone company, and one station with a wrong secret must not keep the others out.
"""

from __future__ import annotations

FREE_N = 30
PER_MINUTE = 20.0
ADDRESS_FREE_N = 600  # a site behind one address whose secrets were all turned at once
ADDRESS_PER_MINUTE = 400.0
NAMES_MAX = 10_000


class Attempts:
    """Refused attempts of identities and addresses."""

    def __init__(self) -> None:
        self._claims = Buckets()
        self._addresses = Buckets(ADDRESS_FREE_N, ADDRESS_PER_MINUTE)

    def refused(self, address: str, identity: str, at_s: float) -> None:
        """Note a refused attempt."""
        self._claims.refused(f"{address} {identity}", at_s)
        self._addresses.refused(address, at_s)

    def wait_s(self, address: str, identity: str, at_s: float) -> int:
        """Seconds who comes from an address with an identity must wait before it is looked at again; 0: it may come."""
        return max(self._claims.wait_s(f"{address} {identity}", at_s), self._addresses.wait_s(address, at_s))


class Buckets:
    """A bucket per name that empties with time; one whose bucket is full waits."""

    def __init__(self, free_n: int = FREE_N, per_minute: float = PER_MINUTE) -> None:
        self._free_n = free_n
        self._per_s = per_minute / 60
        self._filled: dict[str, tuple[float, float]] = {}

    def refused(self, name: str, at_s: float) -> None:
        """Note a refused attempt."""
        if len(self._filled) >= NAMES_MAX:
            self._forget(at_s)
        self._filled[name] = (min(self._level(name, at_s) + 1, self._free_n + 1), at_s)

    def wait_s(self, name: str, at_s: float) -> int:
        """Seconds it must wait; 0: it may come."""
        over = self._level(name, at_s) - self._free_n
        return 0 if over < 0 else int(over / self._per_s) + 1

    def _level(self, name: str, at_s: float) -> float:
        level, since_s = self._filled.get(name, (0.0, at_s))
        return max(0.0, level - (at_s - since_s) * self._per_s)

    def _forget(self, at_s: float) -> None:
        kept = {name: entry for name, entry in self._filled.items() if self._level(name, at_s) > 0}
        while len(kept) >= NAMES_MAX:  # more strangers than we can count: the oldest begin anew
            del kept[next(iter(kept))]
        self._filled = kept
