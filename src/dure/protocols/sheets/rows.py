"""Rows of text from a CSV file or a workbook, numbered as the spreadsheet counts them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date

import msgspec

from dure.core.errors import InputError, TooLarge
from dure.protocols.tables import DELIMITERS, decode_text

ROWS_MAX = 200_000
COLUMNS_MAX = 1_000
HEADER_WITHIN = 15  # a title, a department and a date may stand above the headings
CSV_BYTES_MAX = 50 * 1024 * 1024
SERIAL_ZERO = date(1899, 12, 30)  # day 0 of a spreadsheet's 1900 date system, ECMA-376 part 1, 18.17.4.1; right from 1900-03-01


class Sheet(msgspec.Struct, frozen=True):
    """Rows that are not blank, each (number from 1, cells); what its bytes were read as; day 0 of its dates.

    `merged`: (column, row, column, row) of the first and last cell of each merge, columns from 0; every cell of it reads alike.
    """

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str
    serial_zero: date = SERIAL_ZERO
    merged: tuple[tuple[int, int, int, int], ...] = ()


def read_csv(body: bytes) -> Sheet:
    """A CSV file in UTF-8, UTF-16 or CP949, split by comma, semicolon, tab or bar."""
    if len(body) > CSV_BYTES_MAX:
        raise TooLarge(
            "sheet.too_large", f"The file is {len(body):,} bytes; at most {CSV_BYTES_MAX:,} are read. Send it in parts."
        )
    text, encoding = decode_text(body)
    lines = text.split("\n", HEADER_WITHIN)[:HEADER_WITHIN]
    outside = ["".join(line[:100_000].split('"')[::2]) for line in lines]
    delimiter = max(DELIMITERS, key=lambda sign: max(line.count(sign) for line in outside))
    rows: list[tuple[int, tuple[str, ...]]] = []
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            trimmed = trim(cells)
            if trimmed:
                rows.append((number, trimmed))
            check_size(number, len(trimmed))
    except csv.Error as error:
        raise InputError("table.broken", f"Row {number + 1} cannot be read as CSV: {error}.", row=number + 1) from error
    return Sheet(tuple(rows), encoding)


def trim(cells: list[str]) -> tuple[str, ...]:
    """Cells without the blank ones at the end."""
    words = [cell.strip() for cell in cells]
    while words and not words[-1]:
        words.pop()
    return tuple(words)


def check_size(rows: int, columns: int) -> None:
    """Refuse a sheet beyond the limits."""
    if rows > ROWS_MAX or columns > COLUMNS_MAX:
        raise TooLarge(
            "sheet.too_large", f"At most {ROWS_MAX:,} rows of {COLUMNS_MAX:,} columns are read. Send the file in parts."
        )


def header_of(sheet: Sheet, field_of: Callable[[str], str | None], needed: frozenset[str]) -> tuple[int, dict[int, str]]:
    """Place of the heading row, and the field of each column; the row near the top that names most fields, with all needed.

    Raises
    ------
    InputError : ``bill.no_columns``, ``table.column_twice``
    """
    best: tuple[int, dict[int, str]] = -1, {}
    for place, (_, cells) in enumerate(sheet.rows[:HEADER_WITHIN]):
        fields = {column: field for column, cell in enumerate(cells) if (field := field_of(cell))}
        if needed <= set(fields.values()) and len(fields) > len(best[1]):
            best = place, fields
    if best[0] < 0:
        names = ", ".join(sorted(needed))
        raise InputError("bill.no_columns", f"No row near the top has the headings that are needed: {names}.", row=1)
    number, cells = sheet.rows[best[0]]
    seen: dict[str, int] = {}
    for column, field in best[1].items():
        if field in seen:
            words = f"{cells[seen[field]][:80]!r} and {cells[column][:80]!r} both stand for {field}. Keep one."
            raise InputError("table.column_twice", words, row=number)
        seen[field] = column
    return best
