"""A building's intensity in a normal year's weather, where its meters have models of a whole year. Blocks.

Models are fitted anew every night and are not in two times: this stands beside a figure on screens, never in a filing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.expected import expected_of_days, known_sum
from dure.services.buildings.baselines.normal_year import known_years, normal_use
from dure.services.buildings.baselines.weather_years import WeatherYears
from dure.services.buildings.comparing.eui import Eui, no_model
from dure.services.buildings.comparing.spans import first_day, shifted
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months import month_records

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.baselines.models import Kind
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

KINDS: tuple[Kind, ...] = ("daily", "billing")


class Normal(msgspec.Struct, frozen=True):
    """Intensity in normal weather [kWh/m2], and how much of the energy has a model [1]; the rest is taken as it was."""

    kwh_m2: float
    modelled_share: float


def in_normal_weather(found: Eui, energy_wh: Mapping[str, int], indices: Mapping[str, float]) -> Normal | Refused:
    """The intensity with each meter's energy over its weather index. Pure.

    Parameters
    ----------
    energy_wh : final energy of each main meter in the span [Wh]
    indices : use the model expects in this weather over that in a normal one, by meter [1], > 0
    """
    modelled = sum(energy for meter, energy in energy_wh.items() if meter in indices)
    if modelled <= 0 or found.energy_wh <= 0:
        return no_model()
    change = sum(energy / indices[meter] - energy for meter, energy in energy_wh.items() if meter in indices)
    return Normal((found.energy_wh + change) / 1_000 / found.area_m2, modelled / found.energy_wh)


def normal_intensity(house: House, connection: Connection, sites: Sites, found: Eui) -> Normal | Refused:
    """The intensity of a building in normal weather; ``eui.no_model`` where none of its meters has a model of a year."""
    meters = [one for one in sites.meters_of(found.building) if one.part == "main" and SUPPLIES[one.fuel].energy]
    rules = baseline_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    first, end = first_day(found.first), first_day(shifted(found.last, 1))
    indices: dict[str, float] = {}
    years = WeatherYears(house, rules)
    building = sites.buildings[found.building]
    for (meter, _), one in model_records.standing(connection, {each.id for each in meters}, KINDS).items():
        if one.fit.fitted and not one.fit.short and meter not in indices:
            own, model = years.span(building, first, end), one.fit.of_rows()
            here = known_sum(expected_of_days(model, own.temperature, (own.span, own.clock), rules), rules.span_share_min)
            usual = normal_use(model, known_years(years.normal(building, first, end), rules), rules)
            if here and usual and here > 0 and usual > 0:
                indices[meter] = here / usual
    if not indices:
        return no_model()
    return in_normal_weather(found, _energy(connection, found, {one.id for one in meters}), indices)


def _energy(connection: Connection, found: Eui, meters: set[str]) -> dict[str, int]:
    """Final energy of each meter, its share of the fuel's by amount [Wh]."""
    amounts: dict[str, dict[str, int]] = {}
    for use in month_records.find(connection, found.first, found.last, meters=sorted(meters)):
        of_fuel = amounts.setdefault(use.fuel, {})
        of_fuel[use.meter] = of_fuel.get(use.meter, 0) + use.amount
    return {
        meter: round(found.by_fuel.get(fuel, 0) * amount / whole)
        for fuel, of_fuel in amounts.items()
        if (whole := sum(of_fuel.values())) > 0
        for meter, amount in of_fuel.items()
    }
