"""What a rehearsed planner learns: rate of each bin shrunken to all bins, weekday, noise; level and risk by gamma deposits.

The level gained over h days is gamma distributed (reference waste.md, 4.1): ``P(overflow) = 1 - F(1 - x; h / c^2, mu c^2)``.
The uncertainty of the rate and of the last level widens it by moments, so a dead sensor costs certainty and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincc

from dure.services.waste.model import FloatArray

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.rehearsing.policies import Morning

CREW_SD = 0.25 / 12**0.5  # a level told in quarters is uniform within its quarter
CREW_EMPTY = 0.0625  # "empty" is anything up to an eighth


@dataclass(frozen=True)
class Guess:
    """What is presumed before anything was seen: rate of a bin [1/d], its spread between bins, noise of days [CV]."""

    rate: float = 0.15
    between_cv: float = 0.8
    day_cv: float = 0.6
    weight_d: float = 20.0  # bin-days the guess of `rate` and `day_cv` counts for, against what all bins together tell
    sensor_sd: float = 0.03
    weekdays: tuple[float, ...] = (1.0,) * 7


@dataclass(eq=False)
class Forecaster:
    """State per bin: last level known, days since, its uncertainty; sums the rates are learnt from.

    Attributes
    ----------
    level, variance : (n,) last known level [1] and variance of its error
    exposure_d : (n,) mean-weekday days since that level
    gained, exposed_d : (n,) rise seen in all closed spells [1], and their length in mean-weekday days
    misread : (n,) variance of `gained` by what is misread; between two emptyings errors of a sensor cancel out
    """

    n: int
    guess: Guess = field(default_factory=Guess)

    def __post_init__(self) -> None:
        self.level, self.variance, self.exposure_d = np.zeros(self.n), np.zeros(self.n), np.zeros(self.n)
        self.gained, self.exposed_d = np.zeros(self.n), np.zeros(self.n)
        self.misread = np.zeros(self.n)
        self._squares = self._degrees = 0.0
        self._by_weekday = np.zeros((2, 7))
        self._factor = np.array(self.guess.weekdays)

    def morning(self, morning: Morning) -> None:
        """Take in the readings of a morning, (n,), nan where silent."""
        known = np.isfinite(morning.reading)
        self._spell(known, np.nan_to_num(morning.reading), self.guess.sensor_sd**2, morning.weekday)

    def emptied(self, bins: IntArray, level: FloatArray) -> None:
        """Crews emptied these bins before today's waste and saw these levels, in quarters; 1.25: more than full."""
        known = np.zeros(self.n, bool)
        known[bins] = True
        blind = known & (self.exposure_d > 0)  # where a sensor told this morning's level, the quarters add nothing
        seen = np.zeros(self.n)
        seen[bins] = np.where(level == 0, CREW_EMPTY, level)
        self._spell(blind, seen, CREW_SD**2, None)
        self.misread[bins] += self.variance[bins]
        self.level[bins], self.variance[bins], self.exposure_d[bins] = 0.0, 0.0, 0.0

    def evening(self, weekday: int) -> None:
        """A day of waste has passed."""
        self.exposure_d += self._factor[weekday]

    def rates(self) -> tuple[FloatArray, FloatArray]:
        """(n,) mean rate [1/d] and (n,) its standard deviation: what each bin showed, weighed with all bins together.

        A bin emptied while nearly empty shows a rate of nothing; how unsure that is comes from the crews' quarters.
        """
        guess = self.guess
        total_d = self.exposed_d.sum() + guess.weight_d
        mean = (self.gained.sum() + guess.weight_d * guess.rate) / total_d
        exposed_d = np.maximum(self.exposed_d, 1e-9)
        cv2, misread = self.day_cv() ** 2, self.misread / exposed_d**2
        own = np.maximum(self.gained / exposed_d, 0.0)
        spread = mean**2 * cv2 / exposed_d + misread
        weight = 1 / (1 + spread / (guess.between_cv * mean) ** 2)
        rate = weight * own + (1 - weight) * mean
        return rate, np.sqrt(weight * (rate**2 * cv2 / exposed_d + weight * misread))

    def factor(self, weekday: int) -> float:
        """What a day brings against the mean day [1]."""
        return float(self._factor[weekday])

    def day_cv(self) -> float:
        """Coefficient of variation of a day, from all bins together."""
        guess = self.guess
        return float(np.sqrt((self._squares + guess.weight_d * guess.day_cv**2) / (self._degrees + guess.weight_d)))

    def gain(self, days_d: FloatArray | float) -> tuple[FloatArray, FloatArray]:
        """(n,) mean and (n,) variance of the level that many mean-weekday days after the last known one."""
        rate, sd = self.rates()
        span_d = self.exposure_d + days_d
        mean = self.level + rate * span_d
        return mean, self.variance + rate**2 * self.day_cv() ** 2 * span_d + sd**2 * span_d**2

    def risk(self, weekday: int, days: int = 1) -> FloatArray:
        """(n,) probability to be over the brim at the end of the day, `days` - 1 days after this one, when left alone."""
        span_d = sum(self._factor[(weekday + one) % 7] for one in range(days))
        mean, variance = self.gain(span_d)
        return exceeding(1 - self.level, mean - self.level, variance)

    def risk_emptied(self, weekday: int, days: int = 1) -> FloatArray:
        """(n,) the same, when emptied this morning."""
        span_d = sum(self._factor[(weekday + one) % 7] for one in range(days))
        rate, sd = self.rates()
        return exceeding(np.ones(self.n), rate * span_d, rate**2 * self.day_cv() ** 2 * span_d + (sd * span_d) ** 2)

    def _spell(self, known: np.ndarray, level: FloatArray, variance: float, weekday: int | None) -> None:
        """Close the spell since the last known level where a new one is known."""
        rate, _ = self.rates()
        spell = known & (self.exposure_d > 0)
        rise, exposure = level[spell] - self.level[spell], self.exposure_d[spell]
        usable = level[spell] < 1  # at the brim a reading says only "at least"
        expected = rate[spell] * exposure
        gain = np.where(usable, rise, np.maximum(rise, expected))
        self.gained[spell] += np.maximum(gain, -expected)
        self.exposed_d[spell] += exposure
        noise = variance + self.variance[spell]
        residual = ((gain - expected) ** 2 - noise)[usable]
        scale = (rate[spell] ** 2 * exposure)[usable]
        worth = scale > noise[usable]  # where the noise of the sensor hides the day's, nothing is learnt of the day's
        self._squares += float((residual[worth] / scale[worth]).sum())
        self._degrees += float(worth.sum())
        if weekday is not None:
            self._learn_weekday(weekday, gain, exposure)
        self.level[known], self.variance[known], self.exposure_d[known] = level[known], variance, 0.0

    def _learn_weekday(self, weekday: int, gain: FloatArray, exposure: FloatArray) -> None:
        """What came overnight came on the day before; only spells of one day speak."""
        single = exposure < 1.5
        yesterday = (weekday - 1) % 7
        self._by_weekday[:, yesterday] += gain[single].sum(), single.sum()
        total, days = self._by_weekday.sum(1)
        if days:
            prior = 3 * self.n
            mean = total / days
            factor = (self._by_weekday[0] + prior * mean) / ((self._by_weekday[1] + prior) * mean)
            self._factor = factor / factor.mean()


def exceeding(room: FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """P(gain > room) of a gamma gain with these moments, (n,) each; 1 where there is no room left."""
    mean, variance = np.maximum(mean, 1e-9), np.maximum(variance, 1e-12)
    tail = gammaincc(mean**2 / variance, np.maximum(room, 0) * mean / variance)
    return np.where(room > 0, tail, 1.0)
