"""OMA LwM2M object 3435 "Filling level" (uCIFI): SenML JSON (RFC 8428) of its resources to readings.

Source: OpenMobileAlliance/lwm2m-registry 3435.xml (verified source). A name reads ``urn:dev:...:NUMBER/3435/0/2``: what stands
before ``/3435/`` is the maker's number of the bin. Kept raw and not read here: thresholds, the device's own forecast, its
counter of fillings (whether it counts emptyings is to be confirmed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dure.core.observations import Reading, Rejected
from dure.protocols.readings import Refused, shown, time_of
from dure.services.waste.devices.delivered import Delivered, rows_under

Place = tuple[str, str]  # the maker's number, and the instance of the object
_NAME = re.compile(r"(?P<thing>.*?)/?3435/(?P<instance>\d{1,5})/(?P<resource>\d{1,5})")


RESOURCES: dict[int, tuple[str, str]] = {
    2: ("fill_fraction", "%"),
    5: ("full_alarm", "1"),
    13: ("tilted", "1"),  # "out of position"
    21: ("lid_open", "1"),
    22: ("fire_alarm", "1"),  # "temperature alarm"
}
HEIGHT, LEVEL = 1, 3  # [cm]: where the percentage is absent, the level is their ratio
TIMES_RELATIVE_BELOW = 2**28  # RFC 8428, 4.5.3: smaller times count from now


def parse(body: bytes) -> Delivered:
    """Readings of a SenML pack; a bad record never spoils its neighbours. A relative time is left to the moment of arrival."""
    found = Delivered([], [], [])
    rows = rows_under(body, "e", "lwm2m.malformed")
    if isinstance(rows, Rejected):
        return Delivered([], [], [rows])
    base: dict[str, Any] = {}
    heights: dict[Place, dict[int, Reading]] = {}
    direct: set[Place] = set()
    for number, row in enumerate(rows, 1):
        try:
            base |= {key: row[key] for key in ("bn", "bt") if key in row} if isinstance(row, dict) else {}
            place, resource, reading = _read(row, base)
        except Refused as refused:
            found.rejected.append(Rejected(number, refused.code, refused.why, shown(row)))
            continue
        if resource in RESOURCES:
            found.readings.append(reading)
            direct |= {place} if resource == 2 else set()
        elif resource in {HEIGHT, LEVEL}:
            heights.setdefault(place, {})[resource] = reading
    found.readings.extend(_ratios({place: both for place, both in heights.items() if place not in direct}))
    return found


def _read(row: Any, base: dict[str, Any]) -> tuple[Place, int, Reading]:
    name = _NAME.fullmatch(f"{base.get('bn', '')}{row.get('n', '')}") if isinstance(row, dict) else None
    if name is None:
        raise Refused("lwm2m.name", "The record's name has no /3435/INSTANCE/RESOURCE.")
    number, value = int(name["resource"]), row.get("v", row.get("vb"))
    if not isinstance(value, bool | int | float):
        raise Refused("lwm2m.value", f"Resource {number} has no number: {shown(value)}.")
    stated = row.get("t", 0) + base.get("bt", 0) if isinstance(row.get("t", 0), int | float) else row.get("t")
    is_relative = isinstance(stated, int | float) and stated < TIMES_RELATIVE_BELOW
    meaning, unit = RESOURCES.get(number, ("fill_fraction", "1"))
    at = None if is_relative else time_of(stated)
    return (name["thing"], name["instance"]), number, Reading(meaning, float(value), at, name["thing"], unit)


def _ratios(heights: dict[Place, dict[int, Reading]]) -> Iterator[Reading]:
    """Level over height, where a bin said both."""
    for both in heights.values():
        level, height = both.get(LEVEL), both.get(HEIGHT)
        if level and height and level.value is not None and height.value:
            yield Reading("fill_fraction", level.value / height.value, level.time, level.asset, "1")
