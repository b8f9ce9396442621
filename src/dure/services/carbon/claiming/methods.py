"""Methods as dated rows of ``rules/methods.toml``: which event, in the words of ISO 14064-2, by which steps and factors."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from dure.core.errors import ConfigError
from dure.core.rules import Basis, Choice, Pack, Rule
from dure.core.text import Text
from dure.services.carbon.claiming.formula import Step, faults
from dure.services.carbon.model import CITY, Attribute
from dure.services.carbon.rules import load_pack

PACK, EXCLUSIONS = "methods", "exclusions"
ONE_SIDED = "one_sided"  # the input a method with an interval gets
WORDS = ("boundary", "baseline", "project", "leakage", "additionality", "deductions", "monitoring")


class FactorWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A factor a formula needs: grams per `unit` of `kind`; ``{word}`` in `kind` is a word of the event."""

    kind: str
    unit: str


class StretchWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is taken: ``{word}`` in `source` is a word of the event, one stretch for each of a list."""

    source: str
    attribute: Attribute


class Method(Rule, frozen=True, kw_only=True):
    """One row of ``[[methods]]``; its comment there says how `reads`, `factors` and `stretches` are written.

    Attributes
    ----------
    event : type of the event it counts; programme : the one its claims are made in
    quantity : name of the value a claim keeps as its quantity, in `unit`, rounded down
    interval_of : where the interval stands: ``evidence.UNIT``, or ``span`` for the event's ``start`` and ``end`` days
    confidence : where the two-sided confidence of the interval stands; empty: the quantity comes without one
    holder : who holds its grams; ``{word}`` as above
    """

    event: str
    version: int
    programme: str
    name: Text
    description: Text
    boundary: Text
    baseline: Text
    project: Text
    leakage: Text
    additionality: Text
    deductions: Text
    monitoring: Text
    quantity: str
    interval_of: str
    reads: dict[str, str]
    steps: tuple[Step, ...]
    stretches: tuple[StretchWanted, ...]
    factors: dict[str, FactorWanted] = {}  # noqa: RUF012  # msgspec copies an empty default for every instance
    parameters: tuple[str, ...] = ()
    confidence: str = ""
    holder: str = CITY

    def __post_init__(self) -> None:
        super().__post_init__()
        wrong = faults(self.steps, self.inputs)
        if wrong:
            raise ValueError("; ".join(wrong))
        if self.quantity not in self.inputs and all(self.quantity != one.out for one in self.steps):
            raise ValueError(f"no value is called {self.quantity!r}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all inputs of its steps."""
        return (*self.reads, *self.factors, *self.parameters, *((ONE_SIDED,) if self.confidence else ()))

    @property
    def ref(self) -> str:
        """``id@version``, as claims keep it."""
        return f"{self.id}@{self.version}"


class Bound(Rule, frozen=True, kw_only=True):
    """A row of ``[[bounds]]``: most a source can do in an hour [unit/h]."""

    most_per_h: int


class Exclusion(Rule, frozen=True, kw_only=True):
    """A row of ``[[exclusions]]``: a source, with all that lies under it, that is counted in another scheme."""

    source_path: str
    attributes: tuple[Attribute, ...]
    scheme: str

    def holds_for(self, source: str, attribute: str) -> bool:
        """Whether it speaks of a source."""
        return attribute in self.attributes and f"{source}/".startswith(f"{self.source_path.rstrip('/')}/")


@cache
def all_methods(folder: Path | None = None) -> tuple[Method, ...]:
    """Every row of every day, checked."""
    return _typed(load_pack(PACK, folder), "methods", Method)


def methods_for(event: str, on: date, folder: Path | None = None) -> tuple[Method, ...]:
    """Methods in force on a day for a type of event, in the order of the file."""
    return tuple(one for one in all_methods(folder) if one.event == event and _holds(one, on))


def method_of(ref: str, folder: Path | None = None) -> Method | None:
    """The method a claim was made by; None when the city's file no longer has it."""
    return next((one for one in all_methods(folder) if one.ref == ref), None)


def event_types(folder: Path | None = None) -> tuple[str, ...]:
    """Types of events some method counts."""
    return tuple(sorted({one.event for one in all_methods(folder)}))


def parameter(name: str, on: date, folder: Path | None = None) -> tuple[str, Basis] | None:
    """A number of ``[[parameters]]`` as the rule says it, and where it comes from; None when none is in force."""
    return _choice("parameters", name, on, folder)


def one_sided(confidence: str, on: date, folder: Path | None = None) -> tuple[str, Basis] | None:
    """Share of the half width of a two-sided interval that a one-sided 90 % interval has; None for another confidence."""
    return _choice("one_sided", confidence, on, folder)


def rule_named(name: str, folder: Path | None = None) -> Rule | None:
    """The newest row that a basis (``methods@VERSION/TABLE/ROW``) names; None when there is none."""
    _, table, ident = [*name.split("/"), "", ""][:3]
    found = [row for row in load_pack(PACK, folder).tables.get(table, ()) if row["id"] == ident]
    return msgspec.convert(dict(found[-1]), Choice) if found and table in ("parameters", "one_sided") else None


def clock_number(name: str, on: date, folder: Path | None = None) -> int:
    """A number of ``[[clocks]]``."""
    return int(load_pack(PACK, folder).row("clocks", name, Choice, on).value)


def bound(method: str, subject: str, on: date, folder: Path | None = None) -> Bound | None:
    """The bound of a source, else that of all sources of the method."""
    pack = load_pack(PACK, folder)
    for ident in (f"{method}/{subject}", method):
        found: Bound | None = _row(pack, "bounds", ident, Bound, on)
        if found is not None:
            return found
    return None


def exclusions(on: date, folder: Path | None = None) -> tuple[Exclusion, ...]:
    """What is counted elsewhere on a day."""
    return tuple(one for one in _typed(load_pack(EXCLUSIONS, folder), "exclusions", Exclusion) if _holds(one, on))


def _typed(pack: Pack, table: str, kind: type[Any]) -> tuple[Any, ...]:
    try:
        return tuple(msgspec.convert(dict(row), kind) for row in pack.tables.get(table, ()))
    except msgspec.ValidationError as error:
        raise ConfigError("rules.invalid", f"{pack.file}, [[{table}]]: {error}.") from error


def _choice(table: str, name: str, on: date, folder: Path | None) -> tuple[str, Basis] | None:
    pack = load_pack(PACK, folder)
    found = _row(pack, table, name, Choice, on)
    return None if found is None else (str(found.value), pack.basis(table, found))


def _row(pack: Pack, table: str, ident: str, kind: type[Any], on: date) -> Any:
    try:
        return pack.row(table, ident, kind, on)
    except ConfigError as error:
        if error.code == "rules.not_in_force":
            return None
        raise


def _holds(rule: Rule, on: date) -> bool:
    return rule.effective_from <= on and (rule.effective_to is None or on < rule.effective_to)
