"""Do 90 % intervals of savings hold? Each building against itself, 13 weeks held out four times: the true saving is 0.

The weeks are dealt to the four folds at random, by a seed of each building. Two other ways to hold weeks out are shown beside:
every fourth week, and whole quarters, where a baseline is asked about a season it has not seen: nothing here claims to do that.
The peer is the half width of ASHRAE Guideline 14, of the same model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from mv_data import Buildings, buildings, days_of, hours_of, some
from report import Row, tell, write

from dure.services.buildings.modelling.rows import DailyRows, HourlyRows, Rows
from dure.services.buildings.modelling.savings import avoided_energy
from dure.services.buildings.modelling.seasons import Calendar

FOLDS = 4
WEEKS = 52
DEALS: dict[str, Callable[[int], np.ndarray]] = {
    "weeks at random": lambda seed: np.random.default_rng(seed).permutation(WEEKS) % FOLDS,
    "every fourth week": lambda _: np.arange(WEEKS) % FOLDS,
    "a quarter unseen": lambda _: np.arange(WEEKS) // (WEEKS // FOLDS),
}


def rows_of(kind: str, whole: Buildings) -> list[Rows]:
    week = np.arange(WEEKS)
    if kind == "daily":
        cell = Calendar().cells(days_of())
        return [DailyRows(t, y, cell, week.repeat(7)) for t, y in zip(whole.daily_temperature, whole.daily_usage, strict=True)]
    hour, month = hours_of()
    return [HourlyRows(t, y, hour, month, week.repeat(168)) for t, y in zip(whole.temperature, whole.usage, strict=True)]


def covered(kind: str, deal: str, whole: Buildings) -> list[Row]:
    ours, theirs, width, their_width = [], [], [], []
    began = time.process_time()
    for seed, rows in zip(whole.ids.tolist(), rows_of(kind, whole), strict=True):
        fold = DEALS[deal](seed)[rows.week]
        for each in range(FOLDS):
            found = avoided_energy(rows.of(fold != each), rows.of(fold == each))
            ours.append(found.low <= 0 <= found.high)
            theirs.append(abs(found.avoided) <= found.g14_half_width)
            width.append(found.half_width / found.measured)
            their_width.append(found.g14_half_width / found.measured)
    cpu_ms = 1e3 * (time.process_time() - began) / len(ours)
    name, judged = f"{kind}, {deal}, n = {len(ours)}", deal == "weeks at random"
    share, peer = 100 * float(np.mean(ours)), {"peer": 100 * float(np.mean(theirs)), "peer_name": "ASHRAE G14"}
    rows = [
        Row(
            figure=f"{name}: 90 % interval holds the truth",
            ours=share,
            unit="%",
            better="higher",
            bar=88 if judged else None,
            **peer,
        )
    ]
    if judged:
        rows.append(Row(figure=f"{name}: and not too often", ours=share, unit="%", better="lower", bar=96))
        half = {"peer": 100 * float(np.median(their_width)), "peer_name": "ASHRAE G14"}
        rows.append(
            Row(figure=f"{name}: half width, of use", ours=100 * float(np.median(width)), unit="%", better="lower", **half)
        )
        rows.append(Row(figure=f"{name}: CPU of a saving with its interval", ours=cpu_ms, unit="ms", better="lower"))
    return rows


def main(*, quick: bool) -> Sequence[Row]:
    whole = some(buildings(), 10) if quick else buildings()
    return [row for kind in ("daily", "hourly") for deal in DEALS for row in covered(kind, deal, whole)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("mv-coverage", main(quick=options.quick))
