"""The tables of the urban environment: alerts and messages, grades, verdicts of checks, calibrations, findings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata, state_check

# One row from the first level to its end; what happened in between stands in `facts`.
environment_alerts = Table(
    "environment_alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", Instant),
    Column("escalation", Integer, nullable=False),
    Column("escalated_at", Instant),
    Column("facts", Json, nullable=False),
    Column("decision", Text, nullable=False),
    state_check("state", "open", "closed"),
    Index("ix_environment_alerts_state_changed_at", "state", "changed_at"),
    Index("ix_environment_alerts_rule_scope", "rule", "scope"),
)

# What a rule remembers of a place: counted hours and the last one seen, so that a restart changes nothing.
environment_alert_states = Table(
    "environment_alert_states",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("state", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

environment_subscriptions = Table(
    "environment_subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("rules", Json, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("level_min", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    state_check("channel", "in_app", "email", "webhook"),
    state_check("state", "active", "paused", "ended"),
    Index("ix_environment_subscriptions_person", "person"),
)

environment_messages = Table(
    "environment_messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("alert", Text, nullable=False),
    Column("transition", Integer, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("read_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_error", Text, nullable=False),
    UniqueConstraint("alert", "transition", "subscription"),
    Index("ix_environment_messages_sent_at_next_attempt_at", "sent_at", "next_attempt_at"),
    Index("ix_environment_messages_subscription_created_at", "subscription", "created_at"),
)

# The newest answer of each index or grade of an asset, with the items that decided it.
environment_indices = Table(
    "environment_indices",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("result", Json, nullable=False),
    sqlite_with_rowid=False,
)

# Why a value is not shown as good: what the check measured, and against which limit.
environment_verdicts = Table(
    "environment_verdicts",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("property", Text, primary_key=True),
    Column("time_us", BigInteger, primary_key=True),
    Column("check", Integer, primary_key=True),
    Column("flag", Integer, nullable=False),
    Column("statistic", Double),
    Column("threshold", Double),
    Column("detail", Json, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Index("ix_environment_verdicts_decided_at", "decided_at"),
    sqlite_with_rowid=False,
)

environment_models = Table(
    "environment_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("property", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_to", Instant),
    Column("state", Text, nullable=False),
    Column("scores", Json, nullable=False),
    Column("reasons", Json, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    state_check("state", "candidate", "active", "retired", "rejected"),
    Index("ix_environment_models_asset_property_valid_from", "asset", "property", "valid_from"),
)

environment_findings = Table(
    "environment_findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("property", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("evidence", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("by", Text, nullable=False),
    state_check("state", "open", "acknowledged", "closed"),
    Index("ix_environment_findings_state_seen_at", "state", "seen_at"),
    Index("ix_environment_findings_asset_property", "asset", "property"),
)
