"""The transparency log: staged entries, leaves, nodes, heads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _entries()
    _heads()
    _witnesses()
    op.create_table(
        "carbon_commitments",
        sa.Column("person", KEY, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_carbon_commitments"),
    )


def _entries() -> None:
    op.create_table(
        "carbon_log_staged",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_carbon_log_staged"),
        sa.UniqueConstraint("id", name="uq_carbon_log_staged_id"),
    )
    op.create_table(
        "carbon_log_entries",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_carbon_log_entries"),
        sa.UniqueConstraint("id", name="uq_carbon_log_entries_id"),
    )
    op.create_table(
        "carbon_log_tiles",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name="pk_carbon_log_tiles"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carbon_log_state",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_carbon_log_state"),
    )


def _heads() -> None:
    op.create_table(
        "carbon_log_heads",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_carbon_log_heads"),
    )
    op.create_index("ix_carbon_log_heads_at", "carbon_log_heads", ["at"])
    op.create_table(
        "carbon_log_days",
        sa.Column("day", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_carbon_log_days"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_log_days_size", "carbon_log_days", ["size"])
    op.create_table(
        "carbon_log_keys",
        sa.Column("vkey", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("since_size", sa.BigInteger(), nullable=False),
        sa.Column("until_size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("vkey", name="pk_carbon_log_keys"),
    )


def _witnesses() -> None:
    op.create_table(
        "carbon_log_witnesses",
        sa.Column("vkey", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("vkey", name="pk_carbon_log_witnesses"),
    )
    op.create_table(
        "carbon_log_cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("vkey", KEY, nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", "vkey", name="pk_carbon_log_cosignatures"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carbon_log_seen",
        sa.Column("origin", KEY, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_carbon_log_seen"),
    )
    op.create_table(
        "carbon_log_alarms",
        sa.Column("id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_log_alarms"),
    )
