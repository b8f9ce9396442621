"""The transparency log: staged entries, leaves, nodes, heads."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from dure.engines.records.tables import Instant, Json, metadata

# What waits for its place, in the order it was laid down. `id` is kind/id of the entry, `leaf` its canonical bytes.
carbon_log_staged = Table(
    "carbon_log_staged",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("leaf", Text, nullable=False),
)

# The leaves: rows are only added, `place` from 0 on without a gap.
carbon_log_entries = Table(
    "carbon_log_entries",
    metadata,
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("leaf", Text, nullable=False),
)

# 16 hashes each, the last of a level fewer: they are only ever made longer.
carbon_log_tiles = Table(
    "carbon_log_tiles",
    metadata,
    Column("level", Integer, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# One row: writers take turns on it.
carbon_log_state = Table(
    "carbon_log_state",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# Signed checkpoints by size of the tree.
carbon_log_heads = Table(
    "carbon_log_heads",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("root", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index("ix_carbon_log_heads_at", "at"),
)

# Local days and the checkpoint published on each.
carbon_log_days = Table(
    "carbon_log_days",
    metadata,
    Column("day", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("published_at", Instant, nullable=False),
    Index("ix_carbon_log_days_size", "size"),
    sqlite_with_rowid=False,
)

# Public keys the log has signed by: from which size on, and until which when it was replaced.
carbon_log_keys = Table(
    "carbon_log_keys",
    metadata,
    Column("vkey", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("since_size", BigInteger, nullable=False),
    Column("until_size", BigInteger),
)

# Others who sign our checkpoints, and what they signed.
carbon_log_witnesses = Table(
    "carbon_log_witnesses",
    metadata,
    Column("vkey", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

carbon_log_cosignatures = Table(
    "carbon_log_cosignatures",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("vkey", Text, primary_key=True),
    Column("signed_at", Instant, nullable=False),
    Column("line", Text, nullable=False),
    sqlite_with_rowid=False,
)

# The newest checkpoint of another log that we looked at as its witness.
carbon_log_seen = Table(
    "carbon_log_seen",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

# Proofs that something is very wrong, kept for good.
carbon_log_alarms = Table(
    "carbon_log_alarms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("evidence", Json, nullable=False),
)

# Who a REF is. Erasing the row erases the link; nothing else leads from one to the other.
carbon_commitments = Table(
    "carbon_commitments",
    metadata,
    Column("person", Text, primary_key=True),
    Column("salt", LargeBinary, nullable=False),
    Column("made_at", Instant, nullable=False),
)
