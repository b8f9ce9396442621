"""What is done with tokens: added, changed, blocked, imported, and made for guests. Each is audited, by digest and label."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError
from dure.core.observations import Rejected
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.token_csv import Row
from dure.services.charging.tokens.tokens import (
    HOLDERS,
    LABEL_MAX,
    Holder,
    Token,
    checked_group,
    checked_text,
    digest,
)

GUEST_PREFIX = "DURE"
GUEST_CHARS = 12
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without letters that look like digits
CONCURRENT_MAX = 1_000


class Made(NamedTuple):
    """A token, and its text, which is kept nowhere."""

    text: str
    token: Token


class Imported(NamedTuple):
    """What became of a file: how many are new, how many were changed, and rows that cannot be used."""

    added: int
    changed: int
    rejected: list[Rejected]


def checked(token: Token) -> Token:
    """A token whose fields are sound; else refused with ``token.…``."""
    checked_group(token.group)
    if token.holder not in HOLDERS or not 0 <= token.concurrent_n <= CONCURRENT_MAX or len(token.label) > LABEL_MAX:
        raise InputError("token.fields", f"A holder is one of {', '.join(HOLDERS)}; a label has at most {LABEL_MAX} characters.")
    return token


def add(connection: Connection, text: str, token: Token, key: bytes, by: By) -> Token:
    """Keep a new token; its digest is made here from the text."""
    kept = checked(msgspec.structs.replace(token, digest=digest(checked_text(text), key), created_at=by.at, changed_at=by.at))
    if not token_records.insert(connection, [kept]):
        raise Conflict("token.exists", "This token is known already.")
    _audit(connection, by, kept, "added")
    return kept


def change(connection: Connection, name: str, fields: dict[str, Any], by: By) -> Token:
    """Change fields of a token, by its digest."""
    before = token_records.get(connection, name, lock=True)
    after = checked(msgspec.structs.replace(before, **fields, changed_at=by.at))
    if msgspec.structs.replace(after, changed_at=before.changed_at) == before:
        return before
    token_records.store(connection, [after])
    _audit(connection, by, after, "changed")
    return after


def bring(connection: Connection, rows: Sequence[Row], key: bytes, by: By) -> tuple[int, int]:
    """Keep the tokens of a file: new ones are added, known ones get the file's fields; how many of each."""
    wanted = {digest(one.text, key): one.token for one in rows}
    known = token_records.find(connection, wanted)
    fresh, changed = [], []
    for name, token in wanted.items():
        before = known.get(name)
        kept = msgspec.structs.replace(token, digest=name, created_at=before.created_at if before else by.at, changed_at=by.at)
        if before is None:
            fresh.append(kept)
        elif msgspec.structs.replace(kept, changed_at=before.changed_at) != before:
            changed.append(kept)
    token_records.store(connection, [*fresh, *changed])
    audit.append(connection, by, "act", "decision", "tokens", {"imported": {"added": len(fresh), "changed": len(changed)}})
    return len(fresh), len(changed)


def guest(connection: Connection, site: str, hours: int, key: bytes, by: By) -> Made:
    """A token for somebody without a card, good at one site for some hours and for one transaction."""
    text = GUEST_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(GUEST_CHARS))
    token = Token(
        digest=digest(text, key),
        label="guest",
        holder="guest",
        expires_at=by.at + timedelta(hours=hours),
        offline=False,
        sites=(site,),
        created_at=by.at,
        changed_at=by.at,
    )
    token_records.insert(connection, [token])
    return Made(text, token)


def block(connection: Connection, name: str, by: By, *, blocked: bool = True) -> Token:
    """Refuse a token from now on, or take it again."""
    return change(connection, name, {"blocked": blocked}, by)


def forget_guests(connection: Connection, before: datetime) -> int:
    """Drop guests' tokens that ended before an instant; how many."""
    return token_records.forget_expired(connection, "guest", before)


def _audit(connection: Connection, by: By, token: Token, what: str) -> None:
    detail: dict[str, Holder | str | bool | int | None] = {
        "label": token.label,
        "holder": token.holder,
        "group": token.group,
        "blocked": token.blocked,
        "concurrent_n": token.concurrent_n,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }
    audit.append(connection, by, "act", "decision", f"token:{token.digest}", {what: detail})
