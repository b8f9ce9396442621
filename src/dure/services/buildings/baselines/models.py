"""Fitted models as JSON, complete enough to predict again; what is told is always told from the JSON's own numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from dure.services.buildings.modelling.billed_rows import BilledModel
from dure.services.buildings.modelling.change_points import ChangePoint
from dure.services.buildings.modelling.rows import DailyModel, HourlyModel, Model
from dure.services.buildings.modelling.seasons import Seasonal
from dure.services.buildings.modelling.towt import Towt

Kind = Literal["hourly", "daily", "billing"]
KINDS: tuple[Kind, ...] = ("hourly", "daily", "billing")
DIGITS = 8  # significant, of coefficients


def words_of(model: Model) -> dict[str, Any]:
    """A model as JSON values."""
    if isinstance(model, HourlyModel):
        return _hourly(model.hourly)
    if isinstance(model, DailyModel):
        return _daily(model.seasonal)
    if isinstance(model, BilledModel):
        return _billing(model.change_point)
    raise TypeError(type(model))


def model_of(words: Mapping[str, Any]) -> Model:
    """The model that JSON values tell."""
    if words["kind"] == "hourly":
        return _hourly_of(words)
    return _daily_of(words) if words["kind"] == "daily" else _billing_of(words)


def kept(model: Model) -> Model:
    """The model as it will be read again: its numbers rounded as the JSON has them."""
    return model_of(words_of(model))


def _hourly(model: Towt) -> dict[str, Any]:
    return {
        "kind": "hourly",
        "knots": _list(model.knots),
        "occupied": "".join("1" if one else "0" for one in model.occupied),
        "levels": [_list(row) for row in model.levels],
        "beta": [[_list(row) for row in month] for month in model.beta],
        "seen": "".join("1" if one else "0" for one in model.seen),
        "n": int(model.n),
        "coefficients": int(model.coefficients),
    }


def _hourly_of(words: Mapping[str, Any]) -> HourlyModel:
    return HourlyModel(
        Towt(
            knots=_array(words["knots"]),
            occupied=np.array([one == "1" for one in words["occupied"]], bool),
            levels=_array(words["levels"]),
            beta=_array(words["beta"]),
            seen=np.array([one == "1" for one in words["seen"]], bool),
            n=words["n"],
            coefficients=words["coefficients"],
        )
    )


def _daily(model: Seasonal) -> dict[str, Any]:
    return {
        "kind": "daily",
        "split": model.split,
        "model_of_cell": [int(one) for one in model.model_of_cell],
        "shapes": [_list(row) for row in model.shapes],
        "cuts": _list(model.cuts),
        "coefficients": int(model.coefficients),
        "n": int(model.n),
        "sse": _number(model.sse),
    }


def _daily_of(words: Mapping[str, Any]) -> DailyModel:
    return DailyModel(
        Seasonal(
            split=words["split"],
            model_of_cell=np.array(words["model_of_cell"], np.int64),
            shapes=_array(words["shapes"]),
            cuts=np.array([math.inf if one is None else one for one in words["cuts"]], float),
            coefficients=words["coefficients"],
            n=words["n"],
            sse=_read(words["sse"]),
        )
    )


def _billing(model: ChangePoint) -> dict[str, Any]:
    return {
        "kind": "billing",
        "shape": model.kind,
        "intercept": _number(model.intercept),
        "beta_hdd": _number(model.beta_hdd),
        "beta_cdd": _number(model.beta_cdd),
        "heating_balance_point": _number(model.heating_balance_point),
        "cooling_balance_point": _number(model.cooling_balance_point),
        "r_squared_adj": _number(model.r_squared_adj),
        "sse": _number(model.sse),
        "n": int(model.n),
    }


def _billing_of(words: Mapping[str, Any]) -> BilledModel:
    numbers = {
        name: _read(words[name])
        for name in (
            "intercept",
            "beta_hdd",
            "beta_cdd",
            "heating_balance_point",
            "cooling_balance_point",
            "r_squared_adj",
            "sse",
        )
    }
    return BilledModel(ChangePoint(kind=words["shape"], n=words["n"], **numbers))


def _list(values: Any) -> list[float | None]:
    return [_number(float(one)) for one in values]


def _array(values: Any) -> np.ndarray:
    return np.array(values, float)


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _read(value: float | None) -> float:
    return math.nan if value is None else float(value)
