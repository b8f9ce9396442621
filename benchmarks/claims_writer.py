"""One writer of claims, a process forked from the benchmark: it can be killed at any time and is there again at once.

It says ``ready``, waits for a line, and then says of each batch, after its commit and never before, its number and which of its
claims were issued (a bit each, hexadecimal). Its way is ``ours``, or ``naive``: look whether something overlaps, then insert.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from claims_made import ACCOUNTS, AT, Made, batch
from sqlalchemy import Connection, text

from dure.core.errors import DureError
from dure.core.time import to_us
from dure.engines.records.store import Records
from dure.services.carbon.ledger.posting import post
from dure.services.carbon.ledger.taken import take_all
from dure.services.carbon.transparency.staging import laid_as, lay

NAIVE_TABLE = """CREATE TABLE naive_taken (claim TEXT, source TEXT, start_us BIGINT, end_us BIGINT, grams BIGINT)"""
NAIVE_INDEX = "CREATE INDEX ix_naive_taken ON naive_taken (source, start_us)"
_LOOK = text("SELECT 1 FROM naive_taken WHERE source = :source AND start_us < :end_us AND end_us > :start_us LIMIT 1")
_PUT = text("INSERT INTO naive_taken VALUES (:claim, :source, :start_us, :end_us, :grams)")


def issue(records: Records, claims: Sequence[Made]) -> list[bool]:
    """Ours: one transaction of stretches, postings and log entries; those that overlap are refused."""
    laid = [laid_as(one.entry) for one in claims]
    with records.begin() as connection:
        refusals = take_all(connection, [one.taking for one in claims], AT)
        taken = [one for one, why in zip(claims, refusals, strict=True) if why is None]
        answers = post(connection, [one.group for one in taken], AT, ACCOUNTS)
        assert answers == [None] * len(taken), answers
        lay(connection, [one for one, why in zip(laid, refusals, strict=True) if why is None])
    return [why is None for why in refusals]


def issue_naively(records: Records, claims: Sequence[Made]) -> list[bool]:
    """The peer: each claim is looked for, and inserted when nothing overlaps; nobody holds a lock in between."""
    issued = []
    for one in claims:
        row = {
            "claim": one.id,
            "source": one.stretch.source,
            "start_us": to_us(one.stretch.start),
            "end_us": to_us(one.stretch.end),
            "grams": one.grams,
        }
        with records.read() as connection:
            free = connection.execute(_LOOK, row).first() is None
        if free:
            with records.begin() as connection:
                connection.execute(_PUT, row)
        issued.append(free)
    return issued


WAYS: dict[str, Callable[[Records, Sequence[Made]], list[bool]]] = {"ours": issue, "naive": issue_naively}


def prepare_naive(connection: Connection) -> None:
    """The peer's table."""
    connection.execute(text(NAIVE_TABLE))
    connection.execute(text(NAIVE_INDEX))


def _until_done(records: Records, way: str, claims: Sequence[Made]) -> list[bool]:
    """Try again while the database is away or busy, as any client would."""
    while True:
        try:
            return WAYS[way](records, claims)
        except DureError as error:
            if not error.retry:
                raise
            time.sleep(0.05)


class Work(NamedTuple):
    """What a writer does: its way, where, its number, its batches from the first that was not acknowledged, and their size."""

    way: str
    url: str
    seed: int
    writer: int
    first: int
    batches: int
    size: int


def forked(work: Work) -> tuple[int, int, int]:
    """A new writer: its process id, and the pipes to speak to it and to hear it."""
    hears, speak = os.pipe()
    hear, speaks = os.pipe()
    pid = os.fork()
    if not pid:
        _alone(work, hears, speaks)
    os.close(hears)
    os.close(speaks)
    return pid, speak, hear


def _alone(work: Work, hears: int, speaks: int) -> NoReturn:
    """The life of a writer. It keeps its own two pipes only, so that it ends where nobody listens any more."""
    ended = 1
    try:
        os.dup2(hears, 0)
        os.dup2(speaks, 1)
        os.closerange(3, 1024)
        _write(work)
        ended = 0
    except BrokenPipeError:
        pass
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(ended)


def _write(work: Work) -> None:
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # connections to a killed server: expected here
    records = Records(work.url)
    _say("ready")
    if os.read(0, 1) != b"\n":
        return
    before_s = time.process_time()
    for number in range(work.first, work.batches):
        issued = _until_done(records, work.way, batch(work.seed, work.writer, number, work.size))
        _say(f"{number} {sum(1 << n for n, one in enumerate(issued) if one):x}")
    _say(f"done {time.process_time() - before_s:.3f}")
    records.close()


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())
