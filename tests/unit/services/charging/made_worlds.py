"""Weeks of a made workplace: the same cars every working day, with some chance in them, under a made sky."""

from __future__ import annotations

import msgspec
import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.problem import Floats
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.stays import MICRO, Days, Stay, stays_of

STEP_S, PER_DAY, WEEKDAYS = 900, 96, 5
STORAGE = Storage(id="ess", site="made", capacity_wh=60_000, charge_w=20_000, discharge_w=20_000)


def made_world(*, lead_d: int = 21, days: int = 3, seed: int = 1, cars: int = 8, peak_w: float = 30_000) -> World:
    """A world that begins on a Monday."""
    chance = np.random.default_rng(seed)
    total = (lead_d + days) * PER_DAY
    hour = np.arange(total) % PER_DAY / 4
    price = np.where((hour < 9) | (hour >= 23), 85.0, np.where((hour >= 10) & (hour < 17), 255.0, 170.0))
    return World(
        start_us=0,
        step_s=STEP_S,
        lead=lead_d * PER_DAY,
        days=Days(per_day=PER_DAY, weekday=0),
        sun_w=sky(hour, np.repeat(chance.uniform(0.4, 1.0, lead_d + days), PER_DAY), peak_w),
        load_w=np.zeros(total),
        price_won_kwh=price,
        export_won_kwh=np.full(total, 80.0),
        stays=stays_of(_cars(chance, lead_d + days, cars), 0, STEP_S, 7_000.0),
        contract_w=40_000.0,
        demand_won_kw=2_580.0,
        storage=STORAGE,
    )


def sky(hour: Floats, clearness: Floats, peak_w: float) -> Floats:
    """Sun from 6 to 18 o'clock."""
    shape: Floats = np.maximum(0.0, np.sin((hour - 6) / 12 * np.pi)) * clearness * peak_w
    return shape


def _cars(chance: np.random.Generator, days: int, cars: int) -> list[Stay]:
    rows = []
    for day in range(days):
        for _ in range(cars if day % 7 < WEEKDAYS else 0):
            arrived = (day * 24 + chance.normal(8.5, 0.7)) * 3_600
            stay = chance.uniform(6, 9) * 3_600
            rows.append(Stay(round(arrived * MICRO), round((arrived + stay) * MICRO), float(chance.uniform(6_000, 14_000))))
    return rows


def changed_after(world: World, now: int) -> World:
    """The same world up to step `now`, and quite another one after it."""
    sun = world.sun_w.copy()
    sun[now:] = sun[now:] * 0.3 + 500.0
    late = world.stays.arrive > now
    stays = msgspec.structs.replace(world.stays, need_wh=np.where(late, world.stays.need_wh * 0.5, world.stays.need_wh))
    return msgspec.structs.replace(world, sun_w=sun, stays=stays)
