"""The rules that alerts follow, as typed rows of ``rules/air_warning.toml``, ``alert_watch.toml`` and ``escalation.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.access import Role
from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.environment.rules import Rule, load_pack

PACKS = ("air_warning", "alert_watch")
LEVEL_MAX = 3


class LevelRow(Rule, frozen=True, kw_only=True):
    """One level of a rule: on at `on` for `on_n` periods in a row, ended past `off` for `off_n` periods.

    Attributes
    ----------
    on, off : limits [unit of the rule]; on the serious side, `on` itself counts as reached and `off` itself as not ended
    on_n, off_n : periods in a row, >= 1
    advice : what people should do
    """

    rule: str
    level: int
    name: Text
    on: float
    on_n: int
    off: float
    off_n: int = 1
    advice: Text = Text("")


class RuleRow(Rule, frozen=True, kw_only=True):
    """What is watched.

    Attributes
    ----------
    period_s : length of the mean a value stands for [s]
    direction : "above": high values are serious; "below": low ones
    missing : what a period without a value does to the count of periods in a row; the level is always kept
    form : "reached": a limit is reached; "observed": the observed value is at the level of a warning that others issue
    issuer : who issues the warning, or whose limits these are
    """

    name: Text
    property: str
    decimals: int
    period_s: int
    direction: Literal["above", "below"]
    missing: Literal["breaks_count", "keeps_count"]
    public: bool
    issuer: Text
    form: Literal["reached", "observed"] = "reached"


class AlertRule(msgspec.Struct, frozen=True):
    """A rule with its levels in rising order, as in force on a day, and the pack it stands in."""

    row: RuleRow
    levels: tuple[LevelRow, ...]
    version: str

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.row.id

    def level(self, number: int) -> LevelRow:
        """One of its levels, 1 the lowest."""
        return self.levels[number - 1]

    def name_of(self, number: int) -> Text:
        """A level in words; 0 is none."""
        return self.level(number).name if number else Text("해제", "ended")


class StepRow(Rule, frozen=True, kw_only=True):
    """Whom an alert of a level is told to when nobody acknowledged it for so many minutes."""

    level: int
    step: int
    after_min: int
    roles: tuple[Role, ...]


class QuietRow(Rule, frozen=True, kw_only=True):
    """Local hours at which levels up to `level_max` wait for the morning."""

    start_h: int
    end_h: int
    level_max: int


class Policy(msgspec.Struct, frozen=True):
    """How alerts escalate on a day."""

    steps: tuple[StepRow, ...]
    quiet: tuple[QuietRow, ...]


@lru_cache(64)
def alert_rules(day: date, folder: Path | None = None) -> Mapping[str, AlertRule]:
    """Every rule in force on a day, by id; a city's own packs win.

    Raises
    ------
    ConfigError
        ``rules.invalid`` when the levels of a rule contradict each other, else as `load_pack` does
    """
    found: dict[str, AlertRule] = {}
    for name in PACKS:
        pack = load_pack(name, folder)
        levels = pack.rows("levels", LevelRow, day)
        for row in pack.rows("rules", RuleRow, day):
            own = sorted((one for one in levels if one.rule == row.id), key=lambda one: one.level)
            found[row.id] = AlertRule(row, tuple(own), f"{pack.id}@{pack.version}")
            _check(pack.file, found[row.id])
    return found


@lru_cache(64)
def escalation_policy(day: date, folder: Path | None = None) -> Policy:
    """The steps and quiet hours in force on a day; a city's own pack wins."""
    pack = load_pack("escalation", folder)
    steps = sorted(pack.rows("steps", StepRow, day), key=lambda one: (one.level, one.step))
    quiet = pack.rows("quiet", QuietRow, day) if pack.tables.get("quiet") else ()
    return Policy(tuple(steps), quiet)


def _check(file: str, rule: AlertRule) -> None:
    """Levels are 1, 2, …; a higher one is never easier to reach or later to leave; no level ends where it is on."""
    sign = 1 if rule.row.direction == "above" else -1
    numbers = [one.level for one in rule.levels]
    wrong = numbers != list(range(1, len(numbers) + 1)) or not 1 <= len(numbers) <= LEVEL_MAX
    wrong = wrong or any(one.on_n < 1 or one.off_n < 1 or sign * one.off > sign * one.on for one in rule.levels)
    for low, high in zip(rule.levels, rule.levels[1:], strict=False):
        wrong = wrong or sign * high.on < sign * low.on or sign * high.off < sign * low.off or high.on_n < low.on_n
    if wrong:
        raise ConfigError("rules.invalid", f"{file}: the levels of {rule.id} contradict each other.")
