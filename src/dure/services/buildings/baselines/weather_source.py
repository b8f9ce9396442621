"""The weather of a span, read from the register and the telemetry; any asset that observes air temperature serves. Blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.engines.records import assets
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.weather import TEMPERATURE, Sky, Weather, sky_of, weather_at

if TYPE_CHECKING:
    from dure.emissions.conversion import Refused
    from dure.services.buildings.model import Building
    from dure.spine.house import House


def read_sky(house: House, span_us: tuple[int, int]) -> Sky:
    """What all stations know of the hours of a span."""
    rows = house.telemetry.rollup(TEMPERATURE, "hour", *span_us)
    with house.records.read() as connection:
        known = assets.find(connection, set(rows.asset))
    places = {name: one.place.point for name, one in known.items() if one.place is not None}
    return sky_of(rows, places, span_us)


def read_weather(house: House, building: Building, span_us: tuple[int, int]) -> Weather | Refused:
    """The temperature of a building in a span, or why it is not known."""
    rules = baseline_rules(house.clock.now().date(), house.city.folder)
    return weather_at(building, read_sky(house, span_us), rules)
