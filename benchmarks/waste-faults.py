"""Faults of bins put in and found again, as ``make bench NAME=waste-faults``.

Five cities of 210 bins (`waste_faulty_bins`), 70 of which get one of seven faults each at a random hour, over 63 days after
three weeks to learn in: outages, Chuseok, Sundays without a crew, noisy sensors. Limits were chosen on seeds 101 to 108; the
cities here are of seeds 11 to 15, which nothing was chosen on. Every six hours, and 48 hours after each fault, the detectors look
at what is known by then (Dure itself looks every five minutes). A fault counts as found when a ticket of its own kind would be
open within 48 hours; a false ticket is one of any kind at a bin that is sound then, whether or not it is to break later. The peer
are the fixed limits such systems use: silent for a day, the same for a day, battery below 20 %, a step of half a bin, full for a
day, full for a day without a press.

A press that fails and a sensor that understates begin to count when they first show: with the first press without effect, and
with the first overflow a person saw beside a reading that was wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
from report import Row, tell, write
from waste_faulty_bins import DAYS, HOUR_US, START_US, WARM_UP_D, Bin, city

from dure.services.waste.faults.detecting import faults_of_city
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.faults.findings import SENSOR_FAULTS, Window

RULES = fault_rules(date(2026, 11, 25))
EVERY_H, WITHIN_H, APART_H = 6, 48, 48
FAULTY, BINS = 70, 210
SEEDS = range(11, 16)


def ours(windows: Sequence[Window]) -> set[tuple[str, str]]:
    return {(one.bin, one.fault) for one in faults_of_city(windows, RULES)[0]}


def fixed(windows: Sequence[Window]) -> set[tuple[str, str]]:
    """Limits that are the same for every bin."""
    return {(one.bin, kind) for one in windows for kind in _fixed(one)}


def _fixed(window: Window) -> list[str]:
    day_us = window.now_us - 24 * HOUR_US
    last = window.level.between(day_us, window.now_us + 1).value
    if not len(last):
        return ["silent"]
    found = []
    if np.ptp(last) <= 0.001 and len(last) >= 4:
        found.append("stuck")
    if len(last) > 1 and np.abs(np.diff(last)).max() >= 0.5 and (np.diff(last) >= 0.5).any():
        found.append("jumping")
    if len(last) >= 4 and last.min() >= 0.9:
        found.append("blocked")
    if len(window.battery) and window.battery.value[-1] < 0.2:
        found.append("low_battery")
    presses = window.compactions.between(day_us, window.now_us + 1).value
    if len(presses) > 1 and last.min() >= 0.85 and presses[-1] == presses[0]:
        found.append("not_compacting")
    return found


class Tally:
    """What one judge found."""

    def __init__(self) -> None:
        self.injected: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.delay_h: list[float] = []
        self.exposed_d = 0.0
        self.took_s = 0.0
        self.looked = 0
        self.missed: list[tuple[int, str, str]] = []
        self.wrong: list[tuple[int, str, str, int]] = []

    def share(self, kind: str) -> float:
        return 100 * self.found[kind] / self.injected[kind]

    def false_rate(self) -> float:
        """False tickets per 100 bins in 30 days."""
        return sum(self.false.values()) / self.exposed_d * 3_000


def watch(seed: int, bins: Sequence[Bin], judge: Callable[[Sequence[Window]], set[tuple[str, str]]], tally: Tally) -> None:
    """Look every six hours until the end, each faulty bin until two days after its fault."""
    first: dict[str, int] = {}
    last_seen: dict[tuple[str, str], int] = defaultdict(lambda: -10_000)
    for hour in range(WARM_UP_D * 24, DAYS * 24 - 24, EVERY_H):
        shown = [one for one in bins if hour <= one.broken_h + WITHIN_H]
        windows = [one.window(hour) for one in shown]
        begun = time.process_time()
        found = judge(windows)
        tally.took_s += time.process_time() - begun
        tally.looked += len(windows)
        by_bin = {one.id: one for one in shown}
        for name, kind in sorted(found):
            one = by_bin[name]
            if hour >= one.broken_h:
                if kind == one.fault:
                    first.setdefault(name, hour)
            elif hour - last_seen[name, kind] > APART_H:
                tally.false[kind] += 1
                tally.wrong.append((seed, name, kind, hour))
            last_seen[name, kind] = hour
    for one in bins:
        late = one.broken_h + WITHIN_H
        if one.fault not in ("", "silent") and one.id not in first and (one.id, one.fault) in judge([one.window(late)]):
            first[one.id] = late  # a silence is judged beside all others only
        tally.exposed_d += (min(one.broken_h, DAYS * 24 - 24) - WARM_UP_D * 24) / 24
        if one.fault:
            tally.injected[one.fault] += 1
            tally.found[one.fault] += one.id in first
            if one.id in first:
                tally.delay_h.append(first[one.id] - one.broken_h)
            else:
                tally.missed.append((seed, one.id, one.fault))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tell", action="store_true", help="which were missed and which were false")
    options = parser.parse_args()
    seeds = SEEDS[:1] if options.quick else SEEDS
    mine, peer = Tally(), Tally()
    for seed in seeds:
        bins = city(seed, BINS, FAULTY)
        watch(seed, bins, ours, mine)
        watch(seed, bins, fixed, peer)
    if options.tell:
        print(*mine.missed, *mine.wrong, mine.false, peer.false, START_US, sep="\n")
    rows = _rows(mine, peer)
    (tell if options.quick else write)("waste-faults", rows)
    return 0 if all(row.met in (True, None) for row in rows) else 1


def _rows(mine: Tally, peer: Tally) -> list[Row]:
    name = "fixed limits"
    total = sum(mine.injected.values())
    rows = [
        Row(
            figure=f"faults of 7 kinds found in 48 h, {total} put in", ours=100 * sum(mine.found.values()) / total, unit="%",
            better="higher", bar=95, peer=100 * sum(peer.found.values()) / total, peer_name=name,
        ),
        Row(
            figure=f"false tickets per 100 bins a month, {mine.exposed_d:,.0f} days of sound bins", ours=mine.false_rate(),
            unit="1", better="lower", bar=1,
            peer=peer.false_rate(), peer_name=name,
        ),
    ]  # fmt: skip
    rows += [
        Row(
            figure=f"found in 48 h: {kind}, {mine.injected[kind]} put in", ours=mine.share(kind), unit="%", better="higher",
            bar=95, peer=peer.share(kind), peer_name=name,
        )
        for kind in SENSOR_FAULTS
    ]  # fmt: skip
    rows.append(Row(figure="median time to find", ours=float(np.median(mine.delay_h)), unit="h", better="lower",
                    peer=float(np.median(peer.delay_h)), peer_name=name))  # fmt: skip
    each_ms = mine.took_s / mine.looked * 1_000
    rows.append(Row(figure="one look at 5,000 bins, CPU seconds", ours=5 * each_ms, unit="s", better="lower"))
    return rows


if __name__ == "__main__":
    sys.exit(main())
