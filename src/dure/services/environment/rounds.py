"""The rounds of the service: silence, indices and alerts, neighbours, faults, corrections, messages. Each says trouble once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.environment.alert_watch import AlertWatch
from dure.services.environment.index_watch import IndexWatch
from dure.services.environment.model import SERVICE
from dure.services.environment.network_watch import NetworkWatch
from dure.services.environment.silence_watch import SilenceWatch
from dure.services.environment.station_register import StationRegister
from dure.services.environment.weather_watch import WeatherWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.services.environment.grading import Result
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

SILENCE_S = 10.0
MINUTE_S = 60.0
GRADES_S = 20.0
TEN_MINUTES_S = 600.0


class Grades:
    """Indices, weather and noise in their own rhythm, and the alerts that follow from them."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._stations = stations
        self._index = IndexWatch(house, stations)
        self._weather = WeatherWatch(house, stations)
        self._alerts = AlertWatch(house)
        self._slow: list[Result] = []

    async def every_minute(self) -> None:
        """Indices, then alerts."""
        found = await self._index.look()
        await self._alerts.look(self._index.hours, [*found, *self._slow], await self._stations.live())
        await self._alerts.escalate()

    async def every_ten_minutes(self) -> None:
        """Weather and noise."""
        weather = await self._weather.look()
        await self._index.keep(weather)
        self._slow = [*weather, *await self._index.look_at_noise()]


async def run(house: House) -> None:
    """All rounds until cancelled."""
    stations = StationRegister(house)
    grades = Grades(house, stations)
    rounds = (
        Round("silence", SILENCE_S, SilenceWatch(house).look),
        Round("grades", GRADES_S, grades.every_minute),
        Round("weather and noise", TEN_MINUTES_S, grades.every_ten_minutes),
        Round("neighbours", MINUTE_S, NetworkWatch(house, stations).look),
    )
    await repeat_all(rounds, log, SERVICE)
