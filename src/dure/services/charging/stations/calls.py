"""Asking stations: through the house's commands, so that it is kept, audited, and reaches the process that has the connection.

A card's number in a payload is sealed on its way (`tokens.sealing`); what is kept and shown has digests instead.

======================  ==============================================================================
``charger.unknown``     there is no such charger, or it has no OCPP identity
``station.offline``     it is not connected
``call.…``              see `verbs` and `tokens.sealing`
``ocpp.payload``        the payload is not valid for the station's version
======================  ==============================================================================
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from dure.core.errors import InputError, NotFound
from dure.core.events import Command, Outcome
from dure.core.observations import Rejected
from dure.engines.records import assets, commands, devices
from dure.engines.records.paging import Page
from dure.protocols.ocpp.errors import CallError
from dure.protocols.ocpp.schemas import check_asking
from dure.services.charging.model import VERSIONS, Version
from dure.services.charging.stations import call_records, station_records, verbs
from dure.services.charging.stations.station_rules import StationRules, station_rules
from dure.services.charging.tokens.sealing import names_token, redacted, seal
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest
from dure.spine import commanding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.engines.records.audit import By
    from dure.spine.house import House

NAME = "ocpp"  # of the house's command
POLL_S = 0.1
IDS = 2**31 - 2  # of requests and remote starts: positive 32-bit integers
__all__ = ["NAME", "Call", "ask", "do", "get", "history", "objection", "settled"]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What a station was asked, and what came of it.

    Attributes
    ----------
    payload, answer : without tokens; answer is None while there is none
    outcome : pending, done (the station said yes), rejected, expired
    code, why : of a refusal
    """

    id: str
    charger: str
    action: str
    payload: dict[str, Any]
    person: str
    asked_at: datetime
    outcome: Outcome
    answer: dict[str, Any] | None = None
    code: str = ""
    why: str = ""
    answered_at: datetime | None = None


async def do(house: House, charger: str, verb: str, arguments: Mapping[str, Any], by: By, key: str = "") -> Call:
    """Ask a station something in words that fit all versions (see `verbs`); `key` asked again is the same call.

    Raises
    ------
    InputError : the verb, an argument or the payload cannot be used
    Conflict : the station is unknown, offline, or cannot do this
    """
    version = await asyncio.to_thread(version_of, house, charger)
    given = {"request": _number(), "remote_start": _number()} | dict(arguments)
    action, payload = verbs.question(verb, version, given)
    return await ask(house, charger, action, payload, by, key)


async def ask(  # noqa: PLR0913  # who asks whom for what, once
    house: House, charger: str, action: str, payload: dict[str, Any], by: By, key: str = "", *, token: Token | None = None
) -> Call:
    """Ask a station one message of its own version; `token` is one that answers must know at once (a guest's).

    Raises
    ------
    InputError : the payload is not valid for the station's version (``ocpp.payload``)
    Conflict : the station is unknown or offline
    """
    version = await asyncio.to_thread(version_of, house, charger)
    checked(version, action, payload)
    secret = token_key(house.settings.data)
    told: dict[str, Any] = {"action": action, "payload": redacted(payload, lambda text: digest(text, secret)), "by": by.actor}
    if names_token(payload) or token is not None:
        told["sealed"] = seal(payload, secret)
    if token is not None:
        told["token"] = msgspec.to_builtins(token)
    until = by.at + timedelta(seconds=_rules(house).call_s)
    command = Command(
        id=uuid4().hex, asset=charger, name=NAME, key=key or uuid4().hex, issued_at=by.at, expires_at=until, arguments=told
    )
    return _call(await commanding.ask(house, command, by), None)


def checked(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Refuse what no station of that version takes, with ``ocpp.payload``."""
    try:
        check_asking(version, action, payload)
    except CallError as error:
        raise InputError("ocpp.payload", f"{action[:50]}: {error.description}") from error


async def settled(house: House, call_id: str, timeout_s: float = 30.0) -> Call:
    """A call once its outcome is known, or as it is after the time."""
    until = asyncio.get_running_loop().time() + timeout_s
    while True:
        found = await asyncio.to_thread(get, house, call_id)
        if found.outcome in {"done", "rejected", "expired"} or asyncio.get_running_loop().time() >= until:
            return found
        await asyncio.sleep(POLL_S)


def get(house: House, call_id: str) -> Call:
    """One call. Blocks."""
    with house.records.read() as connection:
        found = commands.get(connection, call_id)
        if found.name != NAME:
            raise NotFound("command.unknown", f"{call_id[:80]!r} is no call of a station.")
        return _call(found, call_records.answers(connection, [call_id]).get(call_id))


def history(connection: Connection, charger: str, *, after: str = "", limit: int = 50) -> Page[Call]:
    """What a charger was asked, newest first."""
    found = commands.listing(connection, asset=charger, name=NAME, after=after, limit=limit)
    answers = call_records.answers(connection, [one.id for one in found.items])
    return Page([_call(one, answers.get(one.id)) for one in found.items], found.next)


def _call(command: Command, answer: call_records.Answered | None) -> Call:
    told = command.arguments
    return Call(
        id=command.id,
        charger=command.asset,
        action=str(told.get("action", "")),
        payload=dict(told.get("payload", {})),
        person=str(told.get("by", "")),
        asked_at=command.issued_at,
        outcome=command.outcome,
        answer=answer.answer if answer else None,
        code=answer.code if answer else "",
        why=answer.why if answer else "",
        answered_at=answer.answered_at if answer else None,
    )


def objection(house: House, connection: Connection, command: Command) -> Rejected | None:
    """Why a charger must not be asked this now; None when it may be, or when it is no charger's business. Blocks."""
    if command.name != NAME:
        return None
    try:
        asset = assets.get(connection, command.asset)
    except NotFound:
        return None  # who keeps the command says so
    code, why = _objection(house, connection, asset, command)
    return Rejected(0, code, f"{asset.id} {why}.", asset.id) if code else None


def _objection(house: House, connection: Connection, asset: Asset, command: Command) -> tuple[str, str]:
    if asset.kind != "charger":
        return "charger.unknown", "is no charger"
    if not any(one.state != "revoked" for one in devices.listing(connection, asset=asset.id).items):
        return "charger.unknown", "has no OCPP identity"
    if "sealed" not in command.arguments and names_token(command.arguments.get("payload", {})):
        return "call.unsealed", "is asked with a token in plain words: use /api/v1/charging/stations"
    state = station_records.states(connection, [asset.id]).get(asset.id)
    if state is None or not is_online(state, command.issued_at, _rules(house)):
        return "station.offline", "is not connected"
    return "", ""


def is_online(state: station_records.StationState, now: datetime, rules: StationRules) -> bool:
    """Whether a charger is connected: it is linked, and spoke within the time of rules/stations.toml."""
    return state.linked and now - state.heard_at <= timedelta(seconds=rules.missed_s)


def version_of(house: House, charger: str) -> Version:
    """What a charger spoke last. Blocks."""
    with house.records.read() as connection:
        state = station_records.states(connection, [charger]).get(charger)
    return next((one for one in VERSIONS if state is not None and one == state.version), "ocpp2.0.1")


def _rules(house: House) -> StationRules:
    return station_rules(house.clock.now().astimezone(house.city.zone).date(), house.city.folder)


def _number() -> int:
    return secrets.randbelow(IDS) + 1
