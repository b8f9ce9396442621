"""Limits of the network check: rows of rules/network.toml, and what a network's own residuals teach."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.environment.rules import Rule, load_pack

SD_PER_MAD = 1.4826  # standard deviation of a normal law from its median absolute deviation
Q95_PER_SD = 1.96  # of the absolute value of a normal law


class NetworkRule(Rule, frozen=True, kw_only=True):
    """How one property is compared between neighbours; its id is the property's, numbers with a unit are in the property's own.

    `start_sd` holds until `residuals_least` residuals are seen; `sd_least` always. `relative` is the least standard deviation
    as a share of the neighbours' value; a ragged neighbourhood may widen a limit up to `spread_most` times.
    """

    radius_m: float
    neighbours_most: int
    neighbours_least: int
    start_sd: float
    sd_least: float
    suspect_sd: float
    fail_sd: float
    spread_most: float
    residuals_least: int
    relative: float = 0.0
    gradient_per_m: float = 0.0


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """The limits in force for a property: its rule, and the standard deviation of a station about its neighbours [unit]."""

    rule: NetworkRule
    sd: float
    residuals: int = 0
    learned: bool = False

    @property
    def suspect(self) -> float:
        """Deviation from the neighbours beyond which a value is suspect, where they surround it well [unit]."""
        return self.rule.suspect_sd * self.sd

    @property
    def fail(self) -> float:
        """Deviation beyond which it fails [unit]."""
        return self.rule.fail_sd * self.sd


def starting(rule: NetworkRule) -> Thresholds:
    """Wide limits for a network that has taught nothing yet."""
    return Thresholds(rule=rule, sd=max(rule.start_sd, rule.sd_least))


def learn_thresholds(rule: NetworkRule, residuals: NDArray[np.float64]) -> Thresholds:
    """Limits from residuals to the neighbours' estimate, robust against up to one gross error in twenty.

    The standard deviation is the larger of what the median absolute deviation and what the 95th percentile of the absolute
    residual say of a normal law: a law with heavier tails gets wider limits.

    Parameters
    ----------
    residuals : (m,) deviations of values that passed their own checks, any order [unit]; NaN is left out
    """
    seen = residuals[np.isfinite(residuals)]
    if len(seen) < rule.residuals_least:
        return Thresholds(rule=rule, sd=max(rule.start_sd, rule.sd_least), residuals=len(seen))
    size = np.abs(seen - np.median(seen))
    sd = max(SD_PER_MAD * float(np.median(size)), float(np.quantile(size, 0.95)) / Q95_PER_SD, rule.sd_least)
    return Thresholds(rule=rule, sd=sd, residuals=len(seen), learned=True)


def rules_on(day: date, city: Path | None = None) -> dict[str, NetworkRule]:
    """The rows in force on a day by property; a property without a row is not compared. A city's own file wins.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` on a day before the first row, else as `load_pack`
    """
    return {one.id: one for one in load_pack("network", city).rows("neighbours", NetworkRule, day)}
