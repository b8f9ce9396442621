"""What a statement is: figures, what the standards ask for, what is missing. Pure.

A statement holds whole numbers only; its digest is that of its canonical JSON. Tonnes of different tiers, and own reductions and
contributions, stand in rows of their own and are never summed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.model import Tier

LAYOUT = 1  # raise it when the same statement would give other bytes
FORM = "dure-carbon-statement/1"
Group = Literal["emissions", "scope2", "scope3", "energy", "intensity", "targets", "credits", "contribution", "money", "quality"]
# Books are whole: grams, Wh, won, millionths, milligrams of CO2e and Wh of a square metre, hundredths of a score, a number.
FigureUnit = Literal["gCO2e", "g", "Wh", "KRW", "ppm", "mgCO2e/m2", "Wh/m2", "hundredths", "1"]
DRAFT = "draft revision"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Whose statement, of which days ``[first, after)``, as known at which instant.

    Attributes
    ----------
    subject : ``company/ID`` or ``city``
    """

    subject: str
    first: date
    after: date
    as_of: datetime

    @property
    def company(self) -> str:
        """Id of the company; empty for the city."""
        return self.subject.removeprefix("company/") if self.subject.startswith("company/") else ""

    @property
    def ident(self) -> str:
        """Id of the statement: the same question is the same statement."""
        words = f"{self.subject}|{self.first}|{self.after}|{self.as_of.isoformat()}"
        return f"stm-{hashlib.sha256(words.encode()).hexdigest()[:20]}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure is made of: another figure or a row, with the digest of its readings where it has one."""

    figure: str
    name: Text
    amount: int
    unit: FigureUnit
    note: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    Attributes
    ----------
    row : its name in the statement; ``carbon/statement/ID/ROW`` is its figure
    amount : whole [unit]; None where it is not known, with `why` saying so
    tier : of grams of claims; empty for emissions
    mark : "draft revision" where it follows a rule not in force yet
    parts_n, parts_sha256 : how many parts it is made of, and their digest
    """

    row: str
    group: Group
    name: Text
    amount: int | None
    unit: FigureUnit
    tier: Tier | Literal[""] = ""
    mark: str = ""
    why: Text = Text("")
    method: str = ""
    parts_n: int = 0
    parts_sha256: str = ""


class Disclosed(msgspec.Struct, frozen=True, kw_only=True):
    """What a standard asks for, and the rows that answer it; without any, `left` says why it is empty."""

    standard: str
    code: str
    name: Text
    rows: tuple[str, ...]
    left: Text
    source: str
    mark: str
    draft: bool = False


class StandardTold(msgspec.Struct, frozen=True, kw_only=True):
    """A standard a statement follows."""

    id: str
    name: Text
    source: str
    mark: str


class FactorTold(msgspec.Struct, frozen=True, kw_only=True):
    """An emission factor that rows were counted by.

    Attributes
    ----------
    value : CO2 equivalent for each `per`, an exact decimal [kg]
    heat : the calorific basis it is per, for fuels
    rows : how many rows of activity it counted
    mark : "to be confirmed" where its source could not be read
    """

    id: str
    kind: str
    value: str
    per: str
    heat: str
    gwp: str
    effective_from: date
    published_at: date
    rows: int
    source: str
    mark: str


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing or to know. `stops`: the statement cannot be issued."""

    code: str
    words: Text
    count: int = 1
    stops: bool = False


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something about the subject that is no number."""

    id: str
    name: Text
    value: Text


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """An element of an official taxonomy that a concept is tagged with too."""

    concept: str
    element: str
    prefix: str
    namespace: str
    entry_point: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of it.

    Attributes
    ----------
    grounds : digest of each thing it rests on (rows of activity, contracts, hours, claims, ledger, factors, rules)
    """

    form: str
    id: str
    question: Question
    name: Text
    zone: str
    facts: tuple[Fact, ...]
    figures: tuple[Figure, ...]
    standards: tuple[StandardTold, ...]
    disclosures: tuple[Disclosed, ...]
    gaps: tuple[Gap, ...]
    grounds: dict[str, str]
    factors: tuple[FactorTold, ...] = ()
    mapping: tuple[Mapped, ...] = ()

    def figure(self, row: str) -> Figure | None:
        """One of its rows."""
        return next((one for one in self.figures if one.row == row), None)

    def rows_of(self, asked: Iterable[str]) -> tuple[Figure, ...]:
        """Rows of these names, and those whose name begins with one and a colon (a contract, a target, a programme)."""
        wanted = tuple(asked)
        heads = tuple(f"{one}:" for one in wanted)
        return tuple(one for one in self.figures if one.row in wanted or one.row.startswith(heads))


def canonical(statement: Statement) -> bytes:
    """The one text of a statement."""
    return msgspec.json.encode(statement, order="sorted")


def sha256(content: bytes) -> str:
    """The digest in hex."""
    return hashlib.sha256(content).hexdigest()


def digest_of(values: Iterable[object]) -> str:
    """SHA-256 of values as JSON lines, in their order."""
    found = hashlib.sha256()
    for one in values:
        found.update(msgspec.json.encode(one, order="sorted"))
        found.update(b"\n")
    return found.hexdigest()
