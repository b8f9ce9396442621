"""The nouns of energy at home: a household, its bills, and what a half-year came to."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.households.energy_rules import Utility

Read = Literal["actual", "estimated"]
Source = Literal["entered", "file", "partner", "meter"]
MILLI = 1_000  # amounts are whole thousandths of a bill's unit: Wh, litres, kJ, litres of gas


class People(msgspec.Struct, frozen=True):
    """How many live there since a day."""

    since: date
    count: int


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """What of a household its judging needs.

    Attributes
    ----------
    since, until : lived in from the one day to the day before the other
    people : how many, in order of time; the first holds for the time before it too
    solar_since : since when panels on the roof feed the home, if they do
    """

    since: date
    until: date | None = None
    people: tuple[People, ...] = ()
    solar_since: date | None = None

    def people_on(self, day: date) -> int:
        """How many on a day; 0 when that was never said."""
        known = [one for one in self.people if one.since <= day] or list(self.people[:1])
        return known[-1].count if known else 0


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A month's use of one utility.

    Attributes
    ----------
    month : place of the month it stands for (`periods.Month`)
    first, end : days it covers, the first and the one after the last
    milli : use [thousandths of `unit`], >= 0
    read : whether the meter was read, or the supplier estimated
    exchanged : whether the meter was exchanged within it
    vacant : whether the household said that nobody was there
    """

    utility: Utility
    month: int
    first: date
    end: date
    milli: int
    unit: str
    read: Read = "actual"
    exchanged: bool = False
    vacant: bool = False
    source: Source = "entered"


class MonthLine(msgspec.Struct, frozen=True, kw_only=True):
    """A month (or months read together) beside its expectation, as a person sees it.

    Attributes
    ----------
    months : places of the months
    used_milli, expected_milli : None where not known
    left_out : why it does not count, else empty
    """

    months: tuple[int, ...]
    used_milli: int | None
    expected_milli: int | None = None
    left_out: str = ""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """A band and the use at or below which it would have been reached [thousandths]."""

    percent: Fraction
    won: int
    use_milli: int
    rule: str = ""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a half-year of one utility came to.

    Attributes
    ----------
    code, reason : stable code, and in words; `household.band` when a band was reached
    won : of the band [KRW]
    expected_milli, used_milli, half_milli : over the months that count: expected in their weather, used, and from the best
        estimate down to the bound of the one-sided interval, each rounded against the household; 0 when it was not judged
    average_cut : the cut by the published rule, which knows no weather, for comparison; None when it cannot be said
    times : spreads from estimate to bound; score : spreads the estimate lies above 0
    reach : what would have reached each band
    history, months : of the past and of the period
    """

    utility: Utility
    period: str
    code: str
    reason: Text
    unit: str = ""
    won: int = 0
    band: str = ""
    expected_milli: int = 0
    used_milli: int = 0
    half_milli: int = 0
    average_cut: float | None = None
    times: float = 0.0
    score: float = 0.0
    reach: tuple[Reach, ...] = ()
    history: tuple[MonthLine, ...] = ()
    months: tuple[MonthLine, ...] = ()
    rules: str = ""
    provisional: tuple[str, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether there was enough to go by."""
        return self.expected_milli > 0

    @property
    def share(self) -> Fraction:
        """Best estimate of the cut [1]."""
        return Fraction(self.expected_milli - self.used_milli, self.expected_milli)

    @property
    def bound_share(self) -> Fraction:
        """Lower bound of the cut [1]."""
        return Fraction(self.expected_milli - self.used_milli - self.half_milli, self.expected_milli)

    @property
    def sure_milli(self) -> int:
        """Saved at least [thousandths], never below 0."""
        return max(0, self.expected_milli - self.used_milli - self.half_milli)
