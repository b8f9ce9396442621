"""Chargers: what they are, states, calls, tokens, lists, reservations, certificates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _stations()
    _connectors()
    _transactions()
    _costs()
    _calls()
    _tokens()
    _lists()
    _reservations()
    _reports()
    _happenings()
    _certificates()
    _admissions()


def _stations() -> None:
    op.create_table(
        "charging_stations",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("linked", sa.Boolean(), nullable=False),
        sa.Column("linked_at", sa.BigInteger()),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.Column("booted_at", sa.BigInteger()),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("charger", name="pk_charging_stations"),
    )


def _connectors() -> None:
    op.create_table(
        "charging_connectors",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("status", KEY, nullable=False),
        sa.Column("detail", KEY, nullable=False),
        sa.Column("error", KEY, nullable=False),
        sa.Column("vendor_error", KEY, nullable=False),
        sa.Column("info", KEY, nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("charger", "evse", "connector", name="pk_charging_connectors"),
    )


def _transactions() -> None:
    op.create_table(
        "charging_transactions",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("transaction", KEY, nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("connector", sa.Integer(), nullable=False),
        sa.Column("token", KEY, nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("begun_us", sa.BigInteger(), nullable=False),
        sa.Column("begin_wh", sa.BigInteger()),
        sa.Column("heard_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("charger", "transaction", name="pk_charging_transactions"),
    )
    op.create_index("ix_charging_transactions_ended_heard_us", "charging_transactions", ["ended", "heard_us"])


def _costs() -> None:
    op.create_table(
        "charging_costs",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("transaction", KEY, nullable=False),
        sa.Column("won", sa.BigInteger()),
        sa.Column("upto_at", sa.BigInteger(), nullable=False),
        sa.Column("priced_at", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("charger", "transaction", name="pk_charging_costs"),
    )
    op.create_index("ix_charging_costs_ended_priced_at", "charging_costs", ["ended", "priced_at"])


def _calls() -> None:
    op.create_table(
        "charging_calls",
        sa.Column("id", KEY, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("action", KEY, nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("code", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_charging_calls"),
    )
    op.create_index("ix_charging_calls_charger_answered_at", "charging_calls", ["charger", "answered_at"])


def _tokens() -> None:
    op.create_table(
        "charging_tokens",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("label", KEY, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("group", KEY, nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("concurrent_n", sa.Integer(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("sites", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("holder IN ('member', 'guest', 'staff')", name="ck_charging_tokens_holder"),
        sa.PrimaryKeyConstraint("digest", name="pk_charging_tokens"),
    )
    op.create_index("ix_charging_tokens_changed_at", "charging_tokens", ["changed_at"])
    op.create_index("ix_charging_tokens_group", "charging_tokens", ["group"])


def _lists() -> None:
    op.create_table(
        "charging_lists",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('sent', 'accepted', 'refused')", name="ck_charging_lists_state"),
        sa.PrimaryKeyConstraint("charger", name="pk_charging_lists"),
    )


def _reservations() -> None:
    op.create_table(
        "charging_reservations",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("evse", sa.Integer(), nullable=False),
        sa.Column("token", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'reserved', 'refused', 'used', 'cancelled', 'expired', 'removed')",
            name="ck_charging_reservations_state",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_charging_reservations"),
    )
    op.create_index("ix_charging_reservations_charger_state", "charging_reservations", ["charger", "state"])


def _reports() -> None:
    op.create_table(
        "charging_reports",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("topic", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("charger", "topic", "name", name="pk_charging_reports"),
    )


def _happenings() -> None:
    op.create_table(
        "charging_happenings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("topic", KEY, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("said_at", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_charging_happenings"),
    )
    op.create_index("ix_charging_happenings_charger_heard_at", "charging_happenings", ["charger", "heard_at"])
    op.create_index("ix_charging_happenings_heard_at", "charging_happenings", ["heard_at"])


def _certificates() -> None:
    op.create_table(
        "charging_certificates",
        sa.Column("serial", KEY, nullable=False),
        sa.Column("charger", KEY, nullable=False),
        sa.Column("use", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("pem", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('signed', 'installed', 'refused', 'revoked')", name="ck_charging_certificates_state"),
        sa.PrimaryKeyConstraint("serial", name="pk_charging_certificates"),
    )
    op.create_index("ix_charging_certificates_charger_signed_at", "charging_certificates", ["charger", "signed_at"])


def _admissions() -> None:
    op.create_table(
        "charging_admissions",
        sa.Column("charger", KEY, nullable=False),
        sa.Column("answer", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("answer IN ('accepted', 'pending', 'rejected')", name="ck_charging_admissions_answer"),
        sa.PrimaryKeyConstraint("charger", name="pk_charging_admissions"),
    )
