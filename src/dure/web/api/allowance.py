"""How much a sender may send: a bucket of readings that refills evenly."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from dure.core.errors import RateLimited, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable

SENDERS_MAX = 100_000


class Allowance:
    """A bucket per sender: `per_minute` at once, refilled over a minute."""

    def __init__(self, per_minute: int, seconds: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._seconds = seconds
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, sender: str, amount: int) -> None:
        """Take from the sender's bucket, or say when to come back."""
        if amount > self._per_minute:
            raise TooLarge(
                "request.too_many_readings",
                f"{amount:,} readings in one request; a device may send {self._per_minute:,} a minute. Send them in parts.",
            )
        now = self._seconds()
        left, since = self._buckets.pop(sender, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - since) * self._per_minute / 60)
        enough = left >= amount
        self._buckets[sender] = (left - amount if enough else left, now)
        if len(self._buckets) > SENDERS_MAX:
            self._buckets.popitem(last=False)
        if not enough:
            retry_after_s = max(1, math.ceil((amount - left) * 60 / self._per_minute))
            raise RateLimited(
                "device.too_fast",
                f"More than {self._per_minute:,} readings in a minute. Try again in {retry_after_s} s.",
                retry_after_s=retry_after_s,
            )
