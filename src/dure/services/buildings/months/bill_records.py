"""Bills, kept in two times: a corrected one takes the place of the old, which stays to be asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_bills as bills
from dure.services.buildings.months.touched_records import months_between
from dure.services.buildings.reads.model import Book

REGISTER = "register"  # in place of an import: by reads of a meter that is read by days
MANY = 500


class KeptBill(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter used from a local day to the day before another [book unit].

    `import_id` names the file and `row` its row in it; `quality` is measured or estimated; `facts` what it was made of.
    """

    id: str
    meter: str
    start_day: str
    end_day: str
    amount: int
    book: Book
    won: int | None = None
    quality: str = "measured"
    import_id: str = REGISTER
    row: int = 0
    known_at: datetime
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    replaced_at: datetime | None = None


def put(connection: Connection, rows: Sequence[KeptBill]) -> list[KeptBill]:
    """Keep bills that are new or say other things than what stands; those that were kept."""
    held = {(one.meter, one.start_day): one for one in current(connection, {row.meter for row in rows})}
    kept: list[KeptBill] = []
    for row in rows:
        before = held.get((row.meter, row.start_day))
        if before is not None:
            if _told(before) == _told(row):
                continue
            connection.execute(update(bills).where(bills.c.id == before.id).values(replaced_at=row.known_at))
        held[row.meter, row.start_day] = row
        kept.append(row)
    dialect.insert_new(connection, bills, [_row(one) for one in kept])
    return kept


def current(connection: Connection, meters: Collection[str]) -> list[KeptBill]:
    """Bills that stand, by meter and day."""
    return find(connection, meters)


def find(
    connection: Connection,
    meters: Collection[str],
    first: str = "",
    last: str = "9999",
    *,
    as_of: datetime | None = None,
) -> list[KeptBill]:
    """Bills that overlap the days ``first <= day < last`` as known at `as_of` (None: now), by meter and day."""
    known: ColumnElement[bool] = bills.c.replaced_at.is_(None)
    if as_of is not None:
        known = and_(bills.c.known_at <= as_of, or_(bills.c.replaced_at.is_(None), bills.c.replaced_at > as_of))
    found: list[KeptBill] = []
    listed = sorted(meters)
    for at in range(0, len(listed), MANY):
        where = (bills.c.meter.in_(listed[at : at + MANY]), bills.c.start_day < last, bills.c.end_day > first, known)
        query = select(bills).where(*where).order_by(bills.c.meter, bills.c.start_day, bills.c.known_at)
        found += [_of(row) for row in connection.execute(query).mappings()]
    return found


def overlapping(rows: Iterable[KeptBill], held: Iterable[KeptBill]) -> dict[str, KeptBill]:
    """By the id of a new bill: a bill that stands and shares days with it, but not its first day."""
    by_meter: dict[str, list[KeptBill]] = {}
    for one in held:
        by_meter.setdefault(one.meter, []).append(one)
    found: dict[str, KeptBill] = {}
    for row in rows:
        for other in by_meter.get(row.meter, ()):
            if other.start_day != row.start_day and other.start_day < row.end_day and row.start_day < other.end_day:
                found[row.id] = other
                break
    return found


def stale(rows: Sequence[KeptBill], held: Iterable[KeptBill]) -> list[KeptBill]:
    """Days that registers told before and, over the span of the new ones of their meter, tell no longer."""
    starts: dict[str, list[str]] = {}
    for row in rows:
        starts.setdefault(row.meter, []).append(row.start_day)
    ends = {row.meter: row.end_day for row in rows}
    return [
        one
        for one in held
        if one.import_id == REGISTER
        and one.meter in starts
        and min(starts[one.meter]) <= one.start_day < ends[one.meter]
        and one.start_day not in starts[one.meter]
    ]


def retire(connection: Connection, rows: Iterable[KeptBill], at: datetime) -> None:
    """Bills that hold no longer, and that no other takes the place of."""
    for row in rows:
        connection.execute(update(bills).where(bills.c.id == row.id).values(replaced_at=at))


def months_of(row: KeptBill) -> list[str]:
    """The local months a bill overlaps."""
    return months_between(date.fromisoformat(row.start_day), date.fromisoformat(row.end_day) - timedelta(days=1))


def _told(row: KeptBill) -> tuple[object, ...]:
    return row.end_day, row.amount, row.book, row.won, row.quality


def _row(one: KeptBill) -> dict[str, Any]:
    row = msgspec.structs.asdict(one)
    row["import"] = row.pop("import_id")
    return row


def _of(row: Any) -> KeptBill:
    values = dict(row)
    values["import_id"] = values.pop("import")
    return KeptBill(**values)
