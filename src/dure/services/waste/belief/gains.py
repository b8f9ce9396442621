"""What falls into a bin: a gamma process whose rate is itself not quite known, or counted deposits of uncertain volume.

The gain of a bin over `h` waste days is Gamma(shape h/c^2, scale mu c^2) for a mean rate mu and a day-to-day coefficient of
variation c. What is known of mu is a rise seen (`risen`) where another was awaited (`awaited`), the conjugate prior of that
process: then the gain is `risen` times a beta prime variable (compound gamma; Dubey 1970, doi 10.1007/BF02613934), and the more
was awaited the nearer it is to the plain gamma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv, gammaincc, gammaln, ndtr

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray

_LEAST = 1e-9
_SURE = 1e6  # deposits that weigh so much are as good as known
_NODES = np.array([-2.856970013872806, -1.355626179974266, 0.0, 1.355626179974266, 2.856970013872806])
_WEIGHTS = np.array([0.011257411327721, 0.222075922005613, 0.533333333333333, 0.222075922005613, 0.011257411327721])


class Gain(NamedTuple):
    """The gain of n bins: `scale` times BetaPrime(shape, sure).

    Attributes
    ----------
    shape : (n,) waste days over the squared day-to-day variation [1]
    sure : (n,) > 2, how much is known of the rate [1]
    scale : (n,) the rise seen [1]
    """

    shape: FloatArray
    sure: FloatArray
    scale: FloatArray

    def mean(self) -> FloatArray:
        """(n,) [1]."""
        return self.scale * self.shape / (self.sure - 1)

    def variance(self) -> FloatArray:
        """(n,) [1]."""
        return self.scale**2 * self.shape * (self.shape + self.sure - 1) / ((self.sure - 2) * (self.sure - 1) ** 2)

    def passes(self, free: FloatArray) -> FloatArray:
        """(n,) probability that the gain is more than what is free; 1 where nothing is."""
        room = np.maximum(free, _LEAST)
        found = betainc(self.sure, np.maximum(self.shape, _LEAST), self.scale / (room + self.scale))
        return np.where(free <= 0, 1.0, np.where(self.shape <= 0, 0.0, found))

    def quantile(self, share: float) -> FloatArray:
        """(n,) gain that is not passed with that probability."""
        odds = betaincinv(np.maximum(self.shape, _LEAST), self.sure, share)
        return np.where(self.shape <= 0, 0.0, self.scale * odds / np.maximum(1 - odds, _LEAST))


def gain(days: FloatArray, rate_per_day: FloatArray, cv: FloatArray, risen: FloatArray, awaited: FloatArray) -> Gain:
    """The gain over so many waste days.

    Parameters
    ----------
    days : (n,) waste days [d], >= 0
    rate_per_day : (n,) mean rate as learnt [1/d]
    cv : (n,) day to day coefficient of variation [1]
    risen, awaited : (n,) rise seen, and rise that was to be seen at the learnt rate [1]; their quotient corrects the rate
    """
    spread = cv**2
    known = np.maximum(awaited, _LEAST) / (rate_per_day * spread)
    sure = np.maximum(known + 1, 2.5)
    return Gain(days / spread, sure, np.maximum(risen, _LEAST) * (sure - 1) / np.maximum(known, _LEAST))


def overflow_probability(level: FloatArray, rate_per_day: FloatArray, cv: FloatArray, days: FloatArray) -> FloatArray:
    """Probability that each bin passes its brim within the waste days, at rates that are known.

    ``P = 1 - F(1 - level; shape days/c^2, scale mu c^2)``, F the cumulative gamma distribution.

    Parameters
    ----------
    level : (n,) fill fraction now [1], may exceed 1 when a bin already overflows
    rate_per_day, cv, days : (n,) as in `gain`

    Returns
    -------
    (n,) probability in [0, 1]
    """
    free = 1 - level
    shape = np.maximum(days, _LEAST) / cv**2
    found = gammaincc(shape, np.maximum(free, 0) / (rate_per_day * cv**2))
    return np.where(free <= 0, 1.0, np.where(days <= 0, 0.0, found))


def passes_from(level: FloatArray, sd: FloatArray, gained: Gain, brim: float) -> FloatArray:
    """(n,) probability to pass a brim from levels that are known to within `sd` (five nodes of Gauss and Hermite)."""
    total = np.zeros(len(level))
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        total += weight * gained.passes(brim - level - node * sd)
    return np.clip(total, 0.0, 1.0)


def deposits_overflow(free_l: FloatArray, deposits: FloatArray, sure: FloatArray, deposit_l: FloatArray, cv: float) -> FloatArray:
    """Probability that counted deposits fill what is free.

    Their number is Poisson with an uncertain mean, so negative binomial; the volume of k of them is nearly normal
    (triangular volumes: waste reference 3.6).

    Parameters
    ----------
    free_l : (n,) room left [L]
    deposits : (n,) deposits expected until then [1]
    sure : (n,) deposits that the expectation rests on [1]; the more, the nearer to Poisson
    deposit_l : (n,) mean volume of a deposit as it lies in the bin [L]; `cv` its coefficient of variation

    Returns
    -------
    (n,) probability in [0, 1]
    """
    most = int(np.ceil(np.max((np.maximum(free_l, 0) / deposit_l) * (1 + 4 * cv), initial=0))) + 2
    known = np.clip(sure, 1.0, _SURE)
    mean = np.maximum(deposits, _LEAST)
    stays = np.zeros(len(free_l))
    for k in range(most):
        log_p = gammaln(k + known) - gammaln(known) - gammaln(k + 1.0)
        log_p += known * np.log(known / (known + mean)) + k * np.log(mean / (known + mean))
        volume_l, sd_l = k * deposit_l, np.maximum(np.sqrt(k) * cv * deposit_l, _LEAST)
        stays += np.exp(log_p) * (ndtr((free_l - volume_l) / sd_l) if k else 1.0)
    return np.where(free_l <= 0, 1.0, np.clip(1 - stays, 0.0, 1.0))
