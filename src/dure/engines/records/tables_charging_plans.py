"""The tables of energy plans: plans, the set points in force, forecasts and their backtests, studies."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text

from dure.engines.records.tables import Instant, Json, metadata, state_check

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

# How a site's past would have gone with each recipe: one run a night, a row per recipe; `live` marks the one in use from then.
charging_backtests = Table(
    "charging_backtests",
    metadata,
    Column("site", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("recipe", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("days_n", Integer, nullable=False),
    Column("won", Double, nullable=False),
    Column("live", Integer, nullable=False),
    Column("facts", Json, nullable=False),
    Index("ix_charging_backtests_site_live_day", "site", "live", "day"),
)

# A sizing study: what was asked, and the grid of answers once they are worked out.
charging_studies = Table(
    "charging_studies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("asked", Json, nullable=False),
    Column("answer", Json),
    Column("code", Text, nullable=False),
    state_check("state", "running", "done", "failed"),
    Index("ix_charging_studies_made_at", "made_at"),
)
