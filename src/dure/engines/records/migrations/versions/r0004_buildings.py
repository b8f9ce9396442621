"""Public buildings: bills, months in two times, models, measures and savings, tickets, targets, filings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CLOSED = sa.text("closed_at IS NULL")
CURRENT = sa.text("replaced_at IS NULL")


def upgrade() -> None:
    """Make the tables."""
    _imports()
    _bills()
    _months()
    _models()
    _measures()
    _savings()
    _tickets()
    _targets()
    _filings()
    _parcels()
    _exchanges()
    _touched()


def _imports() -> None:
    op.create_table(
        "building_imports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_n", sa.Integer(), nullable=False),
        sa.Column("rejected_n", sa.Integer(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('bills', 'intervals', 'green_button', 'weather', 'parcels')", name="ck_building_imports_kind"
        ),
        sa.UniqueConstraint("sha256", "kind", name="uq_building_imports_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_building_imports"),
    )
    op.create_index("ix_building_imports_imported_at", "building_imports", ["imported_at"])


def _bills() -> None:
    op.create_table(
        "building_bills",
        sa.Column("id", KEY, nullable=False),
        sa.Column("meter", KEY, nullable=False),
        sa.Column("start_day", KEY, nullable=False),
        sa.Column("end_day", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("book", KEY, nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=True),
        sa.Column("quality", KEY, nullable=False),
        sa.Column("import", KEY, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_building_bills"),
    )
    op.create_index("ix_building_bills_meter_known_at", "building_bills", ["meter", "known_at"])
    op.create_index(
        "uq_building_bills_meter_start_day_current",
        "building_bills",
        ["meter", "start_day"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )


def _months() -> None:
    op.create_table(
        "building_months",
        sa.Column("meter", KEY, nullable=False),
        sa.Column("month", KEY, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.Column("building", KEY, nullable=False),
        sa.Column("fuel", KEY, nullable=False),
        sa.Column("part", KEY, nullable=False),
        sa.Column("book", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("measured", sa.BigInteger(), nullable=False),
        sa.Column("estimated", sa.BigInteger(), nullable=False),
        sa.Column("substituted", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("half_width", sa.BigInteger(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=True),
        sa.Column("source", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "source IN ('intervals', 'bills', 'both', 'formula', 'parcel', 'none')", name="ck_building_months_source"
        ),
        sa.PrimaryKeyConstraint("meter", "month", "known_at", name="pk_building_months"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_building_months_building_month", "building_months", ["building", "month"])
    op.create_index("ix_building_months_month", "building_months", ["month"])
    op.create_index(
        "uq_building_months_meter_month_current",
        "building_months",
        ["meter", "month"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )


def _models() -> None:
    op.create_table(
        "building_models",
        sa.Column("id", KEY, nullable=False),
        sa.Column("meter", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("fitted_at", sa.BigInteger(), nullable=False),
        sa.Column("start_day", KEY, nullable=False),
        sa.Column("end_day", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("cv_rmse", sa.Double(), nullable=True),
        sa.Column("nmbe", sa.Double(), nullable=True),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('daily', 'hourly', 'billing')", name="ck_building_models_kind"),
        sa.CheckConstraint("state IN ('fitted', 'refused')", name="ck_building_models_state"),
        sa.PrimaryKeyConstraint("id", name="pk_building_models"),
    )
    op.create_index(
        "uq_building_models_meter_kind_current",
        "building_models",
        ["meter", "kind"],
        unique=True,
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )


def _measures() -> None:
    op.create_table(
        "building_measures",
        sa.Column("id", KEY, nullable=False),
        sa.Column("building", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("begins_on", KEY, nullable=False),
        sa.Column("ends_on", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('planned', 'running', 'ended', 'withdrawn')", name="ck_building_measures_state"),
        sa.PrimaryKeyConstraint("id", name="pk_building_measures"),
    )
    op.create_index("ix_building_measures_building", "building_measures", ["building"])


def _savings() -> None:
    op.create_table(
        "building_savings",
        sa.Column("measure", KEY, nullable=False),
        sa.Column("meter", KEY, nullable=False),
        sa.Column("until_day", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("saving", sa.Text(), nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.PrimaryKeyConstraint("measure", "meter", "until_day", name="pk_building_savings"),
        sqlite_with_rowid=False,
    )


def _tickets() -> None:
    op.create_table(
        "building_tickets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("building", KEY, nullable=False),
        sa.Column("meter", KEY, nullable=False),
        sa.Column("finding", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("owner", KEY, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_on", KEY, nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("won_year", sa.BigInteger(), nullable=False),
        sa.Column("co2e_g_year", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'assigned', 'repaired', 'closed')", name="ck_building_tickets_state"),
        sa.PrimaryKeyConstraint("id", name="pk_building_tickets"),
    )
    op.create_index("ix_building_tickets_building", "building_tickets", ["building"])
    op.create_index("ix_building_tickets_state_won_year", "building_tickets", ["state", "won_year"])
    op.create_index(
        "uq_building_tickets_meter_finding_open",
        "building_tickets",
        ["meter", "finding"],
        unique=True,
        sqlite_where=CLOSED,
        postgresql_where=CLOSED,
    )


def _targets() -> None:
    op.create_table(
        "building_targets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("base", sa.Double(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('emissions_g', 'energy_wh', 'eui_wh_m2')", name="ck_building_targets_kind"),
        sa.PrimaryKeyConstraint("id", name="pk_building_targets"),
    )
    op.create_index("ix_building_targets_subject_year", "building_targets", ["subject", "year"])


def _filings() -> None:
    op.create_table(
        "building_filings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("period", KEY, nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_building_filings"),
    )
    op.create_index("ix_building_filings_kind_made_at", "building_filings", ["kind", "made_at"])


def _parcels() -> None:
    op.create_table(
        "building_parcels",
        sa.Column("parcel", KEY, nullable=False),
        sa.Column("month", KEY, nullable=False),
        sa.Column("fuel", KEY, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("book", KEY, nullable=False),
        sa.Column("replaced_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("parcel", "month", "fuel", "known_at", name="pk_building_parcels"),
        sqlite_with_rowid=False,
    )


def _exchanges() -> None:
    op.create_table(
        "building_exchanges",
        sa.Column("meter", KEY, nullable=False),
        sa.Column("exchanged_at", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=True),
        sa.Column("first", sa.BigInteger(), nullable=True),
        sa.Column("person", KEY, nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter", "exchanged_at", name="pk_building_exchanges"),
        sqlite_with_rowid=False,
    )


def _touched() -> None:
    op.create_table(
        "building_touched",
        sa.Column("meter", KEY, nullable=False),
        sa.Column("month", KEY, nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.Column("use", KEY, nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("meter", "month", name="pk_building_touched"),
        sqlite_with_rowid=False,
    )
