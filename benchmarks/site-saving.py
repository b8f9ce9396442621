"""How much of the saving of perfect foresight a charging site keeps, on real sessions, with only what was known then.

Two workplaces of the shared data (Caltech, JPL) on the terms of the reference, section 6.3: fortnights and whole months.
Ours is what a live site does: the first recipe of rules/forecasts.toml, which gives way to earliest departure first for a week
whenever that was cheaper in the week before. Beside it: earliest departure first, the naive plan (vehicles that are there, sun as
yesterday), and the same machine with the truth (oracle), which aims at the peak of perfect foresight and knows when the span
ends: it looks as far ahead as plans do, and two days. Ours goes on as a live site does, and what it has in the storage at the end
counts nothing; beside it stands what it would be with that sold. A live site chooses among all recipes, none and the baseline
every night, by its last fortnight; that is not rehearsed here.

The recipe was chosen on other spans, all before those told here, a fortnight each: Caltech from 2018-06-11 and 2018-07-30, JPL
from 2019-03-04 and 2019-05-06; that sun is kept (`kept_share`), on Caltech from 2018-05-31 and 2018-06-11 and JPL from
2019-05-20, the first and the last for their dull days; how long the sky of a day keeps its say, on the sun of January to June.
Departure and energy of a vehicle that is there count as said by its driver, as in the reference. A week's cost has the week's own
peak for its part of the span, so weeks do not add up to the span.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date

from charging_worlds import DATA, world_of
from report import Row, kept, tell, write

from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.rehearsing.foresight import foresight
from dure.services.charging.planning.rehearsing.learning import Learned, uncontrolled
from dure.services.charging.planning.rehearsing.policies import EarliestFirst, naive, oracle
from dure.services.charging.planning.rehearsing.rolling import Outcome, left_wh, rolled, won
from dure.services.charging.planning.rehearsing.world import Policy, World

SPANS = (
    ("caltech", date(2018, 9, 3), 14),
    ("jpl", date(2019, 7, 1), 14),
    ("caltech", date(2018, 9, 1), 30),
    ("jpl", date(2019, 7, 1), 31),
)
BARS = {"caltech": 90.0, "jpl": 75.0}  # %
ORACLE_BAR, UNMET_BAR = 99.0, 0.1  # %
WEEK_D = 7
TWO_DAYS = 192  # steps


def span_rows(site: str, first: date, days: int) -> list[Row]:
    """All policies over one span, and its weeks."""
    world = world_of(site, first, days)
    rules = forecast_rules(date(2026, 11, 26))
    best, most = foresight(world), uncontrolled(world)
    recipe = rules.recipes[0]
    ours, ours_s = timed(world, Learned(recipe, rules.backtest_d))
    edf, _ = timed(world, EarliestFirst())
    plain, _ = timed(world, naive())
    told, _ = timed(world, oracle(world, recipe.horizon, best.peak_w))
    told_more, _ = timed(world, oracle(world, TWO_DAYS, best.peak_w))
    upper, lower = won(world, most), won(world, best)

    def percent(outcome: Outcome) -> float:
        return 100 * (upper - won(world, outcome)) / (upper - lower)

    def percent_sold(outcome: Outcome) -> float:
        top, least, own = (won(world, one) - sold_won(world, one) for one in (most, best, outcome))
        return 100 * (top - own) / (top - least)

    name = f"{site} from {first}, {days} d, {len(world.served()):,} sessions"
    rows = [
        Row(figure=f"{name}: share of the saving of perfect foresight", ours=percent(ours), bar=BARS[site], unit="%",
            better="higher", peer=percent(edf), peer_name="earliest departure first"),
        Row(figure=f"{name}: the same, beside the naive plan", ours=percent(ours), unit="%", better="higher", peer=percent(plain),
            peer_name="naive plan"),
        Row(figure=f"{name}: the same, with what is left in the storage sold", ours=percent_sold(ours), unit="%", better="higher",
            peer=percent_sold(edf), peer_name="earliest departure first"),
        Row(figure=f"{name}: the same machine with the truth of {recipe.horizon} steps", ours=percent(told), bar=ORACLE_BAR,
            unit="%", better="higher"),
        Row(figure=f"{name}: the same machine with the truth of two days", ours=percent(told_more), bar=ORACLE_BAR, unit="%",
            better="higher"),
        Row(figure=f"{name}: steps with the truth that the program did not answer", bar=0, unit="steps", better="lower",
            ours=sum(n for one in (told, told_more) for who, n in one.policies.items() if who != "lp")),
        Row(figure=f"{name}: cost", ours=won(world, ours), unit="won", better="lower", peer=lower, peer_name="perfect foresight"),
        Row(figure=f"{name}: peak", ours=ours.peak_w / 1_000, unit="kW", better="lower", peer=edf.peak_w / 1_000,
            peer_name="earliest departure first"),
        Row(figure=f"{name}: steps above the contract", ours=ours.breaches, bar=0, unit="steps", better="lower"),
        Row(figure=f"{name}: energy not given", ours=100 * ours.unmet_wh / ours.need_wh, bar=UNMET_BAR, unit="%", better="lower",
            peer=100 * edf.unmet_wh / edf.need_wh, peer_name="earliest departure first"),
        Row(figure=f"{name}: rehearsing it", ours=ours_s, unit="CPU s", better="lower"),
    ]  # fmt: skip
    return rows + week_rows(world, name, ours, edf)


def sold_won(world: World, outcome: Outcome) -> float:
    """What is in the storage at the end would bring that much [won], as export less losses and wear; all begin with none."""
    if world.storage is None:
        return 0.0
    worth = float(world.export_won_kwh[-1]) * world.storage.discharge_efficiency - world.storage.wear_won_kwh
    return worth * left_wh(world, outcome) / 1_000


def timed(world: World, policy: Policy) -> tuple[Outcome, float]:
    """What a policy did, and its CPU seconds."""
    begin = time.process_time()
    return rolled(world, policy), time.process_time() - begin


def week_rows(world: World, name: str, ours: Outcome, edf: Outcome) -> list[Row]:
    """Cost of each week beside the baseline's, which it must not pass; a rest shorter than a week is told with its days."""
    week, n = WEEK_D * world.days.per_day, world.end - world.lead
    found = []
    for number, begin in enumerate(range(0, n, week), start=1):
        part = slice(begin, min(begin + week, n))
        months = (part.stop - part.start) / n
        limit = won(world, edf, part, months)
        days = (part.stop - part.start) // world.days.per_day
        found.append(
            Row(figure=f"{name}: week {number} ({days} d)", ours=won(world, ours, part, months), unit="won",
                bar=limit if days == WEEK_D else None,
                better="lower", peer=limit, peer_name="earliest departure first")
        )  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three days of one site; nothing is kept")
    parser.add_argument("--span", type=int, choices=range(len(SPANS)), help="one span alone; the rows of others stay")
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"{DATA} is not here; this benchmark needs the shared charging data.")
        return 0
    if options.quick:
        tell("site-saving", span_rows("caltech", date(2018, 9, 3), 3))
        return 0
    for site, first, days in SPANS if options.span is None else SPANS[options.span : options.span + 1]:
        rows = span_rows(site, first, days)
        name = f"{site} from {first}, {days} d,"
        write("site-saving", [one for one in kept("site-saving") if not one.figure.startswith(name)] + rows)  # each takes minutes
    return 0


if __name__ == "__main__":
    sys.exit(main())
