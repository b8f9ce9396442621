"""Whether a station's clock runs away from ours: told once per connection; every word keeps both times in any case. Pure.

Only messages that speak of now are looked at: a station tells later what happened while it was offline, and then its time is
rightly an old one. A time in the future is wrong in every message.
"""

from __future__ import annotations

from typing import Any

from dure.core.errors import InputError
from dure.core.time import US_PER_S, parse_instant, to_us

TOLERANCE_S = 300
_SPEAK_OF_NOW = frozenset({"StatusNotification", "TransactionEvent"})
_MAY_BE_OLD = frozenset({"StartTransaction", "StopTransaction", "SecurityEventNotification"})


class ClockGuard:
    """Looks until it has found one drift, or the first time that is right."""

    __slots__ = ("_done",)

    def __init__(self) -> None:
        self._done = False

    def drifted(self, action: str, payload: dict[str, Any], now_us: int) -> int | None:
        """Seconds the station's clock is ahead of ours (negative: behind), when that is too much and not told yet."""
        if self._done or (action not in _SPEAK_OF_NOW and action not in _MAY_BE_OLD):
            return None
        given = payload.get("timestamp")
        if not isinstance(given, str):
            return None
        try:
            ahead_s = (to_us(parse_instant(given)) - now_us) // US_PER_S
        except InputError:
            return None
        told_late = action in _MAY_BE_OLD or payload.get("offline") is True
        if told_late and ahead_s < 0:
            return None
        self._done = True
        return ahead_s if abs(ahead_s) > TOLERANCE_S else None
