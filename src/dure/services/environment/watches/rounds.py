"""The rounds of the service: silence, indices and alerts, neighbours, faults, corrections, messages. Each says trouble once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from dure.services.environment.alerting import message_records
from dure.services.environment.alerting.courier import ROUND_S, Courier
from dure.services.environment.faults import findings
from dure.services.environment.model import SERVICE
from dure.services.environment.watches.alert_watch import AlertWatch
from dure.services.environment.watches.calibration_watch import CalibrationWatch
from dure.services.environment.watches.day_watch import DayWatch
from dure.services.environment.watches.diagnosis_watch import DiagnosisWatch
from dure.services.environment.watches.drift_watch import DriftWatch
from dure.services.environment.watches.index_watch import IndexWatch
from dure.services.environment.watches.network_watch import NetworkWatch
from dure.services.environment.watches.silence_watch import SilenceWatch
from dure.services.environment.watches.station_register import StationRegister
from dure.services.environment.watches.weather_watch import WeatherWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.services.environment.grades.grading import Result
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

SILENCE_S = 10.0
MINUTE_S = 60.0
GRADES_S = 20.0
SLOW_S = 120.0
DIAGNOSIS_S = 120.0
HOUR_S = 3600.0
MESSAGES_KEPT = timedelta(days=400)


class Grades:
    """Indices, weather and noise in their own rhythm, and the alerts that follow from them."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._stations = stations
        self._index = IndexWatch(house, stations)
        self._weather = WeatherWatch(house, stations)
        self._alerts = AlertWatch(house)
        self._slow: list[Result] = []

    async def often(self) -> None:
        """Indices, then alerts."""
        found = await self._index.look()
        await self._alerts.look(self._index.hours, [*found, *self._slow], await self._stations.live())
        await self._alerts.escalate()

    async def now_and_then(self) -> None:
        """Weather and noise."""
        weather = await self._weather.look()
        await self._index.keep(weather)
        self._slow = [*weather, *await self._index.look_at_noise()]


async def forget(house: House) -> None:
    """Drop messages and verdicts that are past their time."""

    def drop() -> None:
        now = house.clock.now()
        with house.records.begin() as connection:
            message_records.purge(connection, now - MESSAGES_KEPT)
            findings.expire_verdicts(connection, now - findings.VERDICTS_KEPT)

    await asyncio.to_thread(drop)


async def run(house: House) -> None:
    """All rounds until cancelled."""
    stations = StationRegister(house)
    grades = Grades(house, stations)
    rounds = (
        Round("silence", SILENCE_S, SilenceWatch(house).look),
        Round("grades", GRADES_S, grades.often),
        Round("weather and noise", SLOW_S, grades.now_and_then),
        Round("neighbours", MINUTE_S, NetworkWatch(house, stations).look),
        Round("diagnosis", DIAGNOSIS_S, DiagnosisWatch(house, stations).look),
        Round("drift", HOUR_S, DriftWatch(house, stations).look),
        Round("corrections", MINUTE_S, CalibrationWatch(house).look),
        Round("days", SLOW_S, DayWatch(house, stations).look),
        Round("messages", ROUND_S, Courier(house).deliver),
        Round("forgetting", HOUR_S, partial(forget, house)),
    )
    await repeat_all(rounds, log, SERVICE)
