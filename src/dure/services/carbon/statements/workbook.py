"""A statement as an XLSX workbook (ISO/IEC 29500). The same statement gives the same bytes: no clock, no chance. Pure.

Amounts stand twice: as people read them, and as the books hold them, whole, both as numbers. Sums are the statement's own, not
the spreadsheet's.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from typing import Any

import xlsxwriter

from dure.core.text import Language
from dure.core.time import format_instant
from dure.services.carbon.statements import statement as made
from dure.services.carbon.statements.statement import Statement
from dure.services.carbon.statements.units import SHOWN, amount
from dure.services.carbon.statements.words import GROUPS, HEADINGS, title

FONT = "Malgun Gothic"  # named, not embedded: every office has it
# A name that begins with "=" is text, not a formula of whoever entered it.
OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
DIGITS_MAX = 15
WHOLE_MAX = 10**DIGITS_MAX  # a spreadsheet's numbers are exact up to 15 digits; longer ones are written as text
Cell = str | int | Decimal | None


def xlsx_bytes(statement: Statement, language: Language) -> bytes:
    """The file."""
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, OPTIONS)
    created = statement.question.as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": title(statement, language), "author": "Dure", "created": created})
    sheets = _Sheets(book, language)
    sheets.add("about", ("name", "note"), (40, 80), _about(statement, language))
    sheets.add(
        "figures",
        ("row", "name", "tier", "amount", "unit", "book", "book_unit", "note", "figure"),
        (26, 50, 7, 20, 12, 20, 12, 40, 60),
        _figures(statement, language),
    )
    sheets.add(
        "disclosures",
        ("standard", "code", "name", "rows", "note", "mark", "source"),
        (24, 12, 44, 40, 44, 20, 60),
        _disclosures(statement, language),
    )
    sheets.add(
        "factors",
        ("row", "kind", "value", "per", "gwp", "effective", "published", "counted", "mark", "source"),
        (28, 24, 16, 12, 10, 12, 12, 8, 18, 70),
        [
            (
                one.id, one.kind, Decimal(one.value), f"{one.per} {one.heat}".strip(), one.gwp, one.effective_from.isoformat(),
                one.published_at.isoformat(), one.rows, one.mark, one.source,
            )
            for one in statement.factors
        ],
    )  # fmt: skip
    sheets.add(
        "missing", ("code", "note", "count"), (28, 90, 8), [(one.code, one.words(language), one.count) for one in statement.gaps]
    )
    sheets.add("ground", ("ground", "digest"), (24, 72), list(statement.grounds.items()))
    book.close()
    return target.getvalue()


class _Sheets:
    """Adds one sheet after the other."""

    def __init__(self, book: Any, language: Language) -> None:
        plain = {"font_name": FONT, "font_size": 10, "valign": "top"}
        self._book, self._language, self._plain = book, language, plain
        self._decimals: dict[int, Any] = {}
        self._head = book.add_format(plain | {"bold": True, "bg_color": "#eef2f7", "bottom": 1, "text_wrap": True})
        self._text = book.add_format(plain | {"text_wrap": True})
        self._whole = book.add_format(plain | {"num_format": "#,##0"})

    def _decimal(self, value: Decimal) -> Any:
        """A format that shows all digits of a number behind the point."""
        places = max(0, -int(value.as_tuple().exponent))
        if places not in self._decimals:
            shown = "#,##0" + ("." + "0" * places if places else "")
            self._decimals[places] = self._book.add_format(self._plain | {"num_format": shown})
        return self._decimals[places]

    def add(self, name: str, columns: Sequence[str], widths: Sequence[int], rows: Iterable[Sequence[Cell]]) -> None:
        """A sheet with a heading line; numbers as numbers, all else as text."""
        sheet = self._book.add_worksheet(HEADINGS[name](self._language)[:31])
        for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
            sheet.set_column(index, index, width)
            sheet.write_string(0, index, HEADINGS[column](self._language), self._head)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        for line, row in enumerate(rows, 1):
            for index, value in enumerate(row):
                if isinstance(value, int) and abs(value) < WHOLE_MAX:
                    sheet.write_number(line, index, value, self._whole)
                elif isinstance(value, Decimal) and len(value.as_tuple().digits) <= DIGITS_MAX:
                    sheet.write_number(line, index, value, self._decimal(value))
                elif value is not None:
                    sheet.write_string(line, index, f"{value:f}" if isinstance(value, Decimal) else str(value), self._text)


def _about(statement: Statement, language: Language) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [(HEADINGS["about"](language), title(statement, language))]
    rows += [("id", statement.id), (HEADINGS["as_of"](language), format_instant(statement.question.as_of))]
    rows.append(("SHA-256", made.sha256(made.canonical(statement))))
    return rows + [(one.name(language), one.value(language)) for one in statement.facts]


def _figures(statement: Statement, language: Language) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for group, name in GROUPS.items():
        mine = [one for one in statement.figures if one.group == group]
        rows += [(None, name(language))] if mine else []
        for one in mine:
            known = one.amount is not None
            note = HEADINGS["draft"](language) if one.mark and known else one.why(language)
            shown = amount(one.amount, one.unit) if one.amount is not None else None
            unit = SHOWN[one.unit].name
            figure = f"carbon/statement/{statement.id}/{one.row}"
            rows.append((one.row, one.name(language), one.tier, shown, unit, one.amount, one.unit, note, figure))
    return rows


def _disclosures(statement: Statement, language: Language) -> list[tuple[Cell, ...]]:
    names = {one.id: one.name(language) for one in statement.standards}
    return [
        (
            names[one.standard], one.code, one.name(language), ", ".join(one.rows),
            HEADINGS["draft"](language) if one.draft else one.left(language), one.mark, one.source,
        )
        for one in statement.disclosures
    ]  # fmt: skip
