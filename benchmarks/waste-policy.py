"""Which bins to visit: our dial beside daily rounds, fixed intervals and thresholds, at equal overflow, on simulated cities.

Peers are given their best: fixed intervals know the true rates, thresholds have a working sensor in every bin, and of each
family the mixture of two members is taken that drives least at our overflow. All routes are made by the same solver with the
same budget. Figures of one simulator (see `dure.services.waste.rehearsing.world`): no field trial.
"""

from __future__ import annotations

import argparse

from report import Row, tell, write
from waste_rehearsing import DIAL, EFFORT, SEEDS, STATIC, THRESHOLD, Runs, km_fewer

from dure.services.waste.rehearsing.replay import Effort
from dure.services.waste.rehearsing.world import Recipe

FEWER = 30.0  # %, asked by the issue
OTHERS = ("dial:20000", "dial:5000")  # the frontier beside the dial chosen
SIDE = 2  # cities of each other kind


def compared(runs: Runs, ours: str, bar: float | None, where: str = "") -> list[Row]:
    mine = runs.means(ours)[0]
    rows = []
    for family, title in ((STATIC, "best static interval"), (THRESHOLD, "best threshold")):
        theirs = runs.means(*(one for one in family if one in runs.found))
        rows.append(km_fewer(f"{where}{ours}: fewer km than {title}", mine, theirs, bar))
    return rows


def main(*, quick: bool) -> list[Row]:
    seeds, effort = (SEEDS[:1], Effort(iterations=60)) if quick else (SEEDS, EFFORT)
    usual = Runs(Recipe(), seeds, effort)
    usual.add(DIAL, *STATIC, *THRESHOLD, "daily", *OTHERS)
    usual.tell("200 bins, day CV 0.5")
    rows = compared(usual, DIAL, FEWER)
    for dial in OTHERS:
        rows += compared(usual, dial, None)
    ours, single, daily = usual.means(DIAL, "static:0.6", "daily")
    rows += [
        Row(
            figure=f"{DIAL}: fewer km than the plan of 0.6/rate alone (overflow {ours.overflow:.1f})",
            ours=100 * (1 - ours.km_day / single.km_day),
            unit="%",
            better="higher",
            peer=single.km_day,
            peer_name=f"km/day; overflow {single.overflow:.1f}",
        ),
        Row(
            figure=f"{DIAL}: fewer km than daily rounds (overflow {ours.overflow:.1f})",
            ours=100 * (1 - ours.km_day / daily.km_day),
            unit="%",
            better="higher",
            peer=daily.km_day,
            peer_name=f"km/day; overflow {daily.overflow:.1f}",
        ),
        Row(figure=f"{DIAL}: a day planned", ours=usual.cpu_s[DIAL] / Recipe().days, unit="CPU s", better="lower", bar=0.6),
    ]
    for recipe, name in ((Recipe(day_cv=1.0), "day CV 1.0"), (Recipe(alike=0.0), "neighbours unlike")):
        other = Runs(recipe, seeds[:SIDE], effort)
        other.add(DIAL, *STATIC[1:4], *THRESHOLD[1:4:2])
        other.tell(f"200 bins, {name}")
        rows += compared(other, DIAL, None, f"{name}, {len(other.seeds)} cities, ")
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("waste-policy", main(quick=options.quick))
