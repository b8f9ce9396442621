"""Text tables of unknown make: encoding, delimiter, header and rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

import msgspec

from dure.core.errors import InputError

DELIMITERS = (",", ";", "\t", "|")
COLUMNS_MAX = 1000


class Table(msgspec.Struct, frozen=True):
    """Column names in order, and the rest of the text. `encoding` is what the bytes were read as."""

    header: tuple[str, ...]
    encoding: str
    delimiter: str
    text: str
    header_row: int = 1

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(number, cells) of every row that is not blank, as a spreadsheet counts: the header is row 1."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        number = 0
        try:
            for number, cells in enumerate(reader, self.header_row):
                if number > self.header_row and any(cell.strip() for cell in cells):
                    yield number, cells
        except csv.Error as error:
            raise InputError("table.broken", f"Row {number + 1} cannot be read as CSV: {error}.", row=number + 1) from error

    def dicts(self) -> Iterator[tuple[int, dict[str, str] | None, int]]:
        """(number, row by column, count of cells); the row is None when the count is not the header's."""
        width = len(self.header)
        for number, cells in self.rows():
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            yield number, dict(zip(self.header, map(str.strip, cells), strict=True)) if len(cells) == width else None, len(cells)


def read_table(body: bytes, encoding: str = "", delimiter: str = "") -> Table:
    """The table of a CSV file; encoding (UTF-8, UTF-16 with mark, CP949) and delimiter are found unless given."""
    text, used = decode_text(body, encoding)
    lines = text.lstrip("\r\n")
    separator = delimiter or _delimiter_of(lines)
    try:
        first = next(csv.reader(io.StringIO(lines, newline=""), delimiter=separator), [])
    except csv.Error as error:
        raise InputError("table.broken", f"The header row cannot be read as CSV: {error}.", row=1) from error
    header = tuple(name.strip() for name in first)
    while header and not header[-1]:
        header = header[:-1]
    if not header:
        raise InputError("table.header_missing", "The first row names no columns.", row=1)
    if len(header) > COLUMNS_MAX:
        raise InputError("table.too_wide", f"The table has {len(header)} columns; at most {COLUMNS_MAX} are read.", row=1)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError("table.column_twice", f"The header names {twice[0][:80]!r} more than once.", row=1)
    return Table(header, used, separator, lines, 1 + text[: len(text) - len(lines)].count("\n"))


def decode_text(body: bytes, encoding: str = "") -> tuple[str, str]:
    """Text and the encoding it was read as."""
    if encoding:
        candidates = [encoding]
    elif body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    else:
        candidates = ["utf-8-sig", "cp949"]
    position = 0
    for candidate in candidates:
        try:
            return body.decode(candidate), candidate
        except UnicodeDecodeError as error:
            position = position or error.start + 1
        except LookupError as error:
            raise InputError("table.encoding_unknown", f"There is no text encoding {candidate[:40]!r}.") from error
    raise InputError("table.encoding", f"Byte {position} is no text in {' or '.join(candidates)}. Save the file as UTF-8.", row=0)


def _delimiter_of(text: str) -> str:
    """The sign that splits the first line most often, outside quotes."""
    head = text.split("\n", 1)[0][:100_000]
    outside = "".join(head.split('"')[::2])
    return max(DELIMITERS, key=outside.count)
