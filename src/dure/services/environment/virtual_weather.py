"""The air temperature of a demo city's stations hour by hour, and their weather of years ago sent as history.

What depends on the weather elsewhere in the demo - what buildings use - is made of the same values the stations report.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import httpx
import numpy as np

from dure.core.time import format_instant, from_us
from dure.services.environment.simulate import stations_of
from dure.services.environment.virtual_city import VirtualStation, values
from dure.spine.virtual_devices import TIMEOUT_S, Connection, post_history

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.city import City

HOUR_US = 3_600_000_000
PROPERTY = "air_temperature"
BATCH_ROWS = 2_000

Climate = Callable[[str, "NDArray[np.int64]"], "NDArray[np.float64]"]
"""Air temperature at a station at the begin of each hour [°C], hours counted since 1970 UTC."""


def climate_of(city: City) -> Climate:
    """Air temperature at the stations of a city, without their faults; one that is not listed has that of the first."""
    stations = {one.station.asset: one.station for one in stations_of(city) if PROPERTY in one.station.properties}
    usual = next(iter(stations.values()), None)
    known: dict[tuple[str, int], float] = {}

    def climate(station: str, hours: NDArray[np.int64]) -> NDArray[np.float64]:
        one = stations.get(station, usual)
        if one is None:
            raise ValueError("the city has no station of air temperature")
        for hour in hours.tolist():
            if (one.asset, hour) not in known:
                known[one.asset, hour] = _temperature_c(city.seed, one, hour)
        return np.array([known[one.asset, hour] for hour in hours.tolist()], np.float64)

    return climate


def _temperature_c(seed: int, station: VirtualStation, hour: int) -> float:
    plain = VirtualStation(
        asset=station.asset,
        device=station.device,
        properties=(PROPERTY,),
        lon=station.lon,
        lat=station.lat,
        period_s=station.period_s,
        profile=station.profile,
    )
    found = values(seed, plain, from_us(hour * HOUR_US))[PROPERTY]
    return 0.0 if found is None else found


async def weather_history(
    city: City, connection: Connection, climate: Climate, station_ids: Sequence[str], span: tuple[int, int]
) -> int:
    """Send the air temperature of some stations in the hours ``[first, end)`` as HTTP batches; readings accepted."""
    devices = {one.station.asset: one.device for one in stations_of(city)}
    wanted = [name for name in station_ids if devices.get(name) in connection.secrets]
    accepted = 0
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:
        for name in wanted:
            bodies = await asyncio.to_thread(lambda name=name: list(_batches(climate, name, span)))  # type: ignore[misc]  # bound now
            secret = connection.secrets[devices[name]]
            for body in bodies:
                accepted += await post_history(http, devices[name], secret, body)
    return accepted


def _batches(climate: Climate, station: str, span: tuple[int, int]) -> Iterator[bytes]:
    first, end = span
    for begin in range(first, end, BATCH_ROWS):
        hours = np.arange(begin, min(begin + BATCH_ROWS, end), dtype=np.int64)
        rows = [
            {"time": format_instant(from_us(hour * HOUR_US)), "values": {PROPERTY: value}}
            for hour, value in zip(hours.tolist(), climate(station, hours).tolist(), strict=True)
        ]
        yield json.dumps({"readings": rows}, separators=(",", ":")).encode()
