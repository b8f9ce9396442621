"""What stations say, read: times, samples of meters in the units of the house, statuses in OCPP 2.0.1's words. Pure.

Sources: OCPP 1.6 edition 2 (2017), sections 4.9 and 7.43 (MeterValue, UnitOfMeasure); OCPP 2.0.1 part 2 (2020), sections 2.33
(SampledValue), 2.46 (UnitOfMeasure); OCPP 2.1 part 2 (2025).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
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
# How a value of a unit becomes one in the house's; units that are not here stay as they are.
TO_HOUSE: dict[str, Callable[[float], float]] = {
    "kWh": lambda value: round(value * 1e3, 6),
    "kvarh": lambda value: round(value * 1e3, 6),
    "kVAh": lambda value: round(value * 1e3, 6),
    "kW": lambda value: round(value * 1e3, 6),
    "kVA": lambda value: round(value * 1e3, 6),
    "kvar": lambda value: round(value * 1e3, 6),
    "Percent": lambda value: round(value * PERCENT, 9),
    "%": lambda value: round(value * PERCENT, 9),
    "Fahrenheit": lambda value: round((value - 32) / 1.8, 6),
    "K": lambda value: round(value - KELVIN, 6),
}
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
            if value is not None:
                found.append(_sample(at_us, one, value, one.get("unit", "")))
        if signed:
            _sign(found, first, at_us, signed)
    return tuple(found)


def samples_2(values: Iterable[dict[str, Any]], heard_us: int) -> tuple[Sample, ...]:
    """The samples of 2.x's ``meterValue``."""
    found: list[Sample] = []
    for each in values:
        at_us = instant_us(each.get("timestamp"), heard_us)
        for one in each["sampledValue"]:
            value = float(one["value"])
            unit = ""
            measure = one.get("unitOfMeasure")
            if measure is not None:
                unit = measure.get("unit", "")
                value *= 10.0 ** max(-24, min(24, measure.get("multiplier", 0)))
            if not math.isfinite(value):
                continue
            signed = one.get("signedMeterValue")
            found.append(_sample(at_us, one, value, unit, signed["signedMeterData"] if signed else ""))
    return tuple(found)


def _sample(at_us: int, one: dict[str, Any], value: float, unit: str, signed: str = "") -> Sample:
    to_house = TO_HOUSE.get(unit)
    phase = one.get("phase", "")
    measurand = one.get("measurand", REGISTER)
    if not unit and measurand == "SoC":
        value *= PERCENT  # its only unit is a percentage
    return Sample(
        at_us,
        measurand,
        value if to_house is None else to_house(value),
        PHASES.get(phase, phase),
        one.get("context", CONTEXT),
        one.get("location", LOCATION),
        signed,
    )


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
    return value if math.isfinite(value) else None
