"""Energy plans, set points, forecasts and their backtests, studies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _plans()
    _set_points()
    _backtests()
    _studies()


def _plans() -> None:
    op.create_table(
        "charging_plans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=False),
        sa.Column("policy", KEY, nullable=False),
        sa.Column("cause", KEY, nullable=False),
        sa.Column("won", sa.Double(), nullable=False),
        sa.Column("edf_won", sa.Double(), nullable=False),
        sa.Column("unmet_wh", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("problem", sa.LargeBinary(), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_charging_plans"),
    )
    op.create_index("ix_charging_plans_site_made_at", "charging_plans", ["site", "made_at"])


def _set_points() -> None:
    op.create_table(
        "charging_set_points",
        sa.Column("target", KEY, nullable=False),
        sa.Column("purpose", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("plan", KEY, nullable=False),
        sa.Column("command", KEY, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.Column("limits_w", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("target", "purpose", name="pk_charging_set_points"),
    )
    op.create_index("ix_charging_set_points_site", "charging_set_points", ["site"])


def _backtests() -> None:
    op.create_table(
        "charging_backtests",
        sa.Column("site", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("recipe", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("days_n", sa.Integer(), nullable=False),
        sa.Column("won", sa.Double(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", "recipe", name="pk_charging_backtests"),
    )
    op.create_index("ix_charging_backtests_site_live_day", "charging_backtests", ["site", "live", "day"])


def _studies() -> None:
    op.create_table(
        "charging_studies",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("code", KEY, nullable=False),
        sa.CheckConstraint("state IN ('running', 'done', 'failed')", name="ck_charging_studies_state"),
        sa.PrimaryKeyConstraint("id", name="pk_charging_studies"),
    )
    op.create_index("ix_charging_studies_made_at", "charging_studies", ["made_at"])
