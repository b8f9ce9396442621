"""Practices: people's commitments, proofs, decisions, groups and challenges.

Everything here that names a person is personal data and is deleted when the person asks for it; the books know only a REF.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from dure.engines.records.tables import Instant, Json, metadata, state_check

# Who takes part. `code` is what a partner company sees of a person; they may have another any time.
carbon_practice_members = Table(
    "carbon_practice_members",
    metadata,
    Column("person", Text, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("joined_at", Instant, nullable=False),
)

carbon_practice_joins = Table(
    "carbon_practice_joins",
    metadata,
    Column("person", Text, primary_key=True),
    Column("scheme", Text, primary_key=True),
    Column("joined_at", Instant, nullable=False),
    Column("left_at", Instant),
    sqlite_with_rowid=False,
)

# One thing somebody does: begun, proved, decided. `once` is what the proof is worth only once; empty proofs have none.
carbon_practice_acts = Table(
    "carbon_practice_acts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("practice", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("programme", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("once", Text, unique=True),
    Column("quantity", BigInteger, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("claim", Text),
    Column("code", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("end_at", Instant),
    Column("proved_at", Instant),
    Column("decided_at", Instant),
    Column("facts", Json, nullable=False),
    state_check("state", "started", "doubtful", "awarded", "refused", "withdrawn", "expired"),
    Index("ix_carbon_practice_acts_person", "person", "started_at", "id"),
    Index("ix_carbon_practice_acts_done", "person", "practice", "done_at"),
    Index("ix_carbon_practice_acts_state", "state", "proved_at", "id"),
    Index("ix_carbon_practice_acts_claim", "claim"),
)

# What a photo looks like, to know it again; `blob` is where it is kept, and `gone_at` since when it is to be deleted.
carbon_practice_photos = Table(
    "carbon_practice_photos",
    metadata,
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("act", Text, nullable=False, unique=True),
    Column("pixels_sha256", Text, nullable=False),
    Column("across", BigInteger, nullable=False),
    Column("down", BigInteger, nullable=False),
    Column("blob", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Column("gone_at", Instant),
    Index("ix_carbon_practice_photos_pixels", "pixels_sha256"),
    Index("ix_carbon_practice_photos_gone", "gone_at"),
)

# Numbers partners used once; forgotten when they are too old to be sent again.
carbon_practice_nonces = Table(
    "carbon_practice_nonces",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    Column("expires_at", Instant, nullable=False),
    Index("ix_carbon_practice_nonces_expires_at", "expires_at"),
    sqlite_with_rowid=False,
)

# Companies that prove what people did, and places with a code. Their keys follow from one secret, the id and `key_n`.
carbon_practice_partners = Table(
    "carbon_practice_partners",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Json, nullable=False),
    Column("practices", Json, nullable=False),
    Column("key_n", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    state_check("state", "active", "ended"),
)

carbon_practice_places = Table(
    "carbon_practice_places",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Json, nullable=False),
    Column("practices", Json, nullable=False),
    Column("lat", Double),
    Column("lon", Double),
    Column("turn_s", Integer, nullable=False),
    Column("key_n", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    state_check("state", "active", "ended"),
)

# Whose a bag of recyclables is.
carbon_practice_bags = Table(
    "carbon_practice_bags",
    metadata,
    Column("bag", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    Index("ix_carbon_practice_bags_person", "person"),
)

# Who agreed to be compared with another scheme, and whom that scheme has: hashes by a key both share, no numbers.
carbon_practice_consents = Table(
    "carbon_practice_consents",
    metadata,
    Column("person", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("consented_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

carbon_practice_elsewhere = Table(
    "carbon_practice_elsewhere",
    metadata,
    Column("other", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("start_at", Instant, primary_key=True),
    Column("end_at", Instant, nullable=False),
    Column("brought_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)

carbon_practice_payouts = Table(
    "carbon_practice_payouts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("won", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("decided_at", Instant),
    state_check("state", "asked", "paid", "refused"),
    Index("ix_carbon_practice_payouts_person", "person", "asked_at"),
    Index("ix_carbon_practice_payouts_state", "state", "asked_at"),
)

# That somebody was erased, by a keyed hash, until their yearly limits begin anew; nothing leads from it to the books.
carbon_practice_leavers = Table(
    "carbon_practice_leavers",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("until_at", Instant, nullable=False),
)

carbon_practice_groups = Table(
    "carbon_practice_groups",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False, unique=True),
    Column("made_at", Instant, nullable=False),
)

carbon_practice_group_members = Table(
    "carbon_practice_group_members",
    metadata,
    Column("group_id", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("joined_at", Instant, nullable=False),
    Column("left_at", Instant),
    Index("ix_carbon_practice_group_members_person", "person"),
    sqlite_with_rowid=False,
)

carbon_practice_challenges = Table(
    "carbon_practice_challenges",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Json, nullable=False),
    Column("practices", Json, nullable=False),
    Column("start_at", Instant, nullable=False),
    Column("end_at", Instant, nullable=False),
    Column("goal", BigInteger, nullable=False),
    Column("made_at", Instant, nullable=False),
    Index("ix_carbon_practice_challenges_end_at", "end_at"),
)

carbon_practice_challenge_groups = Table(
    "carbon_practice_challenge_groups",
    metadata,
    Column("challenge", Text, primary_key=True),
    Column("group_id", Text, primary_key=True),
    Column("joined_at", Instant, nullable=False),
    sqlite_with_rowid=False,
)
