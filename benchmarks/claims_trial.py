"""Sixteen writers at work on one store, killed at random where that is asked for, and what the books say afterwards."""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from claims_made import ACCOUNTS, AT, FUND, WRITERS, batch
from claims_writer import prepare_naive
from sqlalchemy import text

from dure.engines.records.store import Records
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.ledger.posting import balance, post

HERE = Path(__file__).parent


class Kills(NamedTuple):
    """How often something is killed, after how many batches on average, and what ends and starts the database's host (if any)."""

    n: int
    every_batches: int
    host: Callable[[], None] | None


@dataclass
class Outcome:
    """What came of it.

    Attributes
    ----------
    wall_s, cpu_s : from the starting shot to the last answer; CPU of all writers (only without kills)
    acknowledged : claims that were told to be issued, by id -> grams
    decided, batches : claims that were answered, and in how many commits
    writers_killed, hosts_killed : how often
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    acknowledged: dict[str, int] = field(default_factory=dict)
    decided: int = 0
    batches: int = 0
    writers_killed: int = 0
    hosts_killed: int = 0


class Writer:
    """One process, started again where it was killed."""

    def __init__(self, way: str, url: str, seed: int, number: int, batches: int, size: int) -> None:
        self.way, self.url, self.seed, self.number, self.batches, self.size = way, url, seed, number, batches, size
        self.next, self.done, self._rest = 0, False, b""
        self.start()

    def start(self) -> None:
        """From the first batch that was not acknowledged."""
        words = (self.way, self.url, self.seed, self.number, self.next, self.batches, self.size)
        command = [sys.executable, HERE / "claims_writer.py", *map(str, words)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._rest = b""

    def wait(self) -> None:
        """Until it is ready."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", f"writer {self.number} did not start"

    def begin(self) -> None:
        """Let it go."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")

    def heard(self, outcome: Outcome) -> bool:
        """Take what it says; whether it may say more."""
        assert self.process.stdout is not None
        said = self.process.stdout.read(65_536)
        if not said:
            return False
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            if line == b"ready":
                self.begin()
                continue
            word, value = line.decode().split()
            if word == "done":
                outcome.cpu_s += float(value)
                self.done = True
                continue
            claims = batch(self.seed, self.number, int(word), self.size)
            outcome.acknowledged |= {one.id: one.grams for n, one in enumerate(claims) if int(value, 16) >> n & 1}
            outcome.decided += len(claims)
            self.next = int(word) + 1
            outcome.batches += 1
        return not self.done

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.process.pid, signal.SIGKILL)


def run(url: str, way: str, seed: int, claims: int, size: int, kills: Kills | None = None) -> Outcome:
    """All writers until every batch is acknowledged."""
    records = Records(url)
    records.migrate()
    with records.begin() as connection:
        if way == "naive":
            prepare_naive(connection)
        else:
            post(connection, [[FUND]], AT, ACCOUNTS)
    records.close()
    outcome = Outcome()
    writers = [Writer(way, url, seed, n, claims // WRITERS // size, size) for n in range(WRITERS)]
    for one in writers:
        one.wait()
    started = time.perf_counter()
    for one in writers:
        one.begin()
    _listen(writers, outcome, kills, random.Random(seed))  # noqa: S311  # whom to kill, no secret
    outcome.wall_s = time.perf_counter() - started
    return outcome


def _listen(writers: list[Writer], outcome: Outcome, kills: Kills | None, chance: random.Random) -> None:
    with selectors.DefaultSelector() as ears:
        for one in writers:
            ears.register(one.process.stdout, selectors.EVENT_READ, one)  # type: ignore[arg-type]  # a pipe
        left, next_kill = (kills.n if kills else 0), 1
        while ears.get_map():
            if kills and left and outcome.batches >= next_kill:
                left -= 1
                time.sleep(chance.uniform(0, 0.1))
                _kill_some(writers, outcome, kills, chance)
                next_kill = outcome.batches + chance.randint(1, 2 * kills.every_batches)
            for key, _ in ears.select(0.05):
                one = key.data
                if one.heard(outcome):
                    continue
                ears.unregister(key.fileobj)
                with contextlib.suppress(OSError):
                    one.process.stdout.close()
                one.process.wait()
                if not one.done:
                    assert one.process.returncode == -signal.SIGKILL, one.process.returncode
                    one.start()
                    ears.register(one.process.stdout, selectors.EVENT_READ, one)


def _kill_some(writers: list[Writer], outcome: Outcome, kills: Kills, chance: random.Random) -> None:
    """The database's host, a writer, or several at once."""
    if kills.host is not None and chance.random() < 0.4:
        kills.host()
        outcome.hosts_killed += 1
        return
    alive = [one for one in writers if not one.done and one.process.poll() is None]
    for one in chance.sample(alive, min(len(alive), chance.choice((1, 1, 3, WRITERS)))):
        one.kill()
        outcome.writers_killed += 1


class Found(NamedTuple):
    """What the books say beside what was acknowledged.

    Attributes
    ----------
    overlaps : pairs of issued claims that overlap
    lost, doubled : acknowledged claims that are not there; claims or postings that are there twice or were never acknowledged
    grams_off : grams on the books beside those acknowledged
    """

    issued: int
    overlaps: int
    lost: int
    doubled: int
    grams_off: int
    problems: int


_OVERLAPS = """SELECT count(*) FROM (SELECT {start} AS a, max({end}) OVER (PARTITION BY {of} ORDER BY {start}, {end}
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS b FROM {table}) AS one WHERE b > a"""


def found(url: str, outcome: Outcome) -> Found:
    """Count what stands on our books."""
    records = Records(url)
    with records.read() as connection:
        issued = connection.execute(text("SELECT claim FROM carbon_taken")).scalars().all()
        awards = connection.execute(text("SELECT ref FROM carbon_transfers WHERE why = 'claim.award'")).scalars().all()
        rewards = connection.execute(text("SELECT ref FROM carbon_transfers WHERE why = 'reward'")).scalars().all()
        overlaps = connection.execute(
            text(_OVERLAPS.format(start="start_at", end="end_at", of="pair", table="carbon_taken"))
        ).scalar_one()
        grams = balance(connection, "world/city-verified").debits_posted
        held = connection.execute(text("SELECT sum(credits_posted) FROM carbon_accounts WHERE kind = 'held'")).scalar_one()
        problems = check(connection).problems
    records.close()
    lists, told = (issued, awards, rewards), set(outcome.acknowledged)
    lost = sum(len(told - set(one)) for one in lists)
    doubled = sum(len(one) - len(told & set(one)) for one in lists)
    said = sum(outcome.acknowledged.values())
    return Found(len(issued), overlaps, lost, doubled, abs(grams - said) + abs(int(held) - said), len(problems))


def naive_overlaps(url: str) -> int:
    """Pairs of neighbours that overlap in the peer's table."""
    records = Records(url)
    with records.read() as connection:
        count = connection.execute(
            text(_OVERLAPS.format(start="start_us", end="end_us", of="source", table="naive_taken"))
        ).scalar_one()
    records.close()
    return int(count)
