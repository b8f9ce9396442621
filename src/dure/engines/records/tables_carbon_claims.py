"""Claims, the events they came from, the verification queue."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata, state_check

# What was claimed stands as it was made; `state`, `reason` and `decided_at` alone move on. `working` holds steps and inputs.
carbon_claims = Table(
    "carbon_claims",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("stretches", Json, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("point_grams", BigInteger, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("method", Text, nullable=False),
    Column("factors", Json, nullable=False),
    Column("readings_sha256", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("why", Json, nullable=False),
    Column("decided_at", Instant),
    Column("expires_at", Instant),
    Column("working", Json),
    state_check("state", "waiting", "reserved", "awarded", "refused", "retired", "cancelled"),
    Index("ix_carbon_claims_start_at", "start_at", "id"),
    Index("ix_carbon_claims_event", "event"),
    Index("ix_carbon_claims_state", "state", "made_at", "id"),
    Index("ix_carbon_claims_holder", "holder", "start_at"),
    Index("ix_carbon_claims_programme", "programme", "state", "start_at"),
)

# What became of a claim, in order; who it was stands in the audit log, here only whether a person said so.
carbon_claim_deeds = Table(
    "carbon_claim_deeds",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("links", Json, nullable=False),
    Column("by_person", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Every event of a service that was looked at, once. `parked` ones wait for what they lack and are looked at again.
carbon_event_intake = Table(
    "carbon_event_intake",
    metadata,
    Column("event", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("event_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Json, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("next_try_at", Instant),
    state_check("state", "taken", "parked", "replaced"),
    Index("ix_carbon_event_intake_state", "state", "next_try_at"),
)

# Bags with a QR code: whose they are (a commitment, never a name) and, once weighed, that they cannot be weighed again.
carbon_bags = Table(
    "carbon_bags",
    metadata,
    Column("id", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
)

carbon_weighings = Table(
    "carbon_weighings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bag", Text, nullable=False),
    Column("scale", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("mass_g", BigInteger, nullable=False),
    Column("weighed_at", Instant, nullable=False),
    Column("readings_sha256", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    state_check("state", "kept", "undone"),
    UniqueConstraint("scale", "weighed_at"),
    Index("ix_carbon_weighings_bag", "bag"),
)
