"""CSV of readings: long (columns time, asset, property, value, unit) or wide (one column per property)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.protocols.readings import Parsed, Refused, reading_of, shown
from dure.protocols.tables import read_table

MISSING = frozenset({"", "nan", "null", "na", "n/a"})  # what a cell says for "no value", in any case
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)


def parse_csv(body: bytes) -> Parsed:
    """Readings of a CSV file. A `Rejected` names the row as a spreadsheet counts (the header is row 1).

    In the long form an empty value is a missing value; in the wide form an empty cell is no reading.
    """
    parsed = Parsed([], [])
    try:
        table = read_table(body)
        columns = {name.lower(): name for name in table.header}
        is_long = "property" in columns and "value" in columns
        for number, row, count in table.dicts():
            if row is None:
                why = f"The row has {count} cells, the header {len(table.header)}."
                parsed.rejected.append(Rejected(number, "table.row_width", why))
                continue
            lower = {name: row[column] for name, column in columns.items()}
            _take(parsed, number, _long(lower) if is_long else _wide(lower))
    except InputError as error:
        code = "reading.utf8_broken" if error.code == "table.encoding" else error.code
        row_number = error.detail.get("row", 0)
        parsed.rejected.append(Rejected(row_number if isinstance(row_number, int) else 0, code, error.message, shown(body)))
    return parsed


def _take(parsed: Parsed, number: int, cells: Iterator[dict[str, str]]) -> None:
    for cell in cells:
        try:
            content: dict[str, object] = {**cell, "value": number_of(cell["value"]), "time": _time(cell.get("time", ""))}
            parsed.readings.append(reading_of(content))
        except Refused as refused:
            parsed.rejected.append(Rejected(number, refused.code, refused.why, shown(cell)))


def _long(row: dict[str, str]) -> Iterator[dict[str, str]]:
    yield {name: row[name] for name in ("time", "asset", "property", "value", "unit") if name in row}


def _wide(row: dict[str, str]) -> Iterator[dict[str, str]]:
    head: dict[str, str] = {name: row[name] for name in ("time", "asset") if name in row}
    for name, value in row.items():
        if name not in head and value:
            yield {**head, "property": name, "value": value}


def number_of(text: str) -> float | None:
    """Number of a cell; empty, NaN, null, NA and N/A are a missing value."""
    if text.lower() in MISSING:
        return None
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if math.isinf(number) or _INFINITE.fullmatch(text):
        raise Refused("reading.value_not_finite", f"{shown(text)} is beyond any number that can be kept.")
    if math.isnan(number):
        raise Refused("reading.value_not_a_number", f"{shown(text)} is no number.")
    return number


def _time(text: str) -> str | int | float | None:
    """A time cell: empty, digits of the epoch, or an RFC 3339 text."""
    if not text:
        return None
    if NUMBER.fullmatch(text):
        return int(text) if text.isdigit() and len(text) <= 15 else float(text)
    return text
