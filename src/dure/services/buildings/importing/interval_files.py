"""Interval files of advanced meters (AMI) to deltas: one row an interval, or one row a day with a column for each period.

Times are wall-clock times of a zone unless they carry an offset. A row of a day is labelled by the begin of its periods when a
label is 0 h, by their end when one is 24 h; where neither is there the file is refused, for it could be either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import UNITS, Quantity
from dure.protocols.sheets.cells import CELL_CHARS_MAX, BadCell, DecimalSign, decimal_sign, read_day, read_number
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import HEADER_WITHIN, Sheet, header_of
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.importing.columns import Fuel, field_of, heading_unit, read_unit
from dure.services.buildings.reads.local_times import instants_of
from dure.services.buildings.reads.model import Book, Delta

BOOKS: Mapping[str, Book] = {"energy": "Wh", "volume": "L", "mass": "g"}
_HOUR = re.compile(r"(\d{1,2})(?:시|h|:(\d{2})(?::00)?)")
DAY_MIN = 24 * 60


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the importer knows beforehand.

    Attributes
    ----------
    fuel : what the meters of the file count
    zone : zone of its wall-clock times
    stamp : whether a time in a row of one interval is its begin or its end
    unit : unit of a file that states none, "" for none
    meter : meter of a file that has no such column
    """

    fuel: Fuel
    zone: ZoneInfo
    stamp: Literal["start", "end"]
    unit: str = ""
    meter: str = ""


class IntervalFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held: deltas of each meter in its order, not yet a clean series (see `reads.interval_series`)."""

    deltas: dict[str, tuple[Delta, ...]]
    book: Book
    rejected: tuple[RefusedRow, ...]
    columns: dict[str, str]
    encoding: str


class _Cell(NamedTuple):
    """One value and its place: row, meter, time, wall-clock or with an offset, and the end or the length where it is stated."""

    row: int
    meter: str
    at: datetime
    until: datetime | timedelta | None
    value: Fraction


def read_intervals(body: bytes, ground: Ground, sheet: str = "") -> IntervalFile:
    """The intervals of a CSV file or a workbook.

    Raises
    ------
    InputError : nothing of the file can be used (as `read_bills`, and ``interval.no_period``, ``interval.labels``)
    """
    held = read_file(body, sheet)
    wide = _day_header(held)
    place, fields = (wide.place, wide.fields) if wide else _long_header(held)
    heading = held.rows[place][1]
    unit = _unit(heading, fields, ground, wide=wide is not None)
    rejected: list[RefusedRow] = []
    rows = held.rows[place + 1 :]
    cells = _day_cells(rows, wide, held, ground, rejected) if wide else _long_cells(rows, fields, ground, rejected)
    deltas, book = _deltas(cells, unit, ground, rejected)
    return IntervalFile(
        deltas=deltas,
        book=book,
        rejected=tuple(sorted(rejected, key=lambda one: one.row)),
        columns={cell: fields.get(n, "") for n, cell in enumerate(heading)},
        encoding=held.encoding,
    )


def _long_header(sheet: Sheet) -> tuple[int, dict[int, str]]:
    """The heading of a file with a row an interval: a time, or a start with or without an end, and an amount."""
    try:
        return header_of(sheet, field_of, frozenset({"time", "amount"}))
    except InputError as error:
        if error.code != "bill.no_columns":
            raise
        return header_of(sheet, field_of, frozenset({"start", "amount"}))


class _DayHeader(NamedTuple):
    place: int
    fields: dict[int, str]
    starts_min: dict[int, int]  # begin of the period of each column, minutes of the day
    period_min: int


def _day_header(sheet: Sheet) -> _DayHeader | None:
    """The heading of a file with a row a day; None where no row near the top has a date and 12 labels of hours or more."""
    for place, (number, cells) in enumerate(sheet.rows[:HEADER_WITHIN]):
        labels = {n: int(found[1]) * 60 + int(found[2] or 0) for n, cell in enumerate(cells) if (found := _HOUR.fullmatch(cell))}
        fields = {
            n: field for n, cell in enumerate(cells) if n not in labels and (field := field_of(cell)) in {"date", "meter", "time"}
        }
        if len(labels) < 12 or not fields.keys() - labels.keys():
            continue
        minutes = sorted(labels.values())
        period = Counter(b - a for a, b in pairwise(minutes)).most_common(1)[0][0]
        at_end = minutes[-1] == DAY_MIN
        if period <= 0 or at_end == (minutes[0] == 0) or len(set(minutes)) < len(minutes):
            words = "The labels of the periods do not say whether they are begins (from 0 h) or ends (to 24 h)."
            raise InputError("interval.labels", words, row=number)
        starts = {n: minute - period if at_end else minute for n, minute in labels.items()}
        return _DayHeader(place, {n: "date" if field == "time" else field for n, field in fields.items()}, starts, period)
    return None


def _unit(heading: tuple[str, ...], fields: Mapping[int, str], ground: Ground, *, wide: bool) -> str:
    amount = next((heading[n] for n, field in fields.items() if field == "amount"), "")
    stated = "" if wide else heading_unit(amount) or heading_unit(f"({amount})")
    unit = stated or ground.unit
    if not unit:
        raise InputError("interval.unit", "Neither the heading nor the upload says the unit of the values.")
    try:
        return read_unit(unit, ground.fuel)
    except BadCell as bad:
        raise InputError(bad.code, bad.why.en) from bad


def _day_cells(
    rows: tuple[tuple[int, tuple[str, ...]], ...], head: _DayHeader, sheet: Sheet, ground: Ground, rejected: list[RefusedRow]
) -> list[_Cell]:
    """The cells of rows of a day; a blank cell is a missing interval, a row without a day is rejected."""
    sign = decimal_sign(cells[n] for _, cells in rows for n in head.starts_min if n < len(cells))
    period = timedelta(minutes=head.period_min)
    found: list[_Cell] = []
    for number, cells in rows:
        named = {field: cells[n] for n, field in head.fields.items() if n < len(cells)}
        try:
            day = _midnight(read_day(named.get("date", ""), sheet.serial_zero))
            found += [
                _Cell(
                    number,
                    named.get("meter", "") or ground.meter,
                    day + timedelta(minutes=minute),
                    period,
                    _value(cells[n], sign),
                )
                for n, minute in sorted(head.starts_min.items(), key=lambda one: one[1])
                if n < len(cells) and cells[n]
            ]
        except BadCell as bad:
            rejected.append(_refused(number, bad, cells))
    return found


def _long_cells(
    rows: tuple[tuple[int, tuple[str, ...]], ...], fields: Mapping[int, str], ground: Ground, rejected: list[RefusedRow]
) -> list[_Cell]:
    """The cells of rows of an interval; without an end, their period comes from their neighbours."""
    amount = next(n for n, field in fields.items() if field == "amount")
    sign = decimal_sign(cells[amount] for _, cells in rows if amount < len(cells))
    found: list[_Cell] = []
    for number, cells in rows:
        named = {field: cells[n] for n, field in fields.items() if n < len(cells)}
        try:
            at = _instant(named.get("time", "") or named.get("start", ""))
            end = _stated_end(named, at)
            value = _value(named.get("amount", ""), sign)
            found.append(_Cell(number, named.get("meter", "") or ground.meter, at, end, value))
        except BadCell as bad:
            rejected.append(_refused(number, bad, cells))
    return found


def _stated_end(named: Mapping[str, str], at: datetime) -> datetime | None:
    """The end a row states beside its start, None where it does not."""
    if not (named.get("start") and named.get("end")):
        return None
    end = _instant(named["end"])
    if (end.tzinfo is None) != (at.tzinfo is None) or end <= at:
        why = Text(
            "끝이 시작보다 앞서거나 한쪽에만 시차가 있습니다.", "It ends before it begins, or only one of the two has an offset."
        )
        raise BadCell("interval.time", why)
    return end


def _value(text: str, sign: DecimalSign) -> Fraction:
    value = read_number(text, sign)
    if value < 0:
        raise BadCell("bill.negative", Text(f"{text[:40]!r}: 0보다 작습니다.", f"{text[:40]!r} is below 0."))
    return value


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall-clock time, its zone follows


def _instant(text: str) -> datetime:
    """A wall-clock time, or an instant where the text has an offset; 24:00 is the next midnight."""
    words = re.sub(r"^(\d{4})[./](\d{1,2})[./](\d{1,2})\.?", lambda m: f"{m[1]}-{int(m[2]):02d}-{int(m[3]):02d}", text.strip())
    words = re.sub(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?$", r"\1-\2-\3 \4:\5", words)
    words = re.sub(r"^(\S+)\s+(\d):", r"\1 0\2:", words)
    late = bool(re.search(r"[ T]24:00", words))
    try:
        at = datetime.fromisoformat(re.sub(r"([ T])24:00", r"\g<1>00:00", words))
    except ValueError as error:
        why = Text(
            f"{text[:40]!r}: 시각을 2026-11-24 09:15처럼 적어 주세요.", f"{text[:40]!r}: write the time like 2026-11-24 09:15."
        )
        raise BadCell("interval.time", why) from error
    return at + timedelta(days=1) if late else at


def _deltas(
    cells: list[_Cell], unit: str, ground: Ground, rejected: list[RefusedRow]
) -> tuple[dict[str, tuple[Delta, ...]], Book]:
    dimension = UNITS[unit].dimension
    if dimension not in BOOKS:
        raise InputError("bill.unit_wrong", f"A series cannot be booked in {unit}; send it as metered.")
    book = BOOKS[dimension]
    by_meter: dict[str, list[_Cell]] = {}
    for cell in cells:
        by_meter.setdefault(cell.meter, []).append(cell)
    found = {meter: tuple(_meter_deltas(own, unit, book, ground, rejected)) for meter, own in by_meter.items()}
    return found, book


def _meter_deltas(cells: list[_Cell], unit: str, book: Book, ground: Ground, rejected: list[RefusedRow]) -> list[Delta]:
    """Deltas of one meter, each rounded at the running total, so that nothing is lost over the file."""
    usual = _period(cells) if any(cell.until is None for cell in cells) else timedelta(0)
    back = usual if ground.stamp == "end" else timedelta(0)
    walls = [cell.at - (back if cell.until is None else timedelta(0)) for cell in cells]
    naive = [n for n, wall in enumerate(walls) if wall.tzinfo is None]
    local = instants_of([walls[n] for n in naive], ground.zone)
    starts: list[datetime | None] = [wall.astimezone(UTC) if wall.tzinfo else None for wall in walls]
    for n, at in zip(naive, local.instants, strict=True):
        starts[n] = at
    running, booked = Fraction(0), 0
    found: list[Delta] = []
    for cell, start in zip(cells, starts, strict=True):
        if start is None:
            why = Text(f"{cell.at}: 시계를 앞당긴 날에 없는 시각입니다.", f"{cell.at} does not exist: clocks were put forward.")
            rejected.append(RefusedRow(cell.row, "interval.no_such_hour", why, f"{cell.meter} {cell.at}"))
            continue
        running += Quantity(cell.value, unit).to(book).value
        amount = round(running) - booked
        booked += amount
        found.append(Delta(start, _end(start, cell.until or usual, ground.zone), amount))
    return found


def _end(start: datetime, until: datetime | timedelta, zone: ZoneInfo) -> datetime:
    """The instant an interval ends; of a wall-clock time that comes twice, the first that is after the start."""
    if isinstance(until, timedelta):
        return start + until
    if until.tzinfo is not None:
        return until.astimezone(UTC)
    first = until.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return first if first > start else until.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _period(cells: list[_Cell]) -> timedelta:
    """The distance between neighbours that is most frequent."""
    steps = Counter(b.at - a.at for a, b in pairwise(cells) if (a.at.tzinfo is None) == (b.at.tzinfo is None) and b.at > a.at)
    if not steps:
        words = (
            f"The rows of meter {cells[0].meter[:80]!r} do not show how long an interval is: send two or more in order of time."
        )
        raise InputError("interval.no_period", words)
    return steps.most_common(1)[0][0]


def _refused(number: int, bad: BadCell, cells: tuple[str, ...]) -> RefusedRow:
    return RefusedRow(number, bad.code, bad.why, ", ".join(filter(None, cells))[:CELL_CHARS_MAX])
