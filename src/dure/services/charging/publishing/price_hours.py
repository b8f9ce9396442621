"""What drivers pay at a place in the next hours, from the dated prices and tariffs of the city."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.charging.model import Evse, Site
from dure.services.charging.pricing.prices import FeeRow, Member, PriceList
from dure.services.charging.pricing.running_cost import Books
from dure.services.charging.pricing.tariffs import BANDS, Band, Season
from dure.services.charging.rules import Basis

HOUR = timedelta(hours=1)
MEMBERS: tuple[Member, ...] = ("guest", "member")


class PriceHour(msgspec.Struct, frozen=True, kw_only=True):
    """An hour and what a kWh costs in it [won]."""

    start: datetime
    guest_won: float
    member_won: float
    band: Band
    season: Season


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """What drivers pay at a place.

    Attributes
    ----------
    hours : from the hour that runs on; all alike where `by_hour` is False
    bases : of the rows shown; `trouble` says why there is no price
    """

    name: Text
    hours: tuple[PriceHour, ...]
    by_hour: bool
    fees: tuple[FeeRow, ...] = ()
    discount_won: float = 0.0
    bases: tuple[Basis, ...] = ()
    trouble: str = ""

    @property
    def now(self) -> PriceHour | None:
        """The hour that runs."""
        return self.hours[0] if self.hours else None

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return any(one.provisional for one in self.bases)


def prices_at(site: Site, evse: Evse, books: Books, at: datetime, n: int = 12) -> Prices:
    """Prices of the next `n` hours; where the city's file gives none, why (its code)."""
    try:
        return _prices(site, evse, books, at, n)
    except ConfigError as error:
        return Prices(name=Text("", ""), hours=(), by_hour=False, trouble=error.code)


def _prices(site: Site, evse: Evse, books: Books, at: datetime, n: int) -> Prices:
    zone = books.tariffs.zone
    first = at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    listed = books.prices.listed(site.price, first.date())
    hours: list[PriceHour] = []
    bases: dict[Basis, None] = {}
    for number in range(n):
        begins = (first.astimezone(at.tzinfo) + number * HOUR).astimezone(zone)
        day = books.tariffs.day(site.tariff, begins.date())
        band = BANDS[int(day.band[begins.hour * 4])]
        won: dict[Member, float] = {}
        for member in MEMBERS:
            row = listed.energy_row(evse.power_w / 1_000, member, day.season, band)
            won[member] = row.won_kwh
            bases[listed.basis(row)] = None
        hours.append(
            PriceHour(start=begins, guest_won=won["guest"], member_won=won["member"], band=band, season=day.season)
        )  # fmt: skip
    fees = tuple(fee for fee in listed.fees if fee.won > 0)
    bases |= {listed.basis(fee): None for fee in fees}
    return Prices(
        name=listed.name,
        hours=tuple(hours),
        by_hour=listed.by_hour,
        fees=fees,
        discount_won=_discount(listed),
        bases=tuple(bases),
    )


def _discount(listed: PriceList) -> float:
    """The most that is taken off a kWh of renewable origin."""
    return max((row.won_kwh for row in listed.discounts), default=0.0)


def cheapest(prices: Prices) -> PriceHour | None:
    """The cheapest hour for a guest, the first of equals; None where hours are all alike."""
    if not prices.by_hour or not prices.hours:
        return None
    best = min(prices.hours, key=lambda one: (one.guest_won, one.start))
    return best if best.guest_won < prices.hours[0].guest_won else None
