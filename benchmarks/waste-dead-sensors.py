"""When sensors die: our dial fed by what crews tell at emptying, beside fixed intervals that need no sensor."""

from __future__ import annotations

import argparse

from report import Row, tell, write
from waste_rehearsing import DIAL, SEEDS, STATIC, Runs

from dure.services.waste.rehearsing.comparing import fewer, km_at
from dure.services.waste.rehearsing.replay import Effort
from dure.services.waste.rehearsing.world import Recipe

DEAD = (0.3, 0.82, 1.0)
DIALS = (DIAL, "dial:40000")


def main(*, quick: bool) -> list[Row]:
    seeds, effort = (SEEDS[:1], Effort(iterations=60)) if quick else (SEEDS, Effort(iterations=500))
    runs = Runs(Recipe(), seeds, effort)
    runs.add(*STATIC, DIAL)
    runs.add("threshold:0.5", dead=0.82)
    for share in DEAD:
        runs.add(*(DIALS if share == 0.82 else (DIAL,)), dead=share)
    runs.tell("200 bins, sensors dead throughout")
    static = runs.means(*STATIC)
    rows = []
    for share in DEAD:
        for dial in DIALS if share == 0.82 else (DIAL,):
            mine = runs.means(f"{dial} dead {share:.0%}")[0]
            name = f"{share:.0%} dead, dial {int(dial[5:]) // 1000} km"
            rows.append(
                Row(
                    figure=f"{name}: fewer km than static at overflow {mine.overflow:.1f}",
                    ours=100 * fewer(mine, static),
                    unit="%",
                    better="higher",
                    bar=25.0 if share == 0.82 else None,
                    peer=km_at(mine.overflow, static),
                    peer_name=f"km/day; ours {mine.km_day:.1f}",
                )
            )
    alive, some = runs.means(DIAL, f"{DIAL} dead 30%")
    rows += [
        Row(figure="30% dead: more km", ours=100 * (some.km_day / alive.km_day - 1), unit="%", better="lower", bar=5.0),
        Row(figure="30% dead: more overflow", ours=some.overflow - alive.overflow, unit="/1,000 d", better="lower", bar=2.0),
    ]
    blind = runs.means("threshold:0.5 dead 82%")[0]
    rows.append(
        Row(
            figure="82% dead: overflow",
            ours=runs.means(f"{DIAL} dead 82%")[0].overflow,
            unit="/1,000 d",
            better="lower",
            peer=blind.overflow,
            peer_name="threshold 50 %, blind bins each 3rd day",
        )
    )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("waste-dead-sensors", main(quick=options.quick))
