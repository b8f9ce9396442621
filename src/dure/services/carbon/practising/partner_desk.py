"""Companies that prove what people did: who they are, and proofs they sign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotAllowed, NotFound, NotSignedIn
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.core.time import format_instant, parse_instant
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_practices import carbon_practice_nonces as nonces
from dure.engines.records.tables_carbon_practices import carbon_practice_partners as partners
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.practising import practice_desk, practice_records
from dure.services.carbon.practising.acts import Act, Proof
from dure.services.carbon.practising.practice_desk import MoreStretches, Setting
from dure.services.carbon.practising.signing import NONCE, partner_key, same, signature

REFERENCE_MAX = 80


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A company that proves some practices."""

    id: str
    name: Text
    practices: tuple[str, ...]
    key_n: int = 1
    state: str = "active"


class Signed(NamedTuple):
    """A request as it came: who says it is from them, when, with which number and signature, and its bytes."""

    partner: str
    time: str
    nonce: str
    signature: str
    body: bytes


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a partner says: whom (by the member's code) it saw do what, how much, when.

    Attributes
    ----------
    quantity : in base units (pieces, g, m)
    reference : the partner's own number of it (a receipt, a ride): each counts once
    """

    practice: str
    member: str
    quantity: int
    done_at: str
    reference: str
    ended_at: str = ""


def put(connection: Connection, one: Partner, by: By, secret: bytes) -> str:
    """Let a company prove practices, or others than before; its key."""
    before = _find(connection, identifier(one.id, "partner"))
    row = {
        "id": one.id, "name": msgspec.to_builtins(one.name), "practices": list(one.practices),
        "key_n": before.key_n if before else 1, "state": "active", "made_at": by.at,
    }  # fmt: skip
    dialect.upsert(connection, partners, [row])
    audit.append(connection, by, "manage", "programme", one.id, {"partner": {"practices": list(one.practices)}})
    return partner_key(secret, one.id, row["key_n"])


def change_key(connection: Connection, ident: str, by: By, secret: bytes) -> str:
    """A new key; the old one is worth nothing any more."""
    one = get(connection, ident)
    connection.execute(update(partners).where(partners.c.id == ident).values(key_n=one.key_n + 1))
    audit.append(connection, by, "manage", "programme", ident, {"partner": {"key_n": one.key_n + 1}})
    return partner_key(secret, ident, one.key_n + 1)


def end(connection: Connection, ident: str, by: By) -> None:
    """A company proves nothing any more."""
    get(connection, ident)
    connection.execute(update(partners).where(partners.c.id == ident).values(state="ended"))
    audit.append(connection, by, "manage", "programme", ident, {"partner": {"state": "ended"}})


def get(connection: Connection, ident: str) -> Partner:
    """A company; NotFound ``practice.partner_unknown``."""
    found = _find(connection, ident)
    if found is None:
        raise NotFound("practice.partner_unknown", f"There is no partner {ident[:80]!r}.")
    return found


def listing(connection: Connection) -> list[Partner]:
    """All of them."""
    return [_partner(row) for row in connection.execute(select(partners).order_by(partners.c.id)).mappings()]


def checked(connection: Connection, signed: Signed, by: Setting, secret: bytes) -> Partner:
    """Who signed a request; its number is used up.

    Raises
    ------
    NotSignedIn : ``practice.signature``, whatever of it is wrong
    InputError : ``practice.clock_skew`` when its time is not near ours, ``practice.nonce``
    Conflict : ``practice.nonce_used``
    """
    one = _find(connection, signed.partner)
    key = partner_key(secret, signed.partner, one.key_n if one else 0)
    right = signature(key, signed.partner, signed.time, signed.nonce, signed.body)
    if one is None or one.state != "active" or not same(signed.signature, right):
        raise NotSignedIn("practice.signature", "The signature does not fit: check partner, key, time, nonce and body.")
    if not NONCE.fullmatch(signed.nonce):
        raise InputError("practice.nonce", "A nonce is 16 to 64 letters, digits, '-' and '_', each used once.")
    sent_at, limits = parse_instant(signed.time), by.rules.limits
    if not by.at - timedelta(seconds=limits.signed_s) <= sent_at <= by.at + timedelta(seconds=limits.ahead_s):
        raise InputError("practice.clock_skew", f"The request is of {signed.time}, but it is {format_instant(by.at)}.")
    kept_s = limits.signed_s + limits.ahead_s
    row = {"partner": one.id, "nonce": signed.nonce, "expires_at": by.at + timedelta(seconds=kept_s)}
    if not dialect.insert_new(connection, nonces, [row]):
        raise Conflict("practice.nonce_used", "This nonce was used already: sign the request anew with another.")
    return one


def prove(connection: Connection, partner: Partner, told: Told, by: Setting, more: MoreStretches | None = None) -> Act:
    """What a partner proves is decided; told again in the same words, it is what was decided.

    Raises
    ------
    NotAllowed : ``practice.partner_practice``, ``practice.not_joined``
    NotFound : ``practice.unknown``, ``practice.member_unknown``
    InputError : ``practice.reference``, ``time.…``
    """
    one = by.rules.practice(told.practice)
    if one.id not in partner.practices:
        raise NotAllowed("practice.partner_practice", f"{partner.id} may not prove {one.id}.")
    if not 0 < len(told.reference) <= REFERENCE_MAX or not told.reference.isprintable():
        raise InputError("practice.reference", f"A reference is 1 to {REFERENCE_MAX} printable characters.")
    member = practice_records.member_by_code(connection, told.member.strip().upper())
    if member is None:
        raise NotFound("practice.member_unknown", "Nobody has this code. Ask the person for the one they have now.")
    ended_at = parse_instant(told.ended_at) if told.ended_at else None
    proof = Proof(
        kind="partner",
        done_at=parse_instant(told.done_at),
        quantity=told.quantity,
        once=f"partner/{partner.id}/{told.reference}",
        end_at=ended_at,
        facts={"partner": partner.id, "reference": told.reference},
    )
    take_turn(connection)
    before = practice_records.used(connection, proof.once)
    if before is not None:
        act = practice_records.get(connection, before)
        if _same(act, member.person, one.id, proof):
            return act
    return practice_desk.prove(connection, member.person, one.id, proof, by, more)


def forget_nonces(connection: Connection, at: datetime) -> int:
    """Those whose requests would be too old now; how many."""
    return connection.execute(delete(nonces).where(nonces.c.expires_at <= at)).rowcount


def known_practices(practices: Sequence[str], by: Setting) -> tuple[str, ...]:
    """The same, each known and provable by a partner; InputError ``practice.partner_practices``."""
    wrong = [one for one in practices if one not in by.rules.practices or "partner" not in by.rules.practices[one].proofs]
    if wrong or not practices:
        raise InputError("practice.partner_practices", f"Name practices a partner can prove; these are none: {wrong[:5]}.")
    return tuple(dict.fromkeys(practices))


def _same(act: Act, person: str, practice: str, proof: Proof) -> bool:
    said = (act.person, act.practice, act.quantity, act.done_at, act.end_at)
    return said == (person, practice, proof.quantity, proof.done_at, proof.until)


def _find(connection: Connection, ident: str) -> Partner | None:
    row = connection.execute(select(partners).where(partners.c.id == ident)).mappings().one_or_none()
    return None if row is None else _partner(row)


def _partner(row: RowMapping) -> Partner:
    words: dict[str, Any] = {name: row[name] for name in ("id", "name", "practices", "key_n", "state")}
    return msgspec.convert(words, Partner)
