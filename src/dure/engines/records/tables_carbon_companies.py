"""Companies: people, activity data, hours, contracts, targets, sponsorships."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata

carbon_companies = Table(
    "carbon_companies",
    metadata,
    Column("id", Text, primary_key=True),
    Column("business_number", Text, nullable=False),
    Column("name_ko", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("business_number"),
)

# Every profile a company has had; the newest has the company's `n`.
carbon_company_profiles = Table(
    "carbon_company_profiles",
    metadata,
    Column("company", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("written_at", Instant, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("content", Json, nullable=False),
    sqlite_with_rowid=False,
)

# An account speaks for one company.
carbon_company_people = Table(
    "carbon_company_people",
    metadata,
    Column("person", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("added_by", Text, nullable=False),
    Index("ix_carbon_company_people_company", "company"),
)

# Customer numbers and meters of bills: each belongs to one company.
carbon_company_meters = Table(
    "carbon_company_meters",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("bound_at", Instant, nullable=False),
    Column("bound_by", Text, nullable=False),
    Index("ix_carbon_company_meters_company", "company"),
)

# Rows are only added; one that was wrong gets `ended_at`, and what was known at an instant can always be read again.
carbon_activities = Table(
    "carbon_activities",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start_day", Text, nullable=False),
    Column("end_day", Text, nullable=False),
    Column("brought", Text, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("content", Json, nullable=False),
    Index("ix_carbon_activities_company_start", "company", "start_day"),
    Index("ix_carbon_activities_brought", "brought"),
)

# What makes a bill that bill, over all companies; gone when its activity is undone.
carbon_activity_keys = Table(
    "carbon_activity_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("activity", Text, nullable=False),
    Index("ix_carbon_activity_keys_activity", "activity"),
)

carbon_activity_imports = Table(
    "carbon_activity_imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("accepted_n", Integer, nullable=False),
    Column("rejected_n", Integer, nullable=False),
    Column("report", Json, nullable=False),
    Index("ix_carbon_activity_imports_company", "company", "booked_at"),
)

# Rights to energy of a source: direct supply, PPA, REC, green tariff.
carbon_contracts = Table(
    "carbon_contracts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("start_day", Text, nullable=False),
    Column("end_day", Text, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("content", Json, nullable=False),
    Index("ix_carbon_contracts_company", "company"),
    Index("ix_carbon_contracts_source", "source"),
)

# 24 whole Wh of a UTC day of a load or a source; a day brought again is kept with the next `n`.
carbon_hour_days = Table(
    "carbon_hour_days",
    metadata,
    Column("series", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("company", Text, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("wh", Json, nullable=False),
    Index("ix_carbon_hour_days_company", "company", "day"),
    sqlite_with_rowid=False,
)

carbon_company_targets = Table(
    "carbon_company_targets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("content", Json, nullable=False),
    Index("ix_carbon_company_targets_company", "company"),
)

carbon_sponsorships = Table(
    "carbon_sponsorships",
    metadata,
    Column("id", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("target_kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("released_won", BigInteger, nullable=False),
    Column("counted_g", BigInteger, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("content", Json, nullable=False),
    Index("ix_carbon_sponsorships_company", "company"),
    Index("ix_carbon_sponsorships_state", "state"),
)

# How a sponsorship came to its state; rows are only added.
carbon_sponsorship_steps = Table(
    "carbon_sponsorship_steps",
    metadata,
    Column("sponsorship", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("facts", Json, nullable=False),
    sqlite_with_rowid=False,
)

# A claim is shared among sponsorships once, whatever each of them gets of it.
carbon_sponsor_shared = Table(
    "carbon_sponsor_shared",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("shared_at", Instant, nullable=False),
    Column("ended_at", Instant),
    sqlite_with_rowid=False,
)

carbon_sponsor_results = Table(
    "carbon_sponsor_results",
    metadata,
    Column("claim", Text, primary_key=True),
    Column("sponsorship", Text, primary_key=True),
    Column("company", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("claims", Integer, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("ix_carbon_sponsor_results_sponsorship", "sponsorship"),
    Index("ix_carbon_sponsor_results_company", "company"),
    sqlite_with_rowid=False,
)
