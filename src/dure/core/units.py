"""Units by their UCUM codes, and linear conversion between those of one dimension.

Source of codes: The Unified Code for Units of Measure (UCUM), version 2.2.
"""

from __future__ import annotations

from typing import NamedTuple

from dure.core.errors import InputError


class Unit(NamedTuple):
    """``value in the dimension's base unit = value * scale + offset``."""

    dimension: str
    scale: float
    offset: float = 0.0


UNITS: dict[str, Unit] = {
    "1": Unit("number", 1.0),
    "%": Unit("number", 0.01),
    "[ppth]": Unit("number", 1e-3),
    "[ppm]": Unit("number", 1e-6),
    "[ppb]": Unit("number", 1e-9),
    "Cel": Unit("temperature", 1.0),
    "[degF]": Unit("temperature", 5 / 9, -32 * 5 / 9),
    "K": Unit("temperature", 1.0, -273.15),
    "m/s": Unit("speed", 1.0),
    "km/h": Unit("speed", 1 / 3.6),
    "[kn_i]": Unit("speed", 1852 / 3600),
    "Pa": Unit("pressure", 1.0),
    "hPa": Unit("pressure", 100.0),
    "kPa": Unit("pressure", 1000.0),
    "bar": Unit("pressure", 100_000.0),
    "mbar": Unit("pressure", 100.0),
    "deg": Unit("angle", 1.0),
    "m": Unit("length", 1.0),
    "cm": Unit("length", 0.01),
    "mm": Unit("length", 0.001),
    "km": Unit("length", 1000.0),
    "g/m3": Unit("mass concentration", 1.0),
    "mg/m3": Unit("mass concentration", 1e-3),
    "ug/m3": Unit("mass concentration", 1e-6),
    "g/L": Unit("mass concentration", 1000.0),
    "mg/L": Unit("mass concentration", 1.0),
    "ug/L": Unit("mass concentration", 1e-3),
    "Wh": Unit("energy", 1.0),
    "kWh": Unit("energy", 1000.0),
    "MWh": Unit("energy", 1e6),
    "J": Unit("energy", 1 / 3600),
    "kJ": Unit("energy", 1000 / 3600),
    "MJ": Unit("energy", 1e6 / 3600),
    "W": Unit("power", 1.0),
    "kW": Unit("power", 1000.0),
    "MW": Unit("power", 1e6),
    "V": Unit("voltage", 1.0),
    "mV": Unit("voltage", 0.001),
    "A": Unit("current", 1.0),
    "mA": Unit("current", 0.001),
    "W/m2": Unit("irradiance", 1.0),
    "lx": Unit("illuminance", 1.0),
    "dB[SPL]": Unit("sound level", 1.0),
    "dB": Unit("sound level", 1.0),
    "S/m": Unit("conductivity", 1.0),
    "mS/cm": Unit("conductivity", 0.1),
    "uS/cm": Unit("conductivity", 1e-4),
    "[pH]": Unit("acidity", 1.0),
    "[NTU]": Unit("turbidity", 1.0),
    "/dL": Unit("count concentration", 1.0),
    "/mL": Unit("count concentration", 100.0),
    "s": Unit("time", 1.0),
    "min": Unit("time", 60.0),
    "h": Unit("time", 3600.0),
    "kg": Unit("mass", 1000.0),
    "g": Unit("mass", 1.0),
    "t": Unit("mass", 1e6),
    "L": Unit("volume", 0.001),
    "m3": Unit("volume", 1.0),
    "L/min": Unit("flow", 0.001 / 60),
    "m3/s": Unit("flow", 1.0),
}

# What people and makers write, and the UCUM code it stands for.
SPELLINGS: dict[str, str] = {
    "°C": "Cel", "℃": "Cel", "C": "Cel", "celsius": "Cel", "°F": "[degF]", "℉": "[degF]", "F": "[degF]",
    "μg/m3": "ug/m3", "µg/m3": "ug/m3", "μg/m³": "ug/m3", "µg/m³": "ug/m3", "㎍/㎥": "ug/m3", "ug/m³": "ug/m3",
    "mg/m³": "mg/m3", "mg/l": "mg/L", "ppm": "[ppm]", "ppb": "[ppb]", "kn": "[kn_i]", "°": "deg", "degrees": "deg",
    "dBA": "dB[SPL]", "dB(A)": "dB[SPL]", "percent": "%", "W/m²": "W/m2", "NTU": "[NTU]", "pH": "[pH]",
    "µS/cm": "uS/cm", "μS/cm": "uS/cm", "㎜": "mm", "㎞/h": "km/h", "": "1",
}  # fmt: skip


def ucum(code: str) -> str:
    """UCUM code of a code or a common spelling; unknown ones are refused."""
    code = code.strip()
    known = code if code in UNITS else SPELLINGS.get(code, "")
    if not known:
        raise InputError("unit.unknown", f"The unit {code!r} is not known. Send a UCUM code, for example Cel or ug/m3.")
    return known


def conversion(source: str, target: str) -> tuple[float, float]:
    """``(a, b)`` with ``target value = a * source value + b``; refused when the dimensions differ."""
    source, target = ucum(source), ucum(target)
    if source == target:
        return 1.0, 0.0
    from_, to = UNITS[source], UNITS[target]
    if from_.dimension != to.dimension:
        raise InputError("unit.mismatch", f"{source} ({from_.dimension}) cannot be read as {target} ({to.dimension}).")
    return from_.scale / to.scale, (from_.offset - to.offset) / to.scale
