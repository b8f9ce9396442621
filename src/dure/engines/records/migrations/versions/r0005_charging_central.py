"""The central system of chargers: the journal of what stations said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "charging_journal",
        sa.Column("writer", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kept_us", sa.BigInteger(), nullable=False),
        sa.Column("words_n", sa.Integer(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="pk_charging_journal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "charging_messages",
        sa.Column("identity", KEY, nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=False),
        sa.Column("writer", KEY, nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.Column("messages_n", sa.Integer(), nullable=False),
        sa.Column("messages", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("identity", "first_us", "writer", name="pk_charging_messages"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_charging_messages_last_us", "charging_messages", ["last_us"])
