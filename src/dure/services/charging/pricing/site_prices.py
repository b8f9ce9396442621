"""Prices of a site's energy, step by step, as the planner and the studies take them. Pure.

``site_prices(book, site.tariff, start, n, step_s)`` with ``book = tariff_book(house.city.folder, house.city.zone)``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.time import Interval, day_interval, day_of
from dure.services.charging.pricing.tariffs import QUARTERS, Floats, TariffBook
from dure.services.charging.rules import Basis

QUARTER_S = 900
STEPS_MAX = 400_000


class SitePrices(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a site pays and is paid, of steps ``[start + t*step, …)``.

    Attributes
    ----------
    buy_won_kwh, export_won_kwh : (n,) mean price of each step, weighted by time where a step crosses bands
    basic_won_kw : basic charge [won per kW and month] at the first step
    demand_won_kw : what one more kW of the month's peak costs: the basic charge where it is billed on the peak, else 0
    period : the billing period (local month) of the first step
    bases : the rules it rests on, each once
    """

    buy_won_kwh: Floats
    export_won_kwh: Floats
    basic_won_kw: float
    demand_won_kw: float
    period: Interval
    bases: tuple[Basis, ...]

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return any(one.provisional for one in self.bases)


def site_prices(book: TariffBook, tariff: str, start: datetime, n: int, step_s: int) -> SitePrices:
    """Prices of `n` steps of `step_s` seconds from `start` on; an empty tariff is the city's default.

    Raises
    ------
    InputError : ``price.steps``, no or too many steps
    ConfigError : ``tariff.unknown``, ``rules.not_in_force``
    """
    if n < 1 or step_s < 1 or n > STEPS_MAX:
        raise InputError("price.steps", f"{n} steps of {step_s} s cannot be priced.")
    first = start.astimezone(UTC)
    begin_s = int(first.timestamp()) // QUARTER_S * QUARTER_S
    end = first + timedelta(seconds=n * step_s)
    buy, export, bases = _quarters(book, tariff, datetime.fromtimestamp(begin_s, UTC), end)
    offset_s = (first - datetime.fromtimestamp(begin_s, UTC)).total_seconds()
    day = book.day(tariff, day_of(first, book.zone))
    return SitePrices(
        buy_won_kwh=_means(buy, offset_s, n, step_s),
        export_won_kwh=_means(export, offset_s, n, step_s),
        basic_won_kw=day.basic_won_kw,
        demand_won_kw=day.basic_won_kw if day.basic_on == "peak" else 0.0,
        period=billing_period(first, book.zone),
        bases=bases,
    )


def billing_period(at: datetime, zone: ZoneInfo) -> Interval:
    """The local month of an instant: the basic charge on the peak counts anew in each."""
    day = day_of(at, zone)
    first, following = day.replace(day=1), (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Interval(day_interval(first, zone).start, day_interval(following, zone).start)


def _quarters(book: TariffBook, tariff: str, begin: datetime, end: datetime) -> tuple[Floats, Floats, tuple[Basis, ...]]:
    """Prices of the UTC quarters from `begin` until `end` is covered, and what they rest on."""
    buy: list[Floats] = []
    export: list[Floats] = []
    bases: dict[Basis, None] = {}
    at = begin
    while at < end:
        day = day_of(at, book.zone)
        found, whole = book.day(tariff, day), day_interval(day, book.zone)
        local = _local_quarters(day, whole, book.zone)
        skip = round((at - whole.start).total_seconds()) // QUARTER_S
        buy.append(found.won_kwh[local[skip:]])
        export.append(np.full(len(local) - skip, found.export_won_kwh))
        bases.update(dict.fromkeys(found.bases))
        at = whole.end
    return np.concatenate(buy), np.concatenate(export), tuple(bases)


def _local_quarters(day: date, whole: Interval, zone: ZoneInfo) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The local quarter of each quarter of a day: 0 to 95, but where clocks change."""
    n = round(whole.duration.total_seconds()) // QUARTER_S
    if n == QUARTERS:
        return np.arange(QUARTERS, dtype=np.intp)
    at = [(whole.start + timedelta(seconds=QUARTER_S * one)).astimezone(zone) for one in range(n)]
    return np.array([(one.hour * 60 + one.minute) // 15 if one.date() == day else 0 for one in at], np.intp)


def _means(quarters: Floats, offset_s: float, n: int, step_s: int) -> Floats:
    """(n,) means over steps that begin `offset_s` after the first quarter."""
    if not offset_s and step_s % QUARTER_S == 0:
        each = step_s // QUARTER_S
        means: Floats = quarters[: n * each].reshape(n, each).mean(axis=1)
        return means
    edges = np.arange(len(quarters) + 1) * float(QUARTER_S)
    total = np.concatenate([[0.0], np.cumsum(quarters) * QUARTER_S])
    at = offset_s + np.arange(n + 1) * float(step_s)
    found: Floats = np.diff(np.interp(at, edges, total)) / step_s
    return found
