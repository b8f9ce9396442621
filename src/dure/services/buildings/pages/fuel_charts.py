"""How fuels look and are named in charts, and the order they stand in: every chart of the service has the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.web.bar_charts import Series

if TYPE_CHECKING:
    from dure.web.i18n import Speech

# Colours are classes of static/buildings.css; patterns of `bar_charts.PATTERNS` tell fuels apart without colour.
FUEL_PATTERNS: Mapping[Fuel, str] = {
    "electricity": "plain",
    "city_gas": "hatch",
    "heat": "dots",
    "lpg": "cross",
    "kerosene": "rows",
    "diesel": "columns",
    "fuel_oil_bc": "grid",
    "pv": "back",
    "water": "waves",
}
FUEL_ORDER: tuple[Fuel, ...] = tuple(FUEL_PATTERNS)


def fuel_series(fuels: Iterable[str], say: Speech) -> list[Series]:
    """The series of these fuels, in the order all charts have."""
    wanted = set(fuels)
    return [Series(one, say.text(SUPPLIES[one].name), FUEL_PATTERNS[one]) for one in FUEL_ORDER if one in wanted]
