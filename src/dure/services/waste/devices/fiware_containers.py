"""FIWARE WasteContainer and WasteObserved (NGSI-LD, normalised or key-values): levels from 0 to 1, states as alarms.

Source: smart-data-models/dataModel.WasteManagement, commit 952dca8, CC BY 4.0 (verified source). `status` is one word or a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dure.core.observations import Reading, Rejected
from dure.protocols.readings import Refused, shown, time_of
from dure.services.waste.devices.delivered import Delivered, Emptied, rows_under

TYPES = ("WasteContainer", "WasteObserved")
NUMBERS = {"fillingLevel": ("fill_fraction", "1"), "temperature": ("device_temperature", "Cel")}
STATES = {"burning": "fire_alarm", "dropped": "tilted", "lidOpen": "lid_open"}


def parse(body: bytes) -> Delivered:
    """Readings and emptyings of a list of entities, or of a notification's ``data``; the maker's number is the entity's id."""
    found = Delivered([], [], [])
    rows = rows_under(body, "data", "fiware.malformed")
    if isinstance(rows, Rejected):
        return Delivered([], [], [rows])
    for number, row in enumerate(rows, 1):
        try:
            _read(row, found)
        except Refused as refused:
            found.rejected.append(Rejected(number, refused.code, refused.why, shown(row)))
    return found


def _read(row: Any, found: Delivered) -> None:
    if not isinstance(row, Mapping) or row.get("type") not in TYPES or not isinstance(row.get("id"), str):
        raise Refused("fiware.entity", f"The entity is none of {', '.join(TYPES)}, or has no id.")
    serial, observed = row["id"], _value(row, "dateObserved") or _value(row, "dateLastReported")
    at = time_of(observed)
    measured = []
    for name, (property_id, unit) in NUMBERS.items():
        value = _value(row, name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused("fiware.value", f"{name} is no number: {shown(value)}.")
        measured.append(Reading(property_id, float(value), at, serial, unit))
    states = _value(row, "status")
    words = states if isinstance(states, list) else [states] if isinstance(states, str) else []
    if words and "unknown" not in words:
        measured += [Reading(property_id, float(word in words), at, serial, "1") for word, property_id in STATES.items()]
    emptied_at = time_of(_value(row, "dateLastEmptying"))
    found.readings.extend(measured)
    if emptied_at is not None:
        found.emptied.append(Emptied(serial, emptied_at, None))


def _value(row: Mapping[str, Any], name: str) -> Any:
    """An attribute's value in either form; of a date in NGSI-LD the text in ``@value``."""
    found = row.get(name)
    if isinstance(found, Mapping):
        found = found.get("value")
    return found.get("@value") if isinstance(found, Mapping) else found
