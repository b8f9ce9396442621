"""Register reads to intervals: the faults of real life and seeded ones, counted, and the speed.

Deltas below 0 or above what the connection can pass, and energy that is lost or invented, are counted over every case. The peer
is the rule most meter programs use: the difference of neighbouring reads, without any rule.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import NamedTuple

from report import Row, tell, write

from dure.services.buildings.reads.deriving import derive
from dure.services.buildings.reads.model import Exchange, Read, Register
from dure.services.buildings.rules import load_trust

START = datetime(2026, 1, 1, tzinfo=UTC)
TRUST = load_trust(START.date())
HALL = Register(rate_max_per_h=500_000, size=10**9)
SEEDS = 300
PERIOD_US = 900_000_000


class Case(NamedTuple):
    """Reads, the meter, reported exchanges, and what truly passed [Wh]."""

    reads: list[Read]
    register: Register
    exchanges: tuple[Exchange, ...]
    truth: int


def at(n: float) -> datetime:
    return START + timedelta(minutes=15 * n)


def plain(values: list[int], rate: int = 40_000, size: int = 0, truth: int | None = None) -> Case:
    reads = [Read(at(n), value) for n, value in enumerate(values)]
    return Case(reads, Register(rate_max_per_h=rate, size=size), (), values[-1] - values[0] if truth is None else truth)


def named_cases() -> list[Case]:
    """The threads of the reference (drop and recover, momentary 0, rollover, exchange, negative difference) and their kin."""
    return [
        plain([15_508_000, 15_508_400, 0, 0, 0, 0, 15_510_000, 15_510_500]),  # sem-community#782
        plain([15_508_000, 15_508_400, 0, 100, 200, 300, 15_510_000, 15_510_500, 15_511_000]),  # the same, counting on
        plain([53_700_000, 53_700_250, 0, 53_700_700, 53_700_900]),  # evcc#30592
        plain([0, 53_700_250, 53_700_700, 53_700_900], truth=650),  # the same as first read
        plain([3_900, 4_000, 0, 4_200, 4_300]),  # the same at a young meter
        plain([8_388_000, 8_388_500, 92, 592, 1_100], 400_000, 8_388_608, 1_708),  # sourceanalytix#594, tenths of Wh
        plain([8_380_000, 8_381_000, 0, 8_383_000, 8_384_000], 400_000, 8_388_608),  # 0 near the top of the register
        plain([1_234_500, 1_234_600, 1_234_500, 1_234_900, 1_235_000]),  # smartme_mqtt#67
        plain([1_000, 1_500, 9_999_999, 2_400, 2_900]),  # spike
        plain([500, 900, -1, 1_000_000, 1_500], size=1_000_000),  # what the register cannot show
        _with([8_000, 8_500, 9_000, 120_200, 120_700], Exchange(at(2.5), 9_300, 120_000), 2_000),  # statistics#264, dsmr#507
        _estimates([(0, 1_000, False), (4, 1_400, True), (8, 1_800, True), (12, 1_900, False)]),
        _estimates([(0, 1_000, False), (4, 9_000, True), (8, 1_501, False)]),  # actual below estimate
        _estimates([(0, 1_000, False), (1, 900_000, True), (8, 1_501, False)]),  # impossible estimate
        _estimates([(3, 1_600, False), (0, 0, False), (2, 900, False), (1, 500, False), (1, 500, False)], 1_600),  # disorder
    ]  # fmt: skip


def _with(values: list[int], exchange: Exchange, truth: int) -> Case:
    return plain(values, truth=truth)._replace(exchanges=(exchange,))


def _estimates(rows: list[tuple[int, int, bool]], truth: int | None = None) -> Case:
    reads = [Read(at(n), value, estimated) for n, value, estimated in rows]
    return Case(reads, Register(rate_max_per_h=40_000), (), rows[-1][1] - rows[0][1] if truth is None else truth)


def seeded_case(seed: int, count: int = 400) -> Case:
    """Quarter-hour reads of a building with zeros, spikes, repeats, losses, estimates, a rollover and a reported exchange."""
    chance = Random(seed)  # noqa: S311 - a seeded simulation
    level, truth = chance.randrange(HALL.size), 0
    change_n = chance.randrange(100, count - 100)
    exchange = None
    reads = []
    for n in range(count):
        if n == change_n:
            first = chance.randrange(HALL.size)
            exchange = Exchange(at(n - 0.5), level % HALL.size, first)
            level = first
        use = chance.randrange(1, 60_000) if n else 0
        level, truth = level + use, truth + use
        reads.append(Read(at(n), level % HALL.size))
    safe = [n for n in range(5, count - 5) if abs(n - change_n) > 4]
    for n in chance.sample(safe, 20):
        read = reads[n]
        reads[n] = chance.choice(
            [
                Read(read.at, 0),
                Read(read.at, (read.value + HALL.size // 2) % HALL.size),
                reads[n - 1],
                Read(read.at, min(read.value + chance.randrange(20_000), HALL.size - 1), estimated=True),
            ]
        )
    if seed % 3 == 0:
        chance.shuffle(reads)
    return Case(reads, HALL, (exchange,) if exchange else (), truth)


class Count(NamedTuple):
    """What went wrong over some cases."""

    negative: int = 0
    impossible: int = 0
    error_wh: int = 0

    def plus(self, amounts: list[tuple[int, int]], register: Register, truth: int) -> Count:
        """With one more case, of (amount, duration [us])."""
        error = abs(sum(amount for amount, _ in amounts) - truth)
        return Count(
            self.negative + sum(amount < 0 for amount, _ in amounts),
            self.impossible + sum(amount > register.bound(us) for amount, us in amounts),
            max(self.error_wh, error),
        )


def ours(case: Case) -> list[tuple[int, int]]:
    found = derive(case.reads, case.register, TRUST, case.exchanges)
    return [(delta.amount, (delta.end - delta.start) // timedelta(microseconds=1)) for delta in found.deltas]


def plain_differences(case: Case) -> list[tuple[int, int]]:
    reads = sorted(case.reads, key=lambda one: one.at)
    return [
        (after.value - before.value, (after.at - before.at) // timedelta(microseconds=1)) for before, after in pairwise(reads)
    ]


def speed(count: int) -> float:
    """Reads a second of one thread [1/s], on a year of clean quarter-hours with one fault in a thousand."""
    reads = [Read(at(n), 100 * n if n % 1000 else 0) for n in range(1, count)]
    begun = time.process_time()
    derive(reads, HALL, TRUST)
    return len(reads) / (time.process_time() - begun)


def main() -> int:
    quick = "--quick" in sys.argv
    cases = [*named_cases(), *(seeded_case(seed) for seed in range(20 if quick else SEEDS))]
    mine, peer = Count(), Count()
    for case in cases:
        mine = mine.plus(ours(case), case.register, case.truth)
        peer = peer.plus(plain_differences(case), case.register, case.truth)
    rate = speed(5_000 if quick else 35_040)
    name = "plain differences"
    rows = [
        Row(figure="read faults: cases, named and seeded", ours=len(cases), unit="1", better="higher", bar=12),
        Row(
            figure="read faults: negative deltas", ours=mine.negative, unit="1", better="lower", bar=0,
            peer=peer.negative, peer_name=name,
        ),
        Row(
            figure="read faults: impossible deltas", ours=mine.impossible, unit="1", better="lower", bar=0,
            peer=peer.impossible, peer_name=name,
        ),
        Row(
            figure="read faults: greatest energy error of a case", ours=mine.error_wh, unit="Wh", better="lower", bar=1,
            peer=peer.error_wh, peer_name=name,
        ),
        Row(figure="register reads to deltas, CPU of one thread", ours=rate, unit="1/s", better="higher"),
    ]  # fmt: skip
    (tell if quick else write)("buildings-reads", rows)
    return 0 if all(row.met in (True, None) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
