"""What a site may expect, as plans take it: only what won its last backtest.

A site without a backtest expects no vehicle, and the sun of the day before; one whose last backtest was won by
earliest departure first is told to be run by that (`Forecast.policy`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.charging.planning import backtest_records
from dure.services.charging.planning.forecast_model import Forecast, Past, Recipe
from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.forecasting import forecast, load_forecast, sun_as_yesterday, sun_forecast
from dure.services.charging.planning.site_past import first_session_at, grid_at, past_of

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House

BASELINE = "edf"


def forecast_for(house: House, site: Site, start_us: int, n: int, step_s: int) -> Forecast:
    """What is expected of the n steps from `start_us` on, with only what was known then. Reads records and telemetry.

    Parameters
    ----------
    start_us : begin of the first step; forecasts are made at whole steps of the local day, so it is taken down to one
    step_s : length of a step; a day must hold a whole number of them
    """
    day = from_us(start_us).astimezone(house.city.zone).date()
    rules = forecast_rules(day, house.city.folder)
    with house.records.read() as connection:
        won = backtest_records.live(connection, site.id)
    past = past_of(house, site, grid_at(house, start_us, step_s, rules, since=first_session_at(house, site)), rules)
    if won is None:
        return _plain(past, n, {"why": "no_backtest"})
    if won.recipe == BASELINE:
        calm = sun_forecast(past, n) if past.now else np.zeros(n)
        used = {
            "sun": "clear_sky",
            "arrivals": "none",
            "recipe": BASELINE,
            "why": "baseline_wins",
            "day": won.day.isoformat(),
        }
        return Forecast(pv_w=calm, load_w=load_forecast(past, n), policy=BASELINE, used=used)
    if won.facts["recipe"] is None:
        return _plain(past, n, {"why": "no_forecast_wins", "day": won.day.isoformat()})
    made = forecast(past, n, msgspec.convert(won.facts["recipe"], Recipe))
    return msgspec.structs.replace(made, used=made.used | {"why": "backtest_wins", "day": won.day.isoformat()})


def _plain(past: Past, n: int, why: dict[str, str]) -> Forecast:
    """No vehicle expected, and the sun of the day before: what is rehearsed as none."""
    plain, sun_w = Forecast.none(n), sun_as_yesterday(past, n)
    sun = {"sun": "yesterday"} if sun_w.any() else {}
    return msgspec.structs.replace(plain, pv_w=sun_w, load_w=load_forecast(past, n), used=plain.used | sun | why)
