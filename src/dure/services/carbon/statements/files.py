"""All files of a statement, made from its kept text alone: whatever was learned since, they are the same. Pure."""

from __future__ import annotations

from collections.abc import Callable

from dure.core.errors import NotFound
from dure.services.carbon.statements.ixbrl import ixbrl_bytes, package
from dure.services.carbon.statements.statement import Statement
from dure.services.carbon.statements.statement_pdf import pdf_bytes
from dure.services.carbon.statements.tables import csv_bytes, json_bytes
from dure.services.carbon.statements.workbook import xlsx_bytes

MEDIA = {
    "csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf",
    "xhtml": "application/xhtml+xml", "zip": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_MAKERS: dict[str, Callable[[Statement], bytes]] = {
    "statement-ko.pdf": lambda one: pdf_bytes(one, "ko"),
    "statement-en.pdf": lambda one: pdf_bytes(one, "en"),
    "statement-ko.xlsx": lambda one: xlsx_bytes(one, "ko"),
    "statement-en.xlsx": lambda one: xlsx_bytes(one, "en"),
    "statement-ko.xhtml": lambda one: ixbrl_bytes(one, "ko"),
    "statement-en.xhtml": lambda one: ixbrl_bytes(one, "en"),
    "statement-ixbrl.zip": lambda one: package(
        one, {"statement-ko.xhtml": ixbrl_bytes(one, "ko"), "statement-en.xhtml": ixbrl_bytes(one, "en")}
    ),
    "statement.csv": csv_bytes,
    "statement.json": json_bytes,
}
NAMES = tuple(_MAKERS)


def file_of(statement: Statement, name: str) -> bytes:
    """One file; NotFound ``statement.file_unknown``."""
    maker = _MAKERS.get(name)
    if maker is None:
        raise NotFound("statement.file_unknown", f"A statement's files are {', '.join(NAMES)}.")
    return maker(statement)


def files_of(statement: Statement) -> dict[str, bytes]:
    """All of them, by name."""
    return {name: maker(statement) for name, maker in _MAKERS.items()}


def media_type(name: str) -> str:
    """What a file is."""
    return MEDIA[name.rpartition(".")[2]]
