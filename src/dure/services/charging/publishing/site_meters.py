"""What the meters of a site say, from newest powers and from registers; a value that is too old does not count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.observations import Flag
from dure.services.charging.model import Site
from dure.services.charging.publishing.flows import Floats, Metered

if TYPE_CHECKING:
    from dure.engines.telemetry.port import Telemetry
    from dure.spine.live import Live, LiveValue

Reading = Callable[[str, str], "float | None"]
Ints = NDArray[np.int64]


class Missed(msgspec.Struct, frozen=True):
    """An asset of the site of which a property is expected and no usable, fresh value is known."""

    asset: str
    property: str


def reader(live: Live, in_time: Callable[[LiveValue], bool]) -> Reading:
    """Newest usable value by asset and property; None where it is missing, failed or too old."""

    def read(asset: str, property_id: str) -> float | None:
        found = live.get(asset, property_id)
        return found.value if found is not None and found.is_usable() and in_time(found) else None

    return read


def metered_now(site: Site, read: Reading) -> tuple[Metered, list[Missed]]:
    """Powers of this moment [W], (1,), and what lacks; what lacks counts as nothing, a storage without meter as idle.

    The other load of a site is what its meter says, if it counts that at all; else it is among what no meter explains.
    """
    missed: list[Missed] = []

    def wanted(asset: str, name: str) -> float:
        value = read(asset, name)
        if value is None:
            missed.append(Missed(asset, name))
        return value or 0.0

    ev = sum(max(0.0, read(one.id, "evse_power") or 0.0) for one in site.evses)
    pv = sum(max(0.0, wanted(one.id, "solar_power")) for one in site.solar)
    stored = [wanted(one.id, "storage_power") for one in site.storage]
    grid = wanted(site.meter, "grid_power") if site.meter else None
    if missed and grid is not None and Missed(site.meter, "grid_power") in missed:
        grid = None
    told = Metered(
        ev=_one(ev),
        pv=_one(pv),
        ess_in=_one(sum(max(0.0, value) for value in stored)),
        ess_out=_one(sum(max(0.0, -value) for value in stored)),
        load=_one(max(0.0, (read(site.meter, "site_load_power") if site.meter else None) or 0.0)),
        grid_in=None if grid is None else _one(max(0.0, grid)),
        grid_out=None if grid is None else _one(max(0.0, -grid)),
    )
    return told, missed


def _one(value: float) -> Floats:
    return np.array([value], dtype=np.float64)


def metered_between(site: Site, telemetry: Telemetry, edges_us: Ints) -> Metered:
    """Energy of each interval between the edges [Wh], (n,), from registers; blocks. An interval without reads counts nothing."""

    def total(assets: Sequence[str], name: str) -> Floats:
        found = np.zeros(len(edges_us) - 1)
        for asset in assets:
            found += register_steps(*_reads(telemetry, (asset, name), edges_us), edges_us)
        return found

    meters = [site.meter] if site.meter else []
    grid_in = total(meters, "grid_import_register")
    told: Mapping[str, Floats] = {
        "ev": total([one.id for one in site.evses], "evse_register"),
        "pv": total([one.id for one in site.solar], "solar_register"),
        "ess_in": total([one.id for one in site.storage], "storage_charge_register"),
        "ess_out": total([one.id for one in site.storage], "storage_discharge_register"),
        "load": total(meters, "site_load_register"),
    }
    if not grid_in.any():
        return Metered(**told)
    return Metered(**told, grid_in=grid_in, grid_out=total(meters, "grid_export_register"))


def _reads(telemetry: Telemetry, key: tuple[str, str], edges_us: Ints) -> tuple[Ints, Floats]:
    day_us = 86_400_000_000
    found = telemetry.series(key, int(edges_us[0]) - day_us, int(edges_us[-1]) + 1)
    usable = np.isin(found.flag, (Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT)) & ~np.isnan(found.value)
    return found.time_us[usable], found.value[usable]


def register_steps(time_us: Ints, value: Floats, edges_us: Ints) -> Floats:
    """What a register counted in each interval, (edges - 1,) [Wh]; a register that begins anew has counted its new reading.

    Between two reads it is taken to have run evenly; before the first and after the last it stands still.
    """
    if len(time_us) < 2:
        return np.zeros(len(edges_us) - 1)
    steps = np.diff(value)
    counted = np.concatenate(([0.0], np.cumsum(np.where(steps < 0, value[1:], steps))))
    return np.diff(np.interp(edges_us.astype(np.float64), time_us.astype(np.float64), counted))
