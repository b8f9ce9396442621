"""What a plan was made from, as values that can be kept, sent to another process, and planned from again."""

from __future__ import annotations

import hashlib
import zlib
from datetime import date

import msgspec
import numpy as np

from dure.core.errors import Corrupt
from dure.routing.model import Budget
from dure.services.waste.bins import Depot, DumpSite, Fleet, Truck
from dure.services.waste.model import Bin, Forecast, Health
from dure.services.waste.planning.day import Day, Travel, Underway
from dure.services.waste.planning.detours import Learnt
from dure.services.waste.planning.edits import Edit, with_edits
from dure.services.waste.planning.policy import Policy
from dure.services.waste.planning.rests import Rest
from dure.services.waste.planning.selection import Wishes

_PACKED = msgspec.msgpack.Encoder(order="sorted")


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """A forecast as plain columns (see `model.Forecast`)."""

    bins: tuple[str, ...]
    level: list[float]
    low: list[float]
    high: list[float]
    risk: list[float]
    per_day: list[float]
    age_d: list[float]
    health: tuple[Health, ...]


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a plan depends on but the roads, of which `graph_version` is the name ("": estimated).

    `before` is the id of the plan the search began with, `keep` whether stops stay with their trucks, `each` the budget of a
    point of the frontier.
    """

    on: date
    bins: tuple[Bin, ...]
    forecast: Columns
    trucks: tuple[Truck, ...]
    depots: tuple[Depot, ...]
    dumps: tuple[DumpSite, ...]
    policy: Policy
    rests: tuple[Rest, ...]
    wishes: Wishes
    edits: tuple[Edit, ...] = ()
    underway: tuple[Underway, ...] = ()
    learnt: Learnt = Learnt()
    now_s: int = 0
    graph_version: str = ""
    budget: Budget = Budget(iterations=0)
    each: Budget | None = None
    before: str = ""
    keep: bool = False


def columns_of(forecast: Forecast) -> Columns:
    """The forecast as columns."""
    return Columns(
        bins=forecast.bins,
        level=forecast.level.tolist(),
        low=forecast.low.tolist(),
        high=forecast.high.tolist(),
        risk=forecast.risk.tolist(),
        per_day=forecast.per_day.tolist(),
        age_d=forecast.age_d.tolist(),
        health=forecast.health,
    )


def forecast_of(columns: Columns) -> Forecast:
    """The forecast of columns."""
    arrays = {name: np.array(getattr(columns, name), np.float64) for name in ("level", "low", "high", "risk", "per_day", "age_d")}
    return Forecast(bins=columns.bins, health=columns.health, **arrays)


def day_of(inputs: Inputs, travel: Travel, profiles: frozenset[str] | None = None) -> Day:
    """The day to be planned, its edits applied."""
    day = Day(
        on=inputs.on,
        bins=inputs.bins,
        forecast=forecast_of(inputs.forecast),
        fleet=Fleet(list(inputs.trucks), list(inputs.depots), list(inputs.dumps), []),
        policy=inputs.policy,
        rests=inputs.rests,
        wishes=inputs.wishes,
        underway=inputs.underway,
        now_s=inputs.now_s,
        learnt=inputs.learnt,
        travel=travel,
        profiles=profiles,
    )
    return with_edits(day, inputs.edits)


def packed(value: msgspec.Struct) -> bytes:
    """A value as few bytes; equal values give equal bytes."""
    return zlib.compress(_PACKED.encode(value), 6)


def inputs_of(data: bytes) -> Inputs:
    """The inputs of `packed` ones.

    Raises
    ------
    Corrupt : ``plan.corrupt``
    """
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=Inputs)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise Corrupt("plan.corrupt", f"The inputs of a plan cannot be read: {error}. Make the plan anew.") from error


def digest(inputs: Inputs) -> str:
    """SHA-256 of the inputs."""
    return hashlib.sha256(_PACKED.encode(inputs)).hexdigest()
