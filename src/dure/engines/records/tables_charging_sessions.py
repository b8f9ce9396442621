"""The tables of charging sessions: sessions, states of EVSEs, wishes, stops, settlements."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata, state_check

# One per transaction, as its words tell it now. `begun_us` only where a station uses one transaction id twice.
charging_sessions = Table(
    "charging_sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("charger", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("evse", Text, nullable=False),
    Column("transaction", Text, nullable=False),
    Column("begun_us", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("last_at", Instant, nullable=False),
    Column("token", Text, nullable=False),
    Column("begin_wh", BigInteger),
    Column("end_wh", BigInteger),
    Column("energy_wh", BigInteger, nullable=False),
    Column("returned_wh", BigInteger, nullable=False),
    Column("soc", Double),
    Column("power_w", Double),
    Column("charging_state", Text, nullable=False),
    Column("stopped_reason", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("silent_at", Instant),
    Column("facts", Json, nullable=False),
    state_check("state", "running", "ended", "settled"),
    state_check("trust", "measured", "estimated", "disputed"),
    UniqueConstraint("charger", "transaction", "begun_us"),
    Index("ix_charging_sessions_started_at", "started_at", "id"),
    Index("ix_charging_sessions_site_started_at", "site", "started_at"),
    Index("ix_charging_sessions_evse_started_at", "evse", "started_at"),
    Index("ix_charging_sessions_state_last_at", "state", "last_at"),
    Index("ix_charging_sessions_token_started_at", "token", "started_at"),
)

# What was gathered of a transaction (MessagePack of `sessions.gathering.Gathered`), beside its session so that lists stay short.
charging_gathered = Table(
    "charging_gathered",
    metadata,
    Column("session", Text, primary_key=True),
    Column("gathered", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The state of every EVSE that said something, as it is now. The station itself has none: see charging_links.
charging_evse_states = Table(
    "charging_evse_states",
    metadata,
    Column("evse", Text, primary_key=True),
    Column("charger", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("vendor_error", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("since_at", Instant, nullable=False),
    Column("available_us", BigInteger, nullable=False),
    Column("status_us", BigInteger, nullable=False),
    Column("session", Text, nullable=False),
    Column("session_us", BigInteger, nullable=False),
    Column("power_w", Double),
    Column("power_us", BigInteger, nullable=False),
    Column("soc", Double),
    Column("soc_us", BigInteger, nullable=False),
    Column("register_wh", BigInteger),
    Column("register_us", BigInteger, nullable=False),
    Column("heard_at", Instant, nullable=False),
    Index("ix_charging_evse_states_charger", "charger"),
    sqlite_with_rowid=False,
)

# Whether a station is connected, what it is, and the state of the station itself (EVSE 0).
charging_links = Table(
    "charging_links",
    metadata,
    Column("charger", Text, primary_key=True),
    Column("linked", Boolean, nullable=False),
    Column("linked_us", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("booted_us", BigInteger, nullable=False),
    Column("boot", Json, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_us", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("heard_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# What drivers asked for; the newest of a session counts. `session` is empty while none runs at the EVSE.
charging_wishes = Table(
    "charging_wishes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("evse", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("need_wh", BigInteger),
    Column("departs_at", Instant),
    Column("target_soc", Double),
    Column("way", Text, nullable=False),
    Index("ix_charging_wishes_session_made_at", "session", "made_at"),
    Index("ix_charging_wishes_evse_made_at", "evse", "made_at"),
)

# Sessions that a rule of the place stopped, and why; one per session.
charging_stops = Table(
    "charging_stops",
    metadata,
    Column("session", Text, primary_key=True),
    Column("evse", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("asked_at", Instant),
    Column("asked_n", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("facts", Json, nullable=False),
    Index("ix_charging_stops_decided_at", "decided_at"),
)

# Rows of the journal of which some words, or all, could not be taken in; the rows themselves stay in the journal.
charging_parked = Table(
    "charging_parked",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("parked_at", Instant, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("words_n", Integer, nullable=False),
)

# How long vehicles stayed: one row per session that ended while its vehicle stood there still, or stayed too long.
charging_stays = Table(
    "charging_stays",
    metadata,
    Column("session", Text, primary_key=True),
    Column("evse", Text, nullable=False),
    Column("ended_at", Instant),
    Column("left_at", Instant),
    Column("told_at", Instant),
    Index("ix_charging_stays_left_at", "left_at"),
)

# What a session came to. Rows are never changed: a correction is a further row, and names the digest of the row before.
charging_settlements = Table(
    "charging_settlements",
    metadata,
    Column("session", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("site", Text, nullable=False),
    Column("evse", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("co2e_g", BigInteger, nullable=False),
    Column("renewable_wh", BigInteger, nullable=False),
    Column("origin_known", Boolean, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Index("ix_charging_settlements_sha256", "sha256"),
    Index("ix_charging_settlements_ended_at", "ended_at", "session"),
    Index("ix_charging_settlements_site_ended_at", "site", "ended_at"),
)
