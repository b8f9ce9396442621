"""What answers depend on, read from the records: at the start everything, then what changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from dure.core.time import to_us
from dure.engines.records.tables_charging_central import charging_journal
from dure.services.charging.central.journal_records import unpack, writers
from dure.services.charging.central.words import Word
from dure.services.charging.stations import cost_records, station_records
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.tokens import Token

if TYPE_CHECKING:
    from dure.services.charging.stations.memory import Admission, Memory
    from dure.spine.house import House

REMEMBERED = timedelta(days=7)  # starts sent again after longer are told apart by their digest alone
CHUNK = 500
OVERLAP = timedelta(seconds=30)  # a transaction that began earlier may be kept later
AGAIN = timedelta(minutes=1)
LOOKED_AT = timedelta(minutes=5)  # tokens that changed longer ago are not read again


class Watching(msgspec.Struct):
    """How far tokens and costs have been read, and what the last reading of tokens found."""

    since: datetime | None = None
    found: tuple[int, datetime | None] = (0, None)
    read_at: datetime | None = None
    costs_at: datetime | None = None


class News(msgspec.Struct, frozen=True):
    """What was read beside the answers."""

    tokens: list[Token]
    admissions: dict[str, Admission]
    costs: dict[tuple[str, str], float | None]  # those that changed; None: no price fits, or it is over


def journal_after(connection: Connection, positions: dict[str, int]) -> Iterator[tuple[str, int, list[Word]]]:
    """Writer, seq and words of every row after the positions, each writer in its order."""
    for writer in writers(connection):
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
    """Tokens that changed since the last look, who may boot, and what running transactions cost. Blocks."""
    now = house.clock.now()
    admissions: dict[str, Admission] = dict(station_records.admissions(connection))
    admissions |= {charger: "pending" for charger in station_records.quarantined(connection) if charger not in admissions}
    costs = cost_records.since(connection, watching.costs_at)
    watching.costs_at = now - OVERLAP
    known = {(one.charger, one.transaction): None if one.won is None or one.ended else float(one.won) for one in costs}
    return News(_tokens(connection, watching, now), admissions, known)


def _tokens(connection: Connection, watching: Watching, now: datetime) -> list[Token]:
    """Tokens that changed.

    Those of a moment ago are read again, as another may have come in beside them. A file of 100,000 that was taken in is one
    moment: they are read again only when there are others, and now and then.
    """
    found = token_records.marks(connection, watching.since)
    fresh = watching.read_at is not None and now - watching.read_at < AGAIN
    if fresh and found == watching.found:
        return []
    tokens = token_records.changed_since(connection, watching.since)
    newest = max((one.changed_at for one in tokens if one.changed_at is not None), default=None)
    if newest is not None:
        watching.since = max(newest - OVERLAP, now - LOOKED_AT)
    watching.found, watching.read_at = token_records.marks(connection, watching.since), now
    return tokens


def learn(memory: Memory, found: News) -> None:
    """Take in what was read."""
    memory.know_tokens(found.tokens)
    memory.know_admissions(found.admissions)
    for key, won in found.costs.items():
        if won is None:
            memory.costs.pop(key, None)
        else:
            memory.costs[key] = won
