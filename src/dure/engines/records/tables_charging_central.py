"""The tables of the central system of chargers: the journal of what stations said, and the log of messages."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from dure.engines.records.tables import metadata

# What stations said, many words in one row (MessagePack of `central.words`), in the order of one writer. Everything else follows.
charging_journal = Table(
    "charging_journal",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kept_us", BigInteger, nullable=False),
    Column("words_n", Integer, nullable=False),
    Column("words", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Messages of chargers whose log is kept, without secrets: many in one row, deflated JSON of `central.message_log.Shown`.
charging_messages = Table(
    "charging_messages",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("first_us", BigInteger, primary_key=True),
    Column("writer", Text, primary_key=True),
    Column("last_us", BigInteger, nullable=False),
    Column("messages_n", Integer, nullable=False),
    Column("messages", LargeBinary, nullable=False),
    Index("ix_charging_messages_last_us", "last_us"),
    sqlite_with_rowid=False,
)
