"""Practices: people's commitments, proofs, decisions, groups and challenges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _members() -> None:
    op.create_table(
        "carbon_practice_members",
        sa.Column("person", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("code", name="uq_carbon_practice_members_code"),
        sa.PrimaryKeyConstraint("person", name="pk_carbon_practice_members"),
    )


def _joins() -> None:
    op.create_table(
        "carbon_practice_joins",
        sa.Column("person", KEY, nullable=False),
        sa.Column("scheme", KEY, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("person", "scheme", name="pk_carbon_practice_joins"),
        sqlite_with_rowid=False,
    )


def _acts() -> None:
    op.create_table(
        "carbon_practice_acts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("practice", KEY, nullable=False),
        sa.Column("scheme", KEY, nullable=False),
        sa.Column("programme", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("proof", KEY, nullable=False),
        sa.Column("once", KEY, nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("claim", KEY, nullable=True),
        sa.Column("code", KEY, nullable=False),
        sa.Column("note", KEY, nullable=False),
        sa.Column("place", KEY, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("end_at", sa.BigInteger(), nullable=True),
        sa.Column("proved_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('started', 'doubtful', 'awarded', 'refused', 'withdrawn', 'expired')", name="ck_carbon_practice_acts_state"
        ),
        sa.UniqueConstraint("once", name="uq_carbon_practice_acts_once"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_acts"),
    )
    op.create_index("ix_carbon_practice_acts_claim", "carbon_practice_acts", ["claim"])
    op.create_index("ix_carbon_practice_acts_done", "carbon_practice_acts", ["person", "practice", "done_at"])
    op.create_index("ix_carbon_practice_acts_person", "carbon_practice_acts", ["person", "started_at", "id"])
    op.create_index("ix_carbon_practice_acts_state", "carbon_practice_acts", ["state", "proved_at", "id"])


def _photos() -> None:
    op.create_table(
        "carbon_practice_photos",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("act", KEY, nullable=False),
        sa.Column("pixels_sha256", KEY, nullable=False),
        sa.Column("across", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("blob", KEY, nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.UniqueConstraint("act", name="uq_carbon_practice_photos_act"),
        sa.PrimaryKeyConstraint("n", name="pk_carbon_practice_photos"),
    )
    op.create_index("ix_carbon_practice_photos_gone", "carbon_practice_photos", ["gone_at"])
    op.create_index("ix_carbon_practice_photos_pixels", "carbon_practice_photos", ["pixels_sha256"])


def _nonces() -> None:
    op.create_table(
        "carbon_practice_nonces",
        sa.Column("partner", KEY, nullable=False),
        sa.Column("nonce", KEY, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "nonce", name="pk_carbon_practice_nonces"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_practice_nonces_expires_at", "carbon_practice_nonces", ["expires_at"])


def _partners() -> None:
    op.create_table(
        "carbon_practice_partners",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("practices", sa.Text(), nullable=False),
        sa.Column("key_n", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended')", name="ck_carbon_practice_partners_state"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_partners"),
    )


def _places() -> None:
    op.create_table(
        "carbon_practice_places",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("practices", sa.Text(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("turn_s", sa.Integer(), nullable=False),
        sa.Column("key_n", sa.Integer(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'ended')", name="ck_carbon_practice_places_state"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_places"),
    )


def _bags() -> None:
    op.create_table(
        "carbon_practice_bags",
        sa.Column("bag", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bag", name="pk_carbon_practice_bags"),
    )
    op.create_index("ix_carbon_practice_bags_person", "carbon_practice_bags", ["person"])


def _consents() -> None:
    op.create_table(
        "carbon_practice_consents",
        sa.Column("person", KEY, nullable=False),
        sa.Column("other", KEY, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("consented_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "other", name="pk_carbon_practice_consents"),
        sqlite_with_rowid=False,
    )


def _elsewhere() -> None:
    op.create_table(
        "carbon_practice_elsewhere",
        sa.Column("other", KEY, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("brought_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("other", "hash", "start_at", name="pk_carbon_practice_elsewhere"),
        sqlite_with_rowid=False,
    )


def _payouts() -> None:
    op.create_table(
        "carbon_practice_payouts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("won", sa.BigInteger(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'paid', 'refused')", name="ck_carbon_practice_payouts_state"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_payouts"),
    )
    op.create_index("ix_carbon_practice_payouts_person", "carbon_practice_payouts", ["person", "asked_at"])
    op.create_index("ix_carbon_practice_payouts_state", "carbon_practice_payouts", ["state", "asked_at"])


def _leavers() -> None:
    op.create_table(
        "carbon_practice_leavers",
        sa.Column("mark", KEY, nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_carbon_practice_leavers"),
    )


def _groups() -> None:
    op.create_table(
        "carbon_practice_groups",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("code", name="uq_carbon_practice_groups_code"),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_groups"),
    )


def _group_members() -> None:
    op.create_table(
        "carbon_practice_group_members",
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("left_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("group_id", "person", name="pk_carbon_practice_group_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_carbon_practice_group_members_person", "carbon_practice_group_members", ["person"])


def _challenges() -> None:
    op.create_table(
        "carbon_practice_challenges",
        sa.Column("id", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("practices", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("goal", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_carbon_practice_challenges"),
    )
    op.create_index("ix_carbon_practice_challenges_end_at", "carbon_practice_challenges", ["end_at"])


def _challenge_groups() -> None:
    op.create_table(
        "carbon_practice_challenge_groups",
        sa.Column("challenge", KEY, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("challenge", "group_id", name="pk_carbon_practice_challenge_groups"),
        sqlite_with_rowid=False,
    )


def upgrade() -> None:
    """Make the tables."""
    _members()
    _joins()
    _acts()
    _photos()
    _nonces()
    _partners()
    _places()
    _bags()
    _consents()
    _elsewhere()
    _payouts()
    _leavers()
    _groups()
    _group_members()
    _challenges()
    _challenge_groups()
