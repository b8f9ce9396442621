"""Measures and their savings in the records; all inside the caller's transaction. A saving that was told is never changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_buildings import building_measures as measures
from dure.engines.records.tables_buildings import building_savings as savings
from dure.services.buildings.baselines.measures import Measure, State

WHOLE = "*"  # stands for the meter where all of a measure's are summed
_COLUMNS = ("id", "building", "name", "state", "begins_on", "ends_on", "person", "made_at", "changed_at")


def add(connection: Connection, measure: Measure, by: By) -> None:
    """Keep a new measure; refused with ``measure.exists``."""
    if not dialect.insert_new(connection, measures, [_row(measure)]):
        raise Conflict("measure.exists", f"There already is a measure {measure.id!r}.")
    detail = {"measure": {"building": measure.building, "begins_on": measure.begins_on.isoformat(), "work": measure.work}}
    audit.append(connection, by, "act", "decision", measure.id, detail)


def change(connection: Connection, measure: Measure, by: By, what: str) -> None:
    """Keep what became of a measure, with its line in the audit log."""
    row = {name: value for name, value in _row(measure).items() if name != "id"}
    connection.execute(update(measures).where(measures.c.id == measure.id).values(**row))
    audit.append(connection, by, "act", "decision", measure.id, {"measure": {what: measure.changed_at.isoformat()}})


def set_states(connection: Connection, states: Mapping[str, State]) -> None:
    """Note what measures have become by their dates."""
    for ident, state in states.items():
        connection.execute(update(measures).where(measures.c.id == ident).values(state=state))


def credit(connection: Connection, measure: Measure, until: date) -> Measure:
    """Note up to which day a saving was verified."""
    changed = msgspec.structs.replace(measure, credited_until=until)
    connection.execute(update(measures).where(measures.c.id == measure.id).values(facts=_row(changed)["facts"]))
    return changed


def get(connection: Connection, ident: str) -> Measure:
    """One measure; refused with ``measure.unknown``."""
    row = connection.execute(select(measures).where(measures.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("measure.unknown", f"There is no measure {ident[:80]!r}.")
    return _measure(row)


def listing(connection: Connection, *, building: str = "", states: tuple[State, ...] = ()) -> list[Measure]:
    """Measures, those that begin last first."""
    query = select(measures).order_by(measures.c.begins_on.desc(), measures.c.id)
    if building:
        query = query.where(measures.c.building == building)
    if states:
        query = query.where(measures.c.state.in_(states))
    return [_measure(row) for row in connection.execute(query).mappings()]


def add_savings(
    connection: Connection, measure: str, until: date, parts: dict[str, dict[str, Any]], made: tuple[datetime, str]
) -> bool:
    """Keep what a measure saved until a day, by meter and as a whole, with its decision; False when that is told already."""
    at, decision = made
    rows = [
        {
            "measure": measure,
            "meter": meter,
            "until_day": until.isoformat(),
            "made_at": at,
            "saving": saving,
            "decision": decision,
        }
        for meter, saving in parts.items()
    ]
    return dialect.insert_new(connection, savings, rows) == len(rows)


def savings_of(connection: Connection, measure: str, meter: str = WHOLE) -> list[tuple[date, dict[str, Any], str]]:
    """(until, saving, decision) of a measure, in order; as a whole, or of one meter."""
    query = select(savings.c.until_day, savings.c.saving, savings.c.decision).where(
        savings.c.measure == measure, savings.c.meter == meter
    )
    rows = connection.execute(query.order_by(savings.c.until_day))
    return [(date.fromisoformat(until), saving, decision) for until, saving, decision in rows]


def kept_saving(connection: Connection, measure: str, until: date) -> tuple[datetime, dict[str, Any], str]:
    """(made at, saving, decision) of a measure as a whole; refused with ``saving.unknown``."""
    where = (savings.c.measure == measure, savings.c.meter == WHOLE, savings.c.until_day == until.isoformat())
    row = connection.execute(select(savings.c.made_at, savings.c.saving, savings.c.decision).where(*where)).one_or_none()
    if row is None:
        raise NotFound("saving.unknown", f"No saving of {measure[:80]!r} was told up to {until}.")
    return row[0], row[1], row[2]


def last_until(connection: Connection, measure: str) -> date | None:
    """Up to which day savings were told."""
    found = connection.execute(select(func.max(savings.c.until_day)).where(savings.c.measure == measure)).scalar_one()
    return date.fromisoformat(found) if found else None


def newest_savings(connection: Connection) -> dict[str, tuple[date, dict[str, Any], str]]:
    """The newest saving of every measure as a whole."""
    newest = select(savings.c.measure, func.max(savings.c.until_day).label("until_day")).where(savings.c.meter == WHOLE)
    last = newest.group_by(savings.c.measure).subquery()
    query = select(savings).join(last, (savings.c.measure == last.c.measure) & (savings.c.until_day == last.c.until_day))
    rows = connection.execute(query.where(savings.c.meter == WHOLE)).mappings()
    return {row["measure"]: (date.fromisoformat(row["until_day"]), row["saving"], row["decision"]) for row in rows}


def _row(measure: Measure) -> dict[str, Any]:
    words = msgspec.to_builtins(measure)
    columns = {name: words[name] for name in ("id", "building", "name", "state", "begins_on", "person")}
    times = {"ends_on": words["ends_on"] or "", "made_at": measure.made_at, "changed_at": measure.changed_at}
    return columns | times | {"facts": {name: value for name, value in words.items() if name not in _COLUMNS}}


def _measure(row: RowMapping) -> Measure:
    words = dict(row["facts"]) | {name: row[name] for name in _COLUMNS}
    for name in ("made_at", "changed_at"):
        words[name] = row[name].isoformat()
    words["ends_on"] = row["ends_on"] or None
    return msgspec.convert(words, Measure)
