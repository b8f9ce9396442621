"""Sightings of bins as they are kept: by crews' taps and citizens' reports; one id, one sighting."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Text, func, select, type_coerce, update
from sqlalchemy.engine import RowMapping

from dure.core.time import format_instant
from dure.engines.records import dialect
from dure.engines.records.tables import assets
from dure.engines.records.tables_waste import waste_plans, waste_sightings
from dure.services.waste.driving.taps import PlanSeen
from dure.services.waste.model import Sighting

_CHUNK = 500


def add(connection: Connection, items: Iterable[Sighting]) -> int:
    """Keep sightings; one whose id is there stays as it is. How many are new."""
    return dialect.insert_new(connection, waste_sightings, [_row(one) for one in items])


def find(connection: Connection, ids: Collection[str]) -> dict[str, Sighting]:
    """Those of the ids that are kept."""
    wanted, found = sorted(set(ids)), {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(waste_sightings).where(waste_sightings.c.id.in_(wanted[start : start + _CHUNK]))
        found.update({row["id"]: _sighting(row) for row in connection.execute(query).mappings()})
    return found


def undo(connection: Connection, known: Sighting, person: str, at: datetime) -> bool:
    """Take a sighting back: it stays, marked, and counts no longer. `received_at` moves, so that readers see it again."""
    facts = {**known.facts, "undone_at": format_instant(at), "undone_by": person}
    change = update(waste_sightings).where(waste_sightings.c.id == known.id).values(facts=facts, received_at=at)
    return connection.execute(change).rowcount == 1


def add_photo(connection: Connection, id_: str, photo: str) -> None:
    """Put a photo to a sighting that has none."""
    change = update(waste_sightings).where(waste_sightings.c.id == id_, waste_sightings.c.photo == "")
    connection.execute(change.values(photo=photo))


def of_bin(connection: Connection, bin_id: str, *, since: datetime | None = None, limit: int = 200) -> list[Sighting]:
    """What was seen of a bin, newest first; also what was taken back."""
    query = select(waste_sightings).where(waste_sightings.c.bin == bin_id)
    if since is not None:
        query = query.where(waste_sightings.c.seen_at >= since)
    query = query.order_by(waste_sightings.c.seen_at.desc(), waste_sightings.c.id.desc()).limit(limit)
    return [_sighting(row) for row in connection.execute(query).mappings()]


def between(connection: Connection, start: datetime, end: datetime, *, truck: str = "") -> list[Sighting]:
    """What crews saw in ``[start, end)``, oldest first, without what was taken back and without citizens' reports."""
    query = select(waste_sightings).where(
        waste_sightings.c.seen_at >= start, waste_sightings.c.seen_at < end, waste_sightings.c.kind != "report"
    )
    if truck:
        query = query.where(waste_sightings.c.truck == truck)
    query = query.order_by(waste_sightings.c.seen_at, waste_sightings.c.id)
    return [one for row in connection.execute(query).mappings() if counts(one := _sighting(row))]


def newest_emptying(connection: Connection) -> dict[str, datetime]:
    """When each bin was last emptied, as crews say."""
    query = (
        select(waste_sightings.c.bin, func.max(waste_sightings.c.seen_at).label("seen_at"))
        .where(waste_sightings.c.kind == "emptied", ~_facts_hold("undone_at"))
        .group_by(waste_sightings.c.bin)
    )
    return {row["bin"]: row["seen_at"] for row in connection.execute(query).mappings()}


def flagged_wet(connection: Connection) -> list[str]:
    """Bins that somebody said hold wet waste since they were last emptied, by name."""
    query = (
        select(waste_sightings.c.bin, func.max(waste_sightings.c.seen_at).label("seen_at"))
        .where(waste_sightings.c.kind != "emptied", _facts_hold("wet"), ~_facts_hold("undone_at"))
        .group_by(waste_sightings.c.bin)
    )
    flagged = {row["bin"]: row["seen_at"] for row in connection.execute(query).mappings()}
    emptied = newest_emptying(connection) if flagged else {}
    return sorted(name for name, at in flagged.items() if name not in emptied or emptied[name] < at)


def counts(one: Sighting) -> bool:
    """Whether a sighting counts: it was not taken back."""
    return "undone_at" not in one.facts


def bins_known(connection: Connection, ids: Collection[str]) -> frozenset[str]:
    """Those of the ids that are bins of the register, retired ones too: a crew may stand before one."""
    wanted, found = sorted(set(ids)), set[str]()
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        found.update(connection.execute(select(assets.c.id).where(assets.c.kind == "bin", assets.c.id.in_(part))).scalars())
    return frozenset(found)


def plans_seen(connection: Connection, ids: Collection[str]) -> Mapping[str, PlanSeen]:
    """The state of each plan named, and for one that is not in force the one of its day that is."""
    wanted = sorted({one for one in ids if one})
    if not wanted:
        return {}
    rows = connection.execute(
        select(waste_plans.c.id, waste_plans.c.day, waste_plans.c.state).where(waste_plans.c.id.in_(wanted))
    )
    named = list(rows.mappings())
    days = sorted({row["day"] for row in named})
    in_force = select(waste_plans.c.day, waste_plans.c.id).where(waste_plans.c.state == "published", waste_plans.c.day.in_(days))
    newest = {row["day"]: row["id"] for row in connection.execute(in_force.order_by(waste_plans.c.version)).mappings()}
    return {row["id"]: PlanSeen(row["state"], newest.get(row["day"], "")) for row in named}


def _facts_hold(key: str) -> ColumnElement[bool]:
    """Whether the facts have a key; the same words inside what a person wrote have their quotation marks escaped."""
    return type_coerce(waste_sightings.c.facts, Text).contains(f'"{key}":', autoescape=True)


def _row(one: Sighting) -> dict[str, object]:
    row = msgspec.structs.asdict(one)
    return row | {"received_at": one.received_at or one.seen_at}


def _sighting(row: RowMapping) -> Sighting:
    return Sighting(**row)
