"""Bigbelly's list of assets (JSON, under ``assets``): fullness in tenths, instants in epoch milliseconds.

Source: test file of diwise/integration-bigbelly (MIT, verified source). `latestFullness` is 0 to 10 in steps of 2, `percentFull`
of the last collection 0 to 100: each is a share of the bin here. The device's own emptying becomes a sighting "emptied".
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from dure.core.observations import Reading, Rejected
from dure.protocols.readings import Refused, shown, time_of
from dure.services.waste.devices.delivered import Delivered, Emptied, rows_under

FULL = 10.0
_Instant = int | None


class _Collection(msgspec.Struct, rename="camel"):
    timestamp: _Instant = None
    percent_full: Annotated[float, msgspec.Meta(ge=0)] | None = None


class _Asset(msgspec.Struct, rename="camel"):
    serial_number: int | str
    latest_fullness: Annotated[float, msgspec.Meta(ge=0)] | None = None
    last_call: _Instant = None
    last_collection: _Collection | None = None
    reason: Literal["AGE", "ALERT", "FULLNESS", "NOT_READY", ""] | None = None
    status: str = ""


def parse(body: bytes) -> Delivered:
    """Readings and emptyings of a list, each of the maker's serial number; a bad row never spoils its neighbours."""
    found = Delivered([], [], [])
    rows = rows_under(body, "assets", "bigbelly.malformed")
    if isinstance(rows, Rejected):
        return Delivered([], [], [rows])
    for number, row in enumerate(rows, 1):
        try:
            one = msgspec.convert(row, _Asset, strict=True)
            called_at = time_of(one.last_call)
            emptied_at = time_of(one.last_collection.timestamp) if one.last_collection else None
        except (msgspec.ValidationError, Refused) as error:
            found.rejected.append(Rejected(number, "bigbelly.asset", f"Asset {number}: {error}.", shown(row)))
            continue
        serial = str(one.serial_number)
        if one.latest_fullness is not None and called_at is not None:
            found.readings.append(Reading("fill_fraction", one.latest_fullness / FULL, called_at, serial))
        if emptied_at is not None and one.last_collection is not None:
            percent = one.last_collection.percent_full
            found.emptied.append(Emptied(serial, emptied_at, None if percent is None else percent / 100))
    return found
