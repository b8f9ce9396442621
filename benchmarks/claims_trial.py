"""Sixteen writers at work on one store, killed at random where that is asked for, and what the books say afterwards."""

from __future__ import annotations

import contextlib
import os
import random
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from claims_made import ACCOUNTS, AT, FUND, WRITERS, Made, batch
from claims_writer import Work, forked, prepare_naive
from msgspec.structs import replace
from sqlalchemy import text

from dure.engines.records.store import Records
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.ledger.posting import balance, post
from dure.services.carbon.model import Claim
from dure.services.carbon.programmes import programme

SEED_OF_DESK = 99


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

    def __init__(self, work: Work) -> None:
        self.work, self.done, self._rest = work, False, b""
        self.start()

    def start(self) -> None:
        """From the first batch that was not acknowledged."""
        self.pid, self._speak, self.hear = forked(self.work)
        self.alive, self._rest = True, b""

    def wait(self) -> None:
        """Until it is ready."""
        assert os.read(self.hear, 6) == b"ready\n", f"writer {self.work.writer} did not start"

    def begin(self) -> None:
        """Let it go."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._speak, b"\n")

    def heard(self, outcome: Outcome) -> bool:
        """Take what it says; whether it may say more."""
        said = os.read(self.hear, 65_536)
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
            claims = batch(self.work.seed, self.work.writer, int(word), self.work.size)
            outcome.acknowledged |= {one.id: one.grams for n, one in enumerate(claims) if int(value, 16) >> n & 1}
            outcome.decided += len(claims)
            self.work = self.work._replace(first=int(word) + 1)
            outcome.batches += 1
        return not self.done

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> int:
        """Wait for its end; how it ended: 0, or less the signal."""
        os.close(self.hear)
        os.close(self._speak)
        _, status = os.waitpid(self.pid, 0)
        self.alive = False
        return os.waitstatus_to_exitcode(status)


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
    writers = [Writer(Work(way, url, seed, n, 0, claims // WRITERS // size, size)) for n in range(WRITERS)]
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
            ears.register(one.hear, selectors.EVENT_READ, one)
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
                how = one.ended()
                if not one.done:
                    assert how == -signal.SIGKILL, how
                    one.start()
                    ears.register(one.hear, selectors.EVENT_READ, one)


def _kill_some(writers: list[Writer], outcome: Outcome, kills: Kills, chance: random.Random) -> None:
    """The database's host, a writer, or several at once."""
    if kills.host is not None and chance.random() < 0.4:
        kills.host()
        outcome.hosts_killed += 1
        return
    alive = [one for one in writers if one.alive and not one.done]
    for one in chance.sample(alive, min(len(alive), chance.choice((1, 1, 3, WRITERS)))):
        one.kill()
        outcome.writers_killed += 1


class Found(NamedTuple):
    """What the books say beside what was acknowledged.

    Attributes
    ----------
    overlaps : pairs of issued claims that overlap
    lost, doubled : acknowledged claims whose stretch, postings or log entry are not there; those that are there twice or were
        never acknowledged
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
        staged = connection.execute(text("SELECT substr(id, 7) FROM carbon_log_staged")).scalars().all()
        overlaps = connection.execute(
            text(_OVERLAPS.format(start="start_at", end="end_at", of="pair", table="carbon_taken"))
        ).scalar_one()
        grams = balance(connection, "world/city-verified").debits_posted
        held = connection.execute(text("SELECT sum(credits_posted) FROM carbon_accounts WHERE kind = 'held'")).scalar_one()
        problems = check(connection).problems
    records.close()
    lists, told = (issued, awards, rewards, staged), set(outcome.acknowledged)
    lost = sum(len(told - set(one)) for one in lists)
    doubled = sum(len(one) - len(told & set(one)) for one in lists)
    said = sum(outcome.acknowledged.values())
    return Found(len(issued), overlaps, lost, doubled, abs(grams - said) + abs(int(held) - said), len(problems))


def at_the_desk(url: str, claims: int) -> tuple[float, float]:
    """Wall seconds and CPU seconds here of claims made one by one at the claim desk, each with a commit of its own."""
    first, *made = [(_of_a_desk(one), one.working) for one in batch(SEED_OF_DESK, 0, 0, claims + 1)]
    records, row = Records(url), programme(first[0].programme, AT.date())
    with records.begin() as connection:  # the first is slow: questions are made once
        claim_desk.make(connection, first[0], row, AT, working=first[1])
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for claim, working in made:
        with records.begin() as connection:
            assert claim_desk.make(connection, claim, row, AT, working=working).state == "reserved"
    found = time.perf_counter() - wall_s, time.process_time() - cpu_s
    records.close()
    return found


def _of_a_desk(one: Made) -> Claim:
    """The claim of a source of its own, without a reward, which is for people only."""
    return replace(one.claim, id=f"desk-{one.id}", won=0, stretches=(replace(one.stretch, source=f"building/{one.id}"),))


def naive_overlaps(url: str) -> int:
    """Pairs of neighbours that overlap in the peer's table."""
    records = Records(url)
    with records.read() as connection:
        count = connection.execute(
            text(_OVERLAPS.format(start="start_us", end="end_us", of="source", table="naive_taken"))
        ).scalar_one()
    records.close()
    return int(count)
