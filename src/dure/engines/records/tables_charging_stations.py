"""The tables of chargers: what they are, the state of their connectors, calls, tokens, lists, reservations, certificates."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from dure.engines.records.tables import Instant, Json, metadata, state_check

# What a charger last said of itself, folded from the journal.
charging_stations = Table(
    "charging_stations",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("linked", Boolean, nullable=False),
    Column("linked_at", Instant),
    Column("heard_at", Instant, nullable=False),
    Column("booted_at", Instant),
    Column("boot", Json, nullable=False),
)

# What each connector last said; EVSE 0 is the station itself.
charging_connectors = Table(
    "charging_connectors",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("evse", Integer, primary_key=True),
    Column("connector", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("vendor_error", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
)

# What answers depend on after a restart: who charges where, and which 1.6 start has which number.
charging_transactions = Table(
    "charging_transactions",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("transaction", Text, primary_key=True),
    Column("evse", Integer, nullable=False),
    Column("connector", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("begin_wh", BigInteger),
    Column("heard_us", BigInteger, nullable=False),
    Index("ix_charging_transactions_ended_heard_us", "ended", "heard_us"),
)

# What transactions cost so far, for the displays of stations: priced beside the answers, and read by who answers.
charging_costs = Table(
    "charging_costs",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("transaction", Text, primary_key=True),
    Column("won", BigInteger),  # nothing: no price fits
    Column("upto_at", Instant, nullable=False),
    Column("priced_at", Instant, nullable=False),
    Column("ended", Boolean, nullable=False),
    Index("ix_charging_costs_ended_priced_at", "ended", "priced_at"),
)

# What a station answered when it was asked something; the question is a command of the house (`commands`). No tokens in it.
charging_calls = Table(
    "charging_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("charger", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("answer", Json),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("answered_at", Instant, nullable=False),
    Index("ix_charging_calls_charger_answered_at", "charger", "answered_at"),
)

# Who may charge, by keyed digest; a card's number is never kept.
charging_tokens = Table(
    "charging_tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("label", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("group", Text, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("expires_at", Instant),
    Column("concurrent_n", Integer, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("sites", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    state_check("holder", "member", "guest", "staff"),
    Index("ix_charging_tokens_changed_at", "changed_at"),
    Index("ix_charging_tokens_group", "group"),
)

# The local list a charger was last sent, as digests.
charging_lists = Table(
    "charging_lists",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("digests", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    state_check("state", "sent", "accepted", "refused"),
)

charging_reservations = Table(
    "charging_reservations",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("charger", Text, nullable=False),
    Column("evse", Integer, nullable=False),
    Column("token", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    state_check("state", "asked", "reserved", "refused", "used", "cancelled", "expired", "removed"),
    Index("ix_charging_reservations_charger_state", "charger", "state"),
)

# The newest of everything a station reports of itself: variables, configuration, monitors, firmware, logs, profiles, limits.
charging_reports = Table(
    "charging_reports",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Json, nullable=False),
    Column("said_at", Instant, nullable=False),
)

# Events of chargers worth a person's look, newest first: security, faults, refusals, wrong clocks.
charging_happenings = Table(
    "charging_happenings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("charger", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Column("said_at", Instant, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Index("ix_charging_happenings_charger_heard_at", "charger", "heard_at"),
    Index("ix_charging_happenings_heard_at", "heard_at"),
)

charging_certificates = Table(
    "charging_certificates",
    metadata,
    Column("serial", Text, primary_key=True),
    Column("charger", Text, nullable=False),
    Column("use", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("pem", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("signed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    state_check("state", "signed", "installed", "refused", "revoked"),
    Index("ix_charging_certificates_charger_signed_at", "charger", "signed_at"),
)

# What the operator says of a charger: whether its boot is accepted.
charging_admissions = Table(
    "charging_admissions",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    state_check("answer", "accepted", "pending", "rejected"),
)
