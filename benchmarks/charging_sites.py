"""Made days of charging sites, from a seed: sun, storage, time-of-use prices, a demand charge, vehicles that come and go."""

from __future__ import annotations

import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.problem import Need, Problem

STEPS, STEP_S = 96, 900
STORAGE = Storage(id="ess", site="site", capacity_wh=100_000, charge_w=40_000, discharge_w=40_000)
PHASES: tuple[tuple[int, ...], ...] = ((1,), (2,), (3,), (1, 2, 3))


def site_day(seed: int, vehicles: int, *, flat: bool = False, demand_won_kw: float = 2_580.0) -> Problem:
    """A day of one site; `flat`: one price all day."""
    chance = np.random.default_rng(seed)
    t = np.arange(STEPS)
    hour = t // 4
    price = np.where((hour < 8) | (hour >= 22), 85.0, np.where((hour >= 10) & (hour < 17), 255.0, 170.0))
    return Problem(
        start_us=0,
        step_s=STEP_S,
        pv_w=np.maximum(0.0, np.sin((t / 4 - 6) / 12 * np.pi)) * 60_000 * chance.uniform(0.5, 1.0),
        load_w=np.full(STEPS, 2_000.0),
        price_won_kwh=np.full(STEPS, 120.0) if flat else price,
        export_won_kwh=np.full(STEPS, 80.0),
        contract_w=60_000.0 if vehicles <= 20 else 200_000.0,
        storage=STORAGE,
        stored_wh=20_000.0,
        demand_won_kw=demand_won_kw,
        needs=tuple(_vehicle(chance, i) for i in range(vehicles)),
    )


def _vehicle(chance: np.random.Generator, i: int) -> Need:
    arrive = int(chance.integers(0, 60))
    depart = int(min(STEPS, arrive + chance.integers(8, 36)))
    phases = PHASES[int(chance.integers(len(PHASES)))]
    most = 7_000.0 if len(phases) == 1 else 11_000.0
    wanted = float(min(most * 0.25 * (depart - arrive) * 0.9, chance.uniform(4e3, 30e3)))
    return Need(
        id=f"e{i:03d}", arrive=arrive, depart=depart, need_wh=wanted, max_w=most, min_w=1_320.0 * len(phases), phases=phases
    )  # fmt: skip
