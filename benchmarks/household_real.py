"""Weather and dwelling-sized meters of the shared data, for ``household``.

Two UK meters (electricity and gas of one home, 2020-04 to 2022-12) with their temperatures, taken as no-change homes by
splitting their history in time; four series of Illinois with a known 10 % saving from 2017 on, under that place's temperatures
(the series are simulated, their README says). Nothing of the shared data is Korean.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import NamedTuple

from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.periods import Month, month_at

ROOT = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "buildings" / "eemeter_samples"
HOURS_LEAST = 20
UK, ILLINOIS = "uk-tempC-sample-0", "il-tempF"
UK_METERS: tuple[tuple[str, Utility], ...] = (
    ("uk-electricity-hdd-only-hourly-sample-0", "electricity"),
    ("uk-gas-hdd-only-hourly-sample-0", "gas"),
)
SAVERS: tuple[tuple[str, Utility], ...] = (
    ("il-electricity-cdd-hdd-daily", "electricity"),
    ("il-electricity-cdd-only-daily", "electricity"),
    ("il-gas-hdd-only-daily", "gas"),
    ("il-gas-intercept-only-daily", "gas"),
)


class Meter(NamedTuple):
    """Use of whole months [kWh, therm], by month."""

    utility: Utility
    use: dict[Month, float]


def real_weather(name: str) -> dict[date, float]:
    """Mean temperatures of days with nearly all of their hours [Cel]."""
    hours: dict[date, list[float]] = defaultdict(list)
    for row in _rows(name):
        value = row.get("tempC") or row.get("tempF") or ""
        if value:
            hours[date.fromisoformat(row["dt"][:10])].append(float(value))
    means = {day: sum(found) / len(found) for day, found in hours.items() if len(found) >= HOURS_LEAST}
    return {day: (one - 32) / 1.8 for day, one in means.items()} if name.endswith("F") else means


def meter(name: str, utility: Utility) -> Meter:
    """A series by months; those that are not whole are left out."""
    sums: dict[Month, float] = defaultdict(float)
    days: dict[Month, set[str]] = defaultdict(set)
    for row in _rows(name):
        if row["value"] and row["value"] != "nan":
            month = month_at(date.fromisoformat(row["start"][:10]))
            sums[month] += float(row["value"])
            days[month].add(row["start"][:10])
    return Meter(utility, {one: amount for one, amount in sums.items() if len(days[one]) == (one.end - one.first).days})


def _rows(name: str) -> list[dict[str, str]]:
    file = ROOT / f"{name}.csv.gz"
    if not file.exists():
        raise SystemExit(f"no {file}: set DURE_TEST_DATA")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
