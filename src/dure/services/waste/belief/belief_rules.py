"""The numbers of learning and believing, as one typed value of ``rules/belief.toml``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.services.waste.rules import Choice, Pack, load_pack

PACK = "belief"


class SeeingRules(msgspec.Struct, frozen=True, kw_only=True):
    """How sure an observation of each kind is. Levels and sd as fractions of the bin [1].

    `deposit_cv` is that of the volume of one deposit; `report_level` what a report without a level says.
    """

    sensor_sd: float
    crew_sd: float
    report_sd: float
    report_level: float
    deposit_cv: float
    level_min: float
    level_max: float


class EmptyingRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a fall of the level is an emptying, when it was none, and so long after a planned visit it was missed."""

    drop_min: float
    drop_sd: float
    emptied_sd: float
    back_within: float
    back_h: float
    partial_left: float
    tap_h: float
    missed_h: float


class LearningRules(msgspec.Struct, frozen=True, kw_only=True):
    """How history becomes rates; what is tried is judged on the last `tried_share` of it."""

    rate_per_day: float
    cv: float
    between_cv: float
    rate_min: float
    class_days: float
    weekday_days: float
    gap_max_d: float
    full_from: float
    memory_d: float
    weight_d: float
    tried_share: float
    counts_better: float
    weekdays_better: float
    history_d: float
    steps_max: float
    silent_d: float


class BeliefRules(msgspec.Struct, frozen=True, kw_only=True):
    """All of them as in force on a day; `version` names the pack. `kappas` are tried; `tried` are the levels judged by."""

    version: str
    seeing: SeeingRules
    emptying: EmptyingRules
    learning: LearningRules
    kappas: tuple[float, ...]
    tried: tuple[float, ...]


S = TypeVar("S", bound=msgspec.Struct)


def belief_rules(day: date, folder: Path | None = None) -> BeliefRules:
    """The rules in force on a day, the city's own first.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` or ``rules.invalid``, when a row is missing or does not fit
    """
    pack = load_pack(PACK, folder)
    return BeliefRules(
        version=f"{pack.id}@{pack.version}",
        seeing=_numbers(pack, "seeing", SeeingRules, day),
        emptying=_numbers(pack, "emptying", EmptyingRules, day),
        learning=_numbers(pack, "learning", LearningRules, day),
        kappas=tuple(float(one.value) for one in pack.rows("kappas", Choice, day)),
        tried=tuple(float(one.value) for one in pack.rows("tried", Choice, day)),
    )


def _numbers(pack: Pack, table: str, kind: type[S], day: date) -> S:
    """A table of single numbers as one struct: each row's id is a field."""
    try:
        return msgspec.convert({row.id: row.value for row in pack.rows(table, Choice, day)}, kind)
    except msgspec.ValidationError as error:
        raise ConfigError("rules.invalid", f"{pack.file}, [[{table}]]: {error}.") from error
