"""Fits of one meter: what was fitted to which span, how good it is, or why there is none. Pure.

A fit of less than a year is *short*: it may help to find waste, and proves no saving, as a season it has not seen is beyond it
(measured: intervals that say 90 % then hold 47 to 59 % of the time).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from dure.services.buildings.baselines.models import Kind, model_of, words_of
from dure.services.buildings.modelling.goodness import goodness
from dure.services.buildings.modelling.outcome import Refused

if TYPE_CHECKING:
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.modelling.rows import Model, Rows

METHODS: dict[Kind, str] = {"hourly": "buildings.towt/1", "daily": "buildings.seasonal/1", "billing": "buildings.change_point/1"}


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of model of one meter.

    Attributes
    ----------
    start_day, end_day : local days ``[start, end)`` it was fitted to, ISO
    coverage : share of the rows of that span that have use and temperature [1]
    short : whether less than a year was seen
    model : as `models.words_of`; None: refused
    goodness : as `modelling.goodness.Goodness`
    code, numbers : why there is no model
    sha256 : of what it was fitted to
    """

    kind: Kind
    start_day: str
    end_day: str
    coverage: float
    short: bool
    sha256: str
    method: str
    model: dict[str, Any] | None = None
    goodness: dict[str, float] | None = None
    code: str = ""
    numbers: dict[str, float] = {}  # msgspec copies an empty default for every instance
    sources: list[dict[str, Any]] = []  # the stations of its weather

    @property
    def fitted(self) -> bool:
        """Whether there is a model."""
        return self.model is not None

    def of_rows(self) -> Model:
        """The model, to predict with."""
        assert self.model is not None  # noqa: S101  # the caller asked `fitted`
        return model_of(self.model)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What a fit is about: its kind and days, and the digest of what it is fitted to."""

    kind: Kind
    start_day: str
    end_day: str
    days: int
    sha256: str
    sources: list[dict[str, Any]] = []  # as in `Fit`


def fit_rows(rows: Rows, frame: Frame, rules: BaselineRules) -> Fit:
    """The fit of rows, with its goodness, or why there is none."""
    known = rows.known()
    coverage = float(known.mean()) if len(known) else 0.0
    whole = frame.days >= rules.span_d and coverage >= rules.span_share_min
    head = Fit(
        kind=frame.kind,
        start_day=frame.start_day,
        end_day=frame.end_day,
        coverage=round(coverage, 4),
        short=not whole,
        sha256=frame.sha256,
        method=METHODS[frame.kind],
        sources=frame.sources,
    )
    if frame.days < rules.fit_d_min:
        return _refused(head, "too_few", {"days": float(frame.days), "days_min": float(rules.fit_d_min)})
    found = rows.fit()
    if isinstance(found, Refused):
        return _refused(head, found.code, found.numbers)
    words = words_of(found)
    good = goodness(rows.usage, model_of(words).of_rows(rows), found.coefficients)
    if isinstance(good, Refused):
        return _refused(head, good.code, good.numbers)
    numbers = {name: float(value) for name, value in asdict(good).items() if math.isfinite(value)}
    return msgspec.structs.replace(head, model=words, goodness=numbers)


def _refused(head: Fit, code: str, numbers: Mapping[str, float]) -> Fit:
    return msgspec.structs.replace(head, code=code, numbers=dict(numbers))
