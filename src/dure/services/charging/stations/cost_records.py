"""What transactions cost so far, kept for who answers stations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, or_, select

from dure.engines.records import dialect
from dure.engines.records.tables_charging_sessions import charging_sessions as sessions
from dure.engines.records.tables_charging_stations import charging_costs as costs
from dure.engines.records.tables_charging_stations import charging_stations as stations

OLD = "ocpp1.6"  # has no costs


class Cost(NamedTuple):
    """What a transaction costs by what was said of it until `upto_at`; `won` is None where no price fits."""

    charger: str
    transaction: str
    won: int | None
    upto_at: datetime
    priced_at: datetime
    ended: bool


def due(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Ids of sessions whose cost is not known as of their last word: those that ended, then those priced longest ago.

    Only of stations that can show it, and of running ones only those not priced since `before`.
    """
    same = and_(costs.c.charger == sessions.c.charger, costs.c.transaction == sessions.c.transaction)
    query = select(sessions.c.id).outerjoin(costs, same).join(stations, stations.c.charger == sessions.c.charger)
    query = query.where(stations.c.version != OLD)
    ended = query.where(sessions.c.state != "running", costs.c.ended.is_(False)).limit(limit)
    found = list(connection.execute(ended).scalars())
    news = or_(costs.c.charger.is_(None), and_(costs.c.upto_at < sessions.c.last_at, costs.c.priced_at <= before))
    running = query.where(sessions.c.state == "running", news).order_by(costs.c.priced_at.nulls_first(), sessions.c.id)
    return found + list(connection.execute(running.limit(max(0, limit - len(found)))).scalars())


def store(connection: Connection, items: Sequence[Cost]) -> None:
    """Keep them as they are now."""
    once = {(one.charger, one.transaction): one._asdict() for one in items}
    dialect.upsert(connection, costs, list(once.values()))


def since(connection: Connection, at: datetime | None) -> list[Cost]:
    """Costs that were priced at or after an instant; all of those that run where there is none."""
    query = select(costs)
    query = query.where(costs.c.ended.is_(False)) if at is None else query.where(costs.c.priced_at >= at)
    return [Cost(**row) for row in connection.execute(query).mappings()]


def forget_ended(connection: Connection, before: datetime) -> int:
    """Drop those that ended and were priced before an instant; how many."""
    return connection.execute(delete(costs).where(costs.c.ended.is_(True), costs.c.priced_at < before)).rowcount
