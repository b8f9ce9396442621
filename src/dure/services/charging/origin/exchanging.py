"""An exchange of a site's meter is noted, and the books are corrected from there on. Blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dure.core.errors import Conflict
from dure.core.time import from_us
from dure.services.charging.origin import exchange_records
from dure.services.charging.origin.exchange_records import Noted
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.sessions.session_records import overlapping

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.services.charging.model import Site
    from dure.services.charging.origin.registers import Exchange
    from dure.spine.house import House

TRIES = 3


class Corrected(NamedTuple):
    """The exchange, and how many rows of the books it corrected."""

    noted: Noted
    rows_n: int


def note(house: House, site: Site, register: tuple[str, str], exchange: Exchange, by: By) -> Corrected:
    """Note an exchange and book the site again from it on."""
    with house.records.begin() as connection:
        found = exchange_records.note(connection, site, register, exchange, by)
    return Corrected(found, _book_again(house, site, from_us(exchange.at_us)))


def withdraw(house: House, site: Site, register: tuple[str, str], at: datetime, by: By) -> int:
    """Take an exchange back that never was; how many rows of the books that corrected."""
    with house.records.begin() as connection:
        exchange_records.withdraw(connection, site, register, at, by)
    return _book_again(house, site, at)


def _book_again(house: House, site: Site, at: datetime) -> int:
    """From some time before the exchange on: the step it hid began with the last read of the old meter."""
    for left in range(TRIES, 0, -1):
        try:
            return len(OriginDesk(house, overlapping).book(site, since=at - timedelta(hours=1)).rows)
        except Conflict:
            if left == 1:
                raise
    return 0
