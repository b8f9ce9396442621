"""Where calibrations are proposed and decided: reads the hours of sensor and reference, runs the fit, keeps what came of it.

Everything here blocks: callers in the event loop use threads.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Flag
from dure.core.time import US_PER_S, Interval, day_of, to_us
from dure.engines.records import assets
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import (
    CORRECTED,
    SUFFIX,
    Inputs,
    Method,
    Model,
    Reason,
    model_id,
    starting_model,
)
from dure.services.environment.calibrating.calibration_fit import Pairs, fit_co_location
from dure.services.environment.calibrating.calibration_rules import CalibrationRules, calibration_rules
from dure.services.environment.rules import load_pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.engines.records.audit import By
    from dure.engines.telemetry.port import RollUpColumns, Telemetry
    from dure.spine.house import House

HOUR_US = 3600 * US_PER_S
HUMIDITY, TEMPERATURE = "relative_humidity", "air_temperature"
FULL_SHARE = 0.5  # of the readings an hour of this sensor usually has


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to be tried.

    `reference` and `interval` belong to a co-location; `gain`, `offset` and `sd` to zero and span.
    """

    asset: str
    property: str
    method: Method = "co_location"
    reference: str = ""
    interval: Interval | None = None
    gain: float = 1.0
    offset: float = 0.0
    sd: float = 0.0


class CalibrationDesk:
    """Proposes, activates and retires calibrations of one city."""

    def __init__(self, house: House) -> None:
        self._house = house

    def propose(self, wanted: Proposal, by: By) -> Model:
        """A candidate, or a rejected fit with its reasons; kept either way.

        Raises
        ------
        InputError : ``calibration.property``, ``calibration.reference``, ``calibration.method`` or ``asset.unknown``
        """
        if f"{wanted.property}{SUFFIX}" not in CORRECTED:
            raise InputError("calibration.property", f"{wanted.property[:80]!r} is not calibrated here.")
        city = self._house.city
        rules = calibration_rules(day_of(by.at, city.zone), load_pack("calibration", city.folder))
        model = self._model(wanted, rules, by.at)
        with self._house.records.begin() as connection:
            return calibrations.add(connection, model, by)

    def activate(self, model_id: str, at: datetime, by: By) -> Model:
        """See `calibration_records.activate`."""
        with self._house.records.begin() as connection:
            return calibrations.activate(connection, model_id, at, by)

    def retire(self, model_id: str, at: datetime, by: By) -> Model:
        """See `calibration_records.retire`."""
        with self._house.records.begin() as connection:
            return calibrations.retire(connection, model_id, at, by)

    def _model(self, wanted: Proposal, rules: CalibrationRules, at: datetime) -> Model:
        series = (wanted.asset, wanted.property)
        if wanted.method == "co_location":
            return self._co_located(wanted, rules, at)
        if wanted.method == "humidity_us_epa":
            starting = starting_model(*series, rules, at)
            if starting is None:
                raise InputError("calibration.method", f"There is no published humidity correction of {wanted.property}.")
            return starting
        return Model(
            id=model_id(series, "zero_span", at),
            asset=wanted.asset,
            property=wanted.property,
            method="zero_span",
            parameters={"gain": wanted.gain, "offset": wanted.offset},
            valid_from=at,
            reasons=(Reason("by_hand", {"gain": wanted.gain, "offset": wanted.offset}),),
            inputs=Inputs(uncertainty=wanted.sd, version=rules.version),
        )

    def _co_located(self, wanted: Proposal, rules: CalibrationRules, at: datetime) -> Model:
        if not wanted.reference or wanted.reference == wanted.asset or wanted.interval is None:
            raise InputError("calibration.reference", "A co-location needs an interval and another asset as reference.")
        with self._house.records.read() as connection:
            missing = {wanted.asset, wanted.reference} - assets.find(connection, [wanted.asset, wanted.reference]).keys()
        if missing:
            raise InputError("asset.unknown", f"There is no asset {min(missing)[:80]!r}.")
        pairs = hourly_pairs(self._house.telemetry, wanted.property, (wanted.asset, wanted.reference), wanted.interval)
        starting = starting_model(wanted.asset, wanted.property, rules, at)
        fit = fit_co_location(pairs, rules.fit, starting)
        return fit.model((wanted.asset, wanted.property), wanted.reference, at, rules)


def hourly_pairs(telemetry: Telemetry, property_id: str, assets_: tuple[str, str], interval: Interval) -> Pairs:
    """Hours of a sensor and of the reference beside it, with the weather at the sensor, or else at the reference.

    An hour is good when its readings are good, none is doubtful, and at least half of the usual number came.
    """
    start_us, end_us = to_us(interval.start), to_us(interval.end)
    first = start_us // HOUR_US
    n = max(0, -(-end_us // HOUR_US) - first)
    columns = {
        name: telemetry.rollup(name, "hour", start_us, end_us, assets=list(assets_))
        for name in (property_id, HUMIDITY, TEMPERATURE)
    }
    sensor, reference = assets_
    raw, raw_flag = _hours(columns[property_id], sensor, first, n)
    true, true_flag = _hours(columns[property_id], reference, first, n)
    weather = []
    for name in (HUMIDITY, TEMPERATURE):
        own, beside = (_hours(columns[name], one, first, n)[0] for one in assets_)
        weather.append(np.where(np.isfinite(own), own, beside))
    time_us = (first + np.arange(n, dtype=np.int64)) * HOUR_US
    return Pairs(time_us, raw, weather[0], weather[1], true, raw_flag, true_flag)


def _hours(columns: RollUpColumns, asset: str, first: int, n: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Mean and flag of each of the n hours of an asset, NaN and missing where there is none."""
    value, flag = np.full(n, np.nan), np.full(n, Flag.MISSING, np.uint8)
    own = np.array([one == asset for one in columns.asset], bool)
    if not own.any():
        return value, flag
    at = columns.start_us[own] // HOUR_US - first
    good, doubtful = columns.n_good[own], columns.n_suspect[own]
    least = FULL_SHARE * float(np.median(good))
    value[at] = columns.mean[own]
    flag[at] = np.where((good > 0) & (good >= least) & (doubtful == 0), Flag.GOOD, Flag.SUSPECT)
    return value, flag
