"""Bills as rows a model can be fitted to: estimated ones joined to the reading that follows, others left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from dure.services.carbon.households.degree_days import StationWeather, Weather
from dure.services.carbon.households.fitting import Row
from dure.services.carbon.households.model import MILLI, Bill


class Stretch(NamedTuple):
    """One reading of the meter after another.

    Attributes
    ----------
    months : places of the months it covers
    left_out : why it does not count (``estimated``, ``exchanged``, ``vacant``, ``weather``), else empty
    """

    months: tuple[int, ...]
    first: date
    end: date
    milli: int
    left_out: str = ""
    weather: Weather | None = None

    @property
    def row(self) -> Row:
        """As the model takes it; its weather is there."""
        assert self.weather is not None  # noqa: S101  # `left_out` says so else
        days = (self.end - self.first).days
        return Row(self.months[-1], days, self.milli / MILLI / days, self.weather)

    def without(self, why: str) -> Stretch:
        """The same, left out."""
        return self._replace(left_out=why)


def stretches(bills: Sequence[Bill]) -> list[Stretch]:
    """Readings in order of time: an estimated bill says nothing by itself, with the reading that follows it does.

    Parameters
    ----------
    bills : of one utility, each month at most once
    """
    found: list[Stretch] = []
    waiting: list[Bill] = []
    for bill in sorted(bills, key=lambda one: one.month):
        if waiting and (waiting[-1].month + 1 != bill.month or waiting[-1].end != bill.first):
            found += [_left(one) for one in waiting]
            waiting = []
        waiting.append(bill)
        if bill.read == "actual":
            found.append(_joined(waiting))
            waiting = []
    return found + [_left(one) for one in waiting]


def with_weather(stretch: Stretch, weather: StationWeather) -> Stretch:
    """With the weather of its days, or left out when that is not known."""
    if stretch.left_out:
        return stretch
    found = weather.of(stretch.first, stretch.end)
    return stretch._replace(weather=found) if found is not None else stretch.without("weather")


def _left(bill: Bill) -> Stretch:
    return Stretch((bill.month,), bill.first, bill.end, bill.milli, "estimated")


def _joined(bills: Sequence[Bill]) -> Stretch:
    exchanged, vacant = any(one.exchanged for one in bills), any(one.vacant for one in bills)
    return Stretch(
        tuple(one.month for one in bills),
        bills[0].first,
        bills[-1].end,
        sum(one.milli for one in bills),
        "exchanged" if exchanged else "vacant" if vacant else "",
    )
