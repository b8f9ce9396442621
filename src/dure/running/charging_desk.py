"""What `dure charging` does with chargers and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.errors import InputError
from dure.engines.clock import SystemClock
from dure.engines.records.audit import By
from dure.running.desk import COMMAND, visiting
from dure.running.one_part import city_of
from dure.running.parts import records_of
from dure.services.charging.stations import calls, station_desk
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.station_desk import StationView
from dure.services.charging.tokens import token_csv, token_desk
from dure.services.charging.tokens.token_desk import Imported
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token

if TYPE_CHECKING:
    from dure.config import Settings

ANSWER_S = 30.0


async def stations(settings: Settings) -> list[StationView]:
    """All chargers, those that need a person first."""
    async with visiting(settings) as house:
        with house.records.read() as connection:
            return station_desk.listing(house, connection)


async def call(settings: Settings, charger: str, verb: str, arguments: str) -> Call:
    """Ask a charger of the running city something and wait for its answer."""
    try:
        given = msgspec.json.decode(arguments or "{}", type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InputError("call.argument", "The arguments are no JSON object.") from error
    async with visiting(settings) as house:
        asked = await calls.do(house, charger, verb, given, By(COMMAND, house.clock.now()))
        return await calls.settled(house, asked.id, ANSWER_S)


def add_token(settings: Settings, text: str, token: Token) -> Token:
    """Keep a new token."""
    records, by = records_of(settings), By(COMMAND, SystemClock().now())
    try:
        records.migrate()
        with records.begin() as connection:
            return token_desk.add(connection, text, token, token_key(settings.data), by)
    finally:
        records.close()


def import_tokens(settings: Settings, file: Path) -> Imported:
    """Keep the tokens of a CSV; rows that cannot be used come back."""
    with file.open("rb") as stream:
        rows, rejected = token_csv.read(stream.read(token_csv.BYTES_MAX + 1), city_of(settings).zone)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    records, by = records_of(settings), By(COMMAND, SystemClock().now())
    try:
        records.migrate()
        with records.begin() as connection:
            added, changed = token_desk.bring(connection, rows, token_key(settings.data), by)
    finally:
        records.close()
    return Imported(added, changed, rejected)
