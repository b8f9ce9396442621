"""What a rehearsed planner learns: the rate of each bin, weekdays, the noise of days; and the level of each bin as it is known.

Rates are learnt spell by spell (see `rates`): from an emptying to the last reading before the next, and on to what the crew
saw there. A dead sensor therefore costs certainty and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.waste.planning.foresight import Expected, exceeding
from dure.services.waste.rehearsing.rates import RATES, Rates, Spells, likelihood

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.rehearsing.policies import Morning

QUARTER = 0.125  # a level told in quarters lies within this of what is told
NO_END = 50.0
SURE = 1.5  # standard deviations of a reading that its interval reaches
NEAR_BRIM = 0.97  # a sensor that tells so much may look at an overflow


class Guess(msgspec.Struct, frozen=True, kw_only=True):
    """What is presumed: noise of a sensor [1], and how many days of each bin the mean weekday counts for."""

    sensor_sd: float = 0.03
    weekday_d: float = 3.0


class Forecaster:
    """What is known of n bins.

    Attributes
    ----------
    start, start_sd : (n,) level at the start of the present spell and how unsure it is [1]
    days : (n,) days since then, of mean weekdays
    reading, read_d : (n,) newest reading in this spell, nan for none, and after how many days it came
    seeing : (n,) whether a sensor told the level this morning
    """

    def __init__(self, n: int, places_m: FloatArray | None = None, guess: Guess | None = None) -> None:
        self.n, self.guess = n, guess or Guess()
        self.start, self.start_sd, self.days = np.zeros(n), np.zeros(n), np.zeros(n)
        self.reading, self.read_d = np.full(n, np.nan), np.zeros(n)
        self.seeing: BoolArray = np.zeros(n, bool)
        self._rates = Rates(n, places_m)
        self._by_weekday = np.zeros((2, 7))
        self._factor = np.ones(7)
        self._known: tuple[FloatArray, FloatArray] | None = None

    def morning(self, morning: Morning) -> None:
        """Take in the readings of a morning, (n,), nan where silent."""
        self.seeing = np.isfinite(morning.reading)
        self._learn_weekday(morning)
        self.reading = np.where(self.seeing, morning.reading, self.reading)
        self.read_d = np.where(self.seeing, self.days, self.read_d)
        self._known = None

    def emptied(self, bins: IntArray, level: FloatArray) -> None:
        """Crews emptied these bins before today's waste and saw these levels, in quarters; 1.25: more than full."""
        mask, told = np.zeros(self.n, bool), np.zeros(self.n)
        mask[bins], told[bins] = True, level
        read = self._read()
        own = mask[read.bin]
        self._rates.learn(Spells(read.bin[own], read.days[own], read.low[own], read.high[own]))
        level_, sd, since_d = self._last()
        unread = np.flatnonzero(mask & (since_d > 0))  # where a sensor told this morning's level, the quarters add nothing
        low = told[unread] - QUARTER - level_[unread] - sd[unread]
        high = told[unread] + QUARTER - level_[unread] + sd[unread]
        nothing, spilt = told[unread] <= 0, told[unread] > 1
        self._rates.learn(_spells(unread, since_d[unread], np.where(nothing, -1.0, low), np.where(spilt, NO_END, high)))
        self.start[bins], self.start_sd[bins], self.days[bins] = 0.0, 0.0, 0.0
        self.reading[bins], self.read_d[bins] = np.nan, 0.0
        self._known = None

    def evening(self, weekday: int) -> None:
        """A day of waste has passed."""
        self.days = self.days + self._factor[weekday]

    def rates(self) -> tuple[FloatArray, FloatArray]:
        """(n,) mean rate [1/d] and (n,) its standard deviation, what the present spell tells included."""
        if self._known is None:
            read = self._read()
            more = np.zeros((self.n, RATES.size))
            more[read.bin] = likelihood(read, self.day_cv())
            shares = self._rates.shares(more)
            mean = shares @ RATES
            self._known = mean, np.sqrt(np.maximum(shares @ RATES**2 - mean**2, 0.0))
        return self._known

    def factor(self, weekday: int) -> float:
        """What a day brings against the mean day [1]."""
        return float(self._factor[weekday % 7])

    def day_cv(self) -> float:
        """Coefficient of variation of a day, from all bins together."""
        return self._rates.cv()

    def gain(self, days_d: float) -> tuple[FloatArray, FloatArray]:
        """(n,) mean and (n,) variance of the level, so many mean-weekday days from now, when left alone."""
        rate, sd = self.rates()
        level, level_sd, since_d = self._last()
        span_d = since_d + days_d
        return level + rate * span_d, level_sd**2 + (rate * self.day_cv()) ** 2 * span_d + (sd * span_d) ** 2

    def risk(self, weekday: int, days: int = 1) -> FloatArray:
        """(n,) probability to be over the brim at the end of the day, `days` - 1 days after this one, when left alone."""
        mean, variance = self.gain(sum(self.factor(weekday + one) for one in range(days)))
        level = self._last()[0]
        return exceeding(1 - level, mean - level, variance)

    def expected(self, weekday: int) -> Expected:
        """What a planner is told this morning."""
        rate, sd = self.rates()
        level, level_sd, since_d = self._last()
        day_cv = np.full(self.n, self.day_cv())
        return Expected(level, level_sd, since_d, rate, sd, day_cv, self.seeing, day=self.factor(weekday))

    def _last(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(n,) last known level, its standard deviation, and days since."""
        read = np.isfinite(self.reading)
        level = np.where(read, self.reading, self.start)
        sd = np.where(read, self.guess.sensor_sd, self.start_sd)
        return level, sd, self.days - np.where(read, self.read_d, 0.0)

    def _read(self) -> Spells:
        """What readings tell of the present spell so far."""
        bins = np.flatnonzero(np.isfinite(self.reading) & (self.read_d > 0))
        gain = self.reading[bins] - self.start[bins]
        near = SURE * np.hypot(self.guess.sensor_sd, self.start_sd[bins])
        high = np.where(self.reading[bins] >= NEAR_BRIM, NO_END, gain + near)
        return _spells(bins, self.read_d[bins], np.where(gain <= near, -1.0, gain - near), high)

    def _learn_weekday(self, morning: Morning) -> None:
        """What came overnight came on the day before; only days between two known levels speak."""
        level, _, since_d = self._last()
        told = np.nan_to_num(morning.reading)
        single = self.seeing & (since_d > 0) & (since_d < 1.5) & (told < 1)
        yesterday = (morning.weekday - 1) % 7
        self._by_weekday[:, yesterday] += (told - level)[single].sum(), single.sum()
        total, days = self._by_weekday.sum(1)
        if days and total > 0:
            prior, mean = self.guess.weekday_d * self.n, total / days
            factor = (self._by_weekday[0] + prior * mean) / ((self._by_weekday[1] + prior) * mean)
            self._factor = factor / factor.mean()


def _spells(bins: IntArray, days: FloatArray, low: FloatArray, high: FloatArray) -> Spells:
    return Spells(bins, days, low, np.maximum(high, 0.01))
