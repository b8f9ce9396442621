"""The origin ledger in the records: rows are only added, in one transaction with their entries and the splits of sessions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, select

from dure.core.errors import Conflict
from dure.engines.records import dialect
from dure.engines.records.tables_charging_origin import charging_origin_entries as entries
from dure.engines.records.tables_charging_origin import charging_origin_intervals as intervals
from dure.engines.records.tables_charging_origin import charging_origin_splits as splits
from dure.services.charging.origin.chain import GENESIS, Row
from dure.services.charging.origin.ledger import Content, Entry
from dure.services.charging.origin.split import Split, split_from

PAGE = 1_000


class State(NamedTuple):
    """How far a site is booked: the newest row of its chain, and the newest interval; None when there is none."""

    seq: int
    head: str
    last_start_at: datetime | None
    first_start_at: datetime | None


def state(connection: Connection, site: str) -> State:
    """How far a site is booked."""
    query = select(intervals.c.seq, intervals.c.sha256).where(intervals.c.site == site).order_by(intervals.c.seq.desc()).limit(1)
    newest = connection.execute(query).one_or_none()
    if newest is None:
        return State(0, GENESIS, None, None)
    ends = [select(one(intervals.c.start_at)).where(intervals.c.site == site) for one in (func.max, func.min)]  # each by the key
    last, first = (connection.execute(query).scalar_one() for query in ends)
    return State(int(newest[0]), str(newest[1]), last, first)


def append(connection: Connection, rows: Sequence[Row]) -> None:
    """Add rows of one site, in order. Refused whole with ``origin.taken`` where another writer was first."""
    kept = [
        {
            "site": row.site,
            "start_at": row.start_at,
            "n": row.n,
            "seq": row.seq,
            "booked_at": row.booked_at,
            "rule": row.rule,
            "factors": row.factors,
            "content": msgspec.to_builtins(row.content),
            "readings_sha256": row.readings_sha256,
            "previous_sha256": row.previous_sha256,
            "sha256": row.sha256,
        }
        for row in rows
    ]
    if dialect.insert_new(connection, intervals, kept) != len(rows):
        raise Conflict("origin.taken", "Another process booked these intervals first; nothing was booked twice.")
    lines = [
        {"site": row.site, "start_at": row.start_at, "n": row.n, "place": place, **msgspec.structs.asdict(one)}
        for row in rows
        for place, one in enumerate(row.entries)
    ]
    dialect.insert_new(connection, entries, lines)


def rows_after(connection: Connection, site: str, seq: int = 0, limit: int = PAGE) -> list[Row]:
    """Rows of a site by `seq`, after one of them."""
    query = select(intervals).where(intervals.c.site == site, intervals.c.seq > seq).order_by(intervals.c.seq).limit(limit)
    return _rows(connection, query)


def chain(connection: Connection, site: str, seq: int = 0) -> Iterator[Row]:
    """All rows of a site by `seq`, after one of them."""
    while page := rows_after(connection, site, seq):
        yield from page
        seq = page[-1].seq


def rows_of(connection: Connection, site: str, start: datetime, end: datetime) -> list[Row]:
    """Every row of the intervals that begin in ``[start, end)``, by interval and `n`."""
    where = (intervals.c.site == site, intervals.c.start_at >= start, intervals.c.start_at < end)
    return _rows(connection, select(intervals).where(*where).order_by(intervals.c.start_at, intervals.c.n))


def newest(rows: Sequence[Row]) -> dict[datetime, Row]:
    """The newest row of each interval."""
    return {row.start_at: row for row in rows}


def _rows(connection: Connection, query: Any) -> list[Row]:
    found = connection.execute(query).mappings().all()
    if not found:
        return []
    lines = _entries(connection, found)
    return [
        Row(
            **{name: row[name] for name in _ROW},
            content=msgspec.convert(row["content"], Content, strict=False),
            entries=tuple(lines.get((row["start_at"], row["n"]), ())),
        )
        for row in found
    ]


_ROW = ("site", "start_at", "n", "seq", "booked_at", "rule", "factors", "readings_sha256", "previous_sha256", "sha256")


def _entries(connection: Connection, found: Sequence[Any]) -> dict[tuple[datetime, int], list[Entry]]:
    starts = [row["start_at"] for row in found]
    where = and_(entries.c.site == found[0]["site"], entries.c.start_at >= min(starts), entries.c.start_at <= max(starts))
    lines: dict[tuple[datetime, int], list[Entry]] = {}
    for row in connection.execute(select(entries).where(where).order_by(entries.c.place)).mappings():
        entry = Entry(row["source"], row["sink"], row["origin"], row["session"], row["wh"])
        lines.setdefault((row["start_at"], row["n"]), []).append(entry)
    return lines


def corrected_since(connection: Connection, site: str, seq: int) -> list[datetime]:
    """Intervals that were corrected by rows after one of them."""
    query = select(intervals.c.start_at).where(intervals.c.site == site, intervals.c.seq > seq, intervals.c.n > 0).distinct()
    return list(connection.execute(query.order_by(intervals.c.start_at)).scalars())


def sums(connection: Connection, site: str, start: datetime, end: datetime) -> dict[tuple[str, str, str], int]:
    """Wh by (source, sink, origin) of the intervals that begin in ``[start, end)``, corrections included."""
    query = (
        select(entries.c.source, entries.c.sink, entries.c.origin, func.sum(entries.c.wh))
        .where(entries.c.site == site, entries.c.start_at >= start, entries.c.start_at < end)
        .group_by(entries.c.source, entries.c.sink, entries.c.origin)
    )
    return {(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(query) if row[3]}


def by_interval(
    connection: Connection, site: str, start: datetime, end: datetime
) -> dict[datetime, dict[tuple[str, str, str], int]]:
    """Wh by interval and (source, sink, origin), corrections included."""
    query = (
        select(entries.c.start_at, entries.c.source, entries.c.sink, entries.c.origin, func.sum(entries.c.wh))
        .where(entries.c.site == site, entries.c.start_at >= start, entries.c.start_at < end)
        .group_by(entries.c.start_at, entries.c.source, entries.c.sink, entries.c.origin)
        .order_by(entries.c.start_at)
    )
    found: dict[datetime, dict[tuple[str, str, str], int]] = {}
    for at, source, sink, origin, wh in connection.execute(query):
        if wh:
            found.setdefault(at, {})[source, sink, origin] = int(wh)
    return found


def of_sessions(connection: Connection, sessions: Collection[str]) -> dict[str, dict[str, int]]:
    """What the books say each session got, by origin [Wh]."""
    found: dict[str, dict[str, int]] = {}
    ordered = sorted(sessions)
    for at in range(0, len(ordered), PAGE // 2):
        query = (
            select(entries.c.session, entries.c.origin, func.sum(entries.c.wh))
            .where(entries.c.session.in_(ordered[at : at + PAGE // 2]))
            .group_by(entries.c.session, entries.c.origin)
        )
        for session, origin, wh in connection.execute(query):
            found.setdefault(session, {})[origin] = int(wh)
    return found


def entries_of(connection: Connection, session: str) -> list[tuple[str, datetime, int, Entry]]:
    """Entries of one session: site, interval, n, entry."""
    query = select(entries).where(entries.c.session == session).order_by(entries.c.start_at, entries.c.n, entries.c.place)
    return [
        (row["site"], row["start_at"], row["n"], Entry(row["source"], row["sink"], row["origin"], session, row["wh"]))
        for row in connection.execute(query).mappings()
    ]


def put_splits(connection: Connection, found: Sequence[Split]) -> None:
    """Keep what sessions got."""
    rows = [{**msgspec.structs.asdict(one), "final": int(one.final)} for one in found]
    dialect.upsert(connection, splits, rows)


def open_since(connection: Connection, site: str) -> dict[str, Split]:
    """Splits of a site that are not final, by session."""
    query = select(splits).where(splits.c.site == site, splits.c.final == 0)
    return {row["session"]: split_from(row) for row in connection.execute(query).mappings()}


def splits_of(connection: Connection, sessions: Collection[str]) -> dict[str, Split]:
    """Splits by session, of those that are booked."""
    found: dict[str, Split] = {}
    ordered = sorted(sessions)
    for at in range(0, len(ordered), PAGE // 2):
        query = select(splits).where(splits.c.session.in_(ordered[at : at + PAGE // 2]))
        found |= {row["session"]: split_from(row) for row in connection.execute(query).mappings()}
    return found


def sites_booked(connection: Connection) -> list[str]:
    """Sites that have books."""
    return list(connection.execute(select(intervals.c.site).distinct().order_by(intervals.c.site)).scalars())
