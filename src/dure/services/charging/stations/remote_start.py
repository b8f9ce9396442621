"""Starting and stopping for people: by a member's card, or for a guest by a token made for this one charge."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from dure.core.errors import Conflict, NotFound
from dure.services.charging.model import Evse, Site
from dure.services.charging.sites import registered
from dure.services.charging.stations import calls, station_records, verbs
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.station_rules import station_rules
from dure.services.charging.tokens import token_desk
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House


async def start(
    house: House, evse_id: str, by: By, *, card: str = "", key: str = "", profile: dict[str, Any] | None = None
) -> tuple[Call, str]:
    """Ask an EVSE to start; the call, and the digest of the token that will charge. Without a card it is a guest's.

    Raises
    ------
    NotFound : there is no such EVSE (``evse.unknown``)
    Conflict : a vehicle charges there already (``evse.busy``), the station is offline (``station.offline``)
    """
    evse, version, text, token = await asyncio.to_thread(_prepared, house, evse_id, card, by)
    arguments: dict[str, Any] = {"evse": evse.number, "token": text, "remote_start": secrets.randbelow(calls.IDS) + 1}
    arguments |= {"profile": profile} if profile else {}
    arguments |= {"type": "ISO14443"} if card else {}
    action, payload = verbs.question("start", version, arguments)
    found = await calls.ask(house, evse.charger, action, payload, by, key, token=token)
    return found, token.digest if token else digest(text, token_key(house.settings.data))


async def stop(house: House, charger: str, transaction: str, by: By, key: str = "") -> Call:
    """Ask a station to stop a transaction."""
    return await calls.do(house, charger, "stop", {"transaction": transaction}, by, key)


def _prepared(house: House, evse_id: str, card: str, by: By) -> tuple[Evse, Any, str, Token | None]:
    key = token_key(house.settings.data)
    with house.records.read() as connection:
        site, evse = _place(registered(connection).sites.values(), evse_id)
        if any(number == evse.number for _, number in station_records.running(connection, evse.charger)):
            raise Conflict("evse.busy", f"A vehicle charges at {evse_id} already.")
    version = calls.version_of(house, evse.charger)
    if card:
        return evse, version, card.strip(), None
    hours = station_rules(by.at.astimezone(house.city.zone).date(), house.city.folder).guest_h
    with house.records.begin() as connection:
        made = token_desk.guest(connection, site.id, hours, key, by)
    return evse, version, made.text, made.token


def _place(sites: Any, evse_id: str) -> tuple[Site, Evse]:
    for site in sites:
        for evse in site.evses:
            if evse.id == evse_id:
                return site, evse
    raise NotFound("evse.unknown", f"There is no EVSE {evse_id[:80]!r}.")
