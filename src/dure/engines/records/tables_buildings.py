"""The tables of public buildings: bills, months in two times, models, measures and savings, tickets, targets, filings."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, UniqueConstraint, text

from dure.engines.records.tables import Instant, Json, metadata, state_check

# A file somebody brought: kept whole in the blobs by its digest, so that every row of it can be shown again.
building_imports = Table(
    "building_imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("imported_at", Instant, nullable=False),
    Column("accepted_n", Integer, nullable=False),
    Column("rejected_n", Integer, nullable=False),
    Column("report", Json, nullable=False),
    state_check("kind", "bills", "intervals", "green_button", "weather", "parcels"),
    UniqueConstraint("sha256", "kind"),
    Index("ix_building_imports_imported_at", "imported_at"),
)

# Amounts of days `[start_day, end_day)` as billed, in the book unit. A corrected bill replaces the old one, which stays.
building_bills = Table(
    "building_bills",
    metadata,
    Column("id", Text, primary_key=True),
    Column("meter", Text, nullable=False),
    Column("start_day", Text, nullable=False),
    Column("end_day", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("book", Text, nullable=False),
    Column("won", BigInteger),
    Column("quality", Text, nullable=False),
    Column("import", Text, nullable=False),
    Column("row", Integer, nullable=False),
    Column("known_at", Instant, nullable=False),
    Column("replaced_at", Instant),
    Column("facts", Json, nullable=False),
    Index(
        "uq_building_bills_meter_start_day_current",
        "meter",
        "start_day",
        unique=True,
        sqlite_where=text("replaced_at IS NULL"),
        postgresql_where=text("replaced_at IS NULL"),
    ),
    Index("ix_building_bills_meter_known_at", "meter", "known_at"),
)

# What a meter used in a local month, in two times: the row that was known at an instant answers for ever alike.
# Amounts are in the book unit; `measured + estimated + substituted + filled = amount`; `half_width` is the 90 % interval's of
# what was filled by model. `won` None: no bill says it.
building_months = Table(
    "building_months",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("known_at", Instant, primary_key=True),
    Column("replaced_at", Instant),
    Column("building", Text, nullable=False),
    Column("fuel", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("book", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("measured", BigInteger, nullable=False),
    Column("estimated", BigInteger, nullable=False),
    Column("substituted", BigInteger, nullable=False),
    Column("filled", BigInteger, nullable=False),
    Column("half_width", BigInteger, nullable=False),
    Column("coverage", Double, nullable=False),
    Column("won", BigInteger),
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("facts", Json, nullable=False),
    state_check("source", "intervals", "bills", "both", "formula", "parcel", "none"),
    Index(
        "uq_building_months_meter_month_current",
        "meter",
        "month",
        unique=True,
        sqlite_where=text("replaced_at IS NULL"),
        postgresql_where=text("replaced_at IS NULL"),
    ),
    Index("ix_building_months_month", "month"),
    Index("ix_building_months_building_month", "building", "month"),
    sqlite_with_rowid=False,
)

# The newest fit of each meter and kind of model, and all that measures rest on.
building_models = Table(
    "building_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("meter", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fitted_at", Instant, nullable=False),
    Column("start_day", Text, nullable=False),
    Column("end_day", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("cv_rmse", Double),
    Column("nmbe", Double),
    Column("sha256", Text, nullable=False),
    Column("model", Json, nullable=False),
    Column("replaced_at", Instant),
    state_check("kind", "daily", "hourly", "billing"),
    state_check("state", "fitted", "refused"),
    Index(
        "uq_building_models_meter_kind_current",
        "meter",
        "kind",
        unique=True,
        sqlite_where=text("replaced_at IS NULL"),
        postgresql_where=text("replaced_at IS NULL"),
    ),
)

# A measure that shall save: its baseline is frozen before it begins.
building_measures = Table(
    "building_measures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("building", Text, nullable=False),
    Column("name", Json, nullable=False),
    Column("state", Text, nullable=False),
    Column("begins_on", Text, nullable=False),
    Column("ends_on", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("facts", Json, nullable=False),
    state_check("state", "planned", "running", "ended", "withdrawn"),
    Index("ix_building_measures_building", "building"),
)

# What a measure saved until a day: kWh, interval, won, grams; one row per month that closed.
building_savings = Table(
    "building_savings",
    metadata,
    Column("measure", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("until_day", Text, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("saving", Json, nullable=False),
    Column("decision", Text, nullable=False),
    sqlite_with_rowid=False,
)

# One per waste that was found: at most one of a meter and a kind is not closed.
building_tickets = Table(
    "building_tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("building", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("finding", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("closed_at", Instant),
    Column("won_year", BigInteger, nullable=False),
    Column("co2e_g_year", BigInteger, nullable=False),
    Column("facts", Json, nullable=False),
    state_check("state", "open", "assigned", "repaired", "closed"),
    Index(
        "uq_building_tickets_meter_finding_open",
        "meter",
        "finding",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_building_tickets_state_won_year", "state", "won_year"),
    Index("ix_building_tickets_building", "building"),
)

# Targets of a body or a building: what, by when, against which base.
building_targets = Table(
    "building_targets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("value", Double, nullable=False),
    Column("base", Double, nullable=False),
    Column("person", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("replaced_at", Instant),
    Column("facts", Json, nullable=False),
    state_check("kind", "emissions_g", "energy_wh", "eui_wh_m2"),
    Index("ix_building_targets_subject_year", "subject", "year"),
)

# A filing or report as it was given out: the question with its `as_of`, and the digest of its bytes.
building_filings = Table(
    "building_filings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("as_of", Instant, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("person", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("question", Json, nullable=False),
    Index("ix_building_filings_kind_made_at", "kind", "made_at"),
)

# Parcel months of the national database, given out to the buildings that stand there by rule.
building_parcels = Table(
    "building_parcels",
    metadata,
    Column("parcel", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("fuel", Text, primary_key=True),
    Column("known_at", Instant, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("book", Text, nullable=False),
    Column("replaced_at", Instant),
    Column("facts", Json, nullable=False),
    sqlite_with_rowid=False,
)

# A physical meter was taken off and another put on, as a person noted it [book unit]; None where nobody noted a value.
building_exchanges = Table(
    "building_exchanges",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("exchanged_at", Instant, primary_key=True),
    Column("last", BigInteger),
    Column("first", BigInteger),
    Column("person", Text, nullable=False),
    Column("noted_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

# Months whose entries or bills are new and that are to be made anew, once the entry `last_us` of the property `use` is stored.
building_touched = Table(
    "building_touched",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("touched_at", Instant, nullable=False),
    Column("use", Text, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
