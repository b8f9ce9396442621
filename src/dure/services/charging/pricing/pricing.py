"""What a session costs its driver: whole won, in lines that add up to the total. Pure.

Energy is priced in the quarter hour it passed; between two reads it is taken to pass evenly. Each line is rounded once, as the
rules say, and the total is the sum of the lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.core.time import from_us, to_us
from dure.services.charging.pricing.prices import DiscountRow, EnergyRow, FeeRow, Member, PriceList
from dure.services.charging.pricing.tariffs import BANDS, TariffBook
from dure.services.charging.rules import Basis

QUARTER_US = 900 * 1_000_000
KWH = Decimal(1000)
LineKind = Literal["energy", "connection", "idle", "discount"]


class Slice(msgspec.Struct, frozen=True):
    """Energy that passed in ``[start_us, end_us)``."""

    start_us: int
    end_us: int
    wh: int


class Charged(msgspec.Struct, frozen=True, kw_only=True):
    """What a session took, as its price needs it.

    Attributes
    ----------
    power_w : of the EVSE, which decides the class of the price
    tariff : of the site, whose seasons and hours count
    charged_until : when the last energy passed; the vehicle stayed idle from then until `ended_at`
    renewable_wh : of renewable origin, 0 while not known
    """

    slices: tuple[Slice, ...]
    started_at: datetime
    ended_at: datetime
    charged_until: datetime
    power_w: float
    member: Member = "guest"
    tariff: str = ""
    renewable_wh: int = 0

    @property
    def wh(self) -> int:
        """All energy."""
        return sum(one.wh for one in self.slices)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a receipt: quantity x price = won."""

    kind: LineKind
    rule: str
    quantity: int
    unit: Literal["Wh", "min", "1"]
    won_per: float
    per: Literal["kWh", "min", "1"]
    won: int
    band: str = ""
    season: str = ""


class PricedSession(msgspec.Struct, frozen=True, kw_only=True):
    """What a session costs; ``won == sum(line.won)``, never below zero."""

    price: str
    member: Member
    lines: tuple[Line, ...]
    won: int
    energy_wh: int
    bases: tuple[Basis, ...]

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return any(one.provisional for one in self.bases)


def slices_of(at_us: Sequence[int], total_wh: Sequence[int]) -> tuple[Slice, ...]:
    """Energy by quarter hour, from what had passed until each read; the slices add up to the last total exactly."""
    found: dict[int, tuple[int, int, int]] = {}
    for (begin, before), (end, after) in pairwise(zip(at_us, total_wh, strict=True)):
        if after <= before:
            continue
        at, passed = begin, before
        while at < end:
            edge = min((at // QUARTER_US + 1) * QUARTER_US, end)
            until = after if edge == end else before + (after - before) * (edge - begin) // (end - begin)
            quarter = at // QUARTER_US
            start, _, wh = found.get(quarter, (at, edge, 0))
            found[quarter] = (start, edge, wh + until - passed)
            at, passed = edge, until
    return tuple(Slice(*found[one]) for one in sorted(found) if found[one][2])


def charged_until(at_us: Sequence[int], total_wh: Sequence[int], started_at: datetime) -> datetime:
    """When the last energy passed."""
    rose = [end for (_, before), (end, after) in pairwise(zip(at_us, total_wh, strict=True)) if after > before]
    return max(from_us(rose[-1]), started_at) if rose else started_at


def priced(charged: Charged, prices: PriceList, tariffs: TariffBook) -> PricedSession:
    """The lines of a session and their sum.

    Raises
    ------
    InputError : ``price.energy``, energy below zero or more renewable energy than energy
    ConfigError : ``price.none``, ``price.ambiguous``, ``tariff.…``, ``rules.not_in_force``
    """
    if any(one.wh < 0 for one in charged.slices) or not 0 <= charged.renewable_wh <= charged.wh:
        raise InputError("price.energy", f"{charged.renewable_wh} Wh renewable of {charged.wh} Wh cannot be priced.")
    lines: list[Line] = []
    bases: dict[Basis, None] = {}
    for (row, season, band), wh in _by_row(charged, prices, tariffs).items():
        bases[prices.basis(row)] = None
        won = _won(Decimal(wh) * _exact(row.won_kwh) / KWH, prices)
        sold = Line(kind="energy", rule=row.id, quantity=wh, unit="Wh", won_per=row.won_kwh, per="kWh", won=won)
        lines.append(msgspec.structs.replace(sold, band=band, season=season))
    for fee in prices.fees:
        if fee.member in {None, charged.member} and (line := _fee(fee, charged, prices)) is not None:
            bases[prices.basis(fee)] = None
            lines.append(line)
    for discount in prices.discounts:
        if charged.renewable_wh and discount.member in {None, charged.member}:
            bases[prices.basis(discount)] = None
            lines.append(_discount(discount, charged, prices, sum(one.won for one in lines)))
    return PricedSession(
        price=prices.id,
        member=charged.member,
        lines=tuple(lines),
        won=sum(one.won for one in lines),
        energy_wh=charged.wh,
        bases=tuple(bases),
    )


def _by_row(charged: Charged, prices: PriceList, tariffs: TariffBook) -> dict[tuple[EnergyRow, str, str], int]:
    """Wh by the row that prices it, in order of time; season and band only where they matter."""
    found: dict[tuple[EnergyRow, str, str], int] = {}
    power_kw = charged.power_w / 1_000
    if not prices.by_hour:
        if charged.wh:
            found[prices.energy_row(power_kw, charged.member, "summer", "off"), "", ""] = charged.wh
        return found
    for one in charged.slices:
        local = from_us(one.start_us).astimezone(tariffs.zone)
        day = tariffs.day(charged.tariff, local.date())
        band = BANDS[int(day.band[(local.hour * 60 + local.minute) // 15])]
        key = (prices.energy_row(power_kw, charged.member, day.season, band), day.season, band)
        found[key] = found.get(key, 0) + one.wh
    return found


def _fee(fee: FeeRow, charged: Charged, prices: PriceList) -> Line | None:
    if fee.kind == "connection":
        if not charged.wh:
            return None
        won = _won(_exact(fee.won), prices)
        return Line(kind="connection", rule=fee.id, quantity=1, unit="1", won_per=fee.won, per="1", won=won)
    idle_us = to_us(charged.ended_at) - to_us(charged.charged_until)
    minutes = max(0, idle_us // 60_000_000 - round(fee.free_min))
    if not minutes or not charged.wh:
        return None
    owed = Decimal(minutes) * _exact(fee.won)
    won = _won(owed if fee.most_won is None else min(owed, _exact(fee.most_won)), prices)
    return Line(kind="idle", rule=fee.id, quantity=minutes, unit="min", won_per=fee.won, per="min", won=won)


def _discount(row: DiscountRow, charged: Charged, prices: PriceList, owed: int) -> Line:
    """What is taken off; never more than is owed."""
    won = min(owed, _won(Decimal(charged.renewable_wh) * _exact(row.won_kwh) / KWH, prices))
    return Line(
        kind="discount", rule=row.id, quantity=charged.renewable_wh, unit="Wh", won_per=-row.won_kwh, per="kWh", won=-won
    )  # fmt: skip


def _exact(value: float) -> Decimal:
    """A price as the rules write it."""
    return Decimal(repr(value))


def _won(value: Decimal, prices: PriceList) -> int:
    rounding = ROUND_HALF_EVEN if prices.rounding == "half_even" else ROUND_FLOOR
    return int(value.to_integral_value(rounding=rounding))
