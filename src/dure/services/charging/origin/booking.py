"""What is to be written so that the books say what the registers say. Pure.

An interval that is new gets a first row; one that stands in the books with other content gets a correcting row, whose entries are
the differences to what stood before. An interval that stands as it should gets nothing, so a round done twice books nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from dure.core.time import from_us
from dure.services.charging.origin.chain import Row, sealed
from dure.services.charging.origin.ledger import Content, difference
from dure.services.charging.origin.registers import Grid


class Stamp(NamedTuple):
    """What every row of one booking carries: where the chain stands, when, by which rule and factors."""

    site: str
    seq: int
    head: str
    booked_at: datetime
    rule: str
    factors: str


def rows_to_book(
    found: Sequence[Content], grid: Grid, held: Mapping[datetime, Row], stamp: Stamp, digest: Callable[[int], str]
) -> list[Row]:
    """Rows to add to a site's books.

    Parameters
    ----------
    found : (n,) what the registers say of the intervals of `grid`
    held : the newest row of each interval in the books
    digest : of the reads an interval rests on, by its begin [us]
    """
    rows: list[Row] = []
    seq, head = stamp.seq, stamp.head
    for place, content in enumerate(found):
        start_us = grid.start_us + place * grid.step_us
        start_at = from_us(start_us)
        before = held.get(start_at)
        if before is not None and before.content == content:
            continue
        seq += 1
        row = sealed(
            Row(
                site=stamp.site,
                seq=seq,
                start_at=start_at,
                n=0 if before is None else before.n + 1,
                booked_at=stamp.booked_at,
                rule=stamp.rule,
                factors=stamp.factors,
                content=content,
                entries=content.entries if before is None else difference(content.entries, before.content.entries),
                readings_sha256=digest(start_us),
                previous_sha256=head,
            )
        )
        head = row.sha256
        rows.append(row)
    return rows
