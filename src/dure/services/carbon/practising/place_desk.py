"""Places that show a code which changes: who scans it there and then has proved it."""

from __future__ import annotations

import secrets as chance
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import InputError, NotFound
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_practices import carbon_practice_places as places
from dure.services.carbon.practising import practice_desk
from dure.services.carbon.practising.acts import Act, Proof
from dure.services.carbon.practising.practice_desk import MoreStretches, Setting
from dure.services.carbon.practising.signing import Code, code_of, read_code, turn_at

TURN_LEAST_S, TURN_MOST_S = 15, 86_400
TURNS_AGO = 1  # the code before the one that is shown still counts: people scan slowly


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place with a code that changes every `turn_s` seconds."""

    id: str
    name: Text
    practices: tuple[str, ...]
    turn_s: int
    lat: float | None = None
    lon: float | None = None
    key_n: int = 1
    state: str = "active"


def put(connection: Connection, one: Place, rules: Setting, by: By) -> Place:
    """Register a place, or change it.

    Raises
    ------
    InputError : ``practice.place``: name, turn, position or practices do not fit
    """
    proved = [each for each in one.practices if each in rules.rules.practices and "qr" in rules.rules.practices[each].proofs]
    placed = (one.lat is None) == (one.lon is None) and abs(one.lat or 0) <= 90 and abs(one.lon or 0) <= 180
    if not one.name.ko.strip() or not TURN_LEAST_S <= one.turn_s <= TURN_MOST_S or not placed or not proved:
        raise InputError("practice.place", "A place needs a name, a turn of 15 s to a day, and practices proved by a code.")
    if len(proved) != len(one.practices):
        raise InputError("practice.place", "Not all of these practices are proved by a code.")
    identifier(one.id, "place")
    row = {
        "id": one.id, "name": msgspec.to_builtins(one.name), "practices": list(one.practices), "lat": one.lat, "lon": one.lon,
        "turn_s": one.turn_s, "key_n": one.key_n, "state": one.state, "made_at": by.at,
    }  # fmt: skip
    dialect.upsert(connection, places, [row])
    audit.append(connection, by, "manage", "programme", one.id, {"place": {"practices": list(one.practices)}})
    return one


def end(connection: Connection, ident: str, by: By) -> None:
    """Its codes are worth nothing any more."""
    get(connection, ident)
    connection.execute(update(places).where(places.c.id == ident).values(state="ended"))
    audit.append(connection, by, "manage", "programme", ident, {"place": {"state": "ended"}})


def get(connection: Connection, ident: str) -> Place:
    """A place; NotFound ``practice.place_unknown``."""
    row = connection.execute(select(places).where(places.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("practice.place_unknown", f"There is no place {ident[:80]!r}.")
    return _place(row)


def listing(connection: Connection) -> list[Place]:
    """All of them."""
    return [_place(row) for row in connection.execute(select(places).order_by(places.c.id)).mappings()]


def shown(one: Place, secret: bytes, at: datetime) -> Code:
    """The code a place shows at an instant."""
    return code_of(secret, one.id, one.key_n, turn_at(at, one.turn_s))


def place_of(connection: Connection, text: str) -> Place | None:
    """The place a scanned code speaks of, true or not."""
    code = read_code(text)
    if code is None:
        return None
    row = connection.execute(select(places).where(places.c.id == code.place)).mappings().one_or_none()
    return None if row is None else _place(row)


def prove(
    connection: Connection, person: str, asked: tuple[str, str], by: Setting, secret: bytes, more: MoreStretches | None = None
) -> Act:
    """Prove a practice by a scanned code; raises as `practice_desk.prove`.

    Parameters
    ----------
    asked : practice, scanned text
    """
    practice, text = asked
    place, code = place_of(connection, text), read_code(text)
    wrong = "practice.code_wrong"
    if place is not None and code is not None and place.state == "active" and practice in place.practices:
        wrong = _wrong(place, code, secret, by.at)
    proof = Proof(
        kind="qr", done_at=by.at, quantity=by.rules.practice(practice).base, code=wrong,
        once=f"qr/{code.place}/{code.turn}/{practice}/{person}" if code else f"qr/{chance.token_hex(8)}",
        place=place.id if place else "", lat=place.lat if place else None, lon=place.lon if place else None,
        facts={"place": place.id, "turn": code.turn} if place and code else {},
    )  # fmt: skip
    return practice_desk.prove(connection, person, practice, proof, by, more)


def _wrong(place: Place, code: Code, secret: bytes, at: datetime) -> str:
    true = code_of(secret, place.id, place.key_n, code.turn)
    now = turn_at(at, place.turn_s)
    if not chance.compare_digest(true.tag, code.tag) or code.turn > now:
        return "practice.code_wrong"
    return "practice.code_old" if code.turn < now - TURNS_AGO else ""


def _place(row: RowMapping) -> Place:
    words: dict[str, Any] = {name: row[name] for name in Place.__struct_fields__}
    return msgspec.convert(words, Place)
