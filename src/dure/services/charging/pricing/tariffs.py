"""What a charging site pays for the grid's energy, by local quarter hour: season x time of use x kind of day, dated.

``book = tariff_book(folder, zone)`` reads ``rules/tariffs.toml`` once; ``book.day(tariff, day)`` answers for a local day.
What is wrong in the file is refused when it is read:

====================  ==========================================================================================
``tariff.negative``   a price is below zero; the plan and the receipts would turn round
``tariff.absurd``     a price is above `won_kwh_most`: most likely won per MWh, or a slip
``tariff.hours``      the bands of a season do not cover the day once, in whole quarters
``tariff.unknown``    a site names a tariff that is not there
====================  ==========================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.charging.pricing.days import DayKind, kind_of
from dure.services.charging.rules import Basis, Choice, Pack, Rule, load_pack

Floats = NDArray[np.float64]
Bands = NDArray[np.int8]
Season = Literal["summer", "spring_autumn", "winter"]
Band = Literal["off", "mid", "peak"]
BANDS: tuple[Band, ...] = ("off", "mid", "peak")
BAND_NAMES: Mapping[str, Text] = {
    "off": Text("경부하", "Off-peak"),
    "mid": Text("중간부하", "Mid-peak"),
    "peak": Text("최대부하", "On-peak"),
}
SEASONS: tuple[Season, ...] = ("summer", "spring_autumn", "winter")
QUARTERS = 96
QUARTER_MIN = 15
CODES = ("tariff.negative", "tariff.absurd")


class TariffRow(Rule, frozen=True, kw_only=True):
    """One row of ``[[tariffs]]``: which rates, hours and kinds of day it takes, and its basic charge [won per kW and month]."""

    name: Text
    rates: str
    hours: str
    seasons: str
    day_kinds: str
    basic_won_kw: float
    basic_on: Literal["contract", "peak"]


class RateRow(Rule, frozen=True, kw_only=True):
    """Prices of the three bands in one season [won/kWh]."""

    off: float
    mid: float
    peak: float


class HoursRow(Rule, frozen=True, kw_only=True):
    """Local hours of the bands on a working day, as ``HH:MM-HH:MM``; one may pass midnight."""

    off: tuple[str, ...]
    mid: tuple[str, ...]
    peak: tuple[str, ...]


class SeasonRow(Rule, frozen=True, kw_only=True):
    """Months of summer and winter; the others are spring and autumn."""

    summer: tuple[int, ...]
    winter: tuple[int, ...]


class DayRow(Rule, frozen=True, kw_only=True):
    """Which band stands in the place of which on Saturdays and on free days."""

    saturday: dict[Band, Band]
    free: dict[Band, Band]
    sunday_is_free: bool = True


class ExportRow(Rule, frozen=True, kw_only=True):
    """What the grid pays for what a site gives back [won/kWh]."""

    won_kwh: float


class HolidayRow(Rule, frozen=True, kw_only=True):
    """A holiday of the city's own."""

    day: date


class DayTariff(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A tariff on one local day.

    Attributes
    ----------
    won_kwh : (96,) price of each local quarter hour; band : (96,) index into `BANDS`
    basic_won_kw : basic charge [won per kW and month], on the contract or on the month's peak
    export_won_kwh : what is paid for what the site gives back
    """

    day: date
    tariff: str
    season: Season
    kind: DayKind
    won_kwh: Floats
    band: Bands
    basic_won_kw: float
    basic_on: Literal["contract", "peak"]
    export_won_kwh: float
    bases: tuple[Basis, ...]


class TariffBook:
    """All tariffs of a city's rules, with every version; days are worked out once."""

    def __init__(self, pack: Pack, zone: ZoneInfo, country: str = "KR") -> None:
        self.pack, self.zone = pack, zone
        self._country = country
        self._days: dict[tuple[str, date], DayTariff] = {}
        self._own = frozenset(row["day"] for row in pack.tables.get("holidays", ()))
        _check(pack)

    def names(self, day: date) -> Mapping[str, Text]:
        """Tariffs in force on a day."""
        return {row.id: row.name for row in self.pack.rows("tariffs", TariffRow, day)}

    def day(self, tariff: str, day: date) -> DayTariff:
        """A tariff on a local day; an empty name is the default one.

        Raises
        ------
        ConfigError
            ``tariff.unknown``, or ``rules.not_in_force`` where a part of it is not known for that day
        """
        found = self._days.get((tariff, day))
        if found is None:
            if len(self._days) > 4_000:  # ten years of days: no sender can fill the memory
                self._days.clear()
            found = self._days[tariff, day] = self._worked_out(tariff, day)
        return found

    def _worked_out(self, name: str, day: date) -> DayTariff:
        pack = self.pack
        known = name or str(pack.row("choices", "default_tariff", Choice, day).value)
        if not any(row["id"] == known for row in pack.tables.get("tariffs", ())):
            raise ConfigError("tariff.unknown", f"There is no tariff {known[:80]!r} in {pack.file}. Name one that is there.")
        tariff = pack.row("tariffs", known, TariffRow, day)
        days = pack.row("day_kinds", tariff.day_kinds, DayRow, day)
        months = pack.row("seasons", tariff.seasons, SeasonRow, day)
        season: Season = "spring_autumn"
        if day.month in months.summer:
            season = "summer"
        elif day.month in months.winter:
            season = "winter"
        kind = kind_of(day, self._own, sunday_is_free=days.sunday_is_free, country=self._country)
        hours = pack.row("hours", f"{tariff.hours}.{season}", HoursRow, day)
        rates = pack.row("rates", f"{tariff.rates}.{season}", RateRow, day)
        export = pack.row("export", "surplus", ExportRow, day)
        moved = {"working": {}, "saturday": days.saturday, "free": days.free}[kind]
        order = np.array([BANDS.index(moved.get(one, one)) for one in BANDS], np.int8)
        band = order[_bands_of(pack.file, hours)]
        prices = np.array([rates.off, rates.mid, rates.peak])[band]
        for one in (band, prices):
            one.setflags(write=False)
        parts = (("tariffs", tariff), ("rates", rates), ("hours", hours), ("day_kinds", days), ("export", export))
        return DayTariff(
            day=day,
            tariff=known,
            season=season,
            kind=kind,
            won_kwh=prices,
            band=band,
            basic_won_kw=tariff.basic_won_kw,
            basic_on=tariff.basic_on,
            export_won_kwh=export.won_kwh,
            bases=tuple(pack.basis(table, row) for table, row in parts),
        )


@lru_cache(maxsize=16)
def tariff_book(folder: Path | None, zone: ZoneInfo, country: str = "KR") -> TariffBook:
    """The tariffs of a city; its own rules win. Read once.

    Raises
    ------
    ConfigError
        what cannot be a tariff, with the codes above, or ``rules.…`` (overlapping versions are ``rules.overlap``)
    """
    return TariffBook(load_pack("tariffs", folder), zone, country)


def minutes_of(text: str) -> tuple[int, int] | None:
    """Minutes of the day of ``HH:MM-HH:MM``, end after begin or past midnight; None where it is none in whole quarters."""
    found: list[int] = []
    for part in text.split("-"):
        hour, colon, minute = part.partition(":")
        if not (colon and hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
            return None
        found.append(int(hour) * 60 + int(minute))
    if len(found) != 2 or any(one % QUARTER_MIN or one > 1440 for one in found):  # begin and end, minutes of a day
        return None
    return found[0], found[1]


def _bands_of(file: str, hours: HoursRow) -> Bands:
    """(96,) the band of each quarter of a working day."""
    band = np.full(QUARTERS, -1, np.int8)
    for index, name in enumerate(BANDS):
        for text in getattr(hours, name):
            span = minutes_of(text)
            if span is None:
                raise ConfigError(
                    "tariff.hours", f"{file}, [[hours]] {hours.id}: {text!r} is no span of whole quarters, HH:MM-HH:MM."
                )
            for quarter in _quarters(span):
                if band[quarter] >= 0:
                    raise ConfigError("tariff.hours", f"{file}, [[hours]] {hours.id}: {text!r} shares time with another band.")
                band[quarter] = index
    if (band < 0).any():
        free = int(np.flatnonzero(band < 0)[0]) * QUARTER_MIN
        raise ConfigError("tariff.hours", f"{file}, [[hours]] {hours.id}: no band covers {free // 60:02}:{free % 60:02}.")
    return band


def _quarters(span: tuple[int, int]) -> Iterable[int]:
    begin, end = span[0] // QUARTER_MIN, span[1] // QUARTER_MIN
    if end <= begin:
        end += QUARTERS
    return (one % QUARTERS for one in range(begin, end))


def _check(pack: Pack) -> None:
    """Every version of every row, not only those in force today."""
    for row in pack.tables.get("hours", ()):
        _bands_of(pack.file, pack.row("hours", row["id"], HoursRow, row["effective_from"]))
    for table, fields in (("rates", BANDS), ("export", ("won_kwh",)), ("tariffs", ("basic_won_kw",))):
        for row in pack.tables.get(table, ()):
            for field in fields:
                most = pack.row("choices", "won_kwh_most", Choice, row["effective_from"]).value
                check_price(f"{pack.file}, [[{table}]] {row['id']}: {field}", row.get(field, math.nan), float(most), CODES)


def check_price(where: str, won: object, most: float, codes: tuple[str, str]) -> None:
    """Refuse a price that cannot be one, with the code of a negative or of an absurd one."""
    negative, absurd = codes
    if not isinstance(won, int | float) or isinstance(won, bool) or not math.isfinite(won):
        raise ConfigError(absurd, f"{where} {str(won)[:40]!r} is no price. Enter won as a number.")
    if won < 0:
        raise ConfigError(negative, f"{where} is {won:g} won, below zero. A price is never negative; enter a discount as such.")
    if won > most:
        raise ConfigError(absurd, f"{where} is {won:g} won, more than {most:g}. Check the unit: won per kWh.")
