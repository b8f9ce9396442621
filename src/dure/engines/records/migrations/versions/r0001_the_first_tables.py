"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Sorted by code point on both engines, whatever PostgreSQL's locale: pages follow each other by key.
KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NO_HASH = "0" * 64


def upgrade() -> None:
    """Make all tables."""
    _register()
    _people()
    _readings()
    _log()
    _seal_audit()


def _register() -> None:
    """The city's things and the devices that speak for them."""
    op.create_table(
        "assets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("city", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("name_ko", KEY, nullable=False),
        sa.Column("name_en", KEY, nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("west", sa.Double(), nullable=True),
        sa.Column("south", sa.Double(), nullable=True),
        sa.Column("east", sa.Double(), nullable=True),
        sa.Column("north", sa.Double(), nullable=True),
        sa.Column("parent", KEY, nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("live_from_seq", sa.BigInteger()),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('quarantined', 'live', 'retired')", name="ck_assets_state"),
        sa.ForeignKeyConstraint(["parent"], ["assets.id"], name="fk_assets_parent", initially="DEFERRED", deferrable=True),
        sa.PrimaryKeyConstraint("id", name="pk_assets"),
    )
    op.create_index("ix_assets_kind_id", "assets", ["kind", "id"])
    op.create_index("ix_assets_parent", "assets", ["parent"])
    op.create_table(
        "devices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("asset", KEY, nullable=False),
        sa.Column("city", KEY, nullable=False),
        sa.Column("codec", KEY, nullable=False),
        sa.Column("dev_eui", KEY, nullable=True),
        sa.Column("secret_sha256", KEY, nullable=False),
        sa.Column("old_secret_sha256", KEY, nullable=True),
        sa.Column("old_valid_until", sa.BigInteger(), nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("good_n", sa.Integer(), nullable=False),
        sa.Column("counted_seq", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('quarantined', 'live', 'revoked')", name="ck_devices_state"),
        sa.ForeignKeyConstraint(["asset"], ["assets.id"], name="fk_devices_asset"),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("dev_eui", name="uq_devices_dev_eui"),
    )
    op.create_index("ix_devices_asset", "devices", ["asset"])
    op.create_table(
        "commands",
        sa.Column("id", KEY, nullable=False),
        sa.Column("asset", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("outcome_at", sa.BigInteger(), nullable=True),
        sa.Column("why", KEY, nullable=False),
        sa.CheckConstraint("outcome IN ('pending', 'accepted', 'done', 'rejected', 'expired')", name="ck_commands_outcome"),
        sa.ForeignKeyConstraint(["asset"], ["assets.id"], name="fk_commands_asset"),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
        sa.UniqueConstraint("asset", "key", name="uq_commands_asset"),
    )
    op.create_index("ix_commands_outcome_expires_at", "commands", ["outcome", "expires_at"])


def _people() -> None:
    """Accounts and sign-ins."""
    op.create_table(
        "people",
        sa.Column("id", KEY, nullable=False),
        sa.Column("login", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("password_hash", KEY, nullable=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("issuer", KEY, nullable=True),
        sa.Column("issuer_subject", KEY, nullable=True),
        sa.Column("state", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'disabled')", name="ck_people_state"),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("issuer", "issuer_subject", name="uq_people_issuer"),
        sa.UniqueConstraint("login", name="uq_people_login"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("login_sha256", KEY, nullable=False),
        sa.Column("failed_n", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("login_sha256", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_failed_at", "sign_in_failures", ["failed_at"])
    op.create_table(
        "sessions",
        sa.Column("token_sha256", KEY, nullable=False),
        sa.Column("person", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_sessions_person", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_person", "sessions", ["person"])


def _readings() -> None:
    """What became of readings."""
    op.create_table(
        "latest",
        sa.Column("asset", KEY, nullable=False),
        sa.Column("property", KEY, nullable=False),
        sa.Column("time_us", sa.BigInteger(), nullable=False),
        sa.Column("result_us", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("flag", sa.Integer(), nullable=False),
        sa.Column("check", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("asset", "property", name="pk_latest"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "cursors",
        sa.Column("name", KEY, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cursors"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parked",
        sa.Column("id", KEY, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("way", KEY, nullable=False),
        sa.Column("device", KEY, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("why", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('parked', 'replayed', 'dropped')", name="ck_parked_state"),
        sa.PrimaryKeyConstraint("id", name="pk_parked"),
    )
    op.create_index("ix_parked_device", "parked", ["device", "received_at"])
    op.create_index("ix_parked_state_received_at", "parked", ["state", "received_at", "id"])


def _log() -> None:
    """What happened and why."""
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_subject", "events", ["subject", "time"])
    op.create_index("ix_events_time", "events", ["time", "id"])
    op.create_table(
        "outbox",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", KEY, nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_outbox"),
        sa.UniqueConstraint("id", name="uq_outbox_id"),
    )
    op.create_index("ix_outbox_sent_at_next_attempt_at", "outbox", ["sent_at", "next_attempt_at"])
    op.create_table(
        "decisions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_decided_at", "decisions", ["decided_at", "id"])
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("prev_hash", KEY, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("actor", KEY, nullable=False),
        sa.Column("verb", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("object", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="pk_audit"),
    )
    op.create_index("ix_audit_actor", "audit", ["actor"])
    op.create_index("ix_audit_object", "audit", ["object"])
    op.create_table(
        "audit_head",
        sa.Column("one", sa.Boolean(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_audit_head"),
    )


def _seal_audit() -> None:
    """The audit log takes new rows only: the database itself refuses to change or delete one."""
    op.execute(sa.text("INSERT INTO audit_head (one, n, hash) VALUES (true, 0, :hash)").bindparams(hash=NO_HASH))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
