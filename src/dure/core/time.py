"""Instants and intervals. Everything inside is UTC; local time exists only on screens."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from dure.core.errors import InputError

US_PER_S = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """What time it is, as aware UTC. Decisions never call it: their shell passes the instant in."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...


class Interval(msgspec.Struct, frozen=True):
    """Half-open ``[start, end)`` in aware UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError("time.naive", "An interval needs instants with an offset.")
        if self.end < self.start:
            raise InputError("time.interval_reversed", "The interval ends before it starts.")

    @property
    def duration(self) -> timedelta:
        """Length."""
        return self.end - self.start

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def to_us(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware instant, exactly."""
    if at.tzinfo is None:
        raise InputError("time.naive", "An instant needs an offset, for example 2026-11-24T09:00:00+09:00.")
    delta = at - EPOCH
    return (delta.days * 86_400 + delta.seconds) * US_PER_S + delta.microseconds


def from_us(us: int) -> datetime:
    """Aware UTC instant of microseconds since 1970-01-01."""
    return EPOCH + timedelta(microseconds=us)


def parse_instant(text: str, default_zone: ZoneInfo | None = None) -> datetime:
    """Aware UTC instant of an RFC 3339 text; without an offset, in `default_zone` or refused."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("time.unreadable", f"Not a time: {text[:40]!r}. Use for example 2026-11-24T09:00:00+09:00.") from error
    if at.tzinfo is None:
        if default_zone is None:
            raise InputError("time.naive", f"The time {text!r} has no offset, for example +09:00 or Z.")
        at = at.replace(tzinfo=default_zone)
    try:
        return at.astimezone(UTC)
    except OverflowError as error:
        raise InputError("time.unreadable", f"The time {text!r} is outside the calendar.") from error


def format_instant(at: datetime) -> str:
    """RFC 3339 in UTC with Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Local calendar day of an instant."""
    return at.astimezone(zone).date()


def day_interval(day: date, zone: ZoneInfo) -> Interval:
    """The local calendar day as a UTC interval; 23 or 25 hours long where clocks change."""
    start = datetime(day.year, day.month, day.day, tzinfo=zone)
    after = day + timedelta(days=1)
    return Interval(start.astimezone(UTC), datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC))
