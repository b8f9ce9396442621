"""Every table of the records, one MetaData. Instants are integer µs since 1970 UTC and JSON sorted text on both engines."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from dure.core.time import from_us, to_us

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as µs since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002, D102
        return None if value is None else to_us(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        return None if value is None else from_us(value)


class Json(TypeDecorator[Any]):
    """A value kept as JSON text with sorted keys, so that its bytes can be compared and hashed."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002, D102
        return None if value is None else msgspec.json.decode(value)


def canonical(value: Any) -> str:
    """JSON text with sorted keys and no spaces; the same value always gives the same text."""
    return msgspec.json.encode(value, order="sorted").decode()


def state_check(column: str, *states: str) -> CheckConstraint:
    """That a column holds one of these words."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(one) for one in states)})", name=column)


assets = Table(
    "assets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("city", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name_ko", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("place", Json),
    Column("west", Double),
    Column("south", Double),
    Column("east", Double),
    Column("north", Double),
    # Deferred: an import may name a child before its parent.
    Column("parent", Text, ForeignKey("assets.id", deferrable=True, initially="DEFERRED")),
    Column("state", Text, nullable=False),
    # The place in the stream from which rows count: reading the stream again gives every row the flag it had.
    Column("live_from_seq", BigInteger),
    Column("attributes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    state_check("state", "quarantined", "live", "retired"),
    Index("ix_assets_kind_id", "kind", "id"),
    Index("ix_assets_parent", "parent"),
)

devices = Table(
    "devices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset", Text, ForeignKey("assets.id"), nullable=False),
    Column("city", Text, nullable=False),
    Column("codec", Text, nullable=False),
    Column("dev_eui", Text, unique=True),
    Column("secret_sha256", Text, nullable=False),
    Column("old_secret_sha256", Text),
    Column("old_valid_until", Instant),
    Column("state", Text, nullable=False),
    Column("good_n", Integer, nullable=False),
    Column("counted_seq", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant),
    state_check("state", "quarantined", "live", "revoked"),
    Index("ix_devices_asset", "asset"),
)

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("roles", Json, nullable=False),
    Column("issuer", Text),
    Column("issuer_subject", Text),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    state_check("state", "active", "disabled"),
    UniqueConstraint("issuer", "issuer_subject"),
)

# By login, whether such a person exists or not: a locked login tells nothing about who has an account.
sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("login_sha256", Text, primary_key=True),
    Column("failed_n", Integer, nullable=False),
    Column("failed_at", Instant, nullable=False),
    Column("locked_until", Instant),
    Index("ix_sign_in_failures_failed_at", "failed_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_sessions_person", "person"),
    Index("ix_sessions_expires_at", "expires_at"),
)

latest = Table(
    "latest",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("property", Text, primary_key=True),
    Column("time_us", BigInteger, nullable=False),
    Column("result_us", BigInteger, nullable=False),
    Column("value", Double),
    Column("flag", Integer, nullable=False),
    Column("check", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

parked = Table(
    "parked",
    metadata,
    Column("id", Text, primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("way", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_at", Instant),
    state_check("state", "parked", "replayed", "dropped"),
    Index("ix_parked_state_received_at", "state", "received_at", "id"),
    Index("ix_parked_device", "device", "received_at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("event", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text, nullable=False),
    Index("ix_outbox_sent_at_next_attempt_at", "sent_at", "next_attempt_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_object", "object"),
    Index("ix_audit_actor", "actor"),
)

# The chain's end, one row: writers take turns on it, and a cut-off tail is noticed.
audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("n", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("result", Json, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("versions", Json, nullable=False),
    Index("ix_decisions_decided_at", "decided_at", "id"),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset", Text, ForeignKey("assets.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("arguments", Json, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("outcome_at", Instant),
    Column("why", Text, nullable=False),
    state_check("outcome", "pending", "accepted", "done", "rejected", "expired"),
    UniqueConstraint("asset", "key"),
    Index("ix_commands_outcome_expires_at", "outcome", "expires_at"),
)

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_events_time", "time", "id"),
    Index("ix_events_subject", "subject", "time"),
    Index("ix_events_type", "type", "time", "id"),
)
