"""What a forecast is made from, how it is made, and what it says."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.planning.problem import Floats, Ints, Need
from dure.services.charging.planning.stays import Days, Stays


class Past(msgspec.Struct, frozen=True, eq=False):
    """What is known of a site at step `now` of its grid, and nothing later.

    Attributes
    ----------
    sun_w, load_w : (now,) mean power of each step that is over [W]
    stays : those that are over
    came : steps of arrival of every vehicle that came up to now, also of those that are still there
    """

    days: Days
    step_s: int
    sun_w: Floats
    load_w: Floats
    stays: Stays
    came: Ints

    @property
    def now(self) -> int:
        """The step that begins."""
        return len(self.sun_w)

    @property
    def step_h(self) -> float:
        """Hours of a step."""
        return self.step_s / 3_600


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How forecasts are made, and what the plan aims at. Every candidate is a row of rules/forecasts.toml.

    Attributes
    ----------
    name : as backtests and screens call it
    arrivals : whether vehicles that are not there yet are expected
    like_days : of how many days of the same kind the mean is taken
    arrivals_scale : of the energy expected; above 1 for caution
    sun_scale : of the sun expected; below 1 for caution
    aim_share : of the peak that perfect foresight kept to in the site's last days, which the plan aims at; 0: it aims at none
    aim_w : peak below which power costs nothing more, worked out from `aim_share`
    kept_share : of what it would bring if it was sold instead, that a kWh is worth that the plan leaves in the storage
    horizon : steps that a plan looks ahead
    """

    name: str
    arrivals: bool = True
    like_days: int = 4
    arrivals_scale: float = 1.0
    sun_scale: float = 1.0
    aim_share: float = 0.0
    aim_w: float = 0.0
    kept_share: float = 0.0
    horizon: int = 128


class Forecast(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is expected of the next n steps.

    Attributes
    ----------
    pv_w, load_w : (n,) [W]
    expected : vehicles that are not there yet; cells of many stays, so each has a share of several vehicles
    aim_w : the peak to aim at
    kept_share : see `Recipe`
    policy : what the site is run by: "lp", or "edf" where that won the last backtest
    used : part -> method in words, for the screen
    """

    pv_w: Floats
    load_w: Floats
    expected: tuple[Need, ...] = ()
    aim_w: float = 0.0
    kept_share: float = 0.0
    policy: str = "lp"
    used: dict[str, str] = {}  # msgspec copies an empty default for every instance

    @staticmethod
    def none(n: int) -> Forecast:
        """Nothing expected: no sun, no load, no vehicle."""
        return Forecast(pv_w=np.zeros(n), load_w=np.zeros(n), used={"sun": "none", "load": "none", "arrivals": "none"})
