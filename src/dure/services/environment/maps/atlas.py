"""The city's maps: made when somebody asks, kept until a value changes, one at a time however many ask.

Only stations that are live, public, in time and good (flag 1) make a map, so one map serves everyone. Suspect values (flag 3) are
shown as numbers elsewhere but left out here: one wild value would colour a whole quarter.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import structlog

from dure.core.errors import EngineError
from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import US_PER_S, day_of, to_us
from dure.services.environment.maps.surface import Mapper, NoSurface, Surface
from dure.services.environment.maps.surface_classes import Band, even, graded, quantiles
from dure.services.environment.maps.surface_grid import Grid, grid_of_stations, grid_of_zones
from dure.services.environment.maps.surface_rules import Mapped, SurfaceRules, surface_rules
from dure.services.environment.maps.variogram import Fitted, fit, of_moments
from dure.services.environment.model import SILENT_AFTER_PERIODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray
    from starlette.requests import Request

    from dure.core.assets import Asset
    from dure.core.properties import Property
    from dure.spine.house import House
    from dure.spine.live import LiveValue

log = structlog.get_logger("dure.environment.atlas")

HOUR_US = 3_600 * US_PER_S

# Why a station is not used; the first that applies is told.
LEFT_OUT: dict[str, Text] = {
    "on_trial": Text("새 장치라 시험 중입니다.", "It is new and on trial."),
    "no_place": Text("위치를 모릅니다.", "Its place is not known."),
    "too_far": Text("도시에서 너무 멉니다.", "It is too far from the city."),
    "late": Text("값이 와야 할 때가 지났습니다.", "Its values are overdue."),
    "missing": Text("장치가 값이 없다고 알렸습니다.", "The device says that there is no value."),
    "failed": Text("사실일 수 없는 값입니다.", "Its value cannot be true."),
    "suspect": Text(
        "드문 값이라 확인될 때까지 지도에 쓰지 않습니다.", "Its value is unlikely: not used on the map until it is confirmed."
    ),
    "not_evaluated": Text("아직 평가하지 않은 값입니다.", "Its value has not been evaluated yet."),
}
FLAG_CODES = {Flag.MISSING: "missing", Flag.FAIL: "failed", Flag.SUSPECT: "suspect", Flag.NOT_EVALUATED: "not_evaluated"}
NONE: dict[str, Text] = {
    "too_few_stations": Text("쓸 수 있는 측정소가 너무 적습니다.", "Too few stations can be used."),
}


class Standpoint(msgspec.Struct, frozen=True):
    """A station that could make the map. `code` says why it does not now, empty when it does."""

    asset: Asset
    value: LiveValue
    public: bool
    code: str


class Sheet(msgspec.Struct, frozen=True, eq=False):
    """A map with all that explains it; where there is none, `surface` is a `NoSurface` and `why_not` says why."""

    property: Property
    grid: Grid | None
    surface: Surface | NoSurface
    stations: list[Standpoint]
    fitted: Fitted | None
    bands: list[Band]
    sd_bands: list[Band]
    at_us: int | None
    made_us: int
    tag: str
    why_not: Text | None = None


class Atlas:
    """The maps of one house by property."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._locks: dict[str, asyncio.Lock] = {}
        self._sheets: dict[str, Sheet] = {}
        self._drafts: dict[str, _Draft] = {}
        self._grid: Grid | None = None
        self.made = 0  # maps computed since the start

    def rules(self) -> SurfaceRules:
        """The rules in force today."""
        house = self._house
        return surface_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)

    async def sheet(self, known: Property, assets: Mapping[str, Asset]) -> Sheet:
        """The map of a property from the register's assets; who asks while it is made waits for it."""
        async with self._locks.setdefault(known.id, asyncio.Lock()):
            now = self._house.clock.now()
            rules = self.rules()
            kept = self._sheets.get(known.id)
            if kept is not None and to_us(now) - kept.made_us < rules.drawing.refresh_s * US_PER_S:
                return kept
            sheet = await asyncio.to_thread(self._sheet, known, assets, rules, now)
            self._sheets[known.id] = sheet
            return sheet

    def _sheet(self, known: Property, assets: Mapping[str, Asset], rules: SurfaceRules, now: datetime) -> Sheet:
        stations = self._stations(known, assets, rules, to_us(now))
        used = [one for one in stations if not one.code]
        at_us = max((one.value.time_us for one in used), default=None)
        tag = _tag(known.id, stations, assets)
        kept = self._sheets.get(known.id)
        draft = self._drafts.get(known.id)
        if kept is not None and kept.tag == tag and draft is not None and not draft.is_due(rules, to_us(now)):
            return msgspec.structs.replace(kept, made_us=to_us(now))
        empty = Sheet(known, None, NoSurface("not_mapped", 0, 0), stations, None, [], [], at_us, to_us(now), tag)
        mapped = rules.mapped.get(known.id)
        if mapped is None:
            return msgspec.structs.replace(empty, why_not=rules.why_not(known.id))
        able = [one for one in stations if one.code not in {"on_trial", "no_place", "too_far"}]
        if len(able) < rules.neighbours.sites_min:
            none = NoSurface("too_few_stations", len(used), rules.neighbours.sites_min)
            return msgspec.structs.replace(empty, surface=none, why_not=NONE[none.code])
        return self._drawn(empty, able, mapped, rules)

    def _drawn(self, empty: Sheet, able: list[Standpoint], mapped: Mapped, rules: SurfaceRules) -> Sheet:
        draft = self._drafts.get(empty.property.id)
        places = [one.asset.place.point for one in able if one.asset.place is not None]
        lonlat = np.array([(place.lon, place.lat) for place in places])
        names = tuple(one.asset.id for one in able)
        if draft is None or draft.is_due(rules, empty.made_us) or not draft.holds(names, lonlat):
            draft = self._draft(empty, names, lonlat, able, rules)
            self._drafts[empty.property.id] = draft
        values = np.array([_number(one) for one in able])
        surface = draft.mapper.surface(values, mapped.least, mapped.most)
        self.made += 1
        if isinstance(surface, NoSurface):
            return msgspec.structs.replace(
                empty, grid=draft.grid, surface=surface, fitted=draft.fitted, why_not=NONE[surface.code]
            )
        return msgspec.structs.replace(
            empty,
            grid=draft.grid,
            surface=surface,
            fitted=draft.fitted,
            bands=_bands(empty.property, surface, rules),
            sd_bands=even(float(surface.sd.max()), rules.legend.uncertainty),
        )

    def _draft(
        self, empty: Sheet, names: tuple[str, ...], lonlat: NDArray[np.float64], able: list[Standpoint], rules: SurfaceRules
    ) -> _Draft:
        """Everything of a map but the values: the grid, the variogram and the solved weights."""
        grid = self._grid_of(lonlat, rules)
        xy = grid.plane.xy(*lonlat.T)
        before = self._drafts.get(empty.property.id)
        if before is not None and not before.is_due(rules, empty.made_us):
            fitted, fitted_us = before.fitted, before.fitted_us
        else:
            history = self._hours(empty.property.id, names, rules, empty.made_us)
            now = np.array([_number(one) for one in able])
            usual = rules.mapped[empty.property.id].usual
            fitted = fit(xy, history if len(history) else now, rules.fitting.fit_rule, usual)
            if len(history):
                fitted = of_moments(fitted, now, history[-1])
            fitted_us = empty.made_us
        near, believed = rules.neighbours.neighbourhood, rules.believed.reliability
        mapper = Mapper(xy, grid.xy, fitted.variogram, believed, near, fitted.field_sd)
        return _Draft(names, lonlat, grid, mapper, fitted, fitted_us)

    def _grid_of(self, lonlat: NDArray[np.float64], rules: SurfaceRules) -> Grid:
        city, drawing = self._house.city, rules.drawing
        if not city.zones:
            return grid_of_stations(lonlat, drawing.margin_m, drawing.cell_m, drawing.cells_max)
        if self._grid is None:
            self._grid = grid_of_zones(city.bounds, [one.place for one in city.zones], drawing.cell_m, drawing.cells_max)
        return self._grid

    def _hours(self, property_id: str, names: Sequence[str], rules: SurfaceRules, now_us: int) -> NDArray[np.float64]:
        """Hourly means of the last hours, (hours, stations); hours that hold suspect values are left out."""
        hours = rules.fitting.hours
        start_us = now_us // HOUR_US * HOUR_US - hours * HOUR_US
        found = np.full((hours, len(names)), np.nan)
        try:
            columns = self._house.telemetry.rollup(property_id, "hour", start_us, start_us + hours * HOUR_US, assets=list(names))
        except EngineError as error:
            log.warning("atlas.no_history", property=property_id, code=error.code)
            return np.empty((0, len(names)))
        station = {name: number for number, name in enumerate(names)}
        number = np.array([station[name] for name in columns.asset], np.intp)
        hour = (columns.start_us - start_us) // HOUR_US
        good = (columns.n_good > 0) & (columns.n_suspect == 0) & (hour >= 0) & (hour < hours)
        found[hour[good], number[good]] = columns.mean[good]
        known: NDArray[np.bool_] = np.isfinite(found).sum(axis=1) >= 3
        return np.compress(known, found, axis=0)

    def _stations(self, known: Property, assets: Mapping[str, Asset], rules: SurfaceRules, now_us: int) -> list[Standpoint]:
        house = self._house
        west, south, east, north = house.city.bounds
        margin = rules.drawing.reach_m / 111_195.0
        wide = margin / max(0.2, float(np.cos(np.radians((south + north) / 2))))
        found = []
        for value in sorted(house.live.of_property(known.id), key=lambda one: one.asset):
            asset = assets.get(value.asset)
            if asset is None or asset.state == "retired":
                continue
            kind_is_public = asset.kind not in house.kinds or house.kinds[asset.kind].public
            code = ""
            if asset.state != "live" or not kind_is_public:
                code = "on_trial"
            elif asset.place is None:
                code = "no_place"
            elif not (
                west - wide <= asset.place.point.lon <= east + wide and south - margin <= asset.place.point.lat <= north + margin
            ):
                code = "too_far"
            elif now_us - value.time_us > SILENT_AFTER_PERIODS * known.period_s * US_PER_S:
                code = "late"
            elif value.flag != Flag.GOOD or value.value is None:
                code = FLAG_CODES.get(Flag(value.flag), "missing")
            found.append(Standpoint(asset, value, asset.state == "live" and kind_is_public, code))
        return found


class _Draft(msgspec.Struct, frozen=True, eq=False):
    """What stays from map to map: stations, grid, variogram and solved weights."""

    names: tuple[str, ...]
    lonlat: NDArray[np.float64]
    grid: Grid
    mapper: Mapper
    fitted: Fitted
    fitted_us: int

    def is_due(self, rules: SurfaceRules, now_us: int) -> bool:
        """Whether the variogram is to be fitted again."""
        return now_us - self.fitted_us >= rules.fitting.every_s * US_PER_S

    def holds(self, names: tuple[str, ...], lonlat: NDArray[np.float64]) -> bool:
        """Whether the stations are the same, at the same places."""
        return names == self.names and np.array_equal(lonlat, self.lonlat)


def _number(one: Standpoint) -> float:
    return float("nan") if one.code or one.value.value is None else one.value.value


def _bands(known: Property, surface: Surface, rules: SurfaceRules) -> list[Band]:
    item = rules.graded.get(known.id)
    if item is not None:
        return graded(item, rules.grades, rules.legend.steps_per_grade)
    return quantiles(surface.estimate, rules.legend.quantiles, known.decimals)


def _tag(property_id: str, stations: Sequence[Standpoint], assets: Mapping[str, Asset]) -> str:
    """What decides a map: its stations with their places, values and codes."""
    words: list[Any] = [property_id]
    for one in stations:
        place = assets[one.asset.id].place
        words.append((one.asset.id, place.coordinates if place else None, one.value.time_us, one.value.value, one.code))
    return hashlib.sha256(repr(words).encode()).hexdigest()[:32]


def atlas_of(request: Request) -> Atlas:
    """The one atlas of the running app."""
    state = request.app.state
    if not hasattr(state, "atlas"):
        state.atlas = Atlas(state.house)
    atlas: Atlas = state.atlas
    return atlas


async def sheet_for(request: Request, known: Property) -> Sheet:
    """The map of a property as of now."""
    assets = await request.app.state.sight.of_filter(everything=True)
    return await atlas_of(request).sheet(known, assets)
