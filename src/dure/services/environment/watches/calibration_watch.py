"""Every minute: new raw values of calibrated series, corrected by the model in force, published as a property of their own.

Raw never changes. Which model made a corrected value follows from its instant: the validities of a series do not overlap
(`calibration_records.lineage`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Reading
from dure.core.time import US_PER_S, from_us, to_us
from dure.services.environment.calibrating import calibration_records
from dure.services.environment.calibrating.calibration import CORRECTED, USABLE, corrected_by_lineage
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.core.observations import SeriesKey
    from dure.services.environment.calibrating.calibration import Corrected, Model
    from dure.spine.house import House

BACK_US = 26 * 3_600 * US_PER_S  # a model that is new or was away corrects the last day
SETTLE_US = 20 * US_PER_S  # a spike is known by the value after it
COMPANION_S = 1_800.0  # humidity and temperature may be this much older or newer than the raw value
ROWS_MAX = 20_000


class CalibrationWatch:
    """Corrected values follow the raw ones."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many values were published."""
        published = 0
        for series, models in (await asyncio.to_thread(self._models)).items():
            found = await asyncio.to_thread(self._correct, series, models)
            for start in range(0, len(found), ROWS_MAX):
                part = found[start : start + ROWS_MAX]
                msg_id = f"corrected-{series[0]}-{series[1]}-{to_us(part[0].time or self._house.clock.now())}"
                await self._house.intake.accept(IMPORTER, part, way="import", received_at=self._house.clock.now(), msg_id=msg_id)
            published += len(found)
        return published

    def _models(self) -> dict[SeriesKey, list[Model]]:
        """Every model of the series that have one in force now."""
        with self._house.records.read() as connection:
            now = calibration_records.all_in_force(connection, self._house.clock.now())
            return {
                series: [
                    one
                    for one in calibration_records.lineage(connection, *series)
                    if one.state in ("active", "retired") and one.property == series[1]
                ]
                for series in now
                if f"{series[1]}_corrected" in CORRECTED
            }

    def _correct(self, series: SeriesKey, models: list[Model]) -> list[Reading]:
        house, now_us = self._house, to_us(self._house.clock.now())
        target = f"{series[1]}_corrected"
        newest = house.live.get(series[0], target)
        start_us = max(now_us - BACK_US, newest.time_us + 1 if newest else 0)
        raw = house.telemetry.series(series, start_us, now_us - SETTLE_US)
        if not len(raw.time_us):
            return []
        weather = (
            self._beside(raw.time_us, series[0], "relative_humidity"),
            self._beside(raw.time_us, series[0], "air_temperature"),
        )
        found, used = corrected_by_lineage(raw.time_us, raw.value, weather, models, raw.flag)
        return readings(series[0], target, raw.time_us, found, used)

    def _beside(self, time_us: NDArray[np.int64], asset: str, name: str) -> NDArray[np.float64]:
        """The value of another property nearest in time to each instant, NaN where none is near or it is not usable."""
        near_us = int(COMPANION_S * US_PER_S)
        past = self._house.telemetry.series((asset, name), int(time_us[0]) - near_us, int(time_us[-1]) + near_us)
        usable = np.isin(past.flag, USABLE) & np.isfinite(past.value)
        return nearest(time_us, past.time_us[usable], past.value[usable], near_us)


def nearest(
    time_us: NDArray[np.int64], there_us: NDArray[np.int64], value: NDArray[np.float64], near_us: int
) -> NDArray[np.float64]:
    """(n,) of the m values sorted by time, the one nearest to each instant; NaN where it is further than `near_us`."""
    if not len(there_us):
        return np.full(len(time_us), np.nan)
    after = np.clip(np.searchsorted(there_us, time_us), 1, max(1, len(there_us) - 1)) if len(there_us) > 1 else None
    if after is None:
        chosen = np.zeros(len(time_us), np.intp)
    else:
        before = after - 1
        chosen = np.where(np.abs(there_us[after] - time_us) < np.abs(there_us[before] - time_us), after, before)
    far = np.abs(there_us[chosen] - time_us) > near_us
    return np.where(far, np.nan, value[chosen])


def readings(asset: str, target: str, time_us: NDArray[np.int64], found: Corrected, used: NDArray[np.int64]) -> list[Reading]:
    """Corrected values as readings; where a model was in force and gives none, "no value" is said, never nothing."""
    rows = np.flatnonzero(used >= 0).tolist()
    return [
        Reading(target, float(found.value[row]) if np.isfinite(found.value[row]) else None, from_us(int(time_us[row])), asset)
        for row in rows
    ]
