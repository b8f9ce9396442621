"""Households and their judged periods. All of a household goes when its person is erased; weather and `spent` name nobody."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata

# `content`: place, floor area, people and panels, as the person says them; `ended_at`: consent was withdrawn.
carbon_households = Table(
    "carbon_households",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("ref", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("consented_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("content", Json, nullable=False),
    UniqueConstraint("person"),
    UniqueConstraint("ref"),
)

# A customer number is kept as a keyed digest and belongs to one household.
carbon_household_meters = Table(
    "carbon_household_meters",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("household", Text, nullable=False),
    Column("utility", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("bound_at", Instant, nullable=False),
    UniqueConstraint("household", "utility"),
)

# `month` counts from year 0; `milli` are thousandths of `unit`.
carbon_household_bills = Table(
    "carbon_household_bills",
    metadata,
    Column("household", Text, primary_key=True),
    Column("utility", Text, primary_key=True),
    Column("month", Integer, primary_key=True),
    Column("first_day", Text, nullable=False),
    Column("end_day", Text, nullable=False),
    Column("milli", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("read", Text, nullable=False),
    Column("exchanged", Boolean, nullable=False),
    Column("vacant", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("entered_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# What a half-year came to; `asked` holds the home and bills it was judged by, so that it can be judged again.
carbon_household_judgements = Table(
    "carbon_household_judgements",
    metadata,
    Column("household", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("utility", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("claim", Text, nullable=False),
    Column("judged_at", Instant, nullable=False),
    Column("asked", Json, nullable=False),
    Column("content", Json, nullable=False),
)

# How many spreads the bound lies below the estimate, as measured at the city's homes before a half-year.
carbon_household_times = Table(
    "carbon_household_times",
    metadata,
    Column("period", Text, primary_key=True),
    Column("utility", Text, primary_key=True),
    Column("times", Double),
    Column("homes", Integer, nullable=False),
    Column("measured_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Mean temperature of a station's local days [Cel], as told; the first word about a day stands.
carbon_household_weather = Table(
    "carbon_household_weather",
    metadata,
    Column("station", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("mean_c", Double, nullable=False),
    Column("readings_sha256", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Half-years a customer number was rewarded for, which outlive an erased household for a while: nobody is paid twice.
carbon_household_spent = Table(
    "carbon_household_spent",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("spent_at", Instant, nullable=False),
    Index("ix_carbon_household_spent_spent_at", "spent_at"),
    sqlite_with_rowid=False,
)
