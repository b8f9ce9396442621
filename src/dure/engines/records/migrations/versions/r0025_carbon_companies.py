"""Companies: people, activity data, hours, contracts, targets, sponsorships."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _companies() -> None:
    op.create_table(
        "carbon_companies",
        sa.Column("id", KEY, nullable=False),
        sa.Column("business_number", KEY, nullable=False),
        sa.Column("name_ko", KEY, nullable=False),
        sa.Column("name_en", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("business_number", name="uq_carbon_companies_business_number"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_companies"),
    )


def _company_profiles() -> None:
    op.create_table(
        "carbon_company_profiles",
        sa.Column("company", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("written_by", KEY, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "n", name="pk_carbon_company_profiles"),
        sqlite_with_rowid=False,
    )


def _company_people() -> None:
    op.create_table(
        "carbon_company_people",
        sa.Column("person", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("added_by", KEY, nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_carbon_company_people"),
    )
    op.create_index("ix_carbon_company_people_company", "carbon_company_people", ["company"])


def _company_meters() -> None:
    op.create_table(
        "carbon_company_meters",
        sa.Column("meter", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.Column("bound_by", KEY, nullable=False),
        sa.PrimaryKeyConstraint("meter", name="pk_carbon_company_meters"),
    )
    op.create_index("ix_carbon_company_meters_company", "carbon_company_meters", ["company"])


def _activities() -> None:
    op.create_table(
        "carbon_activities",
        sa.Column("id", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("start_day", KEY, nullable=False),
        sa.Column("end_day", KEY, nullable=False),
        sa.Column("brought", KEY, nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_activities"),
    )
    op.create_index("ix_carbon_activities_brought", "carbon_activities", ["brought"])
    op.create_index("ix_carbon_activities_company_start", "carbon_activities", ["company", "start_day"])


def _activity_keys() -> None:
    op.create_table(
        "carbon_activity_keys",
        sa.Column("key", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("activity", KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_carbon_activity_keys"),
    )
    op.create_index("ix_carbon_activity_keys_activity", "carbon_activity_keys", ["activity"])


def _activity_imports() -> None:
    op.create_table(
        "carbon_activity_imports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_n", sa.Integer(), nullable=False),
        sa.Column("rejected_n", sa.Integer(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_activity_imports"),
    )
    op.create_index("ix_carbon_activity_imports_company", "carbon_activity_imports", ["company", "booked_at"])


def _contracts() -> None:
    op.create_table(
        "carbon_contracts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("start_day", KEY, nullable=False),
        sa.Column("end_day", KEY, nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_contracts"),
    )
    op.create_index("ix_carbon_contracts_company", "carbon_contracts", ["company"])
    op.create_index("ix_carbon_contracts_source", "carbon_contracts", ["source"])


def _hour_days() -> None:
    op.create_table(
        "carbon_hour_days",
        sa.Column("series", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("wh", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("series", "day", "n", name="pk_carbon_hour_days"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_hour_days_company", "carbon_hour_days", ["company", "day"])


def _company_targets() -> None:
    op.create_table(
        "carbon_company_targets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_company_targets"),
    )
    op.create_index("ix_carbon_company_targets_company", "carbon_company_targets", ["company"])


def _sponsorships() -> None:
    op.create_table(
        "carbon_sponsorships",
        sa.Column("id", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("target_kind", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("released_won", sa.BigInteger(), nullable=False),
        sa.Column("counted_g", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_sponsorships"),
    )
    op.create_index("ix_carbon_sponsorships_company", "carbon_sponsorships", ["company"])
    op.create_index("ix_carbon_sponsorships_state", "carbon_sponsorships", ["state"])


def _sponsorship_steps() -> None:
    op.create_table(
        "carbon_sponsorship_steps",
        sa.Column("sponsorship", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sponsorship", "n", name="pk_carbon_sponsorship_steps"),
        sqlite_with_rowid=False,
    )


def _sponsor_shared() -> None:
    op.create_table(
        "carbon_sponsor_shared",
        sa.Column("claim", KEY, nullable=False),
        sa.Column("shared_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("claim", name="pk_carbon_sponsor_shared"),
        sqlite_with_rowid=False,
    )


def _sponsor_results() -> None:
    op.create_table(
        "carbon_sponsor_results",
        sa.Column("claim", KEY, nullable=False),
        sa.Column("sponsorship", KEY, nullable=False),
        sa.Column("company", KEY, nullable=False),
        sa.Column("tier", KEY, nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("claim", "sponsorship", name="pk_carbon_sponsor_results"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_sponsor_results_company", "carbon_sponsor_results", ["company"])
    op.create_index("ix_carbon_sponsor_results_sponsorship", "carbon_sponsor_results", ["sponsorship"])


def upgrade() -> None:
    """Make the tables."""
    _companies()
    _company_profiles()
    _company_people()
    _company_meters()
    _activities()
    _activity_keys()
    _activity_imports()
    _contracts()
    _hour_days()
    _company_targets()
    _sponsorships()
    _sponsorship_steps()
    _sponsor_shared()
    _sponsor_results()
