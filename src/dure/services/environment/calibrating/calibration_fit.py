"""A calibration by co-location: fit beside a reference, judged on weeks it has not seen, kept only when it is better in all.

Whole weeks are held out in turn (blocked folds: the air of neighbouring hours is the same air, so single hours held out
would flatter). Inside each fold the form and its growth factor are chosen anew, so the choice is judged too.
The fit is Huber's M-estimate by iteratively reweighted least squares, begun from Theil-Sen slopes (Huber 1981, Robust
Statistics, section 7.8; Sen 1968, doi 10.1080/01621459.1968.10480934), in numpy.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from dure.core.observations import Flag, SeriesKey
from dure.core.time import US_PER_S, from_us
from dure.services.environment.calibrating.calibration import Inputs, Model, Reason, Score, Span, model_id, predicted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.services.environment.calibrating.calibration_rules import CalibrationRules, FitRules

WEEK_US = 7 * 86_400 * US_PER_S
MONDAY_US = 3 * 86_400 * US_PER_S  # 1970-01-01 was a Thursday
SAMPLE_MAX = 300
_ROUNDS = 30
_INNER_FOLDS = 3
_TOLERANCE = 1e-6
_AGAINST = frozenset({"rmse_not_better", "slope_not_better", "bias_not_better"})


class Pairs(msgspec.Struct, frozen=True, eq=False):
    """Hours of a sensor and a reference beside it, as columns (n,), NaN where missing.

    Attributes
    ----------
    time_us : start of the hour [us since 1970 UTC]
    raw, reference : hourly means [unit of the property]
    rh, temperature : relative humidity [%], air temperature [Cel]; all NaN where they are not measured
    raw_flag, reference_flag : quality of the hour; only hours where both are good are used. None: all that have a value
    """

    time_us: NDArray[np.int64]
    raw: NDArray[np.float64]
    rh: NDArray[np.float64]
    temperature: NDArray[np.float64]
    reference: NDArray[np.float64]
    raw_flag: NDArray[np.uint8] | None = None
    reference_flag: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        return len(self.time_us)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Pairs:
        """The hours chosen, without their flags."""
        return Pairs(self.time_us[rows], self.raw[rows], self.rh[rows], self.temperature[rows], self.reference[rows])


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a fit: its parameters, how it did on held-out weeks, and the verdict with its reasons.

    `held_out` (m, 3) holds raw, corrected and reference of every held-out hour, for the picture.
    """

    accepted: bool
    reasons: tuple[Reason, ...]
    parameters: dict[str, float] = {}
    form: str = ""
    uncertainty: float = float("nan")
    spans: dict[str, Span] = {}
    start_us: int = 0
    end_us: int = 0
    hours: int = 0
    weeks: int = 0
    scores: dict[str, Score] = {}
    held_out: tuple[tuple[float, float, float], ...] = ()

    def model(self, series: SeriesKey, reference: str, at: datetime, rules: CalibrationRules) -> Model:
        """The fit as a candidate (or rejected) model of the series, from now on if nobody says otherwise."""
        inputs = Inputs(
            uncertainty=self.uncertainty if self.accepted else 0.0,
            reference=reference,
            start_at=from_us(self.start_us),
            end_at=from_us(self.end_us),
            hours=self.hours,
            weeks=self.weeks,
            spans=self.spans,
            widening=rules.fit.outside_widening,
            version=rules.version,
            sample=_thinned(self.held_out),
        )
        return Model(
            id=model_id(series, "co_location", at),
            asset=series[0],
            property=series[1],
            method="co_location",
            parameters=self.parameters,
            valid_from=at,
            state="candidate" if self.accepted else "rejected",
            scores=self.scores,
            reasons=self.reasons,
            inputs=inputs,
        )


def _thinned(rows: Sequence[tuple[float, float, float]]) -> tuple[tuple[float, float, float], ...]:
    """At most `SAMPLE_MAX` of the rows, evenly; three decimals are enough to draw."""
    step = -(-len(rows) // SAMPLE_MAX) or 1
    return tuple((round(raw, 3), round(ours, 3), round(true, 3)) for raw, ours, true in rows[::step])


class _Trained(NamedTuple):
    form: str
    parameters: dict[str, float]
    spread: float


def good_pairs(pairs: Pairs) -> Pairs:
    """The hours in which sensor and reference both have a good value."""
    good = np.isfinite(pairs.raw) & np.isfinite(pairs.reference)
    for flag in (pairs.raw_flag, pairs.reference_flag):
        if flag is not None:
            good &= flag == Flag.GOOD
    return pairs.take(good)


def fit_co_location(pairs: Pairs, rules: FitRules, starting: Model | None = None) -> Fit:
    """A calibration from hours beside a reference, accepted only if RMSE, slope and bias all improve on held-out weeks.

    Parameters
    ----------
    pairs : hours of both
    rules : least hours and weeks, and the settings of the fit
    starting : a published model to compare with; it takes no part in the verdict

    Returns
    -------
    The fit on all hours with its scores on held-out weeks, or a refusal with its reasons
    """
    good = good_pairs(pairs)
    reasons: list[Reason] = []
    good, forms = _with_weather(good, reasons)
    week = (good.time_us - MONDAY_US) // WEEK_US
    weeks = np.unique(week)
    refusal = _too_little(good, len(weeks), rules)
    if refusal:
        return _of(good, Fit(accepted=False, reasons=(*reasons, *refusal)))
    held = np.full(len(good), np.nan)
    for block in np.array_split(weeks, min(int(rules.folds_max), len(weeks))):
        out = np.isin(week, block)
        held[out] = _applied(_train(good.take(~out), forms, rules), good.take(out))
    scores = {"raw": score(good.raw, good.reference), "corrected": score(held, good.reference)}
    if starting is not None:
        scores["starting"] = score(_started(good, starting), good.reference)
    reasons += verdict(scores)
    trained = _train(good, forms, rules)
    fit = Fit(
        accepted=all(one.code not in _AGAINST for one in reasons),
        reasons=tuple(reasons),
        parameters=trained.parameters,
        form=trained.form,
        uncertainty=scores["corrected"].rmse,
        spans=_spans(good),
        scores=scores,
        held_out=tuple(zip(good.raw.tolist(), held.tolist(), good.reference.tolist(), strict=True)),
    )
    return _of(good, fit)


def _of(good: Pairs, fit: Fit) -> Fit:
    """The fit with the extent of the hours it was made of."""
    if not len(good):
        return fit
    weeks = len(np.unique((good.time_us - MONDAY_US) // WEEK_US))
    start_us, end_us = int(good.time_us.min()), int(good.time_us.max()) + 3_600 * US_PER_S
    return msgspec.structs.replace(fit, hours=len(good), weeks=weeks, start_us=start_us, end_us=end_us)


def verdict(scores: dict[str, Score]) -> list[Reason]:
    """What the scores say of a fit: for or against it in error, slope and bias, and beside the starting model."""
    raw, ours = scores["raw"], scores["corrected"]
    measures = (
        ("rmse", raw.rmse, ours.rmse),
        ("slope", abs(raw.slope - 1), abs(ours.slope - 1)),
        ("bias", abs(raw.bias), abs(ours.bias)),
    )
    shown = {"rmse": (raw.rmse, ours.rmse), "slope": (raw.slope, ours.slope), "bias": (raw.bias, ours.bias)}
    found = [
        Reason(f"{name}_better" if after < before else f"{name}_not_better", dict(zip(("raw", "ours"), shown[name], strict=True)))
        for name, before, after in measures
    ]
    starting = scores.get("starting")
    if starting is not None:
        code = "starting_worse" if ours.rmse < starting.rmse else "starting_not_worse"
        found.append(Reason(code, {"starting": starting.rmse, "ours": ours.rmse}))
    return found


def score(series: NDArray[np.float64], reference: NDArray[np.float64]) -> Score:
    """Agreement of a series with a reference, both (n,) [unit of the property]; pairs with NaN are left out."""
    both = np.isfinite(series) & np.isfinite(reference)
    x, y = reference[both], series[both]
    if len(x) < 2:
        return Score(len(x), float("nan"), float("nan"), float("nan"), float("nan"))
    error = y - x
    spread_x, spread_y = float(np.var(x)), float(np.var(y))
    shared = float(np.mean((x - x.mean()) * (y - y.mean())))
    slope = shared / spread_x if spread_x > 0 else float("nan")
    r2 = shared**2 / (spread_x * spread_y) if spread_x > 0 and spread_y > 0 else 0.0
    return Score(len(x), float(np.sqrt(np.mean(error**2))), slope, float(error.mean()), r2)


def theil_sen(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Robust slope of y on x, both (n,): the median over pairs half the ordered sample apart, O(n log n)."""
    order = np.argsort(x, kind="stable")
    half = len(x) // 2
    run = x[order[half:]] - x[order[: len(x) - half]]
    rise = y[order[half:]] - y[order[: len(x) - half]]
    steep = run > 0
    return float(np.median(rise[steep] / run[steep])) if steep.any() else 0.0


def huber(design: NDArray[np.float64], y: NDArray[np.float64], k: float) -> NDArray[np.float64]:
    """Huber's regression coefficients (p,) of y (n,) on the columns of `design` (n, p); the first column is raw."""
    slope = theil_sen(design[:, 0], y)
    rest = y - slope * design[:, 0]
    residual = rest - np.median(rest)
    beta = np.zeros(design.shape[1])
    scale_of_columns = np.maximum(np.abs(design).max(axis=0), 1e-12)
    x = design / scale_of_columns
    for _ in range(_ROUNDS):
        scale = max(1.4826 * float(np.median(np.abs(residual))), 1e-9)
        weight = np.minimum(1.0, k * scale / np.maximum(np.abs(residual), 1e-12))
        weighted = x * weight[:, None]
        new = np.linalg.lstsq(weighted.T @ x, weighted.T @ y, rcond=None)[0]
        residual = y - x @ new
        if np.max(np.abs(new - beta)) <= _TOLERANCE * max(1.0, float(np.max(np.abs(new)))):
            beta = new
            break
        beta = new
    return np.asarray(beta / scale_of_columns, np.float64)


def _with_weather(good: Pairs, reasons: list[Reason]) -> tuple[Pairs, tuple[str, ...]]:
    """The hours that have what the forms need, and the forms that can be tried; where weather is rare it is not used."""
    n = max(len(good), 1)
    humid, warm = np.isfinite(good.rh), np.isfinite(good.temperature)
    has_rh, has_t = np.count_nonzero(humid) > n / 2, np.count_nonzero(warm) > n / 2
    keep = np.ones(len(good), bool)
    if has_rh:
        keep &= humid
    else:
        reasons.append(Reason("no_humidity", {"share": float(np.count_nonzero(humid)) / n}))
    if has_t:
        keep &= warm
    else:
        reasons.append(Reason("no_temperature", {"share": float(np.count_nonzero(warm)) / n}))
    forms = ("linear", "interaction", "growth") if has_rh else ("plain",)
    return good.take(keep), tuple(f"{form}+t" if has_t else form for form in forms)


def _too_little(good: Pairs, weeks: int, rules: FitRules) -> list[Reason]:
    found = []
    if len(good) < rules.hours_min:
        found.append(Reason("too_few_hours", {"hours": float(len(good)), "needed": rules.hours_min}))
    if weeks < rules.weeks_min:
        found.append(Reason("too_few_weeks", {"weeks": float(weeks), "needed": rules.weeks_min}))
    if found:
        return found
    low, middle, high = np.quantile(good.reference, (0.05, 0.5, 0.95)).tolist()
    if high - low <= rules.reference_span_min * abs(middle):
        found.append(Reason("reference_too_flat", {"span": high - low, "needed": rules.reference_span_min * abs(middle)}))
    if float(np.ptp(good.raw)) == 0:
        found.append(Reason("raw_constant", {"value": float(good.raw[0])}))
    return found


def _train(pairs: Pairs, forms: Sequence[str], rules: FitRules) -> _Trained:
    """The form that does best on held-out weeks of these pairs, fitted on all of them."""
    if len(forms) == 1:
        return _fit_form(pairs, forms[0], rules)
    week = (pairs.time_us - MONDAY_US) // WEEK_US
    errors = dict.fromkeys(forms, 0.0)
    for block in np.array_split(np.unique(week), _INNER_FOLDS):
        out = np.isin(week, block)
        if out.all() or not out.any():
            continue
        held = pairs.take(out)
        for form in forms:
            error = _applied(_fit_form(pairs.take(~out), form, rules), held) - held.reference
            errors[form] += float(np.sum(error**2))
    return _fit_form(pairs, min(errors, key=lambda form: errors[form]), rules)


def _fit_form(pairs: Pairs, form: str, rules: FitRules) -> _Trained:
    if not form.startswith("growth"):
        return _fit_linear(pairs, form, {}, rules)
    steps = np.arange(0.0, rules.growth_max + rules.growth_step / 2, rules.growth_step)
    tried = [
        _fit_linear(pairs, form, {"growth": float(factor), "humidity_cap": rules.humidity_cap}, rules)
        for factor in steps.tolist()
    ]
    return min(tried, key=lambda one: one.spread)


def _fit_linear(pairs: Pairs, form: str, fixed: dict[str, float], rules: FitRules) -> _Trained:
    shape, _, warm = form.partition("+")
    zeros = np.zeros(len(pairs))
    scaled = predicted(pairs.raw, np.where(np.isfinite(pairs.rh), pairs.rh, 0.0), zeros, "co_location", {**fixed, "gain": 1.0})
    columns = {"gain": scaled, "offset": np.ones(len(pairs))}
    if shape in ("linear", "interaction"):
        columns["humidity"] = pairs.rh
    if shape == "interaction":
        columns["interaction"] = pairs.raw * pairs.rh
    if warm:
        columns["temperature"] = pairs.temperature
    beta = huber(np.column_stack(list(columns.values())), pairs.reference, rules.huber_k)
    parameters = dict(zip(columns, beta.tolist(), strict=True)) | fixed
    residual = _applied(_Trained(form, parameters, 0.0), pairs) - pairs.reference
    return _Trained(form, parameters, float(np.mean(np.minimum(np.abs(residual), 3 * np.median(np.abs(residual))))))


def _applied(trained: _Trained, pairs: Pairs) -> NDArray[np.float64]:
    return np.maximum(predicted(pairs.raw, pairs.rh, pairs.temperature, "co_location", trained.parameters), 0.0)


def _started(pairs: Pairs, starting: Model) -> NDArray[np.float64]:
    return np.maximum(predicted(pairs.raw, pairs.rh, pairs.temperature, starting.method, starting.parameters), 0.0)


def _spans(good: Pairs) -> dict[str, Span]:
    """What was seen, without the rarest hundredth."""
    found = {}
    for name, column in (("raw", good.raw), ("rh", good.rh), ("temperature", good.temperature)):
        known = column[np.isfinite(column)]
        if len(known):
            low, high = np.quantile(known, (0.005, 0.995)).tolist()
            found[name] = Span(low, high)
    return found
