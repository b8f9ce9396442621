"""Holding an EVSE for somebody: the reservation kept, then asked of the station."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dure.core.errors import InputError
from dure.core.time import to_us
from dure.services.charging.stations import calls, reservation_records
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.reservation_records import Reservation
from dure.services.charging.stations.said import instant_text
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import checked_text, digest

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House

LONGEST = timedelta(days=1)


async def reserve(  # who holds what for whom until when
    house: House, charger: str, evse: int, card: str, until: datetime, by: By
) -> tuple[Reservation, Call]:
    """Ask a station to hold an EVSE (0: any) for a card until an instant.

    Raises
    ------
    InputError : the instant is past or more than a day ahead (``reservation.until``)
    Conflict : the station is offline; the reservation is cancelled then
    """
    if not by.at < until <= by.at + LONGEST:
        raise InputError("reservation.until", "A reservation ends within a day from now.")
    text = checked_text(card)

    def keep() -> Reservation:
        wanted = Reservation(
            id=0,
            charger=charger,
            evse=evse,
            token=digest(text, token_key(house.settings.data)),
            expires_at=until,
            made_at=by.at,
            changed_at=by.at,
        )
        with house.records.begin() as connection:
            return reservation_records.add(connection, wanted)

    kept = await asyncio.to_thread(keep)
    told = {"evse": evse, "token": text, "until": instant_text(to_us(until)), "reservation": kept.id, "type": "ISO14443"}
    try:
        call = await calls.do(house, charger, "reserve", told, by)
    except Exception:  # whatever kept the station from being asked: what it does not know must not stay in our books
        await asyncio.to_thread(_drop, house, kept.id, by)
        raise
    return kept, call


def _drop(house: House, ident: int, by: By) -> None:
    with house.records.begin() as connection:
        reservation_records.move(connection, ident, "cancelled", by.at)


async def cancel(house: House, ident: int, by: By) -> Call:
    """Ask the station to let the EVSE go."""

    def find() -> Reservation:
        with house.records.read() as connection:
            return reservation_records.get(connection, ident)

    found = await asyncio.to_thread(find)
    return await calls.do(house, found.charger, "cancel_reservation", {"reservation": ident}, by)
