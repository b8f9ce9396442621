"""Baselines looked at: the fit of each meter, how good it is, and the smallest saving it could show. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.buildings.baselines.assessing import half_width
from dure.services.buildings.baselines.baseline_rules import BaselineRules, Limit
from dure.services.buildings.baselines.fits import Fit, Frame, fit_rows
from dure.services.buildings.baselines.measures import MeterBaseline
from dure.services.buildings.modelling.outcome import Refused
from dure.services.buildings.modelling.savings import misses

if TYPE_CHECKING:
    from dure.services.buildings.baselines.measure_source import Read
    from dure.services.buildings.model import Meter
    from dure.services.buildings.modelling.rows import Rows

YEAR_WEEKS = 365 / 7


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline of one meter before it is frozen.

    Attributes
    ----------
    within : whether its model is within the limits it is judged by
    shows_from : the smallest saving that a year could show [1 of use]; None: no model
    """

    meter: str
    fit: Fit
    limit: Limit
    within: bool
    baseline: MeterBaseline | None = None
    shows_from: float | None = None
    code: str = ""


def weeks_of(reads: Mapping[str, Read]) -> dict[bool, np.ndarray]:
    """Weeks (or bills) any meter has, by whether they are bills: all are dealt alike."""
    found: dict[bool, np.ndarray] = {}
    for billing in (False, True):
        own = [np.unique(_known(one.rows)) for one in reads.values() if (one.kind == "billing") == billing]
        found[billing] = reduce(np.union1d, own) if own else np.empty(0, np.int64)
    return found


def _known(rows: Rows) -> np.ndarray:
    known = rows.known()
    return rows.week[known] if len(known) else rows.week


def look(
    meter: Meter, read: Read, asked: tuple[date, date, BaselineRules, Mapping[str, Limit]], weeks: Mapping[bool, np.ndarray]
) -> Looked:
    """The baseline of one meter in local days ``[start, end)``, its weeks held out as all meters' are.

    Parameters
    ----------
    asked : first day, day after the last, rules, and limits by kind of model
    weeks : as `weeks_of`
    """
    start, end, rules, bars = asked
    frame = Frame(
        kind=read.kind,
        start_day=start.isoformat(),
        end_day=end.isoformat(),
        days=(end - start).days,
        sha256=hashlib.sha256(f"{read.readings_sha256}/{read.weather_sha256}/{start}/{end}".encode()).hexdigest(),
        sources=list(read.sources),
    )
    fit, limit = fit_rows(read.rows, frame, rules), bars[read.kind]
    if fit.goodness is None:
        return Looked(meter=meter.id, fit=fit, limit=limit, within=False, code=fit.code)
    within = fit.goodness["cv_rmse"] <= limit.cv_rmse_max and abs(fit.goodness["nmbe"]) <= limit.nmbe_max
    missed = misses(read.rows, rules.judging, weeks[read.kind == "billing"])
    if isinstance(missed, Refused):
        return Looked(meter=meter.id, fit=fit, limit=limit, within=within, code=missed.code)
    baseline = MeterBaseline(
        meter=meter.id,
        fuel=meter.fuel,
        book=meter.supply.book,
        kind=read.kind,
        model="",
        start_day=frame.start_day,
        end_day=frame.end_day,
        coverage=fit.coverage,
        readings_sha256=read.readings_sha256,
        weather_sha256=read.weather_sha256,
        missed=tuple(np.round(missed.missed, 3).tolist()),
        held=tuple(np.round(missed.held, 6).tolist()),
        dealt=missed.dealt,
        weeks=missed.weeks,
        goodness=fit.goodness,
        sources=read.sources,
    )
    blocks = 12.0 if read.kind == "billing" else YEAR_WEEKS
    half = half_width([(baseline, 1.0)], {read.kind: blocks}, rules.confidence)
    year = fit.goodness["mean"] * fit.goodness["n"] / max(fit.coverage, 1e-9) * 365 / max(1, frame.days)
    return Looked(
        meter=meter.id, fit=fit, limit=limit, within=within, baseline=baseline, shows_from=half / year if year > 0 else None
    )
