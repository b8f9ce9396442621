"""Stations against their neighbours: 1,000 stations of a synthetic city, as ``make bench NAME=network-qc``.

The field is a sum of random waves, 1.5 K strong and about 5 km long, with 0.4 K of noise at each station; 2 % of the stations
are wrong by eight standard deviations of a station about its neighbours (learned: about 0.43 K, so by 3.5 K), or by 8 K. The
second city adds a heat island of 6 K and a slope of 1 K/km; the third a shower that is 6 K colder, all of it true. Limits are
learned from rounds before. The peers are titanlib 0.4.0 on the same values: `buddy_check` with the arguments of its
documentation in a radius of 5 km, `sct` with those of its own benchmark (tests/benchmark.py).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import titanlib
import yaml
from report import Row, tell, write

from dure.core.observations import Flag
from dure.services.environment.faults.diagnosis import Window, diagnose_network, diagnosis_rules_on
from dure.services.environment.neighbours.network import BuddyRule, buddy_check, isolation_check, surround
from dure.services.environment.neighbours.network_round import network_round
from dure.services.environment.neighbours.network_rules import Thresholds, learn_thresholds, rules_on, starting

DAY = date(2026, 11, 25)
RULE = rules_on(DAY)["air_temperature"]
SIDE_M = 20_000.0
WRONG_SHARE, WRONG_SD, WRONG_K = 0.02, 8.0, 8.0
RADIUS_M = 5_000.0
DOCUMENTED = BuddyRule(least=5, threshold=2.0, rise_m_max=200.0, sd_min=1.0, rounds=5)
VECTORS = Path(__file__).parents[2] / "shared" / "data" / "environment" / "titanlib"


class City:
    """Stations at random places, and instants of the weather over them."""

    def __init__(self, seed: int, stations: int, shape: Callable[[np.ndarray, np.ndarray], np.ndarray | float]) -> None:
        self.chance = np.random.default_rng(seed)
        self.x, self.y = self.chance.uniform(0, SIDE_M, (2, stations))
        self.lon, self.lat = 126.8 + self.x / 88_700, 37.2 + self.y / 111_320
        self.shape = shape(self.x, self.y)
        self.titan = titanlib.Points(self.lat, self.lon, np.zeros(stations))

    def instant(self, waves: int = 200, length_m: float = 5_000.0) -> np.ndarray:
        east, north = self.chance.normal(0, 1 / length_m, (2, waves))
        phase = self.chance.uniform(0, 2 * np.pi, waves)
        smooth = np.cos(np.outer(self.x, east) + np.outer(self.y, north) + phase).sum(axis=1) * 1.5 * np.sqrt(2 / waves)
        return 15 + smooth + self.shape + self.chance.normal(0, 0.4, len(self.x))


def plain(_x: np.ndarray, _y: np.ndarray) -> float:
    return 0.0


def island(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 6 * np.exp(-((np.hypot(x - SIDE_M / 2, y - SIDE_M / 2) / 3_000) ** 2)) + x / 1_000


def shower(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(np.hypot(x - 8_000, y - 9_000) < 2_500, -6.0, 0.0)


def buddies(city: City, value: np.ndarray) -> np.ndarray:
    """titanlib's buddy check."""
    rule = DOCUMENTED
    words = (rule.threshold, rule.rise_m_max, rule.gradient_per_m, rule.sd_min, rule.rounds)
    return np.array(titanlib.buddy_check(city.titan, value, [RADIUS_M], [rule.least], *words)) == 1


def consistent(city: City, value: np.ndarray) -> np.ndarray:
    """titanlib's spatial consistency test."""
    n = len(value)
    score, noise = np.full(n, 4.0), np.full(n, 0.5)
    return np.array(titanlib.sct(city.titan, value, 5, 100, 4_000, 10_000, 1, 30, 100, 1_000, 100, score, score, noise)[0]) == 1


class Tally:
    """What was found and how long it took, for ours and the peers."""

    def __init__(self) -> None:
        self.took_ms: dict[str, list[float]] = {}
        self.hits: dict[str, list[np.ndarray]] = {}
        self.false: dict[str, list[np.ndarray]] = {}

    def ask(self, name: str, judge: Callable[[], np.ndarray], wrong: np.ndarray) -> None:
        before = time.perf_counter()
        held = judge()
        self.took_ms.setdefault(name, []).append((time.perf_counter() - before) * 1_000)
        self.hits.setdefault(name, []).append(held[wrong])
        self.false.setdefault(name, []).append(held[~wrong])

    def share(self, what: str, name: str) -> float:
        return float(np.concatenate(getattr(self, what)[name]).mean())

    def ms(self, name: str) -> float:
        return statistics.median(self.took_ms[name])


def held(value: np.ndarray, places: object, limits: Thresholds) -> np.ndarray:
    return np.isin(network_round(value, places, limits).flag, (Flag.SUSPECT, Flag.FAIL))  # type: ignore[arg-type]


def judged(seeds: Sequence[int], size: tuple[int, int], shape: Callable, error: str) -> tuple[Tally, float]:
    """All judges on (stations, rounds) for all seeds, with errors of "8 sd", "8 K" or none; and the set-up time [ms]."""
    tally, set_up = Tally(), []
    stations, rounds = size
    for seed in seeds:
        city = City(seed, stations, plain if shape is shower else shape)
        before = time.perf_counter()
        places = surround(city.lon, city.lat, radius_m=RULE.radius_m, most=RULE.neighbours_most)
        set_up.append((time.perf_counter() - before) * 1_000)
        past = [network_round(city.instant(), places, starting(RULE)).deviation for _ in range(10)]
        limits = learn_thresholds(RULE, np.concatenate(past))
        city.shape = shape(city.x, city.y)
        wrong_by = {"8 sd": WRONG_SD * limits.sd, "8 K": WRONG_K, "none": 0.0}[error]
        for _ in range(rounds):
            value = city.instant()
            wrong = (city.chance.random(stations) < WRONG_SHARE) & (wrong_by > 0)
            value[wrong] += wrong_by * city.chance.choice([-1, 1], wrong.sum())
            tally.ask("ours", lambda value=value, places=places, limits=limits: held(value, places, limits), wrong)
            tally.ask("buddy", lambda value=value, city=city: buddies(city, value), wrong)
            tally.ask("sct", lambda value=value, city=city: consistent(city, value), wrong)
    return tally, statistics.median(set_up)


def vector_differences() -> int:
    """Flags that differ from titanlib's own vectors."""
    differing = 0
    for case in (case for name in ("buddy_check", "isolation_check", "nan_dataset") for case in _cases(f"{name}.yml")):
        data, kind, words, expected = case
        lon, lat, height, value = (np.array(data[name], np.float64) for name in ("lons", "lats", "elevs", "values"))
        if kind == "isolation_check":
            ours = isolation_check(
                surround(lon, lat, height, radius_m=words["radius"]), words["num_min"], words.get("vertical_radius")
            )
        elif kind == "buddy_check":
            rule = BuddyRule(
                least=words["num_min"][0], threshold=words["threshold"], rise_m_max=words["max_elev_diff"],
                gradient_per_m=words["elev_gradient"], sd_min=words["min_std"], rounds=words["num_iterations"],
            )  # fmt: skip
            ours = buddy_check(value, surround(lon, lat, height, radius_m=words["radius"][0]), rule)
        else:
            continue
        differing += int((ours != (np.array(expected) == 1)).sum())
    return differing


def _cases(name: str):
    for case in yaml.safe_load((VECTORS / name).read_text("utf-8")):
        for test in case["tests"]:
            yield (
                case["dataset"],
                test.get("type", case.get("base_test")),
                case.get("base_args", {}) | test.get("args", {}),
                test["expected"],
            )


def live_differences(seeds: Sequence[int], stations: int) -> tuple[int, int, float]:
    """Flags that differ from the live titanlib on random networks with heights, of how many; our time of one check [ms]."""
    differing, of, took = 0, 0, []
    for seed in seeds:
        chance = np.random.default_rng(seed)
        lon, lat = 126.8 + chance.uniform(0, 0.3, stations), 37.0 + chance.uniform(0, 0.2, stations)
        height = chance.uniform(0, 400, stations)
        value = 15 - 0.0065 * height + chance.normal(0, 1, stations) + 8 * (chance.random(stations) < 0.05)
        lon, lat, height, value = (one.astype(np.float32).astype(np.float64) for one in (lon, lat, height, value))
        rule = DOCUMENTED
        words = (rule.threshold, rule.rise_m_max, rule.gradient_per_m, rule.sd_min, rule.rounds)
        peer = titanlib.buddy_check(titanlib.Points(lat, lon, height), value, [RADIUS_M], [rule.least], *words)
        places = surround(lon, lat, height, radius_m=RADIUS_M)
        before = time.perf_counter()
        ours = buddy_check(value, places, rule)
        took.append((time.perf_counter() - before) * 1_000)
        differing += int((ours != (np.array(peer) == 1)).sum())
        of += stations
    return differing, of, statistics.median(took)


def diagnosed_s(stations: int) -> float:
    """Time to look through a week of hourly values of one property for wrong units, moved and exchanged stations [s]."""
    city = City(9, stations, plain)
    table = np.stack([city.instant(waves=40) for _ in range(168)], axis=1)
    places = surround(city.lon, city.lat, radius_m=60_000, most=16)
    window = Window("air_temperature", [f"s{i}" for i in range(stations)], 0, 3_600_000_000, table, places)
    before = time.perf_counter()
    diagnose_network(window, diagnosis_rules_on(DAY))
    return time.perf_counter() - before


def figures(stations: int, seeds: int, rounds: int) -> list[Row]:
    """Every figure, ours beside the peers."""
    size = (stations, rounds)
    usual, set_up_ms = judged(range(seeds), size, plain, "8 sd")
    large, _ = judged(range(seeds), size, plain, "8 K")
    steep, _ = judged(range(seeds), size, island, "8 sd")
    rain, _ = judged(range(seeds), size, shower, "none")
    differing, of, buddy_ms = live_differences(range(10), stations)
    rows = [
        _row(f"one round over {stations:,} stations", usual.ms("ours"), "ms", 100, (usual.ms("buddy"), "buddy_check")),
        _row(f"neighbourhoods of {stations:,} stations, once", set_up_ms, "ms"),
        _row("titanlib's buddy check, written anew", buddy_ms, "ms", None, (usual.ms("buddy"), "buddy_check")),
        _row("flags that differ from titanlib's own vectors", vector_differences(), "flags", 0),
        _row(f"flags that differ from the live titanlib, of {of:,}", differing, "flags", 0),
    ]
    for name, tally in (("8 sd", usual), ("8 K", large), ("8 sd on heat island and slope", steep)):
        for peer in ("buddy", "sct"):
            told = f"titanlib {peer}"
            hits, false = (tally.share("hits", peer), told), (tally.share("false", peer), told)
            rows.append(_row(f"errors found: {name}", tally.share("hits", "ours"), "share", 0.99, hits, better="higher"))
            rows.append(_row(f"right values held: {name}", tally.share("false", "ours"), "share", 0.005, false))
    for peer in ("buddy", "sct"):
        told = (rain.share("false", peer), f"titanlib {peer}")
        rows.append(_row("right values held: a true shower 6 K colder", rain.share("false", "ours"), "share", None, told))
    rows.append(_row(f"diagnosis of a week of hourly values, {stations:,} stations", diagnosed_s(stations), "s"))
    return rows


def _row(
    figure: str, ours: float, unit: str, bar: float | None = None, peer: tuple[float, str] | None = None, *, better: str = "lower"
) -> Row:
    value, name = peer or (None, "")
    return Row(figure=figure, ours=ours, unit=unit, better=better, bar=bar, peer=value, peer_name=name)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300 stations, 2 seeds, nothing kept")
    options = parser.parse_args()
    if not VECTORS.exists():
        sys.exit(f"titanlib's vectors are not at {VECTORS}")
    rows = figures(300, 2, 3) if options.quick else figures(1_000, 5, 10)
    (tell if options.quick else write)("network-qc", rows)


if __name__ == "__main__":
    main()
