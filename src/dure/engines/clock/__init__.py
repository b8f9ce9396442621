"""The clock: the real one, and one that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, aware UTC."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock for tests and rehearsals."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was set to."""
        return self._at

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._at += by
