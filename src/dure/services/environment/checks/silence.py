"""When a station is silent: it has sent nothing for three of its periods. Pure; the shell keeps the answer."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from dure.core.time import US_PER_S
from dure.services.environment.model import SILENT_AFTER_PERIODS


class Heard(msgspec.Struct, frozen=True):
    """When a station was last heard (arrival, not its own clock) and how often it should be."""

    asset: str
    last_us: int
    period_s: int


class Change(msgspec.Struct, frozen=True):
    """A station that became silent, or came back. The shell says it once."""

    asset: str
    silent: bool
    last_us: int
    period_s: int


def changes(heard: Iterable[Heard], silent: Collection[str], now_us: int, listening_since_us: int = 0) -> list[Change]:
    """Stations whose state changed.

    Parameters
    ----------
    heard : every station that was ever heard
    silent : those known to be silent
    listening_since_us : since when we listen; what we could not hear before counts against no station
    """
    found = []
    for one in heard:
        limit_us = SILENT_AFTER_PERIODS * one.period_s * US_PER_S
        quiet = now_us - max(one.last_us, listening_since_us) > limit_us
        was_quiet = one.asset in silent
        if quiet and not was_quiet:
            found.append(Change(one.asset, silent=True, last_us=one.last_us, period_s=one.period_s))
        elif was_quiet and now_us - one.last_us <= limit_us:
            found.append(Change(one.asset, silent=False, last_us=one.last_us, period_s=one.period_s))
    return found
