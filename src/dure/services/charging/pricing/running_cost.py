"""What a session costs so far, for the display of a station, a driver's page and the receipt: session, site and prices joined."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dure.core.time import day_of
from dure.services.charging.pricing.prices import Member, PriceBook, PriceList, price_book
from dure.services.charging.pricing.pricing import Charged, PricedSession, charged_until, priced, slices_of
from dure.services.charging.pricing.tariffs import TariffBook, tariff_book

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dure.services.charging.model import Site
    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.registers import Counted


class Books(NamedTuple):
    """The prices and tariffs of a city."""

    prices: PriceBook
    tariffs: TariffBook


def books_of(folder: Path | None, zone: ZoneInfo, country: str = "KR") -> Books:
    """The books of a city; read once."""
    return Books(price_book(folder), tariff_book(folder, zone, country))


def list_of(site: Site | None, books: Books, started_at: datetime) -> PriceList:
    """The prices of a site that a session which began then pays."""
    return books.prices.listed(site.price if site else "", day_of(started_at, books.tariffs.zone))


def charged_of(
    session: Session, series: Counted, site: Site | None, member: Member = "guest", left_at: datetime | None = None
) -> Charged:
    """What a session took until its last word; the energy of `series` is that of the session.

    Parameters
    ----------
    left_at : when its vehicle left, where that is known to be later than the end of the session
    """
    evse = next((one for one in site.evses if one.id == session.evse), None) if site else None
    at_us, totals = series.at_us, series.total_wh
    over_at = session.ended_at or session.last_at or session.started_at
    return Charged(
        slices=slices_of(at_us, totals),
        started_at=session.started_at,
        ended_at=max(session.started_at, over_at, left_at or session.started_at),
        charged_until=charged_until(at_us, totals, session.started_at),
        power_w=evse.power_w if evse else 0.0,
        member=member,
        tariff=site.tariff if site else "",
    )


def cost_of(session: Session, series: Counted, site: Site | None, books: Books, member: Member = "guest") -> PricedSession:
    """What a session costs so far; without what is taken off for renewable energy, which is known when it is settled."""
    return priced(charged_of(session, series, site, member), list_of(site, books, session.started_at), books.tariffs)
