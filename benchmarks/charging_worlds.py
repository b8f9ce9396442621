"""Recorded spans of the two workplaces of the shared data, on the terms of the developer reference (section 6.3)."""

from __future__ import annotations

import csv
import gzip
import os
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path

import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.problem import Floats
from dure.services.charging.planning.rehearsing.session_file import read_sessions
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.stays import MICRO, Days, Stay, stays_of

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "charging"
STEP_S, PER_DAY = 900, 96
LEAD_D = 35
PV_KW, PV_SHAPE_KW = 150.0, 220.0
USUAL_W = 6_600.0  # the shared data name no power; the station file of the same site has 6.6 kW for all
CONTRACT_W, DEMAND, EXPORT, WEAR = 120_000.0, 2_580.0, 80.0, 15.0
TOU = {"low": 85.0, "mid": 170.0, "peak": 255.0}
PEAK_HOURS, LOW_HOURS = frozenset((10, 11, 13, 14, 15, 16)), frozenset((23, *range(9)))
# Of the United States, known years before.
HOLIDAYS = ("2018-05-28", "2018-07-04", "2018-09-03", "2018-11-12", "2018-11-22", "2018-11-23", "2018-12-24", "2018-12-25",
            "2019-01-01", "2019-01-21", "2019-02-18", "2019-05-27", "2019-07-04", "2019-09-02", "2019-11-28", "2019-11-29",
            "2019-12-24", "2019-12-25", "2020-01-01", "2020-01-20", "2020-02-17")  # fmt: skip


@cache
def _recorded(site: str) -> tuple[Stay, ...]:
    with gzip.open(DATA / f"{site}_sessions.csv.gz", "rt") as file:
        return tuple(read_sessions(file.read()).stays)


@cache
def _sun() -> Floats:
    """The measured shape (365 days of 48 half hours, local standard time) as kW of the array."""
    with gzip.open(DATA / "pv_jpl_220kwdc_30min.csv.gz", "rt") as file:
        return np.array([float(row["array_dc_kw"]) for row in csv.DictReader(file)])


def world_of(site: str, first: date, days: int, lead_d: int = LEAD_D) -> World:
    """The span of `days` days from `first`, with `lead_d` days of history before it."""
    begin = first - timedelta(days=lead_d)
    zone = timezone(timedelta(hours=-7 if 3 <= first.month <= 10 else -8))  # the offset of the span; its history keeps it
    start = datetime(begin.year, begin.month, begin.day, tzinfo=zone)
    total = (lead_d + days) * PER_DAY
    steps = np.arange(total)
    hour = steps % PER_DAY // 4
    price = np.where(
        np.isin(hour, list(PEAK_HOURS)), TOU["peak"], np.where(np.isin(hour, list(LOW_HOURS)), TOU["low"], TOU["mid"])
    )
    standard = timedelta(hours=-8) - (zone.utcoffset(None) or timedelta())
    half_hours = np.array([_half_hour(start + standard + timedelta(seconds=STEP_S * int(one))) for one in steps])
    start_us = round(start.timestamp() * MICRO)
    return World(
        start_us=start_us,
        step_s=STEP_S,
        lead=lead_d * PER_DAY,
        days=Days(per_day=PER_DAY, weekday=begin.weekday(), holidays=_holidays(begin, lead_d + days)),
        sun_w=_sun()[half_hours] * 1_000 * PV_KW / PV_SHAPE_KW,
        load_w=np.zeros(total),
        price_won_kwh=price,
        export_won_kwh=np.full(total, EXPORT),
        stays=stays_of(_recorded(site), start_us, STEP_S, USUAL_W),
        contract_w=CONTRACT_W,
        demand_won_kw=DEMAND,
        storage=Storage(id="ess", site=site, capacity_wh=300_000.0, charge_w=100_000.0, discharge_w=100_000.0, wear_won_kwh=WEAR),
    )


def _half_hour(at: datetime) -> int:
    day = (date(2019, at.month, min(at.day, 28) if at.month == 2 else at.day) - date(2019, 1, 1)).days  # a year of 365 days
    return day * 48 + at.hour * 2 + at.minute // 30


def _holidays(first: date, days: int) -> frozenset[int]:
    found = ((date.fromisoformat(one) - first).days for one in HOLIDAYS)
    return frozenset(one for one in found if 0 <= one < days)
