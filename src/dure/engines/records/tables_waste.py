"""The tables of waste collection: what was seen, what is believed, plans and their edits, tickets, alarms, reports, accounts."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text, UniqueConstraint, text

from dure.engines.records.tables import Instant, Json, metadata, state_check

# What crews and citizens saw or did at a bin. `id` is made by who sends it, so that the same tap sent twice is one.
waste_sightings = Table(
    "waste_sightings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", Double),
    Column("seen_at", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("person", Text, nullable=False),
    Column("truck", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("photo", Text, nullable=False),
    Column("facts", Json, nullable=False),
    state_check("kind", "emptied", "level", "blocked", "broken", "report"),
    Index("ix_waste_sightings_bin_seen_at", "bin", "seen_at"),
    Index("ix_waste_sightings_received_at", "received_at"),
    Index("ix_waste_sightings_plan", "plan"),
)

# The newest belief of each bin, as the planner and the pages read it.
waste_beliefs = Table(
    "waste_beliefs",
    metadata,
    Column("bin", Text, primary_key=True),
    Column("as_of", Instant, nullable=False),
    Column("belief", Json, nullable=False),
    sqlite_with_rowid=False,
)

# What was learnt from history, for all bins at once; the newest is in force.
waste_models = Table(
    "waste_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("learnt_at", Instant, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("model", Json, nullable=False),
    Index("ix_waste_models_kind_learnt_at", "kind", "learnt_at"),
)

waste_plans = Table(
    "waste_plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("published_at", Instant),
    Column("person", Text, nullable=False),
    Column("inputs_sha256", Text, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("plan", Json, nullable=False),
    Column("decision", Text, nullable=False),
    state_check("state", "draft", "published", "superseded", "refused"),
    UniqueConstraint("day", "version"),
    Index("ix_waste_plans_day_state", "day", "state"),
)

# What the dispatcher asked of a day: bins locked in, banned, moved to a truck, trucks out of work.
waste_edits = Table(
    "waste_edits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bin", Text, nullable=False),
    Column("truck", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("person", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("undone_at", Instant),
    state_check("kind", "lock", "ban", "move", "breakdown"),
    Index("ix_waste_edits_day", "day"),
)

# One per fault: at most one of a bin and a fault is not closed.
waste_tickets = Table(
    "waste_tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bin", Text, nullable=False),
    Column("fault", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("closed_at", Instant),
    Column("facts", Json, nullable=False),
    state_check("state", "open", "assigned", "repaired", "closed"),
    Index(
        "uq_waste_tickets_bin_fault_open",
        "bin",
        "fault",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_waste_tickets_state_due_on", "state", "due_on"),
)

# Fire, tilt, jam: apart from tickets and plans, since they wait for nobody.
waste_alarms = Table(
    "waste_alarms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sensed_at", Instant, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", Instant),
    Column("escalation", Integer, nullable=False),
    Column("escalated_at", Instant),
    Column("closed_at", Instant),
    Column("facts", Json, nullable=False),
    state_check("state", "open", "acknowledged", "closed"),
    Index(
        "uq_waste_alarms_bin_kind_open",
        "bin",
        "kind",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_waste_alarms_state_raised_at", "state", "raised_at"),
)

# What citizens report, and what became of it. `id` is also the number a citizen looks it up by.
waste_reports = Table(
    "waste_reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("bin", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("photo", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("facts", Json, nullable=False),
    state_check("kind", "full", "overflow", "broken", "fire", "other"),
    state_check("state", "open", "planned", "done", "refused"),
    Index("ix_waste_reports_bin_received_at", "bin", "received_at"),
    Index("ix_waste_reports_state_received_at", "state", "received_at"),
)

# Frozen before the start: what would have been driven without Dure. Never changed afterwards.
waste_baselines = Table(
    "waste_baselines",
    metadata,
    Column("id", Text, primary_key=True),
    Column("frozen_at", Instant, nullable=False),
    Column("starts_on", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("baseline", Json, nullable=False),
)

# A day's account: what was driven, and what the baseline would have on the same fill history.
waste_accounts = Table(
    "waste_accounts",
    metadata,
    Column("day", Text, primary_key=True),
    Column("baseline", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("account", Json, nullable=False),
    Column("decision", Text, nullable=False),
    sqlite_with_rowid=False,
)
