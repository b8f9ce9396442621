"""Budgets of programmes, inventory, boards."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from dure.engines.records.tables import Instant, Json, metadata, state_check

# What the city did with the money of a programme, in order; the won themselves stand in the ledger. Who it was stands in the
# audit log. `year` is a local calendar year, `won` what moved or was held back, `document` what a funding rests on.
carbon_programme_deeds = Table(
    "carbon_programme_deeds",
    metadata,
    Column("programme", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("year", Integer, nullable=False),
    Column("deed", Text, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("document", Text, nullable=False),
    state_check("deed", "fund", "freeze", "thaw", "close"),
    sqlite_with_rowid=False,
)

# Where in the city a claim was measured and by which service, found out once: what a claim takes never changes.
carbon_claim_places = Table(
    "carbon_claim_places",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("district", Text, nullable=False),
    Column("service", Text, nullable=False),
    Index("ix_carbon_claim_places_district", "district", "service"),
    sqlite_with_rowid=False,
)

# The public board of a local year as it was made last.
carbon_boards = Table(
    "carbon_boards",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("made_at", Instant, nullable=False),
    Column("content", Json, nullable=False),
    sqlite_with_rowid=False,
)
