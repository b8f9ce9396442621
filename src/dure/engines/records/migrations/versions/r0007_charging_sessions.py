"""Charging sessions, states of EVSEs, wishes, stops, settlements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _sessions()
    _gathered()
    _evse_states()
    _links()
    _wishes()
    _stops()
    _parked()
    _stays()
    _settlements()


def _sessions() -> None:
    op.create_table(
        "charging_sessions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("evse", KEY, nullable=False),
        sa.Column("transaction", KEY, nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("token", KEY, nullable=False),
        sa.Column("begin_wh", sa.BigInteger(), nullable=True),
        sa.Column("end_wh", sa.BigInteger(), nullable=True),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("returned_wh", sa.BigInteger(), nullable=False),
        sa.Column("soc", sa.Double(), nullable=True),
        sa.Column("power_w", sa.Double(), nullable=True),
        sa.Column("charging_state", KEY, nullable=False),
        sa.Column("stopped_reason", KEY, nullable=False),
        sa.Column("trust", KEY, nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("silent_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'ended', 'settled')", name="ck_charging_sessions_state"),
        sa.CheckConstraint("trust IN ('measured', 'estimated', 'disputed')", name="ck_charging_sessions_trust"),
        sa.PrimaryKeyConstraint("id", name="pk_charging_sessions"),
        sa.UniqueConstraint("charger", "transaction", "begun_us", name="uq_charging_sessions_charger"),
    )
    op.create_index("ix_charging_sessions_evse_started_at", "charging_sessions", ["evse", "started_at"])
    op.create_index("ix_charging_sessions_site_started_at", "charging_sessions", ["site", "started_at"])
    op.create_index("ix_charging_sessions_started_at", "charging_sessions", ["started_at", "id"])
    op.create_index("ix_charging_sessions_state_last_at", "charging_sessions", ["state", "last_at"])
    op.create_index("ix_charging_sessions_token_started_at", "charging_sessions", ["token", "started_at"])


def _gathered() -> None:
    op.create_table(
        "charging_gathered",
        sa.Column("session", KEY, nullable=False),
        sa.Column("gathered", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_charging_gathered"),
        sqlite_with_rowid=False,
    )


def _evse_states() -> None:
    op.create_table(
        "charging_evse_states",
        sa.Column("evse", KEY, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("detail", KEY, nullable=False),
        sa.Column("error", KEY, nullable=False),
        sa.Column("vendor_error", KEY, nullable=False),
        sa.Column("info", KEY, nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("available_us", sa.BigInteger(), nullable=False),
        sa.Column("status_us", sa.BigInteger(), nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("session_us", sa.BigInteger(), nullable=False),
        sa.Column("power_w", sa.Double(), nullable=True),
        sa.Column("power_us", sa.BigInteger(), nullable=False),
        sa.Column("soc", sa.Double(), nullable=True),
        sa.Column("soc_us", sa.BigInteger(), nullable=False),
        sa.Column("register_wh", sa.BigInteger(), nullable=True),
        sa.Column("register_us", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("evse", name="pk_charging_evse_states"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_charging_evse_states_charger", "charging_evse_states", ["charger"])


def _links() -> None:
    op.create_table(
        "charging_links",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("linked_us", sa.BigInteger(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("booted_us", sa.BigInteger(), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("status_us", sa.BigInteger(), nullable=False),
        sa.Column("error", KEY, nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_charging_links"),
        sqlite_with_rowid=False,
    )


def _wishes() -> None:
    op.create_table(
        "charging_wishes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("evse", KEY, nullable=False),
        sa.Column("session", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("need_wh", sa.BigInteger(), nullable=True),
        sa.Column("departs_at", sa.BigInteger(), nullable=True),
        sa.Column("target_soc", sa.Double(), nullable=True),
        sa.Column("way", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_charging_wishes"),
    )
    op.create_index("ix_charging_wishes_evse_made_at", "charging_wishes", ["evse", "made_at"])
    op.create_index("ix_charging_wishes_session_made_at", "charging_wishes", ["session", "made_at"])


def _stops() -> None:
    op.create_table(
        "charging_stops",
        sa.Column("session", KEY, nullable=False),
        sa.Column("evse", KEY, nullable=False),
        sa.Column("reason", KEY, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("asked_n", sa.Integer(), nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_charging_stops"),
    )
    op.create_index("ix_charging_stops_decided_at", "charging_stops", ["decided_at"])


def _parked() -> None:
    op.create_table(
        "charging_parked",
        sa.Column("writer", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("parked_at", sa.BigInteger(), nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("words_n", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "seq", name="pk_charging_parked"),
    )


def _stays() -> None:
    op.create_table(
        "charging_stays",
        sa.Column("session", KEY, nullable=False),
        sa.Column("evse", KEY, nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("left_at", sa.BigInteger()),
        sa.Column("told_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("session", name="pk_charging_stays"),
    )
    op.create_index("ix_charging_stays_left_at", "charging_stays", ["left_at"])


def _settlements() -> None:
    op.create_table(
        "charging_settlements",
        sa.Column("session", KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("site", KEY, nullable=False),
        sa.Column("evse", KEY, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("co2e_g", sa.BigInteger(), nullable=False),
        sa.Column("renewable_wh", sa.BigInteger(), nullable=False),
        sa.Column("origin_known", sa.Boolean(), nullable=False),
        sa.Column("receipt", KEY, nullable=False),
        sa.Column("before", KEY, nullable=False),
        sa.Column("sha256", KEY, nullable=False),
        sa.PrimaryKeyConstraint("session", "n", name="pk_charging_settlements"),
    )
    op.create_index("ix_charging_settlements_ended_at", "charging_settlements", ["ended_at", "session"])
    op.create_index("ix_charging_settlements_sha256", "charging_settlements", ["sha256"])
    op.create_index("ix_charging_settlements_site_ended_at", "charging_settlements", ["site", "ended_at"])
