"""Plans and set points, kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_charging_plans import charging_plans as plans
from dure.engines.records.tables_charging_plans import charging_set_points as set_points
from dure.services.charging.planning.packing import packed, plan_of, problem_of
from dure.services.charging.planning.problem import Plan, Problem


class PlanHead(msgspec.Struct, frozen=True, kw_only=True):
    """A plan without its arrays.

    Attributes
    ----------
    start_us : begin of its first step
    cause : why it was made: step, session, wish, meter, link, drift, site, asked
    won, edf_won : what it costs, and what earliest departure first would have cost on the same inputs
    facts : what was known and how sure: forecasts used, meters lost, prices, provisional rules
    """

    id: str
    site: str
    made_at: datetime
    start_us: int
    policy: str
    cause: str
    won: float
    edf_won: float
    unmet_wh: int
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


class Kept(msgspec.Struct, frozen=True):
    """A plan as it is kept, with the problem it answers."""

    head: PlanHead
    problem: Problem
    plan: Plan


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an EVSE, a charger or a storage was last told.

    Attributes
    ----------
    target : asset id; purpose : plan, default, station, storage
    command : id of the house's command; until : when it ends by itself, None for what holds on
    limits_w : power of each step [W]; negative where a storage gives
    told : the payload, or the arguments
    """

    target: str
    purpose: str
    site: str
    sent_at: datetime
    limits_w: tuple[float, ...]
    told: dict[str, Any]
    session: str = ""
    plan: str = ""
    command: str = ""
    until: datetime | None = None


_HEAD = tuple(plans.c[name] for name in PlanHead.__struct_fields__)


def add(connection: Connection, kept: Kept) -> None:
    """Keep a plan; the newest of a site is in force."""
    row = msgspec.structs.asdict(kept.head) | {"problem": packed(kept.problem), "plan": packed(kept.plan)}
    dialect.insert_new(connection, plans, [row])


def newest(connection: Connection, site: str) -> Kept | None:
    """The plan in force of a site."""
    query = select(plans).where(plans.c.site == site).order_by(plans.c.made_at.desc(), plans.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _kept(row)


def get(connection: Connection, ident: str) -> Kept:
    """One plan; refused with ``energy_plan.unknown``."""
    row = connection.execute(select(plans).where(plans.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("energy_plan.unknown", f"There is no plan {ident[:80]!r}.")
    return _kept(row)


def listing(connection: Connection, site: str, *, after: str = "", limit: int = 100) -> Page[PlanHead]:
    """Plans of a site, newest first."""
    query = select(*_HEAD).where(plans.c.site == site)
    if after:
        query = query.where(older_than(after, plans.c.made_at, plans.c.id))
    query = query.order_by(plans.c.made_at.desc(), plans.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (PlanHead(**row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.made_at, one.id))


def forget(connection: Connection, before: datetime) -> int:
    """Plans made before then are dropped; their decisions stay."""
    return connection.execute(delete(plans).where(plans.c.made_at < before)).rowcount


def told(connection: Connection, site: str) -> list[Told]:
    """What everything of a site was last told."""
    query = select(set_points).where(set_points.c.site == site).order_by(set_points.c.target, set_points.c.purpose)
    return [Told(**{**row, "limits_w": tuple(row["limits_w"])}) for row in connection.execute(query).mappings()]


def store_told(connection: Connection, items: Sequence[Told]) -> None:
    """Keep what was told."""
    dialect.upsert(connection, set_points, [msgspec.structs.asdict(one) for one in items])


def _kept(row: Any) -> Kept:
    head = PlanHead(**{name: row[name] for name in PlanHead.__struct_fields__})
    return Kept(head, problem_of(row["problem"]), plan_of(row["plan"]))
