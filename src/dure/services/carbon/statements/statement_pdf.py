"""A statement as PDF: tagged (PDF/UA-1), with its fonts inside. The same statement gives the same bytes.

Typst sets it from ``statement.typ``, which reads it as JSON: nothing a person entered is ever read as markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import typst

from dure.core.errors import ConfigError
from dure.core.text import Language
from dure.core.time import format_instant
from dure.services.carbon.statements import statement as made
from dure.services.carbon.statements.statement import Statement
from dure.services.carbon.statements.units import written
from dure.services.carbon.statements.words import GROUPS, HEADINGS, title

TEMPLATE = Path(__file__).with_name("statement.typ")
FONTS = ("PretendardGOV-Regular.ttf", "PretendardGOV-Bold.ttf")


def pdf_bytes(statement: Statement, language: Language) -> bytes:
    """The file. Where a name holds a character that the font does not have, it is tagged all the same but claims no PDF/UA."""
    given = {"statement": msgspec.json.encode(_content(statement, language)).decode()}
    try:
        return _set(given, ["ua-1"], statement)
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        return _set(given, [], statement)


def _set(given: dict[str, str], standards: list[typst.PDFStandard], statement: Statement) -> bytes:
    found = _compiler().compile(
        input=TEMPLATE.read_bytes(), format="pdf", sys_inputs=given, pdf_standards=standards, timestamp=statement.question.as_of
    )
    if not isinstance(found, bytes):
        raise ConfigError("report.no_file", "The typesetter gave back no file.")
    return found


def _content(statement: Statement, language: Language) -> dict[str, Any]:
    def say(name: str) -> str:
        return HEADINGS[name](language)

    parts = []
    for group, name in GROUPS.items():
        rows = [
            [one.name(language) + (f" ({say('draft')})" if one.mark else ""), one.row, written(one.amount, one.unit)]
            if one.amount is not None
            else [one.name(language), one.row, one.why(language)]
            for one in statement.figures
            if one.group == group
        ]
        if rows:
            parts.append(_part(name(language), (say("name"), say("row"), say("amount")), rows, (6, 3, 3), numbers=[2]))
    gaps = [[one.code, one.words(language), str(one.count)] for one in statement.gaps]
    parts.append(_part(say("missing"), (say("code"), say("note"), say("count")), gaps, (3, 8, 1), numbers=[2]))
    if statement.factors:
        factors = [
            [one.id, f"{one.value} kgCO2e/{one.per} {one.heat}".strip(), f"{one.source} ({one.mark})"]
            for one in statement.factors
        ]
        parts.append(_part(say("factors"), (say("row"), say("value"), say("source")), factors, (3, 3, 6)))
    for standard in statement.standards:
        rows = [
            [
                one.code,
                one.name(language) + (f" ({say('draft')})" if one.draft else ""),
                ", ".join(one.rows) or one.left(language),
            ]
            for one in statement.disclosures
            if one.standard == standard.id
        ]
        note = f"{standard.source} ({standard.mark})"
        parts.append(_part(standard.name(language), (say("code"), say("name"), say("rows")), rows, (2, 5, 6), note=note))
    return {
        "language": language,
        "title": title(statement, language),
        "foot": f"carbon/statement/{statement.id} · SHA-256 {made.sha256(made.canonical(statement))}",
        "facts": [[one.name(language), one.value(language)] for one in statement.facts]
        + [[say("as_of"), format_instant(statement.question.as_of)]],
        "parts": parts,
    }


def _part(
    heading: str,
    columns: tuple[str, ...],
    rows: list[list[str]],
    widths: tuple[int, ...],
    *,
    numbers: Sequence[int] = (),
    note: str = "",
) -> dict[str, Any]:
    return {"heading": heading, "columns": columns, "rows": rows, "widths": widths, "numbers": numbers, "note": note}


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    folder = Path(str(resources.files("dure"))) / "web" / "static" / "vendor"
    if not all((folder / name).is_file() for name in FONTS):
        raise ConfigError("report.fonts", f"The fonts of reports are missing in {folder}. Run scripts/assets.py.")
    return typst.Compiler(font_paths=[folder], ignore_system_fonts=True, root=folder)
