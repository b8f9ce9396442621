"""The energy plan of one site as numbers: what is asked, and what comes out. Power in W, energy in Wh, money in won.

Step `t` of `n` is ``[start_us + t*step_s, ...)``. Arrays are float64 of shape (n,) unless said otherwise. Every array is >= 0
and its name says the direction.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.charging.model import Storage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle that is there, or is expected.

    Attributes
    ----------
    id : session id, or a forecast's own
    arrive, depart : steps ``[arrive, depart)`` in which it can charge
    need_wh : still to be given until it departs
    max_w, min_w : most it takes; the least at which it charges at all (0 or >= min_w), 0: any
    phases : of the site that it draws from equally; none: direct current over all three
    given_wh : what it got in this session before, for the fair share
    back_wh : what it may give back (V2G); 0 by default
    expected : True for one that is not there yet
    """

    id: str
    arrive: int
    depart: int
    need_wh: float
    max_w: float
    min_w: float = 0.0
    phases: tuple[int, ...] = ()
    given_wh: float = 0.0
    back_wh: float = 0.0
    expected: bool = False


def within(need: Need, n: int) -> Need:
    """The need as far as n steps go: its share of the energy up to there."""
    if need.depart <= n:
        return need
    return msgspec.structs.replace(need, depart=n, need_wh=need.need_wh * n / need.depart)


class Problem(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a site must decide.

    Attributes
    ----------
    pv_w, load_w : sun and other load (n,); price_won_kwh, export_won_kwh (n,)
    contract_w : most import; over_won_kwh its priced slack
    demand_won_kw : what one more kW of the peak costs in the rest of the billing period; peak_w the peak so far
    stored_wh : in the storage now; grid_to_ess whether the grid may fill it
    end_won_kwh : what a kWh in the storage after the last step is worth
    unmet_won_kwh : what a kWh not given costs
    phase_w : most import per phase, 0: not limited
    feeder_won_kwh : price of a shared line (n,), from the decomposition; None: no shared line
    line_w : most import that a shared line leaves to the site (n,), for plans made step by step; None: no shared line
    """

    start_us: int
    step_s: int
    pv_w: Floats
    load_w: Floats
    price_won_kwh: Floats
    export_won_kwh: Floats
    contract_w: float
    needs: tuple[Need, ...] = ()
    storage: Storage | None = None
    stored_wh: float = 0.0
    end_won_kwh: float = 0.0
    demand_won_kw: float = 0.0
    peak_w: float = 0.0
    grid_to_ess: bool = True
    over_won_kwh: float = 100_000.0
    unmet_won_kwh: float = 10_000.0
    phase_w: float = 0.0
    back_won_kwh: float = 0.0
    feeder_won_kwh: Floats | None = None
    line_w: Floats | None = None

    @property
    def n(self) -> int:
        """Steps."""
        return len(self.pv_w)

    @property
    def step_h(self) -> float:
        """Hours of a step."""
        return self.step_s / 3_600


class Binding(msgspec.Struct, frozen=True):
    """A limit that holds something back, in which step, and what one more kWh there would be worth [won]."""

    limit: str  # contract, phase, feeder, evse, storage_power, storage_energy, grid_to_ess, demand
    step: int
    won_kwh: float


class Plan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a site does.

    Attributes
    ----------
    import_w, export_w, charge_w, discharge_w, curtail_w : (n,)
    stored_wh : (n + 1,) at the beginning of each step and at the end
    ev_w : (needs, n); unmet_wh : (needs,)
    won : cost of the plan: energy, export, wear, peak; without prices of slack and unmet needs
    over_w : (n,) above the contract; all zero unless nothing else was possible
    policy : who made it: "lp", "edf", "conservative"
    """

    import_w: Floats
    export_w: Floats
    charge_w: Floats
    discharge_w: Floats
    curtail_w: Floats
    stored_wh: Floats
    ev_w: Floats
    unmet_wh: Floats
    over_w: Floats
    won: float
    peak_w: float
    policy: str = "lp"
    bindings: tuple[Binding, ...] = ()
    reasons: tuple[str, ...] = ()
