"""Observations: newest values, history by page, roll-ups."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import may
from dure.core.errors import InputError, NotFound, TooLarge
from dure.core.time import Interval, format_instant, from_us, to_us
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import (
    PAGE_MAX,
    SERIES_MAX,
    AsOf,
    Boxed,
    CheckedRoute,
    ObservationId,
    OfSeries,
    Paged,
    Spanned,
    box,
    ids,
    instant_us,
    observation_id,
    span,
)
from dure.web.api.sight import Sight, in_box
from dure.web.api.values import PUBLIC_FLAGS, Row, Value, row_of, shown, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dure.core.access import Actor
    from dure.core.assets import Asset
    from dure.core.observations import SeriesKey
    from dure.engines.telemetry.port import RollUpColumns
    from dure.spine.house import House

LONGEST = timedelta(days=3_660)
USUAL = timedelta(days=1)
PERIODS: dict[str, tuple[timedelta, timedelta]] = {  # period -> (its shortest length, the longest span in one request)
    "hour": (timedelta(hours=1), timedelta(days=400)),
    "day": (timedelta(days=1), timedelta(days=7_320)),
    "month": (timedelta(days=28), timedelta(days=36_600)),
}


class LatestQuery(OfSeries, Boxed):
    """Which newest values."""


class ObservationQuery(OfSeries, Spanned, AsOf, Paged):
    """Which observations."""


class RollUpQuery(Spanned, Paged):
    """Which roll-ups."""

    property: str = Field(max_length=64, description="The property.", examples=["air_temperature"])
    period: Literal["hour", "day", "month"] = Field("hour", description="UTC hours, days or months.")
    asset: list[str] = Field([], description="Asset ids, repeated or separated by commas; all when absent.")


class RollUp(msgspec.Struct, frozen=True):
    """One period of one series. Counts are by flag; total, mean, low and high are of rows with flag 1 or 3."""

    asset: str
    start: str
    n_good: int
    n_not_evaluated: int
    n_suspect: int
    n_fail: int
    n_missing: int
    total: float | None
    mean: float | None
    low: float | None
    high: float | None


class Observations:
    """The routes of what was observed."""

    def __init__(self, house: House, sight: Sight) -> None:
        self._house = house
        self._sight = sight

    async def of_asset(self, asset_id: str, actor: SeesPublicData) -> Response:
        """Newest value of each property of one asset."""
        asset = await self._sight.one(actor, asset_id)
        values = shown(self._house.live.of_asset(asset.id).values(), everything=may(actor, "read", "city_data"))
        return answer({"items": [value_of(one) for one in sorted(values, key=lambda one: one.property)]})

    async def latest(self, asked: Annotated[LatestQuery, Query()], actor: SeesPublicData) -> Response:
        """Newest values of the whole city, or of some properties, assets or a box."""
        assets = await self._sight.of(actor)
        bbox, wanted = box(asked.bbox), set(ids(asked.asset, "asset id"))
        live = self._house.live
        of_properties = self._properties(asked.property)
        values = [one for name in of_properties for one in live.of_property(name)] if of_properties else live.all()
        fit = shown(values, everything=may(actor, "read", "city_data"))
        return answer({"items": [value_of(one) for one in fit if _asked_for(one.asset, wanted, bbox, assets)]})

    async def history(self, request: Request, asked: Annotated[ObservationQuery, Query()], actor: SeesPublicData) -> Response:
        """Observations ordered by time, asset and property, page by page."""
        interval = span(asked.start, asked.end, self._house.clock.now(), usual=USUAL, longest=LONGEST)
        keys = await self._keys(asked, actor)
        position = None if asked.after is None else observation_id(asked.after)
        rows = await run_in_threadpool(
            self._house.telemetry.observations,
            keys,
            to_us(interval.start),
            to_us(interval.end),
            as_of_us=instant_us(asked.as_of, "as_of"),
            after=None if position is None else (position.time_us, position.asset, position.property),
            limit=asked.limit,
        )
        last = rows[-1] if len(rows) == asked.limit else None
        after = None if last is None else str(ObservationId(last.asset, last.property, to_us(last.phenomenon_time)))
        everything = may(actor, "read", "city_data")
        return page(request, [row_of(one) for one in rows if everything or one.flag in PUBLIC_FLAGS], after)

    async def rollups(self, request: Request, asked: Annotated[RollUpQuery, Query()], actor: SeesPublicData) -> Response:
        """Hourly, daily or monthly roll-ups of one property, asset by asset, page by page."""
        shortest, longest = PERIODS[asked.period]
        known = self._house.properties[asked.property]
        interval = span(asked.start, asked.end, self._house.clock.now(), usual=shortest * 24, longest=longest)
        assets = await self._of_property(asked.asset, known.id, actor)
        waiting = [one for one in assets if asked.after is None or one > asked.after]
        chosen = waiting[: max(1, asked.limit // _periods(interval, shortest))]
        after = chosen[-1] if len(chosen) < len(waiting) else None
        columns = await run_in_threadpool(
            self._house.telemetry.rollup, known.id, asked.period, to_us(interval.start), to_us(interval.end), assets=chosen
        )
        return page(request, _roll_ups(columns), after)

    def _properties(self, given: list[str]) -> list[str]:
        return [self._house.properties[one].id for one in ids(given, "property id")]

    async def _of_property(self, given: list[str], property_id: str, actor: Actor) -> list[str]:
        """Visible assets asked for, or all that have the property, in order of id."""
        seen = await self._sight.of(actor)
        wanted = ids(given, "asset id") or [one.asset for one in self._house.live.of_property(property_id)]
        return sorted(one for one in wanted if one in seen)

    async def _keys(self, asked: OfSeries, actor: Actor) -> list[SeriesKey]:
        """The series asked for that the caller may see; one of asset and property must be named."""
        properties, assets = self._properties(asked.property), ids(asked.asset, "asset id")
        if not properties and not assets:
            raise InputError("query.series_missing", "Name at least one asset or one property.")
        seen = await self._sight.of(actor)
        hidden = [one for one in assets if one not in seen]
        if hidden:
            raise NotFound("asset.unknown", f"The asset {hidden[0]!r} is not registered, or not public.")
        live = self._house.live
        if not assets:
            keys = [(one.asset, name) for name in properties for one in live.of_property(name) if one.asset in seen]
        else:
            keys = [(asset, name) for asset in assets for name in (properties or live.of_asset(asset))]
        if len(keys) > SERIES_MAX:
            raise TooLarge(
                "query.too_many_series", f"{len(keys):,} series are over {SERIES_MAX:,}. Name fewer, or use the exports."
            )
        return keys


def _asked_for(
    asset_id: str, wanted: set[str], bbox: tuple[float, float, float, float] | None, assets: Mapping[str, Asset]
) -> bool:
    asset = assets.get(asset_id)
    return asset is not None and (not wanted or asset_id in wanted) and (bbox is None or in_box(asset, bbox))


def _periods(interval: Interval, shortest: timedelta) -> int:
    return min(PAGE_MAX, interval.duration // shortest + 2)


def _roll_ups(columns: RollUpColumns) -> list[RollUp]:
    counts = (columns.n_good, columns.n_not_evaluated, columns.n_suspect, columns.n_fail, columns.n_missing)
    sums = (columns.total, columns.mean, columns.low, columns.high)
    return [
        RollUp(asset, format_instant(from_us(start)), *row[:5], *_finite(row[5:]))
        for asset, start, *row in zip(
            columns.asset, columns.start_us.tolist(), *(c.tolist() for c in counts), *(c.tolist() for c in sums), strict=True
        )
    ]


def _finite(numbers: Iterable[float]) -> list[float | None]:
    return [None if number != number else number for number in numbers]  # noqa: PLR0124  # NaN is the one value unlike itself


def routes(house: House, sight: Sight) -> APIRouter:
    """The routes of what was observed."""
    router = APIRouter(tags=["observations"], route_class=CheckedRoute)
    shown_by = Observations(house, sight)
    values = {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(Value)}}}
    router.get(
        "/assets/{asset_id}/latest", summary="Newest values of an asset", response_class=Response, responses=told(values, 404)
    )(shown_by.of_asset)
    router.get("/latest", summary="Newest values", response_class=Response, responses=told(values))(shown_by.latest)
    router.get("/observations", summary="Observations", response_class=Response, responses=told(page_schema(Row), 404, 413, 503))(
        shown_by.history
    )
    router.get("/rollups", summary="Roll-ups", response_class=Response, responses=told(page_schema(RollUp), 404, 503))(
        shown_by.rollups
    )
    return router
