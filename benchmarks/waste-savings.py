"""Savings that hold: pilots with no true effect claim none, those with one are seen; and advice as good as trying all.

The peer is what a report usually does: mean kilometres of the days before less those of the pilot, with Student's interval over
days as if each day were new. Pilots are simulated (see `dure.services.waste.accounting.pilots`).
"""

from __future__ import annotations

import argparse
import time
from datetime import date

import numpy as np
from report import Row, tell, write
from scipy import stats

from dure.services.waste.accounting.factors import judging_on
from dure.services.waste.accounting.pilots import Habits, judged, pilot
from dure.services.waste.placing.advice import ACTIONS, Limits, Site, advise, changes, learnt_detours, try_out
from dure.services.waste.placing.worth import Habit

PILOTS = 200
CASES = 30
LIMITS = Limits(remove_m_max=600, move_m_max=900, shortlist=8, years=3)
JUDGING = judging_on(date(2026, 11, 25))


def claims(habits: Habits, pilots: int, first: int = 0) -> tuple[float, float, float]:
    """Shares [%]: ours claims a saving; before/after by day claims one; our interval holds the true effect."""
    seeds = range(first, first + pilots)
    found = judged(habits, JUDGING, seeds)
    plain = 0
    for seed in seeds:
        one = pilot(habits, seed)
        before, after = one.before.actual, one.pilot.actual
        sd = np.sqrt(before.var(ddof=1) / before.size + after.var(ddof=1) / after.size)
        plain += before.mean() - after.mean() > stats.t.ppf(0.95, before.size + after.size - 2) * sd
    held = np.mean([one.share_low <= habits.effect <= one.share_high for one in found])
    return 100 * float(np.mean([one.verdict == "saving" for one in found])), 100 * float(plain) / pilots, 100 * float(held)


def a_site(seed: int, n: int = 20) -> Site:
    chance = np.random.default_rng(seed)
    places = np.vstack([[1800, 0], 1500 * chance.standard_normal((n, 2))])
    metres = 1.4 * np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    rate = 0.117 * np.exp(0.75 * chance.standard_normal(n))
    habit = Habit(rate=rate, detour_m=np.full((n, 1), 800.0), rho_m=20_000.0)
    return learnt_detours(Site(tuple(map(str, range(n))), metres, np.full(n, 570.0), np.zeros(n, bool), habit), seed)


def placement(cases: int) -> list[Row]:
    """How often the first of our list is the best of trying every change of every bin; the peer: the bin that fills fastest."""
    rows = []
    for actions, name in ((("sensor",), "where a sensor is worth most"), (ACTIONS, "any change")):
        hits, naive, ours_s, all_s = 0, 0, 0.0, 0.0
        for seed in range(1, cases + 1):
            site = a_site(seed)
            known = changes(site, LIMITS, actions)
            begun_s = time.process_time()
            saved = [driven + site.habit.rho_m * over for driven, over in try_out(site, known, LIMITS, seed)]
            all_s += time.process_time() - begun_s
            best = known[int(np.argmax(saved))]
            begun_s = time.process_time()
            first = advise(site, LIMITS, seed, actions)[0]
            ours_s += time.process_time() - begun_s
            hits += (first.bin, first.action) == (site.ids[best.row], best.action)
            naive += best.row == int(site.habit.rate.argmax())
        rows.append(
            Row(
                figure=f"placement, 20 bins: {name}, as exhaustive search ({cases} cases)",
                ours=100 * hits / cases,
                unit="%",
                better="higher",
                bar=90.0,
                peer=100 * naive / cases,
                peer_name="the bin that fills fastest",
            )
        )
        rows.append(
            Row(
                figure=f"placement, {name}: CPU s a case",
                ours=ours_s / cases,
                unit="s",
                better="lower",
                peer=all_s / cases,
                peer_name="exhaustive",
            )
        )
    return rows


def main(*, quick: bool) -> list[Row]:
    pilots = 20 if quick else PILOTS
    rows = []
    kinds = (
        (Habits(), "no effect", 5.0),
        (Habits(day_phi=0.8, week_phi=0.4, week_sd=0.05), "no effect, days and weeks alike", 5.0),
        (Habits(weeks_before=4, weeks=4), "no effect, 4 weeks only", 5.0),
    )
    for habits, name, bar in kinds:
        ours, plain, held = claims(habits, pilots)
        rows.append(
            Row(
                figure=f"{name}: pilots of {pilots} that claim a saving",
                ours=ours,
                unit="%",
                better="lower",
                bar=bar,
                peer=plain,
                peer_name="before/after by day",
            )
        )
        rows.append(Row(figure=f"{name}: 90 % interval holds the truth", ours=held, unit="%", better="higher", bar=90.0))
    for effect in (0.10, 0.25):
        ours, plain, held = claims(Habits(effect=effect), pilots)
        rows.append(
            Row(
                figure=f"true effect {effect:.0%}: pilots that show it",
                ours=ours,
                unit="%",
                better="higher",
                bar=95.0 if effect > 0.2 else None,
                peer=plain,
                peer_name="before/after by day",
            )
        )
    return [*rows, *placement(3 if quick else CASES)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("waste-savings", main(quick=options.quick))
