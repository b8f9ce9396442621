"""Nouns of waste collection: its kinds of asset, the properties they observe, and the values its modules exchange.

A fill level is a fraction of the bin's volume: 0 empty, 1 full to the brim; what lies beside the bin makes it exceed 1. A
"chance" is the next time a truck can come. Words of the field: docs/glossary.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.assets import AssetKind
from dure.core.properties import Property
from dure.core.text import Text

SERVICE = "waste"
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DEFINITION = "definition"
USUAL = "usual instrument span: to be confirmed"
DAY_S = 86_400

SightingKind = Literal["emptied", "level", "blocked", "broken", "report"]
Health = Literal["healthy", "silent", "stuck", "jumping", "blocked", "low_battery", "no_sensor", "contradicted", "not_compacting"]
AlarmKind = Literal["fire", "tilt", "hopper_jam"]


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """A bin as the register has it (`attributes` of an asset of kind ``bin``; see `bins.bin_of`).

    Attributes
    ----------
    stream : what goes in: general, recycling, food, ...; trucks take streams
    bin_class : bins that fill alike (a park, a market street); what one bin does not know yet it borrows from its class
    capacity_l : litres to the brim, loose; `compaction` how many times as much a compactor holds
    depth_m : from the ranging sensor down to the floor of the empty bin; `full_m` from the sensor to the surface when full
    deposit_l : litres of a usual deposit
    interval_d : the legal or agreed longest time between two emptyings [d]; None: none
    service_s : seconds to empty it
    """

    id: str
    lon: float
    lat: float
    stream: str = "general"
    bin_class: str = "street"
    capacity_l: float = 100.0
    compaction: float = 1.0
    depth_m: float | None = None
    full_m: float = 0.0
    deposit_l: float = 33.4
    density_kg_l: float = 0.1
    interval_d: float | None = None
    service_s: int = 120
    windows: tuple[tuple[int, int], ...] = ()
    skills: frozenset[str] = frozenset()
    zone: str = ""
    sensor: bool = True
    demo: bool = False


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What a person saw or did at a bin. `id` is given by who sends it: the same tap sent twice is one.

    `level` as seen before it was emptied, 0 to 1.25 (more than 1: overflow), None when nobody said.
    """

    id: str
    bin: str
    kind: SightingKind
    seen_at: datetime
    level: float | None = None
    received_at: datetime | None = None
    person: str = ""
    truck: str = ""
    plan: str = ""
    photo: str = ""
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


@dataclass(frozen=True)
class Forecast:
    """What is expected of n bins, at the moment the next plan begins and until the chance after it.

    Attributes
    ----------
    bins : ids, in the order of the arrays
    level : (n,) expected fill when a truck comes today
    low, high : (n,) the 80 % interval of it
    risk : (n,) probability that the bin passes its brim before the next chance after today [1]
    per_day : (n,) expected rise [1/d]
    age_d : (n,) days since the last thing anybody knew of the bin; nan: never
    health : of each bin's sensor
    """

    bins: tuple[str, ...]
    level: FloatArray
    low: FloatArray
    high: FloatArray
    risk: FloatArray
    per_day: FloatArray
    age_d: FloatArray
    health: tuple[Health, ...]


# fmt: off
def _row(id_: str, name: tuple[str, str], span: tuple[float, float], likely: tuple[float, float], source: str,
         **more: Any) -> Property:
    return Property(id=id_, name=Text(*name), unit=more.pop("unit", "1"), fail_min=span[0], fail_max=span[1],
                    suspect_min=likely[0], suspect_max=likely[1], source=source, **more)


PROPERTIES: tuple[Property, ...] = (
    _row("fill_fraction", ("적재율", "Fill level"), (0, 1.25), (0, 1.05), USUAL, decimals=2),
    _row("tilted", ("기울어짐", "Tilted"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("fire_alarm", ("화재 경보", "Fire alarm"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("full_alarm", ("가득 참 경보", "Full alarm of the device"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("deposits_total", ("투입 횟수(누적)", "Deposits on the counter"), (0, 1e9), (0, 1e8), DEFINITION, decimals=0),
    _row("compactions_total", ("압축 횟수(누적)", "Compactions on the counter"), (0, 1e9), (0, 1e8), DEFINITION, decimals=0),
    _row("hopper_jammed", ("투입구 걸림", "Hopper jammed"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("hopper_locked", ("투입구 잠김", "Hopper locked"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("lid_open", ("뚜껑 열림", "Lid open"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("battery_low", ("배터리 부족 알림", "Low-battery flag of the device"), (0, 1), (0, 1), DEFINITION, decimals=0),
    _row("position_lon", ("기기 경도", "Longitude by the device"), (-180, 180), (-180, 180), DEFINITION, decimals=5, unit="deg"),
    _row("position_lat", ("기기 위도", "Latitude by the device"), (-90, 90), (-90, 90), DEFINITION, decimals=5, unit="deg"),
    _row("emptyings_total", ("비움 횟수(누적)", "Emptyings on the counter"), (0, 1e9), (0, 1e8), DEFINITION, decimals=0),
)
# fmt: on
ALARMS: dict[str, AlarmKind] = {"fire_alarm": "fire", "tilted": "tilt", "hopper_jammed": "hopper_jam"}
"""Properties whose value 1 goes to a person at once."""
_SENSED = tuple(one.id for one in PROPERTIES)
_DEVICE = ("distance", "battery_voltage", "battery_fraction", "device_temperature")  # registered by the house's devices

KINDS: tuple[AssetKind, ...] = (
    AssetKind("bin", Text("쓰레기통", "Bin"), SERVICE, (*_SENSED, *_DEVICE)),
    AssetKind("truck", Text("수거 차량", "Collection truck"), SERVICE, (), public=False),
    AssetKind("depot", Text("차고지", "Depot"), SERVICE, (), public=False),
    AssetKind("dump", Text("처리장", "Disposal site"), SERVICE, (), public=False),
)
