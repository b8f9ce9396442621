"""Claims in the records: one row each, and a row for everything that became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_carbon_claims import carbon_claim_deeds as deeds
from dure.engines.records.tables_carbon_claims import carbon_claims as claims
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.model import Claim, State, Stretch, Tier

PAGE = 1_000
SOME = 500  # as many ids one question names
LIVE: tuple[State, ...] = ("waiting", "reserved", "awarded", "retired")
_FIELDS = tuple(name for name in Claim.__struct_fields__ if name != "stretches")


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became of a claim. `reason` is a code or empty, `note` what a person wrote, `links` what they point to."""

    claim: str
    n: int
    state: State
    at: datetime
    reason: str = ""
    note: str = ""
    links: tuple[str, ...] = ()
    by_person: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with what its row holds beside it."""

    claim: Claim
    working: Working | None
    why: Text
    decided_at: datetime | None
    expires_at: datetime | None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which claims are asked for; an empty field asks for all. `start` and `end` are of the begin of what they claim."""

    programme: str = ""
    holder: str = ""
    tier: Tier | None = None
    states: tuple[State, ...] = ()
    method: str = ""
    event: str = ""
    start: datetime | None = None
    end: datetime | None = None


def insert(connection: Connection, kept: Kept) -> bool:
    """Keep a claim; False when one of that id is there."""
    return dialect.insert_new(connection, claims, [_row(kept)]) == 1


def find(connection: Connection, ident: str) -> Kept | None:
    """A claim by its id."""
    row = connection.execute(select(claims).where(claims.c.id == ident)).mappings().one_or_none()
    return None if row is None else _kept(row)


def get(connection: Connection, ident: str) -> Kept:
    """A claim by its id; NotFound ``claim.unknown``."""
    found = find(connection, ident)
    if found is None:
        raise NotFound("claim.unknown", f"There is no claim {ident[:80]!r}.")
    return found


def claims_of(connection: Connection, idents: Sequence[str]) -> list[Kept]:
    """Claims by their ids, in the order asked for; NotFound ``claim.unknown``."""
    found: dict[str, Kept] = {}
    for start in range(0, len(idents), SOME):
        query = select(claims).where(claims.c.id.in_(idents[start : start + SOME]))
        found |= {row["id"]: _kept(row) for row in connection.execute(query).mappings()}
    missing = next((one for one in idents if one not in found), None)
    if missing is not None:
        raise NotFound("claim.unknown", f"There is no claim {missing[:80]!r}.")
    return [found[one] for one in idents]


def move(connection: Connection, ident: str, state: State, reason: str, at: datetime, why: Text | None = None) -> None:
    """Bring a claim to another state."""
    words = {"state": state, "reason": reason, "decided_at": at}
    if why is not None:
        words["why"] = msgspec.to_builtins(why)
    connection.execute(update(claims).where(claims.c.id == ident).values(**words))


def add_deed(connection: Connection, deed: Deed) -> None:
    """Add what became of a claim; `n` follows the last."""
    last = connection.execute(select(func.max(deeds.c.n)).where(deeds.c.claim == deed.claim)).scalar()
    row = msgspec.structs.asdict(deed) | {"n": int(last or 0) + 1, "links": list(deed.links), "by_person": int(deed.by_person)}
    dialect.insert_new(connection, deeds, [row])


def deeds_of(connection: Connection, ident: str) -> list[Deed]:
    """All that became of a claim, in order."""
    rows = connection.execute(select(deeds).where(deeds.c.claim == ident).order_by(deeds.c.n)).mappings()
    return [Deed(**{**row, "links": tuple(row["links"]), "by_person": bool(row["by_person"])}) for row in rows]


def of_event(connection: Connection, event: str, states: Sequence[State] = LIVE) -> list[Claim]:
    """Claims that rest on an event."""
    query = select(claims).where(claims.c.event == event, claims.c.state.in_(states)).order_by(claims.c.id)
    return [_kept(row).claim for row in connection.execute(query).mappings()]


def listing(connection: Connection, wanted: Wanted, *, after: str = "", limit: int = 100) -> Page[Claim]:
    """Newest first, by when they were made."""
    query = _where(select(claims), wanted)
    if after:
        query = query.where(older_than(after, claims.c.made_at, claims.c.id))
    query = query.order_by(claims.c.made_at.desc(), claims.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_kept(row).claim for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.made_at, one.id))


def oldest(connection: Connection, wanted: Wanted, limit: int = 40) -> list[Kept]:
    """Those that were made first."""
    query = _where(select(claims), wanted).order_by(claims.c.made_at, claims.c.id).limit(checked_limit(limit))
    return [_kept(row) for row in connection.execute(query).mappings()]


def each(connection: Connection, wanted: Wanted) -> Iterator[Claim]:
    """All of them, by begin of what they claim, then id; read page by page."""
    return (one.claim for one in each_kept(connection, wanted))


def each_kept(connection: Connection, wanted: Wanted) -> Iterator[Kept]:
    """As `each`, with what their rows hold beside them."""
    mark: tuple[datetime, str] | None = None
    while True:
        query = _where(select(claims), wanted).order_by(claims.c.start_at, claims.c.id).limit(PAGE)
        if mark is not None:
            same = and_(claims.c.start_at == mark[0], claims.c.id > mark[1])
            query = query.where(or_(claims.c.start_at > mark[0], same))
        rows = connection.execute(query).mappings().all()
        yield from (_kept(row) for row in rows)
        if len(rows) < PAGE:
            return
        mark = (rows[-1]["start_at"], rows[-1]["id"])


def overdue(connection: Connection, now: datetime, limit: int = 100) -> list[str]:
    """Reserved claims whose time for a decision is over."""
    query = select(claims.c.id).where(claims.c.state == "reserved", claims.c.expires_at <= now)
    return list(connection.execute(query.order_by(claims.c.made_at).limit(limit)).scalars())


def counts(connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """How many claims and grams [gCO2e] there are, by tier and state."""
    query = select(claims.c.tier, claims.c.state, func.count(), func.sum(claims.c.grams)).group_by(claims.c.tier, claims.c.state)
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in connection.execute(query)}


def _where(query: Select[Any], wanted: Wanted) -> Select[Any]:
    exact = {
        "programme": wanted.programme,
        "holder": wanted.holder,
        "tier": wanted.tier,
        "method": wanted.method,
        "event": wanted.event,
    }
    query = query.where(*(claims.c[name] == value for name, value in exact.items() if value))
    if wanted.states:
        query = query.where(claims.c.state.in_(wanted.states))
    if wanted.start is not None:
        query = query.where(claims.c.start_at >= wanted.start)
    if wanted.end is not None:
        query = query.where(claims.c.start_at < wanted.end)
    return query


def _row(kept: Kept) -> dict[str, Any]:
    one = kept.claim
    return {name: getattr(one, name) for name in _FIELDS if name != "factors"} | {
        "factors": list(one.factors),
        "stretches": msgspec.to_builtins(one.stretches),
        "start_at": min((each.start for each in one.stretches), default=one.made_at),
        "end_at": max((each.end for each in one.stretches), default=one.made_at),
        "why": msgspec.to_builtins(kept.why),
        "decided_at": kept.decided_at,
        "expires_at": kept.expires_at,
        "working": None if kept.working is None else msgspec.to_builtins(kept.working),
    }


def _kept(row: RowMapping) -> Kept:
    claim = Claim(
        **{name: row[name] for name in _FIELDS if name != "factors"},
        factors=tuple(row["factors"]),
        stretches=tuple(msgspec.convert(row["stretches"], list[Stretch])),
    )
    words = row["working"]
    return Kept(
        claim=claim,
        working=None if words is None else msgspec.convert(words, Working),
        why=msgspec.convert(row["why"], Text),
        decided_at=row["decided_at"],
        expires_at=row["expires_at"],
    )
