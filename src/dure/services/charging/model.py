"""Nouns of EV charging: kinds of asset, and the registers and powers that sites observe.

A *register* only counts up; what passed in an interval is the difference of two reads. Power is positive where the asset
consumes; at the grid meter positive is import, at a generator the power it gives is told as a positive number of its own
property. Words of the field: docs/glossary.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dure.core.assets import AssetKind
from dure.core.properties import Property
from dure.core.text import Text

SERVICE = "charging"
RETENTION_D = 3_660  # ten years: a renewable claim is audited from its reads
DEFINITION = "definition"
WH_MAX = 9e15

Version = Literal["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
VERSIONS: tuple[Version, ...] = ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")  # as offered, newest first


def _register(name: str, ko: str, en: str) -> Property:
    return Property(
        id=name, name=Text(ko, en), unit="Wh", fail_min=0, fail_max=WH_MAX, period_s=60, decimals=0, retention_d=RETENTION_D,
        source=DEFINITION,
    )  # fmt: skip


def _power(name: str, ko: str, en: str, least: float = 0) -> Property:
    return Property(
        id=name, name=Text(ko, en), unit="W", fail_min=least, fail_max=1e8, period_s=60, decimals=0, retention_d=400,
        source=DEFINITION,
    )  # fmt: skip


def _fraction(name: str, ko: str, en: str) -> Property:
    return Property(
        id=name, name=Text(ko, en), unit="1", fail_min=0, fail_max=1, period_s=60, decimals=3, retention_d=400, source=DEFINITION,
    )  # fmt: skip


PROPERTIES: tuple[Property, ...] = (
    _register("evse_register", "충전구 전력량 지침", "EVSE, energy delivered to vehicles, register"),
    _register("evse_return_register", "충전구 역방향 전력량 지침", "EVSE, energy taken back from vehicles, register"),
    _power("evse_power", "충전구 전력", "EVSE, power to the vehicle", least=-1e8),
    _fraction("vehicle_soc", "차량 충전율", "Vehicle, state of charge"),
    _register("solar_register", "태양광 발전량 지침", "Solar generator, energy generated, register"),
    _power("solar_power", "태양광 출력", "Solar generator, power"),
    _register("storage_charge_register", "저장장치 충전량 지침", "Storage, energy taken in, register"),
    _register("storage_discharge_register", "저장장치 방전량 지침", "Storage, energy given out, register"),
    _fraction("storage_soc", "저장장치 충전율", "Storage, state of charge"),
    _power("storage_power", "저장장치 전력", "Storage, power taken in (negative: given out)", least=-1e8),
    _register("grid_import_register", "수전 전력량 지침", "Grid meter, import, register"),
    _register("grid_export_register", "송전 전력량 지침", "Grid meter, export, register"),
    _power("grid_power", "수전 전력", "Grid meter, power imported (negative: exported)", least=-1e8),
    _register("site_load_register", "부지 일반 부하 전력량 지침", "Other load of the site, register"),
    _power("site_load_power", "부지 일반 부하 전력", "Other load of the site, power"),
)

KINDS: tuple[AssetKind, ...] = (
    AssetKind("charging_site", Text("충전소", "Charging site"), SERVICE, ()),
    AssetKind("charger", Text("충전기", "Charger"), SERVICE, ()),
    AssetKind("evse", Text("충전구", "EVSE"), SERVICE, ("evse_register", "evse_return_register", "evse_power", "vehicle_soc")),
    AssetKind("pv", Text("태양광 발전기", "Solar generator"), SERVICE, ("solar_register", "solar_power")),
    AssetKind(
        "ess",
        Text("에너지저장장치", "Energy storage"),
        SERVICE,
        ("storage_charge_register", "storage_discharge_register", "storage_soc", "storage_power"),
    ),
    AssetKind(
        "grid_meter",
        Text("수전 계량기", "Grid meter of a site"),
        SERVICE,
        ("grid_import_register", "grid_export_register", "grid_power", "site_load_register", "site_load_power"),
        public=False,
    ),
    AssetKind("feeder", Text("배전선로", "Feeder"), SERVICE, (), public=False),
)


class Charger(msgspec.Struct, frozen=True, kw_only=True):
    """A charging station as the register has it; its OCPP identity is the id of its device.

    Attributes
    ----------
    site : asset id of the charging site, its parent
    identity : its OCPP identity; empty while it has no device
    versions : of OCPP it may speak
    security_profile : 1, 2 or 3; a station that comes with another is refused
    power_w : all its EVSEs together at most
    keeps_log : whether its messages are kept on the disk, without secrets
    """

    id: str
    site: str
    name: Text
    identity: str = ""
    versions: tuple[Version, ...] = VERSIONS
    security_profile: int = 1
    serial: str = ""
    power_w: float = 0.0
    keeps_log: bool = False
    demo: bool = False


class Evse(msgspec.Struct, frozen=True, kw_only=True):
    """One place at a charger where one vehicle charges at a time.

    Attributes
    ----------
    charger : asset id of its charger, its parent; number : its EVSE id there, from 1 (connectorId of OCPP 1.6)
    phases : the phases of the site its own are connected to, in their order: (1, 2, 3), (2,), …; none: direct current
    min_a : least current per phase at which a vehicle charges [A]
    v2g : it can take energy back from a vehicle
    """

    id: str
    charger: str
    number: int
    name: Text
    connector: str = "type2"
    power_w: float = 7_000.0
    phases: tuple[int, ...] = (1,)
    min_a: float = 6.0
    v2g: bool = False


class Storage(msgspec.Struct, frozen=True, kw_only=True):
    """Storage of a site: capacity [Wh], power [W], efficiency of each way 0..1, what must stay in it, what cycling costs."""

    id: str
    site: str
    capacity_wh: float
    charge_w: float
    discharge_w: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    reserve_fraction: float = 0.0
    wear_won_kwh: float = 15.0


class Solar(msgspec.Struct, frozen=True, kw_only=True):
    """A solar generator of a site: peak power [W], tilt and azimuth [deg]; `owner` sells what it generates."""

    id: str
    site: str
    peak_w: float
    tilt: float = 30.0
    azimuth: float = 180.0
    owner: str = ""


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A charging site as the register has it, with what stands on it.

    Attributes
    ----------
    contract_w : most it may draw from the grid
    tariff : of rules/tariffs.toml, what it pays for the grid's energy
    price : of rules/prices.toml, what drivers pay
    grid_to_ess : whether storage may be charged from the grid (a licence to sell stored renewable power says no)
    direct_supply : its own generators supply it without the power market
    behind_meter : ``BUILDING/METER`` where it hangs behind a building's meter, so that one kWh is not claimed of both
    v2g : whether vehicles may give energy back
    phase_a : most current per phase of its connection [A]; 0: not limited by phase
    zone_word : zone of the city it lies in
    """

    id: str
    name: Text
    lon: float
    lat: float
    contract_w: float
    tariff: str = ""
    price: str = ""
    operator: str = ""
    generator: str = ""
    feeder: str = ""
    grid_to_ess: bool = False
    direct_supply: bool = True
    behind_meter: str = ""
    v2g: bool = False
    phase_a: float = 0.0
    voltage_v: float = 220.0
    stops_at_80: bool = False
    stops_at_90: bool = False
    demo: bool = False
    chargers: tuple[Charger, ...] = ()
    evses: tuple[Evse, ...] = ()
    solar: tuple[Solar, ...] = ()
    storage: tuple[Storage, ...] = ()
    meter: str = ""

    def evse_of(self, charger: str, number: int) -> Evse | None:
        """The EVSE with that number at a charger."""
        return next((one for one in self.evses if one.charger == charger and one.number == number), None)


class Feeder(msgspec.Struct, frozen=True, kw_only=True):
    """A line that several sites share, and the most they may draw together [W]."""

    id: str
    name: Text
    limit_w: float
