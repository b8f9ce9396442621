"""The carbon ledger: accounts, transfers, balances after each of them, and what claims have taken, once only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0009"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ACCOUNTS, PAIRS = "carbon_accounts", "carbon_pairs"
SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
EXACT = "start_at > -9007199254740992 AND end_at < 9007199254740992 AND pair < 9007199254740992"  # 2^53; the year 2255
APPEND_ONLY = ("carbon_transfers", "carbon_entries", "carbon_pairs", "carbon_freed")


def upgrade() -> None:
    """Make the tables."""
    _accounts()
    _transfers()
    _taken()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _accounts() -> None:
    op.create_table(
        "carbon_accounts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("covered", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_accounts"),
        sa.CheckConstraint("unit IN ('gCO2e', 'KRW')", name="ck_carbon_accounts_unit"),
        sa.CheckConstraint(" AND ".join(f"{name} >= 0" for name in SUMS), name="ck_carbon_accounts_sums"),
        sa.CheckConstraint("covered = 0 OR debits_pending + debits_posted <= credits_posted", name="ck_carbon_accounts_covered"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_accounts_kind", "carbon_accounts", ["kind", "id"])
    op.create_table(
        "carbon_entries",
        sa.Column("account", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in SUMS),
        sa.PrimaryKeyConstraint("account", "seq", name="pk_carbon_entries"),
        sqlite_with_rowid=False,
    )


def _transfers() -> None:
    op.create_table(
        "carbon_transfers",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("debit", KEY, nullable=False),
        sa.Column("credit", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("deed", KEY, nullable=False),
        sa.Column("ends", KEY),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("corrects", KEY),
        sa.Column("why", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_carbon_transfers"),
        sa.UniqueConstraint("id", name="uq_carbon_transfers_id"),
        sa.ForeignKeyConstraint(["debit"], [f"{ACCOUNTS}.id"], name="fk_carbon_transfers_debit"),
        sa.ForeignKeyConstraint(["credit"], [f"{ACCOUNTS}.id"], name="fk_carbon_transfers_credit"),
        sa.CheckConstraint("deed IN ('transfer', 'pending', 'post', 'void')", name="ck_carbon_transfers_deed"),
        sa.CheckConstraint("amount > 0 OR (amount = 0 AND deed = 'void')", name="ck_carbon_transfers_amount"),
        sa.CheckConstraint("(ends IS NOT NULL) = (deed IN ('post', 'void'))", name="ck_carbon_transfers_ends"),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_carbon_transfers_ends", "carbon_transfers", ["ends"], unique=True)
    op.create_index("ix_carbon_transfers_corrects", "carbon_transfers", ["corrects"])
    op.create_index("ix_carbon_transfers_ref", "carbon_transfers", ["ref", "seq"])
    op.create_index("ix_carbon_transfers_booked_at", "carbon_transfers", ["booked_at"])
    op.create_table(
        "carbon_pending",
        sa.Column("id", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_pending"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_pending_expires_at", "carbon_pending", ["expires_at"])


def _taken() -> None:
    op.create_table(
        "carbon_pairs",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("attribute", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_pairs"),
        sqlite_with_rowid=False,
    )
    op.create_index("uq_carbon_pairs_source", "carbon_pairs", ["source", "attribute"], unique=True)
    op.create_table(
        "carbon_taken",
        sa.Column("pair", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("claim", KEY, nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pair", "start_at", name="pk_carbon_taken"),
        sa.ForeignKeyConstraint(["pair"], [f"{PAIRS}.id"], name="fk_carbon_taken_pair"),
        sa.CheckConstraint("start_at < end_at", name="ck_carbon_taken_length"),
        sa.CheckConstraint(EXACT, name="ck_carbon_taken_exact"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_taken_claim", "carbon_taken", ["claim"])
    op.create_table(
        "carbon_freed",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pair", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("claim", KEY, nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("freed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_carbon_freed"),
        sa.ForeignKeyConstraint(["pair"], [f"{PAIRS}.id"], name="fk_carbon_freed_pair"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_freed_claim", "carbon_freed", ["claim"])
    op.create_index("ix_carbon_freed_pair", "carbon_freed", ["pair", "start_at"])


def _guard_sqlite() -> None:
    """Rows that are there do not overlap, so only the last that begins before the new one ends can overlap with it."""
    op.execute(
        "CREATE TRIGGER carbon_taken_once BEFORE INSERT ON carbon_taken "
        "WHEN (SELECT end_at FROM carbon_taken WHERE pair = NEW.pair AND start_at < NEW.end_at "
        "ORDER BY start_at DESC LIMIT 1) > NEW.start_at "
        "BEGIN SELECT RAISE(ABORT, 'taken already'); END"
    )
    op.execute(
        "CREATE TRIGGER carbon_taken_no_update BEFORE UPDATE ON carbon_taken "
        "BEGIN SELECT RAISE(ABORT, 'what is taken is given back, never changed'); END"
    )
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the carbon ledger is append-only'); END"
            )


def _guard_postgresql() -> None:
    """A row is a line in the plane of pairs and µs, and no two may touch: boxes are in PostgreSQL's core, no extension is needed.

    Their corners are doubles, exact for whole numbers below 2^53 (ck_carbon_taken_exact). A touch counts: the last µs stays out.
    Measured beside ranges: 30 µs a row, two ranges 68, one range of numerics 142.
    """
    op.execute(
        "ALTER TABLE carbon_taken ADD CONSTRAINT ex_carbon_taken_once "
        "EXCLUDE USING gist (box(point(pair, start_at), point(pair, end_at - 1)) WITH &&)"
    )
    op.execute(
        "CREATE FUNCTION carbon_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the carbon ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION carbon_is_append_only()"
        )
    op.execute(
        "CREATE TRIGGER carbon_taken_no_update BEFORE UPDATE OR TRUNCATE ON carbon_taken "
        "FOR EACH STATEMENT EXECUTE FUNCTION carbon_is_append_only()"
    )
