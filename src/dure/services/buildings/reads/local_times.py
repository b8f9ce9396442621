"""Wall-clock times of a file to instants, across changes of clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo


class LocalTimes(NamedTuple):
    """Instants of the rows, None where there is none; and the places of hours that do not exist or were given once too often."""

    instants: list[datetime | None]
    nonexistent: list[int]
    repeated: list[int]


def instants_of(times: Sequence[datetime], zone: ZoneInfo) -> LocalTimes:
    """Instants of wall-clock times in the order of a file.

    The hour that autumn repeats is told apart by its order: the second time it is given is the later one. Where clocks do not
    change there, a time given twice is only reported. An hour that spring leaves out has no instant.

    Parameters
    ----------
    times : (n,) naive, in the order of the file
    """
    seen: dict[datetime, int] = {}
    instants: list[datetime | None] = []
    nonexistent: list[int] = []
    repeated: list[int] = []
    for place, wall in enumerate(times):
        count = seen.get(wall, 0)
        seen[wall] = count + 1
        early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if early.astimezone(zone).replace(tzinfo=None) != wall:
            nonexistent.append(place)
            instants.append(None)
            continue
        if count >= (2 if late > early else 1):
            repeated.append(place)
        instants.append(late if count else early)
    return LocalTimes(instants, nonexistent, repeated)
