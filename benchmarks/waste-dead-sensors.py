"""When sensors die: our dial fed by what crews tell at emptying, beside fixed intervals that need no sensor."""

from __future__ import annotations

import argparse

from report import Row, tell, write
from waste_rehearsing import DIAL, EFFORT, SEEDS, STATIC, Runs, km_fewer, named

from dure.services.waste.rehearsing.replay import Effort
from dure.services.waste.rehearsing.world import Recipe

MOST = 0.82  # share of dead sensors in the worst outage reported
CAUTIOUS = "dial:40000"  # where fixed intervals do better than at the dial chosen
SITUATIONS = (
    (MOST, False, 25.0, "82 % never worked"),
    (MOST, True, 25.0, "82 % died after 14 days"),
    (0.3, False, None, "30 % never worked"),
)


def against(runs: Runs, name: str, title: str, bar: float | None) -> Row:
    """Kilometres saved against fixed intervals, which need no sensor and know the true rates."""
    mine, static = runs.means(name)[0], runs.means(*STATIC)
    return km_fewer(f"{title}: fewer km than static", mine, static, bar)


def main(*, quick: bool) -> list[Row]:
    seeds, effort = (SEEDS[:1], Effort(iterations=60)) if quick else (SEEDS, EFFORT)
    runs = Runs(Recipe(), seeds, effort)
    rows = []
    runs.add(*STATIC, DIAL)
    for share, later, bar, title in SITUATIONS:
        runs.add(DIAL, dead=share, later=later)
        rows.append(against(runs, named(DIAL, share, later=later), f"{title}, {DIAL}", bar))
    runs.add(CAUTIOUS, "threshold:0.5", dead=MOST)
    rows.append(against(runs, named(CAUTIOUS, MOST), f"82 % never worked, {CAUTIOUS}", None))
    runs.tell("200 bins, dead sensors")
    single, blind, threshold = runs.means("static:0.6", named(DIAL, MOST), named("threshold:0.5", MOST))
    alive, some = runs.means(DIAL, named(DIAL, 0.3))
    return [
        *rows,
        Row(
            figure=f"82 % never worked, {DIAL}: fewer km than the plan of 0.6/rate alone (overflow {blind.overflow:.1f})",
            ours=100 * (1 - blind.km_day / single.km_day),
            unit="%",
            better="higher",
            peer=single.km_day,
            peer_name=f"km/day; overflow {single.overflow:.1f}",
        ),
        Row(figure="30 % never worked: more km", ours=100 * (some.km_day / alive.km_day - 1), unit="%", better="lower", bar=5.0),
        Row(
            figure="30 % never worked: more overflow",
            ours=some.overflow - alive.overflow,
            unit="/1,000 d",
            better="lower",
            bar=2.0,
        ),
        Row(
            figure="82 % never worked: overflow",
            ours=blind.overflow,
            unit="/1,000 d",
            better="lower",
            peer=threshold.overflow,
            peer_name="threshold 50 %, blind bins each 3rd day",
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("waste-dead-sensors", main(quick=options.quick))
