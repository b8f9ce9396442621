"""One writer of claims: ``python claims_writer.py WAY URL SEED WRITER FIRST BATCHES SIZE``.

It says ``ready``, waits for a line, and then says of each batch, after its commit and never before, its number and which of its
claims were issued (a bit each, hexadecimal). WAY is ``ours``, or ``naive``: look whether something overlaps, then insert.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence

from claims_made import ACCOUNTS, AT, Made, batch
from sqlalchemy import Connection, text

from dure.core.errors import DureError
from dure.core.time import to_us
from dure.engines.records.store import Records
from dure.services.carbon.ledger.posting import post
from dure.services.carbon.ledger.taken import take_all

NAIVE_TABLE = """CREATE TABLE naive_taken (claim TEXT, source TEXT, start_us BIGINT, end_us BIGINT, grams BIGINT)"""
NAIVE_INDEX = "CREATE INDEX ix_naive_taken ON naive_taken (source, start_us)"
_LOOK = text("SELECT 1 FROM naive_taken WHERE source = :source AND start_us < :end_us AND end_us > :start_us LIMIT 1")
_PUT = text("INSERT INTO naive_taken VALUES (:claim, :source, :start_us, :end_us, :grams)")


def issue(records: Records, claims: Sequence[Made]) -> list[bool]:
    """Ours: one transaction; those that overlap are refused."""
    with records.begin() as connection:
        refusals = take_all(connection, [one.taking for one in claims], AT)
        taken = [one for one, why in zip(claims, refusals, strict=True) if why is None]
        answers = post(connection, [one.group for one in taken], AT, ACCOUNTS)
        assert answers == [None] * len(taken), answers
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


def main() -> None:
    way, url, *numbers = sys.argv[1:]
    seed, writer, first, batches, size = map(int, numbers)
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # connections to a killed server: expected here
    records = Records(url)
    print("ready", flush=True)
    sys.stdin.readline()
    before_s = time.process_time()
    for number in range(first, batches):
        issued = _until_done(records, way, batch(seed, writer, number, size))
        bits = sum(1 << n for n, one in enumerate(issued) if one)
        print(f"{number} {bits:x}", flush=True)
    print(f"done {time.process_time() - before_s:.3f}", flush=True)
    records.close()


if __name__ == "__main__":
    main()
