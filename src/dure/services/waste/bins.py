"""Bins, trucks, depots and disposal sites as the register has them: attributes of assets, read and checked.

An attribute is a text (from a city's CSV) or a JSON value (from the API); docs/en/waste.md lists them. A list of assets
never fails as a whole: what cannot be used comes back as `Rejected`, in the order it was given, with a stable code.

=====================  =========================================================================
``waste.attribute``    an attribute cannot be read, or is outside its span
``waste.unplaced``     the asset has no place, so no truck finds it
``waste.kind``         the asset is of another kind
``bin.geometry``       the surface of a full bin lies below its floor: `full_m` is not below `depth_m`
``truck.place``        the truck names a depot or disposal site that is not registered
``truck.capacity``     the truck can hold nothing
=====================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import msgspec

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.services.waste.attributes import Words
from dure.services.waste.model import Bin

T = TypeVar("T")
HOUR_S = 3_600


class Depot(msgspec.Struct, frozen=True, kw_only=True):
    """Where trucks begin and end their day."""

    id: str
    lon: float
    lat: float
    name_ko: str = ""
    demo: bool = False


class DumpSite(msgspec.Struct, frozen=True, kw_only=True):
    """Where trucks empty themselves.

    `windows` are spans [s after midnight] in which unloading may begin, empty: always; `accepts` are streams, empty: all.
    """

    id: str
    lon: float
    lat: float
    service_s: int = 900
    windows: tuple[tuple[int, int], ...] = ()
    accepts: frozenset[str] = frozenset()
    name_ko: str = ""
    demo: bool = False


class Truck(msgspec.Struct, frozen=True, kw_only=True):
    """A truck and its crew's usual day.

    Attributes
    ----------
    capacity_l, capacity_kg : what it holds between two unloadings; litres of loose waste as bins count them, kg when weighed
    streams : of waste it takes; skills : what else it has (a lift, a key)
    shift : leaves not before, is back by [s after midnight]; `breaks` (earliest, latest begin, duration) of its own, [s]
    depot, dumps : asset ids; no dumps: every site that takes its streams
    fuel_l_100km, energy_kwh_100km : what a hundred kilometres cost; 0 when it runs on the other
    speed_factor : travel times of its profile are multiplied by it
    """

    id: str
    depot: str
    capacity_l: float
    capacity_kg: float | None = None
    streams: frozenset[str] = frozenset({"general"})
    skills: frozenset[str] = frozenset()
    profile: str = "truck"
    shift: tuple[int, int] = (6 * HOUR_S, 15 * HOUR_S)
    breaks: tuple[tuple[int, int, int], ...] = ()
    dumps: tuple[str, ...] = ()
    ends_empty: bool = True
    fuel_l_100km: float = 0.0
    energy_kwh_100km: float = 0.0
    speed_factor: float = 1.0
    distance_m_max: int | None = None
    crew_n: int = 2
    name_ko: str = ""
    demo: bool = False


class Bins(NamedTuple):
    """Bins that can be planned, and assets that cannot."""

    bins: list[Bin]
    rejected: list[Rejected]


class Fleet(NamedTuple):
    """Trucks with the places they use, and assets that cannot be used."""

    trucks: list[Truck]
    depots: list[Depot]
    dumps: list[DumpSite]
    rejected: list[Rejected]


def bin_of(asset: Asset) -> Bin:
    """The bin of an asset; refused with `InputError` and one of the codes above."""
    words = Words(asset, "bin")
    lon, lat = words.place()
    usual = Bin(id=asset.id, lon=lon, lat=lat)
    found = Bin(
        id=asset.id,
        lon=lon,
        lat=lat,
        stream=words.word("stream", usual.stream),
        bin_class=words.word("bin_class", usual.bin_class),
        capacity_l=words.number("capacity_l", usual.capacity_l, (1, 100_000)),
        compaction=words.number("compaction", usual.compaction, (1, 20)),
        depth_m=words.optional("depth_m", (0.05, 20)),
        full_m=words.number("full_m", usual.full_m, (0, 20)),
        deposit_l=words.number("deposit_l", usual.deposit_l, (0.01, 10_000)),
        density_kg_l=words.number("density_kg_l", usual.density_kg_l, (0.001, 5)),
        interval_d=words.optional("interval_d", (0.25, 365)),
        service_s=round(words.number("service_s", usual.service_s, (0, 4 * HOUR_S))),
        windows=words.spans("windows"),
        skills=words.words("skills"),
        zone=words.word("zone", ""),
        sensor=words.yes("sensor", otherwise=True),
        demo=words.yes("demo", otherwise=False),
    )
    if found.depth_m is not None and found.full_m >= found.depth_m:
        raise InputError(
            "bin.geometry",
            f"{asset.id}: full_m {found.full_m:g} must be below depth_m {found.depth_m:g}: both count from the sensor.",
        )
    return found


def depot_of(asset: Asset) -> Depot:
    """The depot of an asset, refused as `bin_of` does."""
    words = Words(asset, "depot")
    lon, lat = words.place()
    return Depot(id=asset.id, lon=lon, lat=lat, name_ko=asset.name.ko, demo=words.yes("demo", otherwise=False))


def dump_of(asset: Asset) -> DumpSite:
    """The disposal site of an asset, refused as `bin_of` does."""
    words = Words(asset, "dump")
    lon, lat = words.place()
    return DumpSite(
        id=asset.id,
        lon=lon,
        lat=lat,
        service_s=round(words.number("service_s", 900, (0, 4 * HOUR_S))),
        windows=words.spans("windows"),
        accepts=words.words("accepts"),
        name_ko=asset.name.ko,
        demo=words.yes("demo", otherwise=False),
    )


def truck_of(asset: Asset) -> Truck:
    """The truck of an asset, refused as `bin_of` does. A truck needs no place: it stands at its depot."""
    words = Words(asset, "truck")
    usual = Truck(id=asset.id, depot="", capacity_l=0)
    shifts = words.spans("shift")
    distance_m = words.optional("distance_m_max", (1, 2_000_000))
    capacity_l = words.number("capacity_l", 0.0, (0, 1_000_000))
    if capacity_l <= 0:
        raise InputError("truck.capacity", f"{asset.id}: capacity_l says how many litres it holds; it must be above 0.")
    return Truck(
        id=asset.id,
        depot=words.word("depot", ""),
        capacity_l=capacity_l,
        capacity_kg=words.optional("capacity_kg", (1, 100_000)),
        streams=words.words("streams") or usual.streams,
        skills=words.words("skills"),
        profile=words.word("profile", usual.profile),
        shift=shifts[0] if shifts else usual.shift,
        breaks=words.breaks("breaks"),
        dumps=tuple(sorted(words.words("dumps"))),
        ends_empty=words.yes("ends_empty", otherwise=True),
        fuel_l_100km=words.number("fuel_l_100km", 0.0, (0, 200)),
        energy_kwh_100km=words.number("energy_kwh_100km", 0.0, (0, 1_000)),
        speed_factor=words.number("speed_factor", 1.0, (0.1, 10)),
        distance_m_max=None if distance_m is None else round(distance_m),
        crew_n=round(words.number("crew_n", usual.crew_n, (1, 10))),
        name_ko=asset.name.ko,
        demo=words.yes("demo", otherwise=False),
    )


def bins_of(assets: Iterable[Asset]) -> Bins:
    """The live bins among assets. A bin in quarantine or retired is no bin to collect yet, or any more, and no mistake."""
    found, rejected = _each(assets, "bin", bin_of)
    return Bins(found, rejected)


def fleet_of(assets: Iterable[Asset]) -> Fleet:
    """The live trucks among assets with the places they use; a truck that names none uses the first depot."""
    listed = list(assets)
    depots, no_depots = _each(listed, "depot", depot_of)
    dumps, no_dumps = _each(listed, "dump", dump_of)
    trucks, no_trucks = _each(listed, "truck", truck_of)
    rejected = [*no_depots, *no_dumps, *no_trucks]
    known_depots, known_dumps = [one.id for one in depots], {one.id for one in dumps}
    placed: list[Truck] = []
    for truck in trucks:
        depot = truck.depot or next(iter(known_depots), "")
        absent = [name for name in truck.dumps if name not in known_dumps]
        if depot not in known_depots or absent:
            what = f"the disposal site {absent[0]!r}" if absent else f"the depot {depot!r}"
            rejected.append(Rejected(0, "truck.place", f"{truck.id}: {what} is not registered, or not live.", truck.id))
            continue
        placed.append(msgspec.structs.replace(truck, depot=depot, dumps=truck.dumps or _usable(truck, dumps)))
    return Fleet(placed, depots, dumps, rejected)


def _usable(truck: Truck, dumps: Iterable[DumpSite]) -> tuple[str, ...]:
    return tuple(one.id for one in dumps if not one.accepts or truck.streams <= one.accepts)


def _each(assets: Iterable[Asset], kind: str, read: Callable[[Asset], T]) -> tuple[list[T], list[Rejected]]:
    """What can be read of the live assets of one kind; `Rejected.row` counts them from 1, `content` is the asset's id."""
    found: list[T] = []
    rejected: list[Rejected] = []
    for row, asset in enumerate((one for one in assets if one.kind == kind and one.state == "live"), 1):
        try:
            found.append(read(asset))
        except InputError as error:
            rejected.append(Rejected(row, error.code, error.message, asset.id))
    return found, rejected
