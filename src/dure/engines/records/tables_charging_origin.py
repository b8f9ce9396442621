"""The tables of the origin ledger: intervals as booked, entries, splits of sessions, days told, exchanges of meters."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from dure.engines.records.tables import Instant, Json, metadata

# Rows are only added. `n` 0 is what was booked first of an interval, 1, 2, … are corrections; `seq` numbers the rows of a site
# without a gap, and each carries the digest of the one before it.
charging_origin_intervals = Table(
    "charging_origin_intervals",
    metadata,
    Column("site", Text, primary_key=True),
    Column("start_at", Instant, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("rule", Text, nullable=False),
    Column("factors", Text, nullable=False),
    Column("content", Json, nullable=False),
    Column("readings_sha256", Text, nullable=False),
    Column("previous_sha256", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    UniqueConstraint("site", "seq"),
    sqlite_with_rowid=False,
)

# Wh from an account to another; the entries of all `n` of an interval sum to what is known of it now.
charging_origin_entries = Table(
    "charging_origin_entries",
    metadata,
    Column("site", Text, primary_key=True),
    Column("start_at", Instant, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("sink", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("session", Text, nullable=False),
    Column("wh", BigInteger, nullable=False),
    Index("ix_charging_origin_entries_session", "session"),
    sqlite_with_rowid=False,
)

# What each session got by origin, as booked so far; `final` 1 once every interval of an ended session is booked.
charging_origin_splits = Table(
    "charging_origin_splits",
    metadata,
    Column("session", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("pv_wh", BigInteger, nullable=False),
    Column("ess_pv_wh", BigInteger, nullable=False),
    Column("ess_grid_wh", BigInteger, nullable=False),
    Column("grid_wh", BigInteger, nullable=False),
    Column("final", Integer, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Index("ix_charging_origin_splits_site", "site"),
)

# Meters of a site that were taken off and replaced, as a person noted it; registers in Wh.
charging_exchanges = Table(
    "charging_exchanges",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("property", Text, primary_key=True),
    Column("exchanged_at", Instant, primary_key=True),
    Column("last_wh", BigInteger, nullable=False),
    Column("first_wh", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("noted_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Local days of a site that were told to the carbon ledger; a day that was corrected later is told again with the next `n`.
charging_origin_days = Table(
    "charging_origin_days",
    metadata,
    Column("site", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("told_at", Instant, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("facts", Json, nullable=False),
    sqlite_with_rowid=False,
)
