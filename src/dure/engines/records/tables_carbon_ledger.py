"""Accounts, transfers and what is taken: the books of the carbon ledger."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from dure.engines.records.tables import Instant, metadata, state_check

# An account with its balance as it stands: four sums that only ever follow from the transfers (gCO2e or KRW, whole).
# The database itself refuses a covered account that would be overdrawn, reservations included.
carbon_accounts = Table(
    "carbon_accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("covered", Integer, nullable=False),
    Column("debits_pending", BigInteger, nullable=False),
    Column("debits_posted", BigInteger, nullable=False),
    Column("credits_pending", BigInteger, nullable=False),
    Column("credits_posted", BigInteger, nullable=False),
    state_check("unit", "gCO2e", "KRW"),
    CheckConstraint("debits_pending >= 0 AND debits_posted >= 0 AND credits_pending >= 0 AND credits_posted >= 0", name="sums"),
    CheckConstraint("covered = 0 OR debits_pending + debits_posted <= credits_posted", name="covered"),
    Index("ix_carbon_accounts_kind", "kind", "id"),
    sqlite_with_rowid=False,
)

# Rows are only added; the database refuses to change or delete one. `seq` has no gap and is the order of the books; `at` is the
# time its writer gave, `booked_at` never runs backwards with `seq`. A pending transfer is ended at most once (`ends` is unique).
carbon_transfers = Table(
    "carbon_transfers",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("debit", Text, ForeignKey(carbon_accounts.c.id), nullable=False),
    Column("credit", Text, ForeignKey(carbon_accounts.c.id), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("deed", Text, nullable=False),
    Column("ends", Text),
    Column("expires_at", Instant),
    Column("corrects", Text),
    Column("why", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    state_check("deed", "transfer", "pending", "post", "void"),
    CheckConstraint("amount > 0 OR (amount = 0 AND deed = 'void')", name="amount"),
    CheckConstraint("(ends IS NOT NULL) = (deed IN ('post', 'void'))", name="ends"),
    Index("uq_carbon_transfers_ends", "ends", unique=True),
    Index("ix_carbon_transfers_corrects", "corrects"),
    Index("ix_carbon_transfers_ref", "ref", "seq"),
    Index("ix_carbon_transfers_booked_at", "booked_at"),
    sqlite_with_rowid=False,
)

# The balance of an account after each of its transfers: its history, and the list of its transfers.
carbon_entries = Table(
    "carbon_entries",
    metadata,
    Column("account", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("debits_pending", BigInteger, nullable=False),
    Column("debits_posted", BigInteger, nullable=False),
    Column("credits_pending", BigInteger, nullable=False),
    Column("credits_posted", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Pending transfers that nothing has ended yet.
carbon_pending = Table(
    "carbon_pending",
    metadata,
    Column("id", Text, primary_key=True),
    Column("expires_at", Instant),
    Index("ix_carbon_pending_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

# What can be taken: one number for each source and attribute.
carbon_pairs = Table(
    "carbon_pairs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Index("uq_carbon_pairs_source", "source", "attribute", unique=True),
    sqlite_with_rowid=False,
)

# Which claim has taken ``[start_at, end_at)`` of a pair. No two rows of a pair overlap, whoever writes: on PostgreSQL by an
# exclusion constraint, on SQLite by a trigger (migration 0020).
carbon_taken = Table(
    "carbon_taken",
    metadata,
    Column("pair", BigInteger, ForeignKey(carbon_pairs.c.id), primary_key=True, autoincrement=False),
    Column("start_at", Instant, primary_key=True),
    Column("end_at", Instant, nullable=False),
    Column("claim", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    CheckConstraint("start_at < end_at", name="length"),
    CheckConstraint("start_at > -9007199254740992 AND end_at < 9007199254740992 AND pair < 9007199254740992", name="exact"),
    Index("ix_carbon_taken_claim", "claim"),
    sqlite_with_rowid=False,
)

# What was taken once and given back, in the order it was given back.
carbon_freed = Table(
    "carbon_freed",
    metadata,
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("pair", BigInteger, ForeignKey(carbon_pairs.c.id), nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("claim", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Column("freed_at", Instant, nullable=False),
    Index("ix_carbon_freed_claim", "claim"),
    Index("ix_carbon_freed_pair", "pair", "start_at"),
    sqlite_with_rowid=False,
)
