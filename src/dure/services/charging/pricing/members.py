"""Whether a driver pays as a member or as a guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.services.charging.tokens import token_records

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.pricing.prices import Member


def member_of(connection: Connection, token: str) -> Member:
    """By the digest of the token: members and staff are members; guests, and tokens nobody knows, are guests."""
    known = token_records.find(connection, [token]).get(token) if token else None
    return "guest" if known is None or known.holder == "guest" else "member"
