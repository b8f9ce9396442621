"""``make bench NAME=claims``: 16 writer processes and 100,000 claims that overlap each other.

Each claim takes a stretch of a source, gets its grams and a reward, lays its entry down for the log, and is acknowledged after
the commit of all four: on SQLite with synchronous=FULL, on PostgreSQL with fsync. Beside ours, in the same run and on the same
kind of store, what is often written instead: look whether something overlaps, and insert when nothing does, without a lock in
between. Then the same again while writers, all writers at once, and the database's host are killed with SIGKILL at random points.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from claims_postgres import serving
from claims_trial import Found, Kills, Outcome, at_the_desk, found, naive_overlaps, run
from report import Row, tell, write

SEED = 7
PEER = "look, then insert, no lock"


class Size(NamedTuple):
    """How much is done."""

    claims: int
    batch: int
    naive_claims: int
    killed_claims: int
    killed_batch: int
    kills: int
    at_desk: int


FULL = Size(100_000, 250, 8_000, 32_000, 50, 40, 500)
QUICK = Size(4_000, 250, 400, 1_600, 25, 4, 20)


class Store(NamedTuple):
    """Where it is done, and what kills and starts the database's host."""

    name: str
    url: str
    kills: Kills


@contextlib.contextmanager
def _sqlite(kills: int) -> Iterator[Store]:
    """A file; its host are the writers themselves."""
    with tempfile.TemporaryDirectory(prefix="dure-claims-") as folder:
        yield Store("SQLite", f"sqlite:///{folder}/records.db", Kills(kills, 12, None))


@contextlib.contextmanager
def _postgresql(kills: int) -> Iterator[Store]:
    """A server of our own."""
    with serving() as server:

        def again() -> None:
            server.kill()
            server.start()

        yield Store("PostgreSQL", server.url, Kills(kills, 12, again))


STORES = (_sqlite, _postgresql)


def _speed_rows(name: str, size: Size, ours: tuple[Outcome, Found], peer: tuple[Outcome, int]) -> list[Row]:
    outcome, books = ours
    naive, overlaps = peer
    bar = 2_000 if size is FULL else None
    return [
        Row(figure=f"{name}: claims asked for by 16 writers", ours=outcome.decided, unit="1", better="higher"),
        Row(
            figure=f"{name}: claims decided", ours=outcome.decided / outcome.wall_s, unit="1/s", better="higher", bar=bar,
            peer=naive.decided / naive.wall_s, peer_name=PEER,
        ),
        Row(figure=f"{name}: of them issued", ours=books.issued / outcome.wall_s, unit="1/s", better="higher"),
        Row(figure=f"{name}: CPU of writers, each claim", ours=outcome.cpu_s / outcome.decided * 1e6, unit="µs", better="lower"),
        Row(
            figure=f"{name}: overlaps issued", ours=books.overlaps, unit="1", better="lower", bar=0,
            peer=overlaps, peer_name=f"{PEER} (of {naive.decided:,} claims)",
        ),
        Row(figure=f"{name}: grams on the books beside the acknowledged", ours=books.grams_off, unit="g", better="lower", bar=0),
        Row(figure=f"{name}: balances that do not follow from transfers", ours=books.problems, unit="1", better="lower", bar=0),
    ]  # fmt: skip


def _kill_rows(name: str, outcome: Outcome, books: Found) -> list[Row]:
    return [
        Row(figure=f"{name}: writers killed", ours=outcome.writers_killed, unit="1", better="higher"),
        Row(figure=f"{name}: hosts of the database killed", ours=outcome.hosts_killed, unit="1", better="higher"),
        Row(figure=f"{name}: acknowledged claims and postings lost in kills", ours=books.lost, unit="1", better="lower", bar=0),
        Row(figure=f"{name}: doubled or unasked in kills", ours=books.doubled, unit="1", better="lower", bar=0),
        Row(
            figure=f"{name}: overlaps, grams and balances off after kills", unit="1", better="lower", bar=0,
            ours=books.overlaps + books.grams_off + books.problems,
        ),
    ]  # fmt: skip


def _desk_rows(name: str, claims: int, took: tuple[float, float]) -> list[Row]:
    """Beside it what else the claim desk does: judge the claim, keep it with its decision, and tell it as an event."""
    what = f"{name}: at the claim desk, one claim a commit, one writer"
    return [
        Row(figure=what, ours=claims / took[0], unit="1/s", better="higher"),
        Row(figure=f"{what}: its CPU", ours=took[1] / claims * 1e6, unit="µs", better="lower"),
    ]


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # who stops the benchmark stops its servers too
    size = QUICK if "--quick" in sys.argv else FULL
    rows: list[Row] = []
    for opened in STORES:
        with opened(0) as store:
            ours = run(store.url, "ours", SEED, size.claims, size.batch)
            books = found(store.url, ours)
            name = store.name
            desk = at_the_desk(store.url, size.at_desk)
        with opened(0) as store:
            naive = run(store.url, "naive", SEED, size.naive_claims, 25)
            rows += _speed_rows(name, size, (ours, books), (naive, naive_overlaps(store.url)))
        with opened(size.kills) as store:
            killed = run(store.url, "ours", SEED + 1, size.killed_claims, size.killed_batch, store.kills)
            rows += _kill_rows(name, killed, found(store.url, killed))
        rows += _desk_rows(name, size.at_desk, desk)
    (write if size is FULL else tell)("claims", rows)
    return 0 if all(row.met in (True, None) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
