"""Statements as issued."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata

# What was issued stands as it is: `content` is its canonical text, `files` the digest of each of its files. A changed fact gives
# the next `version` of the same subject and period, with what changed. `public` alone moves on.
carbon_statements = Table(
    "carbon_statements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("first_day", Text, nullable=False),
    Column("after_day", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("person", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("replaces", Text, nullable=False),
    Column("public", Integer, nullable=False),
    Column("files", Json, nullable=False),
    Column("changes", Json, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint("subject", "first_day", "after_day", "version"),
    Index("ix_carbon_statements_issued_at", "issued_at", "id"),
    Index("ix_carbon_statements_public", "public", "issued_at", "id"),
)
