"""Sponsorships, how each came to its state, and what results count for it. SQL alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_companies import carbon_sponsor_results as results
from dure.engines.records.tables_carbon_companies import carbon_sponsor_shared as shared
from dure.engines.records.tables_carbon_companies import carbon_sponsorship_steps as steps
from dure.engines.records.tables_carbon_companies import carbon_sponsorships as sponsorships
from dure.services.carbon.companies.sponsoring import Counted, Sponsorship, State
from dure.services.carbon.model import Tier

SOME = 500


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A sponsorship as it stands.

    Attributes
    ----------
    released_won : paid out of escrow so far [KRW]
    counted_g : grams that count so far [gCO2e]
    """

    sponsorship: Sponsorship
    state: State
    released_won: int
    counted_g: int
    made_at: datetime


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a sponsorship."""

    sponsorship: str
    n: int
    at: datetime
    actor: str
    state: State
    facts: dict[str, Any]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What of a claim counts for a sponsorship.

    Attributes
    ----------
    grams : its share [gCO2e]
    claims : 1 for the one sponsorship the claim counts for by number, else 0
    ended_at : since when the claim is withdrawn
    """

    claim: str
    sponsorship: str
    company: str
    tier: Tier
    grams: int
    claims: int
    booked_at: datetime
    ended_at: datetime | None = None


def add(connection: Connection, one: Sponsorship, at: datetime) -> None:
    """Keep an offer."""
    row = {
        "id": one.id, "company": one.company, "state": "offered", "target_kind": one.target_kind, "target": one.target,
        "start_at": one.start, "end_at": one.end, "released_won": 0, "counted_g": 0, "made_at": at,
        "content": msgspec.to_builtins(one),
    }  # fmt: skip
    dialect.insert_new(connection, sponsorships, [row])


def get(connection: Connection, ident: str, *, locked: bool = False) -> Held:
    """One sponsorship; `locked` makes others who would change it wait."""
    query = select(sponsorships).where(sponsorships.c.id == ident)
    row = connection.execute(query.with_for_update() if locked else query).mappings().one_or_none()
    if row is None:
        raise NotFound("sponsor.unknown", f"There is no sponsorship {ident[:80]!r}.")
    return _held(row)


def listing(connection: Connection, *, company: str = "", states: Sequence[State] = ()) -> list[Held]:
    """Newest first."""
    query = select(sponsorships)
    if company:
        query = query.where(sponsorships.c.company == company)
    if states:
        query = query.where(sponsorships.c.state.in_(states))
    rows = connection.execute(query.order_by(sponsorships.c.made_at.desc(), sponsorships.c.id)).mappings()
    return [_held(row) for row in rows]


def move(connection: Connection, ident: str, values: Mapping[str, Any]) -> None:
    """Another state, more released, more counted."""
    connection.execute(update(sponsorships).where(sponsorships.c.id == ident).values(**values))


def add_step(
    connection: Connection, ident: str, actor: str, state: State, facts: Mapping[str, Any], at: datetime
) -> int:  # a row of the table
    """One more step; its number."""
    last = connection.execute(select(func.max(steps.c.n)).where(steps.c.sponsorship == ident)).scalar()
    n = 1 if last is None else int(last) + 1
    row = {"sponsorship": ident, "n": n, "at": at, "actor": actor, "state": state, "facts": dict(facts)}
    dialect.insert_new(connection, steps, [row])
    return n


def steps_of(connection: Connection, ident: str) -> list[Step]:
    """All steps in order."""
    rows = connection.execute(select(steps).where(steps.c.sponsorship == ident).order_by(steps.c.n)).mappings()
    return [Step(**row) for row in rows]


def shared_among(connection: Connection, claims: Sequence[str]) -> set[str]:
    """Which of these claims were shared out already."""
    found: set[str] = set()
    for start in range(0, len(claims), SOME):
        query = select(shared.c.claim).where(shared.c.claim.in_(claims[start : start + SOME]))
        found |= {str(one) for one in connection.execute(query).scalars()}
    return found


def share(connection: Connection, claim: str, rows: Iterable[Result], at: datetime) -> bool:
    """Keep what each sponsorship gets of a claim; False when it was shared out already, by anyone."""
    if not dialect.insert_new(connection, shared, [{"claim": claim, "shared_at": at, "ended_at": None}]):
        return False
    dialect.insert_new(connection, results, [msgspec.structs.asdict(one) for one in rows])
    return True


def standing_claims(connection: Connection) -> list[str]:
    """Claims whose results count."""
    query = select(shared.c.claim).where(shared.c.ended_at.is_(None)).order_by(shared.c.claim)
    return [str(one) for one in connection.execute(query).scalars()]


def end_claim(connection: Connection, claim: str, at: datetime) -> list[Result]:
    """A claim was withdrawn: its results count no longer; which they were."""
    query = select(results).where(results.c.claim == claim, results.c.ended_at.is_(None)).order_by(results.c.sponsorship)
    found = [Result(**row) for row in connection.execute(query).mappings()]
    connection.execute(update(results).where(results.c.claim == claim, results.c.ended_at.is_(None)).values(ended_at=at))
    connection.execute(update(shared).where(shared.c.claim == claim).values(ended_at=at))
    return found


def counted(connection: Connection, ident: str) -> Counted:
    """What counts for a sponsorship now."""
    query = select(func.coalesce(func.sum(results.c.grams), 0), func.coalesce(func.sum(results.c.claims), 0))
    row = connection.execute(query.where(results.c.sponsorship == ident, results.c.ended_at.is_(None))).one()
    return Counted(int(row[0]), int(row[1]))


def results_of(connection: Connection, *, sponsorship: str = "", company: str = "", limit: int = 1_000) -> list[Result]:
    """Results that count, newest first."""
    query = select(results).where(results.c.ended_at.is_(None))
    if sponsorship:
        query = query.where(results.c.sponsorship == sponsorship)
    if company:
        query = query.where(results.c.company == company)
    rows = connection.execute(query.order_by(results.c.booked_at.desc(), results.c.claim).limit(limit)).mappings()
    return [Result(**row) for row in rows]


def sums_of(connection: Connection, company: str) -> dict[tuple[str, Tier], tuple[int, int]]:
    """(grams, claims) that count, by sponsorship and tier."""
    query = select(results.c.sponsorship, results.c.tier, func.sum(results.c.grams), func.sum(results.c.claims))
    query = query.where(results.c.company == company, results.c.ended_at.is_(None))
    rows = connection.execute(query.group_by(results.c.sponsorship, results.c.tier))
    return {(str(row[0]), row[1]): (int(row[2]), int(row[3])) for row in rows}


def _held(row: Any) -> Held:
    return Held(
        sponsorship=msgspec.convert(row["content"], Sponsorship),
        state=row["state"],
        released_won=row["released_won"],
        counted_g=row["counted_g"],
        made_at=row["made_at"],
    )
