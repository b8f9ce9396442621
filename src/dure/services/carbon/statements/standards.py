"""The rule pack ``standards``: what standards ask for, and from which rows it is filled."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.rules import Choice, Rule
from dure.core.text import Text
from dure.services.carbon.rules import load_pack
from dure.services.carbon.statements.statement import Disclosed, Figure, StandardTold

EMPTY = Text("자료가 없어 비워 둡니다.", "Left empty: there are no data of it.")


class Standard(Rule, frozen=True, kw_only=True):
    """A row of ``[[standards]]``."""

    name: Text


class Disclosure(Rule, frozen=True, kw_only=True):
    """A row of ``[[disclosures]]``: `rows` fill it; where there are none, `left` says why it stays empty."""

    standard: str
    code: str
    name: Text
    rows: tuple[str, ...] = ()
    left: Text = EMPTY
    draft: bool = False


class Standards(msgspec.Struct, frozen=True, kw_only=True):
    """All of them for periods that begin on a day."""

    version: str
    standards: tuple[Standard, ...]
    disclosures: tuple[Disclosure, ...]
    settle_s: int
    days_max: int


def standards(on: date, folder: Path | None = None) -> Standards:
    """The rules for periods that begin on a day; `ConfigError` as `core.rules` tells."""
    pack = load_pack("standards", folder)
    return Standards(
        version=pack.version,
        standards=pack.rows("standards", Standard, on),
        disclosures=pack.rows("disclosures", Disclosure, on),
        settle_s=int(pack.row("choices", "settle_s", Choice, on).value),
        days_max=int(pack.row("choices", "days_max", Choice, on).value),
    )


def told(rules: Standards) -> tuple[StandardTold, ...]:
    """The standards as a statement names them."""
    return tuple(StandardTold(id=one.id, name=one.name, source=one.source, mark=one.mark) for one in rules.standards)


def disclosed(rules: Standards, figures: tuple[Figure, ...]) -> tuple[Disclosed, ...]:
    """Every disclosure with the rows that answer it. Nothing is filled that is not known."""
    return tuple(_disclosed(one, figures) for one in rules.disclosures)


def _disclosed(one: Disclosure, figures: tuple[Figure, ...]) -> Disclosed:
    heads = tuple(f"{row}:" for row in one.rows)
    rows = tuple(each.row for each in figures if each.amount is not None and (each.row in one.rows or each.row.startswith(heads)))
    return Disclosed(
        standard=one.standard, code=one.code, name=one.name, rows=rows, left=Text("") if rows else one.left,
        source=one.source, mark=one.mark, draft=one.draft,
    )  # fmt: skip
