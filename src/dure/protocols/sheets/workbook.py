"""XLSX workbooks (ECMA-376, transitional and strict) to rows of text; formulas by their last value, merged cells by their first.

A formula that was never worked out reads as what it is, ``=A1*2``: it is not blank.
Read with the standard library alone, within the limits of `archives` and of the guarded XML parser.
"""

from __future__ import annotations

import posixpath
import re
from datetime import date, timedelta

from dure.core.errors import InputError, TooLarge
from dure.protocols.green_button import Element, walk_xml
from dure.protocols.sheets.archives import archive_parts
from dure.protocols.sheets.rows import COLUMNS_MAX, SERIAL_ZERO, Sheet, check_size, trim

_PLACE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
MERGED_CELLS_MAX = 2_000_000
DAYS_1904 = 1_462  # the 1904 date system begins this many days later


def read_workbook(body: bytes, sheet: str = "") -> Sheet:
    """One sheet of a workbook, the first unless named.

    Raises
    ------
    InputError : ``archive.…``, ``xml.…``, ``workbook.broken``, ``workbook.no_sheet``, ``sheet.too_large``
    """
    parts = archive_parts(body, lambda name: name.startswith("xl/") and name.endswith((".xml", ".rels")))
    if "xl/workbook.xml" not in parts:
        raise InputError("workbook.broken", "The archive is no Excel workbook: xl/workbook.xml is missing.")
    sheets, serial_zero = _sheets(parts)
    names = [name for name, _ in sheets]
    if not sheets or (sheet and sheet not in names):
        raise InputError("workbook.no_sheet", f"There is no sheet {sheet[:80]!r}; there are {', '.join(names)[:400]}.")
    path = dict(sheets)[sheet] if sheet else sheets[0][1]
    if path not in parts:
        raise InputError("workbook.broken", f"The part {path[:200]!r} of the workbook is missing.")
    cells = _Cells(_shared(parts))
    return Sheet(cells.read(parts[path]), "xlsx", serial_zero, tuple(cells.merged))


def _sheets(parts: dict[str, bytes]) -> tuple[list[tuple[str, str]], date]:
    """(name, part) of each sheet in order, and day 0 of the dates."""
    targets: dict[str, str] = {}
    found: list[tuple[str, str]] = []
    zero = [SERIAL_ZERO]

    def relation(element: Element) -> None:
        target = element.attributes.get("Target", "")
        targets[element.attributes.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

    def settings(element: Element) -> None:
        if element.attributes.get("date1904", "") in {"1", "true"}:
            zero[0] = SERIAL_ZERO + timedelta(DAYS_1904)

    def entry(element: Element) -> None:
        part = targets.get(element.attributes.get("id", ""), "")
        found.append((element.attributes.get("name", ""), part))

    if "xl/_rels/workbook.xml.rels" in parts:
        walk_xml(parts["xl/_rels/workbook.xml.rels"], {"Relationship": relation})
    walk_xml(parts["xl/workbook.xml"], {"sheet": entry, "workbookPr": settings})
    return found, zero[0]


def _shared(parts: dict[str, bytes]) -> list[str]:
    texts: list[str] = []
    if "xl/sharedStrings.xml" in parts:
        walk_xml(parts["xl/sharedStrings.xml"], {"si": lambda element: texts.append(_text(element))})
    return texts


def _text(element: Element) -> str:
    """Text of a string item: its own, or that of its runs; readings above Asian characters are left out."""
    own = "".join(one.text for one in element.children if one.name == "t")
    return own + "".join(_text(one) for one in element.children if one.name == "r")


class _Cells:
    def __init__(self, shared: list[str]) -> None:
        self.shared = shared
        self.rows: dict[int, list[str]] = {}
        self.merged: list[tuple[int, int, int, int]] = []
        self.last = 0

    def read(self, body: bytes) -> tuple[tuple[int, tuple[str, ...]], ...]:
        walk_xml(body, {"row": self._row, "mergeCell": self._merge})
        room = MERGED_CELLS_MAX
        for left, top, right, bottom in self.merged:
            value = self._at(top, left)
            room -= (right + 1 - left) * max(0, min(bottom, self.last) + 1 - top)
            if room < 0:
                raise TooLarge("sheet.too_large", f"More than {MERGED_CELLS_MAX:,} cells of the sheet are merged. Unmerge them.")
            for number in range(top, min(bottom, self.last) + 1) if value else ():
                cells = self.rows.setdefault(number, [])
                cells += [""] * (right + 1 - len(cells))
                cells[left : right + 1] = [value] * (right + 1 - left)
        trimmed = ((number, trim(cells)) for number, cells in sorted(self.rows.items()))
        return tuple((number, cells) for number, cells in trimmed if cells)

    def _at(self, number: int, column: int) -> str:
        cells = self.rows.get(number, [])
        return cells[column] if column < len(cells) else ""

    def _row(self, element: Element) -> None:
        stated = element.attributes.get("r", "")
        number = int(stated) if re.fullmatch(r"\d{1,7}", stated) else self.last + 1
        check_size(number, 0)
        cells: list[str] = []
        for one in element.children:
            if one.name != "c":
                continue
            place = _PLACE.fullmatch(one.attributes.get("r", ""))
            column = _column(place[1]) if place else len(cells)
            check_size(number, column + 1)
            cells += [""] * (column + 1 - len(cells))
            cells[column] = self._value(one)
        self.rows[number] = cells
        self.last = max(self.last, number)

    def _value(self, cell: Element) -> str:
        kind, text = cell.attributes.get("t", "n"), cell.words("v")
        formula = cell.child("f")
        if formula is not None and not text and kind != "str":  # never worked out: nobody knows what it says, and it is not blank
            return f"={formula.text}"
        if kind == "inlineStr":
            inline = cell.child("is")
            return _text(inline) if inline is not None else ""
        if kind == "s":
            place = int(text) if re.fullmatch(r"\d{1,7}", text) else -1
            if not 0 <= place < len(self.shared):
                raise InputError(
                    "workbook.broken", f"The cell {cell.attributes.get('r', '?')[:12]} names a text that is not there."
                )
            return self.shared[place]
        return _shortest(text) if kind == "n" else text

    def _merge(self, element: Element) -> None:
        corners = [_PLACE.fullmatch(part) for part in element.attributes.get("ref", "").split(":")]
        if len(corners) == 2 and corners[0] and corners[1]:
            left, right = _column(corners[0][1]), min(_column(corners[1][1]), COLUMNS_MAX - 1)
            if left <= right:
                self.merged.append((left, int(corners[0][2]), right, int(corners[1][2])))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _shortest(text: str) -> str:
    """A number with the 15 figures a spreadsheet shows: 0.1 for 0.10000000000000001."""
    if not re.fullmatch(r"-?\d{1,300}\.\d{1,40}(?:[eE][+-]?\d{1,3})?|-?\d{1,300}[eE][+-]?\d{1,3}", text):
        return text
    plain = format(float(text), ".15g")
    return format(float(plain), "f") if "e" in plain else plain
