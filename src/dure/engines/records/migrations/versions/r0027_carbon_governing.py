"""Budgets of programmes, inventory, boards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "carbon_programme_deeds",
        sa.Column("programme", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("deed", KEY, nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("document", KEY, nullable=False),
        sa.CheckConstraint("deed IN ('fund', 'freeze', 'thaw', 'close')", name="ck_carbon_programme_deeds_deed"),
        sa.PrimaryKeyConstraint("programme", "n", name="pk_carbon_programme_deeds"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carbon_claim_places",
        sa.Column("claim", KEY, nullable=False),
        sa.Column("district", KEY, nullable=False),
        sa.Column("service", KEY, nullable=False),
        sa.PrimaryKeyConstraint("claim", name="pk_carbon_claim_places"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_claim_places_district", "carbon_claim_places", ["district", "service"])
    op.create_table(
        "carbon_boards",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("year", name="pk_carbon_boards"),
        sqlite_with_rowid=False,
    )
