"""Baseline models: ours beside eemeter's and OpenDSM's on the same days and hours, in quality and in CPU seconds of one thread.

The buildings are the 70 simulated ones of ComStock. OpenDSM takes seconds for each: it fits a seeded few (``--peers 70``: all).
Figures of time are of fits alone, data prepared, as the peers' are.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mv_peers
import numpy as np
from mv_data import Buildings, buildings, days_of, hours_of, sample_fit, some
from report import Row, tell, write

from dure.services.buildings.modelling.change_points import fit_daily, fit_daily_many
from dure.services.buildings.modelling.compiling import compile_ahead
from dure.services.buildings.modelling.goodness import goodness
from dure.services.buildings.modelling.seasons import DEFAULT, Calendar, fit_seasonal
from dure.services.buildings.modelling.towt import fit_hourly

GOLDEN = Path(__file__).parents[1] / "tests" / "unit" / "services" / "buildings" / "mv_golden_eemeter.json"
COEFFICIENTS = ("intercept", "beta_hdd", "beta_cdd")
POINTS = ("heating_balance_point", "cooling_balance_point")
PLAIN = replace(DEFAULT, smooth=False, robust=False)


def cv_rmse(usage: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.nanmean((usage - predicted) ** 2)) / usage.mean())


def per_s(work: Callable[[], Any], meters: int, rounds: int) -> float:
    """Meters a CPU second, the best of some rounds: the machine is not ours alone."""
    found = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        found.append(meters / (time.process_time() - began))
    return max(found)


def caltrack(told: dict[str, Any]) -> list[Row]:
    worst, points = 0.0, 0
    for name, theirs in told["models"].items():
        ours = sample_fit(name, theirs)
        points += sum(theirs[field] is not None and getattr(ours, field) != theirs[field] for field in POINTS)
        wanted = [(getattr(ours, field), theirs[field]) for field in COEFFICIENTS if theirs[field] is not None]
        worst = max([worst, *[abs(mine / other - 1) for mine, other in wanted]])
    n, name = len(told["models"]), told["source"]
    return [
        Row(
            figure=f"CalTRACK grid, {n} samples: largest relative difference of a coefficient to {name}",
            ours=worst,
            unit="1",
            better="lower",
            bar=1e-5,
        ),
        Row(
            figure=f"CalTRACK grid, {n} samples: balance points that differ from {name}",
            ours=points,
            unit="",
            better="lower",
            bar=0,
        ),
    ]


def grid_speed(whole: Buildings, told: dict[str, Any], rounds: int) -> list[Row]:
    temperature, usage = whole.daily_temperature, whole.daily_usage
    theirs = np.mean([one["cpu_s"] for name, one in told["models"].items() if name.endswith("daily")])
    alone = per_s(lambda: [fit_daily(t, y) for t, y in zip(temperature, usage, strict=True)], len(usage), rounds)
    shared = per_s(lambda: fit_daily_many(temperature[0], usage), len(usage), rounds)
    peer = {"peer": 1 / theirs, "peer_name": told["source"]}
    return [
        Row(figure="CalTRACK grid, daily: meters a CPU second", ours=alone, unit="/s", better="higher", **peer),
        Row(figure="CalTRACK grid, meters of one station in one call", ours=shared, unit="/s", better="higher", **peer),
    ]


def daily(whole: Buildings, few: Buildings, told: dict[str, Any], rounds: int) -> list[Row]:
    cell = Calendar().cells(days_of())
    temperature, usage = whole.daily_temperature, whole.daily_usage
    speed = {
        how: per_s(
            lambda how=how: [fit_seasonal(t, y, cell, how) for t, y in zip(temperature, usage, strict=True)], len(usage), rounds
        )
        for how in (PLAIN, DEFAULT)
    }
    theirs_s = np.mean([one["cpu_s"] for one in told["daily"]])
    peer = {"peer": 1 / theirs_s, "peer_name": told["source"]}
    rows = [
        Row(
            figure="daily, seasons and weekdays: meters a CPU second",
            ours=speed[PLAIN],
            unit="/s",
            better="higher",
            bar=300,
            **peer,
        ),
        Row(
            figure="daily, with smoothed hinge and robust loss", ours=speed[DEFAULT], unit="/s", better="higher", bar=100, **peer
        ),
    ]
    for name, how in (("", DEFAULT), (", without smoothed hinge and robust loss", PLAIN)):
        ours, theirs = [], []
        for t, y, one in zip(few.daily_temperature, few.daily_usage, told["daily"], strict=True):
            ours.append(cv_rmse(y, fit_seasonal(t, y, cell, how).predict(t, cell)))
            theirs.append(cv_rmse(y, np.array(one["predicted"], float)))
        ratio, bar = np.array(ours) / np.array(theirs), 1.01 if how is DEFAULT else None
        n = len(ours)
        rows.append(
            Row(
                figure=f"daily CV(RMSE) over {told['source']}'s, median of {n}{name}",
                ours=float(np.median(ratio)),
                unit="1",
                better="lower",
                bar=bar,
            )
        )
        rows.append(
            Row(
                figure=f"daily CV(RMSE), median of {n}{name}",
                ours=100 * float(np.median(ours)),
                unit="%",
                better="lower",
                peer=100 * float(np.median(theirs)),
                peer_name=told["source"],
            )
        )
    return [*rows, held_out(whole, cell)]


def held_out(whole: Buildings, cell: np.ndarray) -> Row:
    """CV(RMSE) in every fourth week, by models of the others."""
    week, found = np.arange(len(cell)) // 7, []
    for t, y in zip(whole.daily_temperature, whole.daily_usage, strict=True):
        told = np.empty(len(y))
        for fold in range(4):
            held = week % 4 == fold
            told[held] = fit_seasonal(t[~held], y[~held], cell[~held]).predict(t[held], cell[held])
        found.append(cv_rmse(y, told))
    return Row(
        figure=f"daily CV(RMSE) in held-out weeks, median of {len(found)}",
        ours=100 * float(np.median(found)),
        unit="%",
        better="lower",
    )


def hourly(whole: Buildings, few: Buildings, told: dict[str, Any], rounds: int) -> list[Row]:
    hour, month = hours_of()
    speed = per_s(
        lambda: [fit_hourly(t, y, hour, month) for t, y in zip(whole.temperature, whole.usage, strict=True)],
        len(whole.usage),
        rounds,
    )
    theirs_s = np.mean([one["cpu_s"] for one in told["hourly"]])
    ours, theirs = [], []
    for t, y, one in zip(few.temperature, few.usage, told["hourly"], strict=True):
        ours.append(cv_rmse(y, fit_hourly(t, y, hour, month).predict(t, hour, month)))
        theirs.append(cv_rmse(y, np.array(one["predicted"], float)))
    bias = []
    for t, y in zip(whole.temperature, whole.usage, strict=True):
        model = fit_hourly(t, y, hour, month)
        bias.append(goodness(y, model.predict(t, hour, month), model.coefficients).nmbe)
    return [
        Row(
            figure="hourly: meters a CPU second",
            ours=speed,
            unit="/s",
            better="higher",
            bar=400,
            peer=1 / theirs_s,
            peer_name=told["source"],
        ),
        Row(
            figure=f"hourly CV(RMSE), median of {len(ours)}",
            ours=100 * float(np.median(ours)),
            unit="%",
            better="lower",
            peer=100 * float(np.median(theirs)),
            peer_name=told["source"],
        ),
        Row(figure="hourly |NMBE|, median", ours=100 * float(np.median(np.abs(bias))), unit="%", better="lower"),
    ]


def waiting() -> Row:
    """What a fresh process needs for the loops, from the cache that this one has filled; CPU, as the machine may be busy."""
    compile_ahead()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "dure.services.buildings.modelling.compiling"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Row(
        figure="a fresh process until all loops are ready, from the cache: CPU",
        ours=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        unit="s",
        better="lower",
        bar=5,
    )


def main(*, quick: bool, peers: int) -> Sequence[Row]:
    first = waiting()
    whole = some(buildings(), 8) if quick else buildings()
    few, rounds = some(whole, 2 if quick else peers), 1 if quick else 3
    grid = json.loads(GOLDEN.read_text("utf-8")) if quick else mv_peers.eemeter()
    told = mv_peers.opendsm(few, some(few, 1) if quick else few)
    hours = some(few, 1) if quick else few
    return [
        *caltrack(grid),
        *grid_speed(whole, grid, rounds),
        *daily(whole, few, told, rounds),
        *hourly(whole, hours, told, rounds),
        first,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", type=int, default=12, help="buildings that OpenDSM fits")
    options = parser.parse_args()
    (tell if options.quick else write)("mv-fit", main(quick=options.quick, peers=options.peers))
