"""The hash chain of a site's books: each row carries the digest of the one before, so that none can be changed unseen. Pure.

The digest of a row is SHA-256 of the previous digest and the row's canonical JSON (sorted keys, no spaces). A row that was
changed, left out, doubled or put in another place is found; so is one that was added without the digest before it. Who holds the
newest digest (it leaves with every day's event) finds that the end was cut off, or that all was written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from dure.core.time import to_us
from dure.services.charging.origin.ledger import Content, Entry

GENESIS = "0" * 64


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a site's books.

    Attributes
    ----------
    seq : from 1 on, without a gap
    n : 0 for what was booked first of an interval, then 1, 2, … for corrections
    content : the interval as it is known now
    entries : of n 0 those of `content`, of a correction the differences to what stood before
    rule, factors : versions of the rule it was allocated by, and of the emission factors in force
    readings_sha256 : digest of the register reads it rests on
    """

    site: str
    seq: int
    start_at: datetime
    n: int
    booked_at: datetime
    rule: str
    factors: str
    content: Content
    entries: tuple[Entry, ...]
    readings_sha256: str
    previous_sha256: str
    sha256: str = ""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a chain found: how many rows are sound, the newest digest, and the first row that is not, with why."""

    site: str
    rows: int
    head: str
    broken_seq: int | None = None
    why: str = ""

    @property
    def sound(self) -> bool:
        """Whether all rows are."""
        return self.broken_seq is None


def digest(row: Row) -> str:
    """SHA-256 of a row and the one before it."""
    words = {
        "site": row.site,
        "seq": row.seq,
        "start_us": to_us(row.start_at),
        "n": row.n,
        "booked_us": to_us(row.booked_at),
        "rule": row.rule,
        "factors": row.factors,
        "content": row.content,
        "entries": row.entries,
        "readings": row.readings_sha256,
    }
    found = hashlib.sha256(row.previous_sha256.encode())
    found.update(msgspec.json.encode(words, order="sorted"))
    return found.hexdigest()


def sealed(row: Row) -> Row:
    """A row with its digest."""
    return msgspec.structs.replace(row, sha256=digest(row))


def verify(site: str, rows: Iterable[Row], *, head: str = GENESIS, seq: int = 0) -> Verified:
    """Check rows in order of `seq`.

    Parameters
    ----------
    head, seq : of the row before the first one
    """
    count = 0
    for row in rows:
        seq += 1
        if row.seq != seq:
            return Verified(site=site, rows=count, head=head, broken_seq=seq, why="chain.missing")
        if row.site != site or row.previous_sha256 != head:
            return Verified(site=site, rows=count, head=head, broken_seq=seq, why="chain.link")
        if row.sha256 != digest(row):
            return Verified(site=site, rows=count, head=head, broken_seq=seq, why="chain.digest")
        head, count = row.sha256, count + 1
    return Verified(site=site, rows=count, head=head)
