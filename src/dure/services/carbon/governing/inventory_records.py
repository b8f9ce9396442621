"""The inventory in the records: each claim gets its district and service once; sums are made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, select

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_claims import carbon_bags as bags
from dure.engines.records.tables_carbon_claims import carbon_claims as claims
from dure.engines.records.tables_carbon_claims import carbon_weighings as weighings
from dure.engines.records.tables_carbon_governing import carbon_claim_places as places
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Kept
from dure.services.carbon.governing.inventory import Row
from dure.services.carbon.model import Claim

BOOKED = ("awarded", "retired")
PERSON = "person/"


class Placed(NamedTuple):
    """A claim's place."""

    claim: str
    district: str
    service: str


class Credited(NamedTuple):
    """Grams of a programme and tier in a span of time [gCO2e].

    `span` is its place in what was asked for; `by_people` of the claims are of persons, of whom there are `people`.
    """

    span: int
    programme: str
    tier: str
    claims: int
    grams: int
    point_grams: int
    by_people: int
    people: int


def unplaced(connection: Connection, limit: int) -> list[Claim]:
    """Claims without a place, oldest first."""
    known = select(places.c.claim).where(places.c.claim == claims.c.id).exists()
    query = select(claims.c.id).where(~known).order_by(claims.c.made_at, claims.c.id).limit(limit)
    return [one.claim for one in claim_records.claims_of(connection, list(connection.execute(query).scalars()))]


def place(connection: Connection, rows: Sequence[Placed]) -> int:
    """Keep places; how many were new."""
    return dialect.insert_new(connection, places, [one._asdict() for one in rows])


def scales_of(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """The scale each of these bags was weighed on."""
    query = select(weighings.c.bag, weighings.c.scale).join_from(weighings, bags, weighings.c.bag == bags.c.id)
    query = query.where(weighings.c.bag.in_(names)).order_by(weighings.c.kept_at)
    return {row.bag: row.scale for row in connection.execute(query)}


def inventory(connection: Connection, start: datetime, end: datetime) -> list[Row]:
    """What was credited of claims that begin in ``[start, end)``, by district, service and tier."""
    query = (
        select(
            places.c.district, places.c.service, claims.c.tier, claims.c.method, claims.c.unit, func.count().label("n"),
            func.sum(claims.c.grams).label("grams"), func.sum(claims.c.point_grams).label("point"),
            func.sum(claims.c.quantity).label("quantity"), func.count(_person().distinct()).label("people"),
        )
        .join_from(claims, places, claims.c.id == places.c.claim)
        .where(claims.c.state.in_(BOOKED), claims.c.start_at >= start, claims.c.start_at < end)
        .group_by(places.c.district, places.c.service, claims.c.tier, claims.c.method, claims.c.unit)
        .order_by(places.c.district, places.c.service, claims.c.tier, claims.c.method, claims.c.unit)
    )  # fmt: skip
    found: dict[tuple[str, str, str], Row] = {}
    for row in connection.execute(query):
        key = (row.district, row.service, row.tier)
        before = found.get(key)
        found[key] = Row(
            district=row.district,
            service=row.service,
            tier=row.tier,
            claims=int(row.n) + (before.claims if before else 0),
            grams=int(row.grams) + (before.grams if before else 0),
            point_grams=int(row.point) + (before.point_grams if before else 0),
            measured=(before.measured if before else {}) | {f"{row.method.partition('@')[0]} {row.unit}": int(row.quantity)},
            people=max(int(row.people), before.people if before else 0),
        )
    return list(found.values())


def cell(connection: Connection, span: tuple[datetime, datetime], wanted: tuple[str, str, str]) -> list[Kept]:
    """The claims of one cell: district, service, tier; those worth most first."""
    district, service, tier = wanted
    query = (
        select(claims.c.id)
        .join_from(claims, places, claims.c.id == places.c.claim)
        .where(claims.c.state.in_(BOOKED), claims.c.start_at >= span[0], claims.c.start_at < span[1])
        .where(places.c.district == district, places.c.service == service, claims.c.tier == tier)
        .order_by(claims.c.grams.desc(), claims.c.id)
    )
    return claim_records.claims_of(connection, list(connection.execute(query).scalars()))


def credited(connection: Connection, bounds: Sequence[datetime]) -> list[Credited]:
    """What was credited in each span between neighbouring bounds, by programme and tier."""
    begin = claims.c.start_at
    spans = pairwise(bounds)
    span = case(*((and_(begin >= start, begin < end), literal(n)) for n, (start, end) in enumerate(spans)), else_=literal(-1))
    each = (
        select(
            span.label("span"), claims.c.programme, claims.c.tier, claims.c.grams, claims.c.point_grams, _person().label("person")
        )
        .where(claims.c.state.in_(BOOKED), begin >= bounds[0], begin < bounds[-1])
        .subquery()
    )
    keys = (each.c.span, each.c.programme, each.c.tier)
    query = (
        select(
            *keys, func.count().label("n"), func.sum(each.c.grams).label("grams"), func.sum(each.c.point_grams).label("point"),
            func.count(each.c.person).label("by_people"), func.count(each.c.person.distinct()).label("people"),
        )
        .group_by(*keys)
        .order_by(*keys)
    )  # fmt: skip
    return [
        Credited(
            int(row.span),
            row.programme,
            row.tier,
            int(row.n),
            int(row.grams),
            int(row.point),
            int(row.by_people),
            int(row.people),
        )
        for row in connection.execute(query)
    ]


def _person() -> ColumnElement[Any]:
    """The holder, where it is a person."""
    return case((claims.c.holder.like(f"{PERSON}%"), claims.c.holder), else_=None)
