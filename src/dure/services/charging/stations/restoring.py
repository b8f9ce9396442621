"""What answers depend on, read from the records: at the start everything, then what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from dure.core.time import to_us
from dure.engines.records.tables_charging_central import charging_journal
from dure.services.charging.central.journal_records import unpack
from dure.services.charging.central.words import Word
from dure.services.charging.stations import running_costs, station_records
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.tokens import Token

if TYPE_CHECKING:
    from dure.services.charging.stations.memory import Admission, Memory
    from dure.spine.house import House

REMEMBERED = timedelta(days=7)  # starts sent again after longer are told apart by their digest alone
CHUNK = 500
COSTS_EVERY = timedelta(minutes=1)
OVERLAP = timedelta(seconds=30)  # a transaction that began earlier may be kept later


class Watching(msgspec.Struct):
    """How far tokens have been read, and when what running transactions cost was looked at."""

    since: datetime | None = None
    costs_at: datetime | None = None


class News(msgspec.Struct, frozen=True):
    """What was read beside the answers."""

    tokens: list[Token]
    admissions: dict[str, Admission]
    costs: dict[tuple[str, str], float] | None = None  # None: not looked at this time


def journal_after(connection: Connection, positions: dict[str, int]) -> Iterator[tuple[str, int, list[Word]]]:
    """Writer, seq and words of every row after the positions, each writer in its order."""
    writers = connection.execute(select(charging_journal.c.writer).distinct()).scalars().all()
    for writer in sorted(writers):
        after = positions.get(writer, 0)
        while True:
            query = select(charging_journal.c.seq, charging_journal.c.words)
            query = query.where(charging_journal.c.writer == writer, charging_journal.c.seq > after)
            rows = connection.execute(query.order_by(charging_journal.c.seq).limit(CHUNK)).all()
            for row in rows:
                yield writer, int(row.seq), list(unpack(row.words))
            if len(rows) < CHUNK:
                break
            after = int(rows[-1].seq)


def restore(connection: Connection, memory: Memory, now: datetime) -> None:
    """Transactions that run or began lately, from the tables, and then the journal behind them: the same answers as before."""
    for known in station_records.remembered(connection, to_us(now - REMEMBERED)):
        memory.take(known)
    for _, _, words in journal_after(connection, station_records.positions(connection)):
        for word in words:
            memory.take(word)


def news(house: House, connection: Connection, watching: Watching) -> News:
    """Tokens that changed since the last look, who may boot, and once a minute what running transactions cost. Blocks."""
    tokens = token_records.changed_since(connection, watching.since)
    newest = max((one.changed_at for one in tokens if one.changed_at is not None), default=None)
    if newest is not None:
        watching.since = newest - OVERLAP
    admissions: dict[str, Admission] = dict(station_records.admissions(connection))
    admissions |= {charger: "pending" for charger in station_records.quarantined(connection) if charger not in admissions}
    costs, now = None, house.clock.now()
    if watching.costs_at is None or now - watching.costs_at >= COSTS_EVERY:
        costs, watching.costs_at = running_costs.costs(house, connection), now
    return News(tokens, admissions, costs)


def learn(memory: Memory, found: News) -> None:
    """Take in what was read."""
    memory.know_tokens(found.tokens)
    memory.know_admissions(found.admissions)
    if found.costs is not None:
        memory.costs = found.costs
