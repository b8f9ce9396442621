"""A workbook as the bytes of an XLSX file (ISO/IEC 29500). The same sheets give the same bytes: no clock, no chance."""

from __future__ import annotations

import io
from datetime import UTC
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from dure.services.buildings.filing.sheets import Sheet, Workbook

LAYOUT = 1  # raise it when the same sheets would give other bytes: a filing printed again then says why it differs
FONT = "Malgun Gothic"  # named, not embedded: every office has it
# A name that begins with "=" is text, not a formula of whoever entered it.
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def xlsx_bytes(book: Workbook) -> bytes:
    """The file."""
    target = io.BytesIO()
    file = xlsxwriter.Workbook(target, OPTIONS)
    file.set_properties(
        {"title": book.title, "author": "Dure", "created": book.created_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)}
    )
    formats = _Formats(file)
    for sheet in book.sheets:
        _write(file.add_worksheet(sheet.name[:31]), sheet, formats)
    file.close()
    return target.getvalue()


class _Formats:
    """Cell formats, made once each."""

    def __init__(self, file: Any) -> None:
        self._file = file
        plain = {"font_name": FONT, "font_size": 10, "valign": "top"}
        self._plain = plain
        self.title = file.add_format(plain | {"bold": True, "font_size": 14})
        self.note = file.add_format(plain | {"font_color": "#33363d", "text_wrap": True})
        self.head = file.add_format(plain | {"bold": True, "bg_color": "#eef2f7", "bottom": 1, "text_wrap": True})
        self._cells: dict[tuple[int | None, bool], Any] = {}

    def cell(self, decimals: int | None, *, total: bool) -> Any:
        """The format of a number with so many decimals, or of text."""
        found = self._cells.get((decimals, total))
        if found is None:
            more: dict[str, Any] = {"bold": True, "top": 1} if total else {}
            more |= (
                {"text_wrap": True} if decimals is None else {"num_format": "#,##0" + ("." + "0" * decimals if decimals else "")}
            )
            found = self._cells[decimals, total] = self._file.add_format(self._plain | more)
        return found


def _write(target: Any, sheet: Sheet, formats: _Formats) -> None:
    target.write_string(0, 0, sheet.title, formats.title)
    line = 1
    for note in sheet.notes:
        target.write_string(line, 0, note)
        line += 1
    line += 1
    for index, column in enumerate(sheet.columns):
        target.set_column(index, index, column.width)
        target.write_string(line, index, column.name, formats.head)
    target.freeze_panes(line + 1, 1)
    target.repeat_rows(line)
    target.set_landscape()
    target.set_paper(9)  # A4
    target.fit_to_pages(1, 0)
    first = line + 1
    for number, row in enumerate(sheet.rows):
        total = sheet.total and number == len(sheet.rows) - 1
        _write_row(target, sheet, (first, first + number), row, formats, total=total)


def _write_row(target: Any, sheet: Sheet, lines: tuple[int, int], row: Any, formats: _Formats, *, total: bool) -> None:
    first, line = lines
    for index, value in enumerate(row):
        decimals = sheet.columns[index].decimals
        form = formats.cell(decimals, total=total)
        if value is None:
            target.write_blank(line, index, None, form)
        elif isinstance(value, str):
            target.write_string(line, index, value, form)
        elif total and line > first:
            name = xl_col_to_name(index)
            target.write_formula(line, index, f"=SUM({name}{first + 1}:{name}{line})", form, value)
        else:
            target.write_number(line, index, value, form)
