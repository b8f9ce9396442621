"""Energy that an EVSE gave between two sessions, by the registers they ended and began with: nobody pays it. Pure.

A transaction that was never told, a release by hand, or what the charger itself uses; the origin ledger has it among what no
meter of a use explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from dure.services.charging.sessions.model import Session


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """Wh that passed an EVSE in ``[start, end)``, outside any session."""

    evse: str
    start: datetime
    end: datetime
    wh: int


def between_sessions(sessions: Iterable[Session], least_wh: int) -> list[Between]:
    """What passed between sessions that follow each other, by time; a register that began again between them says nothing.

    Parameters
    ----------
    least_wh : less is what rounding makes of it
    """
    found: list[Between] = []
    last: dict[str, Session] = {}
    for one in sorted(sessions, key=lambda each: (each.started_at, each.id)):
        before = last.get(one.evse)
        if not one.evse:
            continue
        last[one.evse] = one
        if before is None or before.ended_at is None or before.end_wh is None or one.begin_wh is None:
            continue
        wh = one.begin_wh - before.end_wh
        if wh > least_wh and "disputed" not in {one.trust, before.trust} and one.started_at >= before.ended_at:
            found.append(Between(evse=one.evse, start=before.ended_at, end=one.started_at, wh=wh))
    return found
