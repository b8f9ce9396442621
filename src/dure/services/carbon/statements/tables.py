"""A statement as CSV (RFC 4180, one row for each figure) and as JSON (its canonical text with its digest). Pure."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from dure.services.carbon.statements import statement as made
from dure.services.carbon.statements.statement import Statement
from dure.services.carbon.statements.units import SHOWN, spelled

COLUMNS = (
    "figure", "row", "group", "tier", "name_ko", "name_en", "amount", "unit", "book_amount", "book_unit", "mark",
    "why_ko", "why_en", "standards", "as_of",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_bytes(statement: Statement) -> bytes:
    """The rows. A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    answers: dict[str, list[str]] = {}
    for one in statement.disclosures:
        for row in one.rows:
            answers.setdefault(row, []).append(f"{one.standard} {one.code}")
    for each in statement.figures:
        shown = "" if each.amount is None else spelled(each.amount, each.unit).replace(",", "")
        words = (each.name.ko, each.name.en, shown, SHOWN[each.unit].name)
        writer.writerow(
            [
                f"carbon/statement/{statement.id}/{each.row}", each.row, each.group, each.tier, _safe(words[0]), _safe(words[1]),
                words[2], words[3], "" if each.amount is None else each.amount, each.unit, each.mark, each.why.ko, each.why.en,
                "; ".join(answers.get(each.row, ())), statement.question.as_of.isoformat(),
            ]
        )  # fmt: skip
    return ("\ufeff" + target.getvalue()).encode()  # the mark tells spreadsheets that it is UTF-8


def json_bytes(statement: Statement) -> bytes:
    """The statement and the digest that stands in the log."""
    words: dict[str, Any] = {"sha256": made.sha256(made.canonical(statement)), "statement": msgspec.to_builtins(statement)}
    return msgspec.json.encode(words, order="sorted")


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
