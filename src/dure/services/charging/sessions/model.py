"""Nouns of charging sessions."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

SessionState = Literal["running", "ended", "settled"]
Trust = Literal["measured", "estimated", "disputed"]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One vehicle at one EVSE, from the first step of a transaction to the last.

    Attributes
    ----------
    id : `session_id` of its charger and transaction, so that the same words always make the same session
    evse : asset id; empty when the station named an EVSE nobody registered
    begin_wh, end_wh : registers; None while not known. `energy_wh` is their difference after resets and gaps
    trust : estimated when a register had to be derived (a lost stop, a reset); disputed when it ran backwards
    need_wh, departs_at : what the driver asked for, None when nobody said
    """

    id: str
    charger: str
    site: str
    transaction: str
    state: SessionState
    started_at: datetime
    evse: str = ""
    ended_at: datetime | None = None
    token: str = ""
    begin_wh: int | None = None
    end_wh: int | None = None
    energy_wh: int = 0
    returned_wh: int = 0
    soc: float | None = None
    power_w: float | None = None
    charging_state: str = ""
    stopped_reason: str = ""
    trust: Trust = "measured"
    offline: bool = False
    last_at: datetime | None = None
    need_wh: int | None = None
    departs_at: datetime | None = None
    target_soc: float | None = None
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def without_token(session: Session) -> Session:
    """A session without the digest of its token, by which one driver's sessions could be put together."""
    return msgspec.structs.replace(session, token="")


def session_id(charger: str, transaction: str, begun_us: int = 0) -> str:
    """Id of the session of a transaction; `begun_us` only where a station uses one transaction id twice."""
    told = f"{charger}\x00{transaction}\x00{begun_us}" if begun_us else f"{charger}\x00{transaction}"
    return f"cs-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
