"""What one city learnt of its classes of bins, as a file another city can begin with. No bin, place or person is in it."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import InputError, TooLarge
from dure.core.observations import Rejected
from dure.services.waste.belief.learned import ClassRates, Learned

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA, VERSION = "dure-waste-prior", 1
BYTES_MAX = 5_000_000
CLASSES_MAX, NAME_MAX, STEPS_MAX = 200, 64, 64
RATE_MAX = 50.0  # bins a day; a class that fills faster is a mistake of units


class Prior(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file. `version` of the schema; `rules` of the pack they were learnt with; `source`: id of the city that learnt them."""

    schema: str
    version: int
    source: str
    rules: str
    learnt_at: datetime
    classes: dict[str, ClassRates]


def prior_of(learned: Learned, source: str, at: datetime) -> bytes:
    """The file of what was learnt: JSON, the same bytes for the same learning."""
    found = Prior(schema=SCHEMA, version=VERSION, source=source, rules=learned.version, learnt_at=at, classes=learned.classes)
    return msgspec.json.format(msgspec.json.encode(found, order="sorted"), indent=1) + b"\n"


def read_prior(data: bytes) -> Prior:
    """The classes of another city.

    Raises
    ------
    TooLarge : ``prior.too_large``
    InputError : ``prior.malformed``, ``prior.version``, or ``prior.values`` for numbers that cannot be
    """
    if len(data) > BYTES_MAX:
        raise TooLarge("prior.too_large", f"{len(data):,} bytes; what a city learnt of its classes has at most {BYTES_MAX:,}.")
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.schema != SCHEMA or head.version != VERSION:
            raise InputError("prior.version", f"{head.schema[:40]!r} {head.version} cannot be read, only {SCHEMA!r} {VERSION}.")
        found = msgspec.json.decode(data, type=Prior)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("prior.malformed", f"This is no file of what a city learnt: {error}.") from error
    if why := _objection(found.classes):
        raise InputError(why.code, why.why)
    return found


def learned_of(prior: Prior) -> Learned:
    """It as something to keep."""
    return Learned(version=prior.rules, classes=prior.classes, until=prior.learnt_at)


class _Head(msgspec.Struct, frozen=True):
    schema: str
    version: int


def _objection(classes: Mapping[str, ClassRates]) -> Rejected | None:
    if not 0 < len(classes) <= CLASSES_MAX or any(not 0 < len(name) <= NAME_MAX for name in classes):
        return Rejected(0, "prior.values", f"From 1 to {CLASSES_MAX} classes with short names are wanted.")
    for name, one in classes.items():
        if why := _wrong(one):
            return Rejected(0, "prior.values", f"Class {name!r}: {why}.")
    return None


def _wrong(one: ClassRates) -> str:
    """What of a class cannot be; empty when nothing."""
    numbers = (one.rate_per_day, one.between_cv, one.cv, one.kappa)
    if not all(math.isfinite(value) and value > 0 for value in numbers) or one.rate_per_day > RATE_MAX:
        return "rate_per_day, between_cv, cv and kappa must be above 0"
    if not (math.isfinite(one.days) and one.days >= 0):
        return "days must not be below 0"
    weekday = np.array(one.weekday)
    if weekday.shape != (7,) or not np.isfinite(weekday).all() or (weekday <= 0).any() or abs(weekday.mean() - 1) > 0.01:
        return "weekday needs seven factors above 0 with mean 1"
    return _wrong_steps(one)


def _wrong_steps(one: ClassRates) -> str:
    k = len(one.grid)
    if not k and not one.transitions:
        return "levels need a grid and transitions" if one.method == "levels" else ""
    grid = np.array(one.grid)
    if not 2 <= k <= STEPS_MAX or not np.isfinite(grid).all() or (np.diff(grid) <= 0).any() or (grid[0], grid[-1]) != (0.0, 1.0):
        return f"grid needs from 2 to {STEPS_MAX} rising levels from 0 to 1"
    if len(one.transitions) != k or any(len(row) != k for row in one.transitions):
        return "transitions need a row and a column for each level"
    steps = one.step_days()
    if not np.isfinite(steps).all() or (steps < 0).any() or (abs(steps.sum(axis=1) - 1) > 1e-6).any():
        return "each row of transitions must be probabilities that add up to 1"
    return ""
