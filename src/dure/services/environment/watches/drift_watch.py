"""Every hour: sensors that drift away from their neighbours, from the hours of the last weeks.

The finder runs over the whole time again, so a restart forgets nothing. A finding stays open until a person closes it after
cleaning or calibrating the sensor; what was seen before that counts no more.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog

from dure.core.time import day_of, from_us, to_us
from dure.services.environment.calibrating.calibration_rules import calibration_rules
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis_window import of_neighbours
from dure.services.environment.faults.drift import Finder, find_drift, residuals
from dure.services.environment.faults.findings import Seen
from dure.services.environment.faults.markings import hold_history
from dure.services.environment.grades.hours import HOUR_US
from dure.services.environment.neighbours.network import surround
from dure.services.environment.rules import load_pack
from dure.services.environment.watches.diagnosis_watch import DRIFT, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.services.environment.calibrating.calibration_rules import CalibrationRules
    from dure.services.environment.faults.drift import Alarm
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

DAYS = 60
HOURS_N = DAYS * 24
REACH_M = 30_000.0
NEIGHBOURS_MOST, NEIGHBOURS_LEAST = 8, 3


class DriftWatch:
    """All sensors whose property has a scale in rules/calibration.toml."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations

    async def look(self) -> list[findings.Finding]:
        """One round; the newly opened findings."""
        opened = await asyncio.to_thread(self._look, await self._stations.live())
        for one in opened:
            await hold_history(self._house, one)
        return opened

    def _look(self, stations: Mapping[str, Asset]) -> list[findings.Finding]:
        house = self._house
        now = house.clock.now()
        rules = calibration_rules(day_of(now, house.city.zone), load_pack("calibration", house.city.folder))
        with house.records.read() as connection:
            settled = findings.settled(connection, [DRIFT], now)
        seen: list[Seen] = []
        for scale in rules.scale:
            if scale.id in house.properties:
                seen += self._drifting(scale.id, rules, stations, (to_us(now), settled))
        with house.records.begin() as connection:
            opened = findings.note(connection, seen, now)
        for one in opened:
            log.info("finding.opened", asset=one.asset, kind=one.kind, finding=one.id)
        return opened

    def _drifting(
        self,
        name: str,
        rules: CalibrationRules,
        stations: Mapping[str, Asset],
        at: tuple[int, Mapping[tuple[str, str], int]],
    ) -> list[Seen]:
        now_us, settled = at
        scale = rules.scale_of(name)
        if scale is None:
            return []
        end_us = now_us // HOUR_US * HOUR_US
        assets, values = self._hours(name, stations, end_us)
        if len(assets) <= NEIGHBOURS_LEAST:
            return []
        points = [place.point if (place := stations[one].place) else None for one in assets]
        lon = np.array([np.nan if one is None else one.lon for one in points], np.float64)
        lat = np.array([np.nan if one is None else one.lat for one in points], np.float64)
        estimate = of_neighbours(values, surround(lon, lat, radius_m=REACH_M), NEIGHBOURS_MOST, NEIGHBOURS_LEAST)
        time_us = end_us - HOURS_N * HOUR_US + HOUR_US * np.arange(HOURS_N)
        found = []
        for row, asset in enumerate(assets):
            residual = residuals(values[row], estimate[row], scale)
            residual[time_us < settled.get((asset, name), 0)] = np.nan
            _, alarms = find_drift(Finder(scale, rules.drift), time_us, residual)
            if alarms:
                found.append(Seen(asset=asset, property=name, kind=DRIFT, evidence=evidence_of(alarms[-1], scale.kind)))
        return found

    def _hours(self, name: str, stations: Mapping[str, Asset], end_us: int) -> tuple[list[str], NDArray[np.float64]]:
        """Hourly means of the last weeks, of every station that has any: (n, hours), NaN where there is none.

        Values that an open drift already holds back are suspect, and a mean still counts them.
        """
        start_us = end_us - HOURS_N * HOUR_US
        rolled = self._house.telemetry.rollup(name, "hour", start_us, end_us)
        hour = (rolled.start_us - start_us) // HOUR_US
        rows: dict[str, NDArray[np.float64]] = {}
        for row, asset in enumerate(rolled.asset):
            if asset in stations and 0 <= hour[row] < HOURS_N and rolled.n_good[row] + rolled.n_suspect[row]:
                rows.setdefault(asset, np.full(HOURS_N, np.nan))[hour[row]] = rolled.mean[row]
        assets = sorted(rows)
        return assets, np.stack([rows[one] for one in assets]) if assets else np.empty((0, HOURS_N))


def evidence_of(alarm: Alarm, kind: str) -> dict[str, object]:
    """What is kept with a drift."""
    numbers = msgspec.to_builtins(alarm)
    since, at = from_us(alarm.since_us).isoformat(), from_us(alarm.at_us).isoformat()
    unit = "%/d" if kind == "ratio" else "unit/d"
    return plain(numbers) | {"since": since, "found": at, "rate_unit": unit}
