"""The rules of the maps as structs: rows of ``rules/surface.toml`` in force on a day, and the grades of the pack ``cai``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.services.environment.grades.air_index import Grade, Item
from dure.services.environment.maps.surface import Neighbourhood, Reliability
from dure.services.environment.maps.variogram import FitRule, Model, Usual
from dure.services.environment.rules import Rule, load_pack


class Drawing(Rule, frozen=True, kw_only=True):
    """Cells, which stations count, how often a map is made."""

    cell_m: float
    cells_max: int
    margin_m: float
    reach_m: float
    refresh_s: float


class Neighbours(Rule, frozen=True, kw_only=True):
    """Neighbours of a cell, places it takes to make a map, and how near two stations are one place."""

    neighbours: int
    sites_min: int
    merge_m: float

    @property
    def neighbourhood(self) -> Neighbourhood:
        """As the map takes it."""
        return Neighbourhood(neighbours=self.neighbours, sites_min=self.sites_min, merge_m=self.merge_m)


class Believed(Rule, frozen=True, kw_only=True):
    """Which cells are to be believed."""

    sd_share_max: float
    ranges_max: float

    @property
    def reliability(self) -> Reliability:
        """As the map takes it."""
        return Reliability(sd_share_max=self.sd_share_max, ranges_max=self.ranges_max)


class Fitting(Rule, frozen=True, kw_only=True):
    """When and from what a variogram is fitted."""

    hours: int
    every_s: float
    models: tuple[Model, ...]
    stations_min: int
    times_min: int
    pairs_min: int
    lags: int
    lag_share: float
    ranges: int
    range_m_min: float
    range_m_max: float
    gain_min: float
    nugget_share_max: float
    gaussian_nugget_min: float

    @property
    def fit_rule(self) -> FitRule:
        """As the fit takes it."""
        return FitRule(**{name: getattr(self, name) for name in FitRule.__struct_fields__})


class Mapped(Rule, frozen=True, kw_only=True):
    """A property that is mapped: its usual variogram, and its bounds."""

    model: Model
    range_m: float
    nugget_share: float
    sd: float
    least: float | None = None
    most: float | None = None

    @property
    def usual(self) -> Usual:
        """As the fit takes it."""
        return Usual(model=self.model, range_m=self.range_m, nugget_share=self.nugget_share, sd=self.sd)


class Unmapped(Rule, frozen=True, kw_only=True):
    """A property that is not mapped, and why."""

    why: Text


class Legend(Rule, frozen=True, kw_only=True):
    """How many classes a legend has."""

    steps_per_grade: int
    quantiles: int
    uncertainty: int


class SurfaceRules(msgspec.Struct, frozen=True, kw_only=True):
    """Every rule of the maps on one day. `graded` are the items that have grades."""

    drawing: Drawing
    neighbours: Neighbours
    believed: Believed
    fitting: Fitting
    legend: Legend
    mapped: dict[str, Mapped]
    unmapped: dict[str, Unmapped]
    graded: dict[str, Item]
    grades: tuple[Grade, ...]

    def why_not(self, property_id: str) -> Text:
        """Why a property is not mapped."""
        return (self.unmapped.get(property_id) or self.unmapped["*"]).why


def surface_rules(day: date, folder: Path | None = None) -> SurfaceRules:
    """The rules in force on a day, of a city's folder or as shipped.

    Raises
    ------
    ConfigError
        When a pack cannot be read or has no row in force; see `dure.services.environment.rules`
    """
    pack, air = load_pack("surface", folder), load_pack("cai", folder)
    return SurfaceRules(
        drawing=pack.row("drawing", "cells", Drawing, day),
        neighbours=pack.row("kriging", "neighbours", Neighbours, day),
        believed=pack.row("believed", "reliable", Believed, day),
        fitting=pack.row("fitting", "variogram", Fitting, day),
        legend=pack.row("classes", "legend", Legend, day),
        mapped={one.id: one for one in pack.rows("mapped", Mapped, day)},
        unmapped={one.id: one for one in pack.rows("unmapped", Unmapped, day)},
        graded={one.id: one for one in air.rows("items", Item, day)},
        grades=air.rows("grades", Grade, day),
    )
