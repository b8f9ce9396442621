"""Does every gram explain itself, and how fast: ``make bench NAME=explain``.

A seeded city of buildings, charging sites, collection months and weighed bags tells events; they become claims on real records.
Then 10,000 random figures are worked out again from their events by the rules and factors of then, and held against the grams
that are on the books. Beside it the same formulas run in binary floats: how many of them come out with the booked grams.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from report import Row, tell, write

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "services" / "carbon"))
from carbon_house import carbon_house, charging_day
from told_events import building_saving, collection, evidence, generation, weighing

from dure.engines.records import events
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Wanted
from dure.services.carbon.claiming.event_watch import settle
from dure.services.carbon.claiming.explaining import explain

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SEED = 7
BATCH = 250
FLOATS = {
    "add": sum, "sub": lambda of: of[0] - of[1], "mul": math.prod, "div": lambda of: of[0] / of[1], "min": min, "max": max,
}  # fmt: skip


def span(day: date, days: int = 1) -> dict[str, str]:
    """A local span in Seoul as an event says it."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    return {"start": f"{start:%Y-%m-%dT%H:%M:%SZ}", "end": f"{start + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"}


def day_of(number: int) -> date:
    """A day of the last two years."""
    return date(2026, 11, 20) - timedelta(days=number % 700)


def events_of(n: int, rng: random.Random):
    """About n events, each of a source and time of its own."""
    for number in range(n):
        kind, source = number % 10, number // 700
        day = day_of(number)
        if kind < 5:
            wh = {name: rng.randrange(200_000) for name in ("pv", "ess_pv", "ess_grid", "grid")}
            told = evidence(wh["pv"] + wh["ess_pv"], "Wh", span(day))
            data = {"site": f"cs-{kind}-{source}", "day": day.isoformat(), "evidence": [told]}
            yield charging_day(f"day-{number}", wh=wh, data=data, subject=f"cs-{kind}-{source}")
        elif kind < 7:
            flows = {name: rng.randrange(200_000) for name in ("load", "export")}
            site = f"pv-{kind}-{source}"
            rows = [evidence(sum(flows.values()), "Wh", span(day))]
            yield generation(f"gen-{number}", site=site, day=day.isoformat(), flows=flows, evidence=rows, behind=f"{site}/m")
        elif kind < 8:
            grams = rng.randrange(1, 5_000_000)
            low = grams - rng.randrange(grams)
            rows = [evidence(grams * 2, "Wh", span(day)), evidence(grams, "gCO2e", span(day), low=low, high=2 * grams)]
            yield building_saving(f"saving-{number}", meters=[f"m-{source}"], grams=grams, low_g=low, evidence=rows)
        elif kind < 9:
            told = evidence(rng.randrange(1, 100_000), "g", span(day))
            yield weighing(f"bag-{number}", bag=f"bag-{number}", evidence=[told])
        else:
            saving = {"mean": rng.random() * 50, "verdict": "saving"}
            saving["low"] = saving["mean"] * rng.random()
            yield collection(f"month-{number}", interval=span(day), savings={"km": saving, "fuel_l": saving}, days=1)


def told_late(event):
    """The event told a day after its interval, as services do."""
    ends = [one["interval"]["end"] for one in event.data["evidence"]] or [event.data["interval"]["end"]]
    fields = {name: getattr(event, name) for name in ("id", "type", "source", "subject", "data")}
    return type(event)(**fields, time=datetime.fromisoformat(max(ends)) + timedelta(hours=1))


def filled(house, n: int):
    """A store with the claims of n events; seconds it took."""
    rng = random.Random(SEED)  # noqa: S311  # a seeded world
    begun = time.perf_counter()
    listed = [told_late(one) for one in events_of(n, rng)]
    for at in range(0, len(listed), BATCH):
        with house.records.begin() as connection:
            events.add(connection, listed[at : at + BATCH])
            for one in listed[at : at + BATCH]:
                settle(house, connection, one, NOW)
    return time.perf_counter() - begun


def float_grams(working) -> int:
    """The same formula in binary floats, rounded down as naive programs do."""
    values = {name: float(eval_fraction(text)) for name, text in working.inputs.items()}
    for step in working.steps:
        values[step.out] = FLOATS[step.do]([values[one] if one in values else float(one) for one in step.of])
    return max(0, math.floor(values["credit_g"]))


def eval_fraction(text: str) -> float:
    """A number of a formula as a float."""
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def measured(house, figures: int):
    """Figures that come out as booked, in ours and in floats; (figures,) wall and CPU seconds of each."""
    with house.records.read() as connection:
        kept = list(claim_records.each_kept(connection, Wanted(states=("awarded", "reserved"))))
    rng = random.Random(SEED)  # noqa: S311  # as above
    chosen = [rng.choice(kept) for _ in range(figures)]
    same = floats = 0
    wall, cpu = np.zeros(figures), np.zeros(figures)
    for place, one in enumerate(chosen):
        at, used = time.perf_counter(), time.process_time()
        found = explain(house, f"carbon/claim/{one.claim.id}")
        wall[place], cpu[place] = time.perf_counter() - at, time.process_time() - used
        same += found.agrees and found.again == one.claim.grams
        floats += float_grams(one.working) == one.claim.grams
    return same, floats, wall, cpu, len(kept)


def _ms(seconds, share: float) -> float:
    """A quantile in milliseconds."""
    return round(1000 * float(np.quantile(seconds, share)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes; the table is printed, nothing is kept")
    asked = parser.parse_args()
    told_n, figures = (400, 300) if asked.quick else (1_500, 10_000)
    with tempfile.TemporaryDirectory(prefix="dure-explain-") as folder:
        house = carbon_house(Path(folder), NOW)
        filling_s = filled(house, told_n)
        same, floats, wall, cpu, claims = measured(house, figures)
        at = time.perf_counter()
        explain(house, "carbon/programme/city-estimated/2026/B")
        programme_s = time.perf_counter() - at
        house.records.close()
    same_row = Row(
        figure="random figures that come out as booked",
        ours=same,
        unit=f"of {figures:,}",
        better="higher",
        bar=figures,
        peer=floats,
        peer_name="same formulas in binary floats",
        limit=figures,
    )
    rows = [
        same_row,
        Row(figure="explain one figure, p95", ours=_ms(wall, 0.95), unit="ms", better="lower", bar=300),
        Row(figure="explain one figure, p95 of CPU", ours=_ms(cpu, 0.95), unit="ms", better="lower", bar=300),
        Row(figure="explain one figure, median of CPU", ours=_ms(cpu, 0.5), unit="ms", better="lower"),
        Row(figure="explain a programme, year and tier", ours=round(programme_s, 3), unit="s", better="lower"),
        Row(figure="claims on the store", ours=claims, unit="claims", better="higher"),
        Row(figure="events judged and booked, 250 at once", ours=round(told_n / filling_s, 1), unit="events/s", better="higher"),
    ]
    (tell if asked.quick else write)("explain", rows)


if __name__ == "__main__":
    main()
