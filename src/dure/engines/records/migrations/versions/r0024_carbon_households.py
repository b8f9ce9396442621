"""Households and their judged periods."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _households() -> None:
    op.create_table(
        "carbon_households",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.Column("station", KEY, nullable=False),
        sa.Column("consented_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.UniqueConstraint("person", name="uq_carbon_households_person"),
        sa.UniqueConstraint("ref", name="uq_carbon_households_ref"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_households"),
    )


def _meters() -> None:
    op.create_table(
        "carbon_household_meters",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("household", KEY, nullable=False),
        sa.Column("utility", KEY, nullable=False),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("household", "utility", name="uq_carbon_household_meters_household"),
        sa.PrimaryKeyConstraint("digest", name="pk_carbon_household_meters"),
    )


def _bills() -> None:
    op.create_table(
        "carbon_household_bills",
        sa.Column("household", KEY, nullable=False),
        sa.Column("utility", KEY, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("first_day", KEY, nullable=False),
        sa.Column("end_day", KEY, nullable=False),
        sa.Column("milli", sa.BigInteger(), nullable=False),
        sa.Column("unit", KEY, nullable=False),
        sa.Column("read", KEY, nullable=False),
        sa.Column("exchanged", sa.Boolean(), nullable=False),
        sa.Column("vacant", sa.Boolean(), nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("household", "utility", "month", name="pk_carbon_household_bills"),
        sqlite_with_rowid=False,
    )


def _judgements() -> None:
    op.create_table(
        "carbon_household_judgements",
        sa.Column("household", KEY, nullable=False),
        sa.Column("period", KEY, nullable=False),
        sa.Column("utility", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("claim", KEY, nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("household", "period", "utility", name="pk_carbon_household_judgements"),
    )


def _times() -> None:
    op.create_table(
        "carbon_household_times",
        sa.Column("period", KEY, nullable=False),
        sa.Column("utility", KEY, nullable=False),
        sa.Column("times", sa.Double(), nullable=True),
        sa.Column("homes", sa.Integer(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "utility", name="pk_carbon_household_times"),
        sqlite_with_rowid=False,
    )


def _weather() -> None:
    op.create_table(
        "carbon_household_weather",
        sa.Column("station", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("mean_c", sa.Double(), nullable=False),
        sa.Column("readings_sha256", KEY, nullable=False),
        sa.PrimaryKeyConstraint("station", "day", name="pk_carbon_household_weather"),
        sqlite_with_rowid=False,
    )


def _spent() -> None:
    op.create_table(
        "carbon_household_spent",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("period", KEY, nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "period", name="pk_carbon_household_spent"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_household_spent_spent_at", "carbon_household_spent", ["spent_at"])


def upgrade() -> None:
    """Make the tables."""
    _households()
    _meters()
    _bills()
    _judgements()
    _times()
    _weather()
    _spent()
