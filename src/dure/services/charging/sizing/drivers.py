"""Made drivers of a scenario: stays from a seed. Pure."""

from __future__ import annotations

import numpy as np

from dure.services.charging.planning.stays import MICRO, Days, Stay
from dure.services.charging.sizing.sizing_rules import ScenarioRow

SATURDAY = 5
STAY_H_LEAST, STAY_H_MOST = 0.3, 20.0
KWH_LEAST, KWH_MOST = 1.0, 80.0


def made_stays(scenario: ScenarioRow, days: Days, start_us: int, days_n: int, cars: int, seed: int) -> list[Stay]:
    """Stays of `days_n` days from `start_us` on, about `cars` on a working day."""
    chance = np.random.default_rng(seed)
    found: list[Stay] = []
    for day in range(days_n):
        mean = cars * (scenario.weekend if days.kind(day) >= SATURDAY else 1.0)
        for _ in range(int(chance.poisson(mean))):
            wave = scenario.arrive_h[int(chance.integers(len(scenario.arrive_h)))]
            arrive_h = float(np.clip(chance.normal(wave, scenario.arrive_sd_h), 0.0, 23.9))
            stay_h = float(np.clip(chance.normal(scenario.stay_h, scenario.stay_sd_h), STAY_H_LEAST, STAY_H_MOST))
            kwh = float(np.clip(chance.normal(scenario.need_kwh, scenario.need_sd_kwh), KWH_LEAST, KWH_MOST))
            begun = start_us + round((day * 24 + arrive_h) * 3_600) * MICRO
            found.append(Stay(begun, begun + round(stay_h * 3_600) * MICRO, kwh * 1_000))
    return found
