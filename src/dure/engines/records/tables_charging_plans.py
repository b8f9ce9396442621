"""The tables of energy plans: plans, the set points in force, forecasts and their backtests, studies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text

from dure.engines.records.tables import Instant, Json, metadata

# A plan with the problem it answers (packed, `planning.packing`); the newest of a site is in force.
charging_plans = Table(
    "charging_plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("start_us", BigInteger, nullable=False),
    Column("policy", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("won", Double, nullable=False),
    Column("edf_won", Double, nullable=False),
    Column("unmet_wh", Integer, nullable=False),
    Column("facts", Json, nullable=False),
    Column("problem", LargeBinary, nullable=False),
    Column("plan", LargeBinary, nullable=False),
    Index("ix_charging_plans_site_made_at", "site", "made_at"),
)

# What each EVSE, charger or storage (`target`, asset id) was last told, and by which plan.
# `purpose`: plan, default, station, storage.
charging_set_points = Table(
    "charging_set_points",
    metadata,
    Column("target", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("until", Instant),
    Column("limits_w", Json, nullable=False),
    Column("told", Json, nullable=False),
    Index("ix_charging_set_points_site", "site"),
)
