"""What every EVSE is doing now, and whether its station is connected: for maps, desks and plans.

``states(connection)`` gives all EVSEs that said something by asset id; ``links(connection)`` the stations. Words may come late
and twice: each part of a state is of the newest word about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, select

from dure.core.time import from_us
from dure.engines.records import dialect
from dure.engines.records.tables_charging_sessions import charging_evse_states as evse_states
from dure.engines.records.tables_charging_sessions import charging_links as link_rows
from dure.services.charging.central.words import Status

NEVER_US = -(2**62)


class EvseState(msgspec.Struct, kw_only=True):
    """An EVSE as it is now.

    Attributes
    ----------
    status : OCPP 2.0.1's word, empty while nothing was said; detail : that of 1.6 (Charging, SuspendedEV, …)
    since_at : when it came into this status; available_us : when it last was free of a vehicle
    session : that runs at it, empty: none
    power_w, soc : newest of the running session; register_wh : newest read
    """

    evse: str
    charger: str
    number: int
    status: Status | Literal[""] = ""
    detail: str = ""
    error: str = ""
    vendor_error: str = ""
    info: str = ""
    since_at: datetime = from_us(0)
    available_us: int = NEVER_US
    status_us: int = NEVER_US
    session: str = ""
    session_us: int = NEVER_US
    power_w: float | None = None
    power_us: int = NEVER_US
    soc: float | None = None
    soc_us: int = NEVER_US
    register_wh: int | None = None
    register_us: int = NEVER_US
    heard_at: datetime = from_us(0)


class Link(msgspec.Struct, kw_only=True):
    """A station as it is now: whether it is connected, what it said at boot, and its own status."""

    charger: str
    linked: bool = False
    linked_us: int = NEVER_US
    version: str = ""
    booted_us: int = NEVER_US
    boot: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    status: str = ""
    status_us: int = NEVER_US
    error: str = ""
    heard_at: datetime = from_us(0)


def states(connection: Connection, charger: str = "") -> dict[str, EvseState]:
    """Every EVSE that said something, of a station or of all, by asset id."""
    query = select(evse_states)
    if charger:
        query = query.where(evse_states.c.charger == charger)
    return {row["evse"]: EvseState(**row) for row in connection.execute(query).mappings()}


def links(connection: Connection) -> dict[str, Link]:
    """Every station that ever connected, by asset id."""
    return {row["charger"]: Link(**row) for row in connection.execute(select(link_rows)).mappings()}


def of_chargers(connection: Connection, chargers: set[str]) -> tuple[dict[str, EvseState], dict[str, Link]]:
    """The states of some stations and their EVSEs."""
    listed, found, linked = sorted(chargers), {}, {}
    for start in range(0, len(listed), 500):
        part = listed[start : start + 500]
        for row in connection.execute(select(evse_states).where(evse_states.c.charger.in_(part))).mappings():
            found[row["evse"]] = EvseState(**row)
        for row in connection.execute(select(link_rows).where(link_rows.c.charger.in_(part))).mappings():
            linked[row["charger"]] = Link(**row)
    return found, linked


def store(connection: Connection, changed: list[EvseState], linked: list[Link]) -> None:
    """Keep states as they are now."""
    dialect.upsert(connection, evse_states, [msgspec.structs.asdict(one) for one in changed])
    dialect.upsert(connection, link_rows, [msgspec.structs.asdict(one) for one in linked])
