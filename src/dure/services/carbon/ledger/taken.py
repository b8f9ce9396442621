"""What claims have taken of sources: each moment of a source's attribute once, in whatever programme.

The database itself refuses an overlap (migration 0020), whoever writes. Here it is asked first, so that the other claim is named.
Rows that are there never overlap: of those that begin before a stretch ends, only the last can overlap with it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, delete, func, select, type_coerce

from dure.core.errors import Conflict
from dure.core.text import Text
from dure.core.time import format_instant, from_us, to_us
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_ledger import carbon_freed, carbon_pairs, carbon_taken
from dure.services.carbon.ledger.asked_rows import asked
from dure.services.carbon.ledger.refusals import ATTRIBUTE_NAMES, refused
from dure.services.carbon.ledger.shapes import is_name
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.model import Attribute, Refused, Stretch

EXACT_US = 2**53  # instants that PostgreSQL's constraint keeps apart exactly: from the year 1684 to 2255
STRETCHES_MAX = 20_000  # a year of half hours, and a little more
Pair = tuple[str, str]


class Taking(NamedTuple):
    """A claim and what it would take."""

    claim: str
    stretches: Sequence[Stretch]


class Taken(NamedTuple):
    """A stretch and the claim that has it."""

    claim: str
    stretch: Stretch
    taken_at: datetime


class _Span(NamedTuple):
    """When [µs], and whose."""

    start: int
    end: int
    claim: str


def take(connection: Connection, claim_id: str, stretches: Sequence[Stretch], at: datetime) -> Refused | None:
    """Take all stretches for a claim or none; ``claim.overlap`` names the claim that has some of them.

    The same claim taking the same again has them already: None.
    """
    return take_all(connection, [Taking(claim_id, stretches)], at)[0]


def take_all(connection: Connection, takings: Sequence[Taking], at: datetime) -> list[Refused | None]:
    """As `take`, for many claims in order, in a few statements."""
    take_turn(connection)
    answers = [_misshapen(one) for one in takings]
    sound = [one for one, why in zip(takings, answers, strict=True) if why is None]
    pairs = _numbered(connection, {_pair(one) for each in sound for one in each.stretches})
    held = _held(connection, [one.claim for one in sound])
    lines = _Lines(_neighbours(connection, sound, pairs))
    rows = []
    for n, one in enumerate(takings):
        if answers[n] is not None:
            continue
        spans = sorted((pairs[_pair(each)], to_us(each.start), to_us(each.end)) for each in one.stretches)
        if one.claim in held:
            answers[n] = None if held[one.claim] == spans else refused("claim.id_reused", claim=one.claim)
            continue
        answers[n] = next(filter(None, (lines.overlap(pairs[_pair(each)], each) for each in one.stretches)), None)
        if answers[n] is None:
            held[one.claim] = spans
            lines.add(one.claim, spans)
            rows += [_row(pairs[_pair(each)], each, one.claim, at) for each in one.stretches]
    if dialect.insert_new(connection, carbon_taken, rows) != len(rows):
        raise Conflict("ledger.raced", "Somebody else wrote to the carbon ledger out of turn; nothing was taken.")
    return answers


def free(connection: Connection, claim_id: str, at: datetime) -> int:
    """Give back all that a claim has taken; it stays known that it had it. How many stretches; 0 when it has none."""
    take_turn(connection)
    mine = carbon_taken.c.claim == claim_id
    given = connection.execute(select(carbon_taken).where(mine).order_by(carbon_taken.c.pair, carbon_taken.c.start_at)).mappings()
    rows = [dict(row) for row in given]
    last = connection.execute(select(func.coalesce(func.max(carbon_freed.c.n), 0))).scalar_one()
    freed = [{"n": n, **row, "freed_at": at} for n, row in enumerate(rows, last + 1)]
    if dialect.insert_new(connection, carbon_freed, freed) != len(rows):
        raise Conflict("ledger.raced", "Somebody else wrote to the carbon ledger out of turn; nothing was given back.")
    connection.execute(delete(carbon_taken).where(mine))
    return len(rows)


def taken_by(connection: Connection, claim_id: str) -> list[Taken]:
    """What a claim has."""
    return _listed(connection, carbon_taken.c.claim == claim_id)


def taken_of(connection: Connection, source: str, attribute: Attribute, start: datetime, end: datetime) -> list[Taken]:
    """Who has what of a source's attribute in ``[start, end)``, in order of time."""
    of = and_(carbon_pairs.c.source == source, carbon_pairs.c.attribute == attribute)
    return _listed(connection, and_(of, carbon_taken.c.start_at < end, carbon_taken.c.end_at > start))


def _listed(connection: Connection, where: ColumnElement[bool]) -> list[Taken]:
    query = (
        select(carbon_taken, carbon_pairs.c.source, carbon_pairs.c.attribute)
        .join(carbon_pairs, carbon_pairs.c.id == carbon_taken.c.pair)
        .where(where)
        .order_by(carbon_pairs.c.source, carbon_pairs.c.attribute, carbon_taken.c.start_at)
    )
    return [
        Taken(row.claim, Stretch(source=row.source, attribute=row.attribute, start=row.start_at, end=row.end_at), row.taken_at)
        for row in connection.execute(query)
    ]


class _Lines:
    """Of each pair the spans that matter: neighbours of what is asked for, and what was taken since."""

    def __init__(self, neighbours: Iterable[tuple[int, _Span]]) -> None:
        self._spans: dict[int, list[_Span]] = {}
        for pair, span in sorted(neighbours):
            self._spans.setdefault(pair, []).append(span)

    def overlap(self, pair: int, stretch: Stretch) -> Refused | None:
        """That another claim has some of the stretch."""
        spans = self._spans.get(pair, [])
        place = bisect_left(spans, (to_us(stretch.end),)) - 1
        if place < 0 or spans[place].end <= to_us(stretch.start):
            return None
        other = spans[place]
        return refused(
            "claim.overlap",
            claim=other.claim,
            source=stretch.source,
            attribute=ATTRIBUTE_NAMES[stretch.attribute],
            start=format_instant(from_us(other.start)),
            end=format_instant(from_us(other.end)),
        )

    def add(self, claim: str, spans: Iterable[tuple[int, int, int]]) -> None:
        """These are taken now."""
        for pair, start, end in spans:
            insort(self._spans.setdefault(pair, []), _Span(start, end, claim))


def _misshapen(one: Taking) -> Refused | None:
    wrong = _wrong(one)
    return refused("claim.stretch_invalid", claim=one.claim[:80], why=wrong) if wrong else None


def _wrong(one: Taking) -> Text | None:
    if not is_name(one.claim):
        return Text("번호", "its id")
    if not 1 <= len(one.stretches) <= STRETCHES_MAX:
        return Text(f"구간은 1~{STRETCHES_MAX}개", f"1 to {STRETCHES_MAX} stretches")
    wrong = next(filter(None, map(_wrong_stretch, one.stretches)), None)
    if wrong:
        return wrong
    ordered = sorted(one.stretches, key=lambda each: (each.source, each.attribute, each.start))
    if any(_pair(a) == _pair(b) and b.start < a.end for a, b in pairwise(ordered)):
        return Text("구간이 서로 겹침", "its stretches overlap each other")
    return None


def _wrong_stretch(one: Stretch) -> Text | None:
    if one.attribute not in ATTRIBUTE_NAMES or not is_name(one.source):
        return Text("원천이나 속성", "source or attribute")
    if one.start.tzinfo is None or one.end.tzinfo is None or one.start >= one.end:
        return Text("끝이 시작보다 늦어야 하고 시간대가 있어야 함", "it must end after it starts, both with an offset")
    if not -EXACT_US < to_us(one.start) < to_us(one.end) < EXACT_US:
        return Text("셀 수 있는 때를 벗어남", "it is outside of the times that are counted")
    return None


def _pair(stretch: Stretch) -> Pair:
    return stretch.source, stretch.attribute


def _numbered(connection: Connection, wanted: set[Pair]) -> dict[Pair, int]:
    """The number of each pair; new ones get the next."""
    if not wanted:
        return {}
    given = asked(connection, {"source": str, "attribute": str}, sorted(wanted))
    same = and_(carbon_pairs.c.source == given.c.source, carbon_pairs.c.attribute == given.c.attribute)
    found: dict[Pair, int] = {
        (row.source, row.attribute): row.id
        for row in connection.execute(select(carbon_pairs).join_from(given, carbon_pairs, same))
    }
    new = sorted(wanted - set(found))
    if new:
        last = connection.execute(select(func.coalesce(func.max(carbon_pairs.c.id), 0))).scalar_one()
        found |= {pair: n for n, pair in enumerate(new, last + 1)}
        dialect.insert_new(connection, carbon_pairs, [{"id": found[one], "source": one[0], "attribute": one[1]} for one in new])
    return found


def _held(connection: Connection, claims: Sequence[str]) -> dict[str, list[tuple[int, int, int]]]:
    """What each of the claims has already: pair, start and end [µs], in order."""
    given = asked(connection, {"claim": str}, [(one,) for one in sorted(set(claims))])
    taken = carbon_taken.c
    query = select(taken.claim, taken.pair, _us(taken.start_at), _us(taken.end_at)).where(taken.claim.in_(select(given.c.claim)))
    found: dict[str, list[tuple[int, int, int]]] = {}
    for claim, pair, start, end in connection.execute(query):
        found.setdefault(claim, []).append((pair, start, end))
    return {claim: sorted(spans) for claim, spans in found.items()}


def _neighbours(connection: Connection, takings: Sequence[Taking], pairs: Mapping[Pair, int]) -> Iterator[tuple[int, _Span]]:
    """For each stretch that is asked for, the last taken one of its pair that begins before it ends."""
    ends = sorted({(pairs[_pair(each)], to_us(each.end)) for one in takings for each in one.stretches})
    given = asked(connection, {"pair": int, "end_us": int}, ends)
    before, taken = carbon_taken.alias().c, carbon_taken.c
    last = (
        select(func.max(_us(before.start_at)))
        .where(before.pair == given.c.pair, _us(before.start_at) < given.c.end_us)
        .scalar_subquery()
    )
    there = and_(taken.pair == given.c.pair, _us(taken.start_at) == last)
    query = (
        select(taken.pair, _us(taken.start_at), _us(taken.end_at), taken.claim).join_from(given, carbon_taken, there).distinct()
    )
    for pair, start, end, claim in connection.execute(query):
        yield pair, _Span(start, end, claim)


def _row(pair: int, stretch: Stretch, claim: str, at: datetime) -> dict[str, object]:
    return {"pair": pair, "start_at": stretch.start, "end_at": stretch.end, "claim": claim, "taken_at": at}


def _us(column: ColumnElement[datetime]) -> ColumnElement[int]:
    """An instant as it is kept [µs since 1970]."""
    return type_coerce(column, BigInteger)
