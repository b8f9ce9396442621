"""Nouns of public buildings: kinds of asset, the supplies they are served by, the properties meters observe.

A *register* is what a meter's counter shows; a *use* is what passed it in the interval that begins at the observation's
phenomenon time. Both are whole numbers of the supply's book unit (`reads.model`). Words of the field: docs/glossary.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dure.core.assets import AssetKind
from dure.core.properties import Property
from dure.core.text import Text
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.reads.model import Book

SERVICE = "buildings"
RETENTION_D = 3_660  # ten years: a baseline of 2007-09 is filed in 2030 from months, and intervals serve measures and audits


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """What a meter counts.

    Attributes
    ----------
    id : a fuel of bills and files; gas is kept in litres as the meter counts it, and in kJ as it is billed
    use : property of the amount of an interval; register : property of the counter, None when nothing counts on
    book : unit of both
    factor : `kind` of its emission factor (rules/factors.toml); empty: it emits nothing where it is used
    energy : whether it counts as energy used (water and generation do not)
    sign : -1 for what the building generates itself
    """

    id: Fuel
    name: Text
    book: Book
    use: str
    register: str | None = None
    factor: str = ""
    energy: bool = True
    sign: int = 1


# fmt: off
SUPPLIES: Mapping[Fuel, Supply] = {one.id: one for one in (
    Supply(id="electricity", name=Text("전기", "Electricity"), book="Wh", use="electricity_use",
           register="electricity_register", factor="electricity"),
    Supply(id="city_gas", name=Text("도시가스", "City gas"), book="kJ", use="gas_energy_use", factor="city_gas_lng"),
    Supply(id="heat", name=Text("지역난방", "District heat"), book="Wh", use="heat_use", register="heat_register",
           factor="district_heat"),
    Supply(id="lpg", name=Text("LPG", "LPG"), book="g", use="lpg_use", factor="propane"),
    Supply(id="kerosene", name=Text("등유", "Kerosene"), book="L", use="kerosene_use", factor="kerosene"),
    Supply(id="diesel", name=Text("경유", "Diesel oil"), book="L", use="diesel_use", factor="diesel"),
    Supply(id="fuel_oil_bc", name=Text("중유(벙커C유)", "Fuel oil (Bunker C)"), book="L", use="fuel_oil_use",
           factor="fuel_oil_bc"),
    Supply(id="pv", name=Text("태양광 발전", "Solar generation"), book="Wh", use="pv_generation", register="pv_register",
           energy=False, sign=-1),
    Supply(id="water", name=Text("수도", "Water"), book="L", use="water_use", register="water_register", energy=False),
)}
GAS_VOLUME = Supply(id="city_gas", name=Text("도시가스(부피)", "City gas by volume"), book="L", use="gas_use",
                    register="gas_register", factor="city_gas_lng")
"""Gas as its meter counts it; `SUPPLIES["city_gas"]` is gas as it is billed, in energy."""
ALL_SUPPLIES: tuple[Supply, ...] = (*SUPPLIES.values(), GAS_VOLUME)
SUPPLY_OF_USE: Mapping[str, Supply] = {one.use: one for one in ALL_SUPPLIES}
SUPPLY_OF_REGISTER: Mapping[str, Supply] = {one.register: one for one in ALL_SUPPLIES if one.register}

DEFINITION = "definition"
_BOOK_UNITS: Mapping[Book, str] = {"Wh": "Wh", "L": "L", "kJ": "kJ", "g": "g"}
_USE_MAX = 1e12  # a corrected interval may also be given back
# fmt: on


def _use(supply: Supply) -> Property:
    name = Text(f"{supply.name.ko} 구간 사용량", f"{supply.name.en}, use of an interval")
    if supply.sign < 0:
        name = Text(f"{supply.name.ko} 구간 발전량", f"{supply.name.en}, of an interval")
    return Property(
        id=supply.use,
        name=name,
        unit=_BOOK_UNITS[supply.book],
        fail_min=-_USE_MAX,
        fail_max=_USE_MAX,
        period_s=3_600,
        aggregate="sum",
        decimals=0,
        retention_d=RETENTION_D,
        source=DEFINITION,
    )


def _register(supply: Supply) -> Property:
    return Property(
        id=supply.register or "",
        name=Text(f"{supply.name.ko} 계량기 지침", f"{supply.name.en}, register"),
        unit=_BOOK_UNITS[supply.book],
        fail_min=0,
        fail_max=9e15,
        period_s=3_600,
        decimals=0,
        retention_d=RETENTION_D,
        source=DEFINITION,
    )


PROPERTIES: tuple[Property, ...] = (
    *(_use(one) for one in ALL_SUPPLIES),
    *(_register(one) for one in ALL_SUPPLIES if one.register),
)

KINDS: tuple[AssetKind, ...] = (
    AssetKind("building", Text("공공건물", "Public building"), SERVICE, ()),
    AssetKind("meter", Text("계량기", "Meter"), SERVICE, tuple(one.id for one in PROPERTIES), public=False),
)


class Building(msgspec.Struct, frozen=True, kw_only=True):
    """A building as the register has it (`attributes` of an asset of kind ``building``; see `sites.building_of`).

    Attributes
    ----------
    use : what it serves: office, school, library, welfare, sports, culture, health, other (rules/comparing.toml)
    area_m2 : gross floor area [m2]; changes are dated rows of `areas` ((day, m2), ...), the last one in force counts
    body : the public body that files for it
    region : where legal targets and peers differ by region
    built : year of completion; None: not known
    people : who use it on a usual day; a site of few is not published by itself (rules/publishing.toml); None: not known
    parcel : the parcel number it stands on
    station : station whose weather is its own; empty: the nearest with air temperature
    """

    id: str
    lon: float
    lat: float
    name: Text
    use: str = "other"
    area_m2: float = 0.0
    areas: tuple[tuple[str, float], ...] = ()
    body: str = ""
    region: str = ""
    built: int | None = None
    people: int | None = None
    parcel: str = ""
    station: str = ""
    zone: str = ""
    demo: bool = False


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A meter as the register has it; its asset's parent is the building it serves (see `sites.meter_of`).

    Attributes
    ----------
    fuel : of `SUPPLIES`; `volume` gas that is counted in litres, not in energy
    building : asset id of the building
    part : main counts for the building; sub is part of a main meter and never added to it
    supplier, branch : who delivers; a heat factor holds for one branch
    rate_max_per_h, register_size, resolution : of `reads.model.Register` [book unit]
    number : the customer or meter number that stands on bills
    formula : signed terms of a virtual meter (``{"meter-a": 1, "meter-b": -1}``); empty: a real one
    """

    id: str
    building: str
    fuel: Fuel
    volume: bool = False
    part: str = "main"
    supplier: str = ""
    branch: str = ""
    rate_max_per_h: int = 1_000_000_000
    register_size: int = 0
    resolution: int = 1
    number: str = ""
    formula: Mapping[str, int] = {}
    demo: bool = False

    @property
    def supply(self) -> Supply:
        """What it counts."""
        return GAS_VOLUME if self.volume and self.fuel == "city_gas" else SUPPLIES[self.fuel]


Facts = dict[str, Any]
