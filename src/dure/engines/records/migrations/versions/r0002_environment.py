"""The urban environment: alerts and messages, grades, verdicts of checks, calibrations, findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _alerts()
    _messages()
    _answers()
    _keeping()


def _alerts() -> None:
    """What is at a level now, and what the rules remember."""
    op.create_table(
        "environment_alerts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("rule", KEY, nullable=False),
        sa.Column("scope", KEY, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", KEY, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("escalation", sa.Integer(), nullable=False),
        sa.Column("escalated_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name="ck_environment_alerts_state"),
        sa.PrimaryKeyConstraint("id", name="pk_environment_alerts"),
    )
    op.create_index("ix_environment_alerts_state_changed_at", "environment_alerts", ["state", "changed_at"])
    op.create_index("ix_environment_alerts_rule_scope", "environment_alerts", ["rule", "scope"])
    op.create_table(
        "environment_alert_states",
        sa.Column("rule", KEY, nullable=False),
        sa.Column("scope", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "scope", name="pk_environment_alert_states"),
        sqlite_with_rowid=False,
    )


def _messages() -> None:
    """Who wants to know, and what is sent to them."""
    op.create_table(
        "environment_subscriptions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=True),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("language", KEY, nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("level_min", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("secret", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("channel IN ('in_app', 'email', 'webhook')", name="ck_environment_subscriptions_channel"),
        sa.CheckConstraint("state IN ('active', 'paused', 'ended')", name="ck_environment_subscriptions_state"),
        sa.PrimaryKeyConstraint("id", name="pk_environment_subscriptions"),
    )
    op.create_index("ix_environment_subscriptions_person", "environment_subscriptions", ["person"])
    op.create_table(
        "environment_messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("alert", KEY, nullable=False),
        sa.Column("transition", sa.Integer(), nullable=False),
        sa.Column("subscription", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("language", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("body", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_environment_messages"),
        sa.UniqueConstraint("alert", "transition", "subscription", name="uq_environment_messages_alert"),
    )
    op.create_index("ix_environment_messages_sent_at_next_attempt_at", "environment_messages", ["sent_at", "next_attempt_at"])
    op.create_index("ix_environment_messages_subscription_created_at", "environment_messages", ["subscription", "created_at"])


def _answers() -> None:
    """The newest indices and grades, and why values are not shown as good."""
    op.create_table(
        "environment_indices",
        sa.Column("asset", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("asset", "name", name="pk_environment_indices"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "environment_verdicts",
        sa.Column("asset", KEY, nullable=False),
        sa.Column("property", KEY, nullable=False),
        sa.Column("time_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("check", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("flag", sa.Integer(), nullable=False),
        sa.Column("statistic", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("asset", "property", "time_us", "check", name="pk_environment_verdicts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_environment_verdicts_decided_at", "environment_verdicts", ["decided_at"])


def _keeping() -> None:
    """How values are corrected, and what is wrong with stations."""
    op.create_table(
        "environment_models",
        sa.Column("id", KEY, nullable=False),
        sa.Column("asset", KEY, nullable=False),
        sa.Column("property", KEY, nullable=False),
        sa.Column("method", KEY, nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("created_by", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('candidate', 'active', 'retired', 'rejected')", name="ck_environment_models_state"),
        sa.PrimaryKeyConstraint("id", name="pk_environment_models"),
    )
    op.create_index("ix_environment_models_asset_property_valid_from", "environment_models", ["asset", "property", "valid_from"])
    op.create_table(
        "environment_findings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("asset", KEY, nullable=False),
        sa.Column("property", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("note", KEY, nullable=False),
        sa.Column("by", KEY, nullable=False),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'closed')", name="ck_environment_findings_state"),
        sa.PrimaryKeyConstraint("id", name="pk_environment_findings"),
    )
    op.create_index("ix_environment_findings_state_seen_at", "environment_findings", ["state", "seen_at"])
    op.create_index("ix_environment_findings_asset_property", "environment_findings", ["asset", "property"])
