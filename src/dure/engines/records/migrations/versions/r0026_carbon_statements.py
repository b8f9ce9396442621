"""Statements as issued."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "carbon_statements",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("first_day", KEY, nullable=False),
        sa.Column("after_day", KEY, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("replaces", KEY, nullable=False),
        sa.Column("public", sa.Integer(), nullable=False),
        sa.Column("files", sa.Text(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("content", KEY, nullable=False),
        sa.UniqueConstraint("subject", "first_day", "after_day", "version", name="uq_carbon_statements_subject"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_statements"),
    )
    op.create_index("ix_carbon_statements_issued_at", "carbon_statements", ["issued_at", "id"])
    op.create_index("ix_carbon_statements_public", "carbon_statements", ["public", "issued_at", "id"])
