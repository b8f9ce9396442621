"""The origin ledger: intervals as booked, entries, splits of sessions, days told, exchanges of meters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "charging_origin_intervals",
        sa.Column("site", KEY, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("rule", KEY, nullable=False),
        sa.Column("factors", KEY, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("readings_sha256", KEY, nullable=False),
        sa.Column("previous_sha256", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.UniqueConstraint("site", "seq", name="uq_charging_origin_intervals_site"),
        sa.PrimaryKeyConstraint("site", "start_at", "n", name="pk_charging_origin_intervals"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "charging_origin_entries",
        sa.Column("site", KEY, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("sink", KEY, nullable=False),
        sa.Column("origin", KEY, nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("wh", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "start_at", "n", "place", name="pk_charging_origin_entries"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_charging_origin_entries_session", "charging_origin_entries", ["session"])
    op.create_table(
        "charging_origin_splits",
        sa.Column("session", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("pv_wh", sa.BigInteger(), nullable=False),
        sa.Column("ess_pv_wh", sa.BigInteger(), nullable=False),
        sa.Column("ess_grid_wh", sa.BigInteger(), nullable=False),
        sa.Column("grid_wh", sa.BigInteger(), nullable=False),
        sa.Column("final", sa.Integer(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_charging_origin_splits"),
    )
    op.create_index("ix_charging_origin_splits_site", "charging_origin_splits", ["site"])
    op.create_table(
        "charging_origin_days",
        sa.Column("site", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", "n", name="pk_charging_origin_days"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "charging_exchanges",
        sa.Column("asset", KEY, nullable=False),
        sa.Column("property", KEY, nullable=False),
        sa.Column("exchanged_at", sa.BigInteger(), nullable=False),
        sa.Column("last_wh", sa.BigInteger(), nullable=False),
        sa.Column("first_wh", sa.BigInteger(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("asset", "property", "exchanged_at", name="pk_charging_exchanges"),
        sqlite_with_rowid=False,
    )
