"""Dated rule packs: every threshold, limit and legal table is a row of data with its source.

How to use it, by way of a service's own `rules.py`, which knows the folders::

    pack = load_pack("cai", places)                # cai.toml of the first folder that has one: the city's own, then Dure's
    rows = pack.rows("items", Item, day)           # the rows in force on a day, as your own struct derived from `Rule`
    row = pack.row("choices", "rounding", Choice, day)   # one of them
    tables = pack.as_of(day)                       # all tables in force, as plain mappings
    basis = pack.basis("items", row)               # where it comes from, to be kept with a result

A file holds the words ``id``, ``version``, ``name = {ko, en}`` and any number of tables, each an array of rows::

    [[limits]]
    id = "river-do"
    effective_from = 2018-03-27
    source = "decree, annex 1"
    mark = "to be confirmed"
    value = 7.5

Rows of one table with one ``id`` are versions of one rule. They are in force in ``[effective_from, effective_to)`` (no
``effective_to``: until further notice), may not overlap, and may not leave days between them without a rule. `mark` says how
sure the value is, `dated` how sure its first day is. A row whose mark is "to be confirmed" is *provisional*: whoever shows a
result made from it says so (`Basis.provisional`).
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text

Mark = Literal["verified source", "secondary source", "to be confirmed", "own choice"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated row. Derive from it and add the fields of your table; a field the struct does not know is refused."""

    id: str
    effective_from: date
    source: str
    mark: Mark
    effective_to: date | None = None
    dated: Mark = "to be confirmed"
    unit: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not self.id or not self.source.strip():
            raise ValueError("a rule needs an id and a source")

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.mark == "to be confirmed"


class Basis(msgspec.Struct, frozen=True):
    """The rule a result rests on: its name with pack and version, its source, and how sure it is."""

    rule: str
    source: str
    mark: Mark
    note: str = ""

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.mark == "to be confirmed"


R = TypeVar("R", bound=Rule)


class Choice(Rule, frozen=True, kw_only=True):
    """One number or word the method needs and no table holds."""

    value: bool | int | float | str


class Pack(msgspec.Struct, frozen=True):
    """The rules of one file."""

    id: str
    version: str
    name: Text
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    file: str

    def as_of(self, day: date) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
        """The tables in force on a day; a table with no row in force is empty."""
        return MappingProxyType({name: tuple(row for row in rows if _in_force(row, day)) for name, rows in self.tables.items()})

    def rows(self, table: str, kind: type[R], day: date) -> tuple[R, ...]:
        """The rows of a table in force on a day, typed, in the order of the file.

        Raises
        ------
        ConfigError
            ``rules.not_in_force`` when there is none, ``rules.invalid`` when a row does not fit `kind`
        """
        found = [row for row in self.tables.get(table, ()) if _in_force(row, day)]
        if not found:
            raise ConfigError("rules.not_in_force", f"{self.file}: no row of [[{table}]] is in force on {day}.")
        return tuple(self._typed(table, row, kind) for row in found)

    def row(self, table: str, row_id: str, kind: type[R], day: date) -> R:
        """One row of a table by its id, as in force on a day; refused as `rows` does."""
        for row in self.tables.get(table, ()):
            if row["id"] == row_id and _in_force(row, day):
                return self._typed(table, row, kind)
        raise ConfigError("rules.not_in_force", f"{self.file}: no rule {row_id!r} of [[{table}]] is in force on {day}.")

    def basis(self, table: str, rule: Rule) -> Basis:
        """What a result keeps of a rule it used."""
        return Basis(f"{self.id}@{self.version}/{table}/{rule.id}", rule.source, rule.mark, rule.note)

    def _typed(self, table: str, row: Mapping[str, Any], kind: type[R]) -> R:
        try:
            return msgspec.convert(dict(row), kind)
        except msgspec.ValidationError as error:
            raise ConfigError("rules.invalid", f"{self.file}, [[{table}]] {row.get('id', '?')}: {error}.") from error


@cache
def load_pack(name: str, places: tuple[Path, ...]) -> Pack:
    """The rule pack of that name from the first of the folders that holds ``NAME.toml``. Read once.

    Raises
    ------
    ConfigError
        ``rules.missing``, ``rules.unreadable``, ``rules.invalid``, ``rules.overlap`` or ``rules.gap``
    """
    if not _NAME.fullmatch(name):
        raise ConfigError("rules.missing", f"{name[:80]!r} is no name of a rule pack.")
    file = next((place / f"{name}.toml" for place in places if (place / f"{name}.toml").is_file()), None)
    if file is None:
        raise ConfigError("rules.missing", f"There is no rule pack {name}.toml in {' or '.join(map(str, places))}.")
    try:
        words = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("rules.unreadable", f"{file}: {error}. Correct the TOML there.") from error
    return parse_pack(words, name, str(file))


def parse_pack(words: Mapping[str, Any], name: str, file: str = "") -> Pack:
    """A pack from the words of its file, every row checked; refused as `load_pack` does."""
    file = file or f"{name}.toml"
    head = {key: value for key, value in words.items() if not isinstance(value, list)}
    tables = {key: value for key, value in words.items() if isinstance(value, list)}
    try:
        heading = msgspec.convert(head, _Head)
    except msgspec.ValidationError as error:
        raise ConfigError("rules.invalid", f"{file}: {error}.") from error
    if heading.id != name:
        raise ConfigError("rules.invalid", f"{file}: its id is {heading.id!r}, but the file is called {name}.toml.")
    for table, rows in tables.items():
        _check_table(file, table, rows)
    frozen = {table: tuple(MappingProxyType(row) for row in rows) for table, rows in tables.items()}
    return Pack(heading.id, heading.version, heading.name, MappingProxyType(frozen), file)


def provisional(bases: Iterable[Basis]) -> tuple[str, ...]:
    """The rules among them that are to be confirmed, each once."""
    return tuple(dict.fromkeys(one.rule for one in bases if one.provisional))


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    version: str
    name: Text


class _Dated(msgspec.Struct, frozen=True):
    """What every row must have, whatever else its table holds."""

    id: str
    effective_from: date
    source: str
    mark: Mark
    effective_to: date | None = None


def _in_force(row: Mapping[str, Any], day: date) -> bool:
    until = row.get("effective_to")
    return bool(row["effective_from"] <= day and (until is None or day < until))


def _check_table(file: str, table: str, rows: list[Any]) -> None:
    """Every row is dated and sourced; the versions of each rule follow one another without overlap or gap."""
    versions: dict[str, list[_Dated]] = defaultdict(list)
    for number, row in enumerate(rows, 1):
        where = f"{file}, [[{table}]] {number}"
        try:
            dated = msgspec.convert(row, _Dated)
        except msgspec.ValidationError as error:
            raise ConfigError("rules.invalid", f"{where}: {error}.") from error
        if not dated.id or not dated.source.strip():
            raise ConfigError("rules.invalid", f"{where}: a rule needs an id and a source.")
        if dated.effective_to is not None and dated.effective_to <= dated.effective_from:
            raise ConfigError("rules.invalid", f"{where}: effective_to must be after effective_from.")
        versions[dated.id].append(dated)
    for row_id, found in versions.items():
        found.sort(key=lambda one: one.effective_from)
        for before, after in pairwise(found):
            _check_follow(f"{file}, [[{table}]] {row_id}", before, after)


def _check_follow(where: str, before: _Dated, after: _Dated) -> None:
    until = before.effective_to
    if until is None or until > after.effective_from:
        raise ConfigError(
            "rules.overlap",
            f"{where}: two versions are in force on {after.effective_from}. End the earlier with effective_to.",
        )
    if until < after.effective_from:
        raise ConfigError("rules.gap", f"{where}: no version is in force from {until} to {after.effective_from}.")
