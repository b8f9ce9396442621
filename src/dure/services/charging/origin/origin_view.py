"""The ledger as it is asked for: days, months, balances, certificates and the check of the chain. Blocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import InputError, NotFound
from dure.core.time import Interval, day_interval, to_us
from dure.services.charging import sites
from dure.services.charging.origin import chain, origin_records
from dure.services.charging.origin.certificates import Certificate, certificates
from dure.services.charging.origin.chain import Verified
from dure.services.charging.origin.direct_supply import DirectSupply, direct_supply
from dure.services.charging.origin.ledger import all_again
from dure.services.charging.origin.model import ORIGINS
from dure.services.charging.origin.origin_desk import STEP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from dure.services.charging.model import Site
    from dure.services.charging.origin.chain import Row

INTERVALS_MAX = 3_000


class Flow(msgspec.Struct, frozen=True, order=True):
    """Wh from an account to another, and of which origin they count."""

    source: str
    sink: str
    origin: str
    wh: int


class IntervalTold(msgspec.Struct, frozen=True, kw_only=True):
    """An interval of the books, corrections included."""

    start: datetime
    end: datetime
    measured: dict[str, int]
    flows: list[Flow]
    estimated: bool
    silent: tuple[str, ...]
    corrections: int
    rule: str
    factors: str
    sha256: str


class Balanced(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a site: what its registers say, where it went, and what vehicles got by origin [Wh]."""

    site: str
    start: datetime
    end: datetime
    intervals: int
    estimated: int
    corrected: int
    measured: dict[str, int]
    flows: list[Flow]
    charged: dict[str, int]


def site_named(connection: Connection, site_id: str) -> Site:
    """The registered site of that id; refused with ``charging.unknown``."""
    found = sites.registered(connection).sites.get(site_id)
    if found is None:
        raise NotFound("charging.unknown", f"There is no charging site {site_id[:80]!r}.")
    return found


def month_interval(month: str, zone: ZoneInfo) -> Interval:
    """The local month ``2026-11`` as a UTC interval."""
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise InputError("query.month", "A month reads like 2026-05.") from error
    return Interval(day_interval(first, zone).start, day_interval((first + timedelta(days=32)).replace(day=1), zone).start)


def intervals(connection: Connection, site: str, span: Interval) -> list[IntervalTold]:
    """Intervals of a site, in time; refused with ``query.span_too_long`` above some thousand."""
    if span.duration > INTERVALS_MAX * STEP:
        raise InputError("query.span_too_long", f"Ask for {INTERVALS_MAX * STEP.seconds // 86_400} days at most.")
    rows = origin_records.newest(origin_records.rows_of(connection, site, span.start, span.end))
    sums = origin_records.by_interval(connection, site, span.start, span.end)
    return [
        IntervalTold(
            start=at,
            end=at + STEP,
            measured=row.content.measured,
            flows=[Flow(*key, wh) for key, wh in sorted(sums.get(at, {}).items())],
            estimated=row.content.estimated,
            silent=row.content.silent,
            corrections=row.n,
            rule=row.rule,
            factors=row.factors,
            sha256=row.sha256,
        )
        for at, row in sorted(rows.items())
    ]


def balanced(connection: Connection, site: str, span: Interval) -> Balanced:
    """A span of a site in one balance."""
    rows = origin_records.newest(origin_records.rows_of(connection, site, span.start, span.end)).values()
    sums = origin_records.sums(connection, site, span.start, span.end)
    measured: dict[str, int] = {}
    for row in rows:
        for name, wh in row.content.measured.items():
            if name not in {"ceiling", "trust", "hidden"}:
                measured[name] = measured.get(name, 0) + wh
    return Balanced(
        site=site,
        start=span.start,
        end=span.end,
        intervals=len(rows),
        estimated=sum(row.content.estimated for row in rows),
        corrected=sum(1 for row in rows if row.n),
        measured=measured,
        flows=[Flow(*key, wh) for key, wh in sorted(sums.items())],
        charged=charged(connection, site, span),
    )


def charged(connection: Connection, site: str, span: Interval) -> dict[str, int]:
    """What vehicles got in a span, by origin [Wh]."""
    sums = origin_records.sums(connection, site, span.start, span.end)
    return {one: sum(wh for (_, sink, origin), wh in sums.items() if sink == "ev" and origin == one) for one in ORIGINS}


def certificates_of(connection: Connection, site: Site, span: Interval) -> list[Certificate]:
    """Certificates of a span."""
    rows = origin_records.newest(origin_records.rows_of(connection, site.id, span.start, span.end))
    sums = origin_records.by_interval(connection, site.id, span.start, span.end)
    return certificates(site, sorted(sums.items()), {at: row.sha256 for at, row in rows.items()}, STEP)


def supply_of(connection: Connection, site: str, span: Interval) -> DirectSupply:
    """Direct supply of a span."""
    return direct_supply(sorted(origin_records.by_interval(connection, site, span.start, span.end).items()))


def checked(connection: Connection, site: str) -> Verified:
    """All rows of a site: their digests and links, and the newest of each interval allocated again from what was measured."""
    rows_by_start: dict[datetime, Row] = {}

    def noted() -> Iterator[Row]:
        for row in origin_records.chain(connection, site):
            rows_by_start[row.start_at] = row
            yield row

    found = chain.verify(site, noted())
    if not found.sound:
        return found
    rows = [rows_by_start[at] for at in sorted(rows_by_start)]
    if not rows:
        return found
    made, _ = all_again([row.content for row in rows], to_us(rows[0].start_at))
    other = [row.seq for row, content in zip(rows, made, strict=True) if content != row.content]
    return msgspec.structs.replace(found, broken_seq=min(other), why="chain.rule") if other else found
