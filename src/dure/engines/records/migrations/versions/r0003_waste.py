"""Waste collection: what was seen, what is believed, plans and their edits, tickets, alarms, reports, accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Make the tables."""
    _sightings()
    _beliefs()
    _models()
    _plans()
    _edits()
    _tickets()
    _alarms()
    _reports()
    _baselines()
    _accounts()


def _sightings() -> None:
    op.create_table(
        "waste_sightings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bin", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("level", sa.Double(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("truck", KEY, nullable=False),
        sa.Column("plan", KEY, nullable=False),
        sa.Column("photo", KEY, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('emptied', 'level', 'blocked', 'broken', 'report')", name="ck_waste_sightings_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_sightings"),
    )
    op.create_index("ix_waste_sightings_bin_seen_at", "waste_sightings", ["bin", "seen_at"])
    op.create_index("ix_waste_sightings_received_at", "waste_sightings", ["received_at"])
    op.create_index("ix_waste_sightings_plan", "waste_sightings", ["plan"])


def _beliefs() -> None:
    op.create_table(
        "waste_beliefs",
        sa.Column("bin", KEY, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("belief", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bin", name="pk_waste_beliefs"),
        sqlite_with_rowid=False,
    )


def _models() -> None:
    op.create_table(
        "waste_models",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("learnt_at", sa.BigInteger(), nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waste_models"),
    )
    op.create_index("ix_waste_models_kind_learnt_at", "waste_models", ["kind", "learnt_at"])


def _plans() -> None:
    op.create_table(
        "waste_plans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.Column("person", KEY, nullable=False),
        sa.Column("inputs_sha256", KEY, nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'superseded', 'refused')", name="ck_waste_plans_state"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_plans"),
        sa.UniqueConstraint("day", "version", name="uq_waste_plans_day"),
    )
    op.create_index("ix_waste_plans_day_state", "waste_plans", ["day", "state"])


def _edits() -> None:
    op.create_table(
        "waste_edits",
        sa.Column("id", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("bin", KEY, nullable=False),
        sa.Column("truck", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("note", KEY, nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('lock', 'ban', 'move', 'breakdown')", name="ck_waste_edits_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_edits"),
    )
    op.create_index("ix_waste_edits_day", "waste_edits", ["day"])


def _tickets() -> None:
    op.create_table(
        "waste_tickets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bin", KEY, nullable=False),
        sa.Column("fault", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_on", KEY, nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'assigned', 'repaired', 'closed')", name="ck_waste_tickets_state"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_tickets"),
    )
    op.create_index("ix_waste_tickets_state_due_on", "waste_tickets", ["state", "due_on"])
    op.create_index(
        "uq_waste_tickets_bin_fault_open",
        "waste_tickets",
        ["bin", "fault"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _alarms() -> None:
    op.create_table(
        "waste_alarms",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bin", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("sensed_at", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_by", KEY, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("escalation", sa.Integer(), nullable=False),
        sa.Column("escalated_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_waste_alarms_state"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_alarms"),
    )
    op.create_index("ix_waste_alarms_state_raised_at", "waste_alarms", ["state", "raised_at"])
    op.create_index(
        "uq_waste_alarms_bin_kind_open", "waste_alarms", ["bin", "kind"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )


def _reports() -> None:
    op.create_table(
        "waste_reports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("bin", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("words", KEY, nullable=False),
        sa.Column("photo", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('full', 'overflow', 'broken', 'fire', 'other')", name="ck_waste_reports_kind"),
        sa.CheckConstraint("state IN ('open', 'planned', 'done', 'refused')", name="ck_waste_reports_state"),
        sa.PrimaryKeyConstraint("id", name="pk_waste_reports"),
    )
    op.create_index("ix_waste_reports_bin_received_at", "waste_reports", ["bin", "received_at"])
    op.create_index("ix_waste_reports_state_received_at", "waste_reports", ["state", "received_at"])


def _baselines() -> None:
    op.create_table(
        "waste_baselines",
        sa.Column("id", KEY, nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=False),
        sa.Column("starts_on", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("baseline", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waste_baselines"),
    )


def _accounts() -> None:
    op.create_table(
        "waste_accounts",
        sa.Column("day", KEY, nullable=False),
        sa.Column("baseline", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.PrimaryKeyConstraint("day", "baseline", name="pk_waste_accounts"),
        sqlite_with_rowid=False,
    )
