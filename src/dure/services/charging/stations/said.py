"""What stations say, read: times, samples of meters in the units of the house, statuses in OCPP 2.0.1's words. Pure.

Sources: OCPP 1.6 edition 2 (2017), sections 4.9 and 7.43 (MeterValue, UnitOfMeasure); OCPP 2.0.1 part 2 (2020), sections 2.33
(SampledValue), 2.46 (UnitOfMeasure); OCPP 2.1 part 2 (2025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from math import isfinite, nan
from typing import Any

from dure.core.time import EPOCH, from_us
from dure.services.charging.central.words import Sample, Status

STATUS_16: dict[str, Status] = {
    "Available": "available",
    "Preparing": "occupied",
    "Charging": "occupied",
    "SuspendedEV": "occupied",
    "SuspendedEVSE": "occupied",
    "Finishing": "occupied",
    "Reserved": "reserved",
    "Unavailable": "unavailable",
    "Faulted": "faulted",
}
STATUS_2: dict[str, Status] = {
    "Available": "available",
    "Occupied": "occupied",
    "Reserved": "reserved",
    "Unavailable": "unavailable",
    "Faulted": "faulted",
}
PERCENT = 0.01
KELVIN = 273.15
# How a value of a unit becomes one in the house's; units that are in neither table stay as they are.
FACTORS = {"kWh": 1e3, "kvarh": 1e3, "kVAh": 1e3, "kW": 1e3, "kVA": 1e3, "kvar": 1e3, "Percent": PERCENT, "%": PERCENT}
CELSIUS: dict[str, Callable[[float], float]] = {"Fahrenheit": lambda value: (value - 32) / 1.8, "K": lambda value: value - KELVIN}
SCALED = FACTORS.keys() | CELSIUS.keys()
PLACES = 9  # of a scaled value: more are the noise of binary fractions
PHASES = {"L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}  # of a voltage against neutral; L1-L2 and its like stay
REGISTER = "Energy.Active.Import.Register"
CONTEXT = "Sample.Periodic"
LOCATION = "Outlet"
_LEAST_US, _MOST_US = 0, 253_402_300_799_000_000  # 1970 to the year 9999


def instant_us(text: str | None, otherwise: int) -> int:
    """Microseconds since 1970 UTC of a station's time; `otherwise` where there is none or it cannot be read.

    A time without an offset is taken as UTC, as the standard asks for (1.6 section 3.14).
    """
    if text is None:
        return otherwise
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return otherwise
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    delta = at - EPOCH
    us = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return us if _LEAST_US <= us <= _MOST_US else otherwise


def instant_text(us: int) -> str:
    """A time as stations read it: RFC 3339 in UTC, to the millisecond."""
    return from_us(us).isoformat(timespec="milliseconds")[:-6] + "Z"


def samples_16(values: Iterable[dict[str, Any]], heard_us: int) -> tuple[Sample, ...]:
    """The samples of 1.6's ``meterValue`` or ``transactionData``.

    A value signed by the meter (format ``SignedData``) is kept with the register sampled beside it; it is no number itself.
    """
    found: list[Sample] = []
    for each in values:
        at_us = instant_us(each.get("timestamp"), heard_us)
        signed = ""
        first = len(found)
        for one in each["sampledValue"]:
            if one.get("format") == "SignedData":
                signed = one["value"]
                continue
            value = _number(one["value"])
            if value is not None and isfinite((sample := _sample_16(at_us, one, value)).value):
                found.append(sample)
        if signed:
            _sign(found, first, at_us, signed)
    return tuple(found)


def samples_2(values: Iterable[dict[str, Any]], heard_us: int) -> tuple[Sample, ...]:
    """The samples of 2.x's ``meterValue``."""
    found: list[Sample] = []
    add = found.append
    for each in values:
        at_us = instant_us(each.get("timestamp"), heard_us)
        for one in each["sampledValue"]:
            get = one.get
            value, measurand, phase = one["value"], get("measurand", REGISTER), get("phase", "")
            measure, signed = get("unitOfMeasure"), get("signedMeterValue")
            if (
                type(value) is not float
                or measurand == "SoC"
                or (measure is not None and ("multiplier" in measure or measure.get("unit") in SCALED))
            ):  # nearly all that comes is none of these; written out, for this runs for every value of every station
                value = _scaled(value, measurand, measure or {})
                if not isfinite(value):
                    continue
            if phase:
                phase = PHASES.get(phase, phase)
            data = signed["signedMeterData"] if signed else ""
            add(Sample(at_us, measurand, value, phase, get("context", CONTEXT), get("location", LOCATION), data))
    return tuple(found)


def _scaled(value: float, measurand: str, measure: dict[str, Any]) -> float:
    """A value of 2.x in the house's unit; not finite when that is too large."""
    multiplier = measure.get("multiplier")
    value = _finite(value)
    if multiplier:
        value *= 10.0 ** max(-24, min(24, multiplier))
    return _in_house_unit(value, measurand, measure.get("unit", ""))


def _finite(value: float) -> float:
    """A number of JSON as a float; a whole one that is too large for it is no value of a meter."""
    try:
        return float(value)
    except OverflowError:
        return nan


def _in_house_unit(value: float, measurand: str, unit: str) -> float:
    if unit in FACTORS:
        return round(value * FACTORS[unit], PLACES)
    if unit in CELSIUS:
        return round(CELSIUS[unit](value), PLACES)
    if measurand == "SoC" and not unit:
        return round(value * PERCENT, PLACES)  # its only unit is a percentage
    return value


def _sample_16(at_us: int, one: dict[str, Any], value: float) -> Sample:
    measurand, phase = one.get("measurand", REGISTER), one.get("phase", "")
    value = _in_house_unit(value, measurand, one.get("unit", ""))
    phase = PHASES.get(phase, phase)
    return Sample(at_us, measurand, value, phase, one.get("context", CONTEXT), one.get("location", LOCATION))


def _sign(found: list[Sample], first: int, at_us: int, signed: str) -> None:
    """Put signed data with the register of the same moment; alone, it is a sample of nothing (never a number)."""
    for place in range(first, len(found)):
        one = found[place]
        if one.measurand == REGISTER and not one.phase:
            found[place] = Sample(one.at_us, one.measurand, one.value, one.phase, one.context, one.location, signed)
            return
    found.append(Sample(at_us, "Signed", 0.0, "", "Other", LOCATION, signed))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None
