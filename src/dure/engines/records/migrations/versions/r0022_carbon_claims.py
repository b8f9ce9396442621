"""Claims, the events they came from, the verification queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _claims()
    op.create_table(
        "carbon_claim_deeds",
        sa.Column("claim", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("note", KEY, nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("by_person", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("claim", "n", name="pk_carbon_claim_deeds"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "carbon_event_intake",
        sa.Column("event", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("next_try_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('taken', 'parked', 'replaced')", name="ck_carbon_event_intake_state"),
        sa.PrimaryKeyConstraint("event", name="pk_carbon_event_intake"),
    )
    op.create_index("ix_carbon_event_intake_state", "carbon_event_intake", ["state", "next_try_at"])
    op.create_table(
        "carbon_bags",
        sa.Column("id", KEY, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_bags"),
    )
    op.create_table(
        "carbon_weighings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bag", KEY, nullable=False),
        sa.Column("scale", KEY, nullable=False),
        sa.Column("material", KEY, nullable=False),
        sa.Column("mass_g", sa.BigInteger(), nullable=False),
        sa.Column("weighed_at", sa.BigInteger(), nullable=False),
        sa.Column("readings_sha256", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('kept', 'undone')", name="ck_carbon_weighings_state"),
        sa.UniqueConstraint("scale", "weighed_at", name="uq_carbon_weighings_scale"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_weighings"),
    )
    op.create_index("ix_carbon_weighings_bag", "carbon_weighings", ["bag"])
    # New events of the types that are counted are found without reading all others.
    op.create_index("ix_events_type", "events", ["type", "time", "id"])


def _claims() -> None:
    op.create_table(
        "carbon_claims",
        sa.Column("id", KEY, nullable=False),
        sa.Column("event", KEY, nullable=False),
        sa.Column("programme", KEY, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("tier", KEY, nullable=False),
        sa.Column("stretches", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("point_grams", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("method", KEY, nullable=False),
        sa.Column("factors", sa.Text(), nullable=False),
        sa.Column("readings_sha256", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("working", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'reserved', 'awarded', 'refused', 'retired', 'cancelled')", name="ck_carbon_claims_state"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_claims"),
    )
    op.create_index("ix_carbon_claims_start_at", "carbon_claims", ["start_at", "id"])
    op.create_index("ix_carbon_claims_event", "carbon_claims", ["event"])
    op.create_index("ix_carbon_claims_state", "carbon_claims", ["state", "made_at", "id"])
    op.create_index("ix_carbon_claims_holder", "carbon_claims", ["holder", "start_at"])
    op.create_index("ix_carbon_claims_programme", "carbon_claims", ["programme", "state", "start_at"])
