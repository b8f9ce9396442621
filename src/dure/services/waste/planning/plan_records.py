"""Plans of days in the records, each in versions, and what dispatchers asked of them; all inside the caller's transaction.

A plan is a draft until it is published or refused. At most one version of a day is published; publishing another supersedes it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, NotFound
from dure.core.events import Event
from dure.engines.records import audit, events
from dure.engines.records.audit import By
from dure.engines.records.tables_waste import waste_edits, waste_plans
from dure.services.waste.model import SERVICE
from dure.services.waste.planning.edits import Edit
from dure.services.waste.planning.inputs import Inputs, digest, inputs_of, packed
from dure.services.waste.planning.plan import DayPlan, Figures

PlanState = Literal["draft", "published", "superseded", "refused"]
SOURCE = f"dure/{SERVICE}"
_HEADS = [column for column in waste_plans.c if column.name not in {"inputs", "plan"}]


class PlanHead(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a day's plan, without its content. `decision` is the id for ``dure explain``."""

    id: str
    day: str
    version: int
    state: PlanState
    made_at: datetime
    published_at: datetime | None
    person: str
    inputs_sha256: str
    decision: str


class Kept(msgspec.Struct, frozen=True):
    """A plan with its content."""

    head: PlanHead
    plan: DayPlan


def next_version(connection: Connection, day: date) -> int:
    """The number the day's next plan gets."""
    newest = connection.execute(select(func.max(waste_plans.c.version)).where(waste_plans.c.day == day.isoformat())).scalar_one()
    return int(newest or 0) + 1


def plan_id(day: date, version: int) -> str:
    """Id of a version; the id of its decision too."""
    return f"plan-{day.isoformat()}-v{version}"


def add(connection: Connection, version: int, plan: DayPlan, inputs: Inputs, by: By) -> PlanHead:
    """Keep a draft under a version that `next_version` gave.

    Raises
    ------
    Conflict : ``plan.version`` when somebody else took that version meanwhile
    """
    ident = plan_id(inputs.on, version)
    row = {
        "id": ident,
        "day": inputs.on.isoformat(),
        "version": version,
        "state": "draft",
        "made_at": by.at,
        "published_at": None,
        "person": by.actor,
        "inputs_sha256": digest(inputs),
        "decision": ident,
    }
    if next_version(connection, inputs.on) != version:
        raise Conflict("plan.version", f"There already is a version {version} of the plan of {inputs.on}.")
    content = {"inputs": {"form": 1, "packed": base64.b64encode(packed(inputs)).decode()}, "plan": msgspec.to_builtins(plan)}
    connection.execute(insert(waste_plans).values(row | content))
    return PlanHead(**row)  # type: ignore[arg-type]  # the row is one


def get(connection: Connection, ident: str, *, lock: bool = False) -> Kept:
    """One plan with its content; refused with ``plan.unknown``."""
    query = select(*_HEADS, waste_plans.c.plan).where(waste_plans.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("plan.unknown", f"There is no plan {ident[:80]!r}.")
    return Kept(_head(row), msgspec.convert(row["plan"], DayPlan))


def inputs(connection: Connection, ident: str) -> Inputs:
    """What a plan was made from; refused with ``plan.unknown``."""
    found = connection.execute(select(waste_plans.c.inputs).where(waste_plans.c.id == ident)).scalar_one_or_none()
    if found is None:
        raise NotFound("plan.unknown", f"There is no plan {ident[:80]!r}.")
    return inputs_of(base64.b64decode(found["packed"]))


def newest(connection: Connection, day: date, *, states: Iterable[PlanState] = ("draft", "published")) -> PlanHead | None:
    """The newest version of a day in one of these states."""
    query = select(*_HEADS).where(waste_plans.c.day == day.isoformat(), waste_plans.c.state.in_(list(states)))
    row = connection.execute(query.order_by(waste_plans.c.version.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _head(row)


def in_force_before(connection: Connection, day: date) -> str | None:
    """The plan in force on the newest day before this one that had any."""
    query = select(waste_plans.c.id).where(waste_plans.c.day < day.isoformat(), waste_plans.c.state == "published")
    found = connection.execute(query.order_by(waste_plans.c.day.desc()).limit(1)).scalar_one_or_none()
    return None if found is None else str(found)


def versions(connection: Connection, day: date) -> list[PlanHead]:
    """All versions of a day, newest first."""
    query = select(*_HEADS).where(waste_plans.c.day == day.isoformat()).order_by(waste_plans.c.version.desc())
    return [_head(row) for row in connection.execute(query).mappings()]


def days(connection: Connection, *, limit: int = 60) -> list[tuple[str, Figures]]:
    """The newest days with a published plan, and what it comes to."""
    query = select(waste_plans.c.day, waste_plans.c.plan).where(waste_plans.c.state == "published")
    rows = connection.execute(query.order_by(waste_plans.c.day.desc()).limit(limit)).mappings()
    return [(row["day"], msgspec.convert(row["plan"]["figures"], Figures)) for row in rows]


def publish(connection: Connection, ident: str, by: By) -> PlanHead:
    """Put a draft in force; the version that was in force is superseded.

    Raises
    ------
    NotFound : ``plan.unknown``
    Conflict : ``plan.state`` when it is no draft, ``plan.older`` when a later version was published already
    """
    kept = get(connection, ident, lock=True)
    head = kept.head
    if head.state != "draft":
        raise Conflict("plan.state", f"The plan {ident} is {head.state}: only a draft can be published.")
    day = date.fromisoformat(head.day)
    before = newest(connection, day, states=("published",))
    if before is not None and before.version > head.version:
        raise Conflict("plan.older", f"{before.id} was made after {ident} and is in force.", newer=before.id)
    if before is not None:
        connection.execute(update(waste_plans).where(waste_plans.c.id == before.id).values(state="superseded"))
    connection.execute(update(waste_plans).where(waste_plans.c.id == ident).values(state="published", published_at=by.at))
    figures = msgspec.to_builtins(kept.plan.figures)
    told = {"plan": ident, "day": head.day, "version": head.version, "before": before.id if before else "", "figures": figures}
    _tell(connection, "published", ident, told, by)
    return msgspec.structs.replace(head, state="published", published_at=by.at)


def refuse(connection: Connection, ident: str, why: Iterable[str], by: By) -> None:
    """Set a draft aside for what the checker found."""
    changed = update(waste_plans).where(waste_plans.c.id == ident, waste_plans.c.state == "draft").values(state="refused")
    if connection.execute(changed).rowcount:
        _tell(connection, "refused", ident, {"plan": ident, "codes": sorted(set(why))}, by)


def add_edit(connection: Connection, edit: Edit, by: By) -> bool:
    """Keep an edit; False when the very same (its id) is kept already."""
    if connection.execute(select(waste_edits.c.id).where(waste_edits.c.id == edit.id)).first():
        return False
    connection.execute(insert(waste_edits).values(msgspec.structs.asdict(edit)))
    told = {"kind": edit.kind, "bin": edit.bin, "truck": edit.truck, "day": edit.day, "note": edit.note}
    audit.append(connection, by, "act", "decision", edit.id, {"edited": told})
    return True


def undo_edit(connection: Connection, ident: str, by: By) -> Edit:
    """Take an edit back.

    Raises
    ------
    NotFound : ``edit.unknown``
    Conflict : ``edit.undone`` when it was taken back already
    """
    row = connection.execute(select(waste_edits).where(waste_edits.c.id == ident).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFound("edit.unknown", f"There is no edit {ident[:80]!r}.")
    if row["undone_at"] is not None:
        raise Conflict("edit.undone", f"The edit {ident} was taken back already.")
    connection.execute(update(waste_edits).where(waste_edits.c.id == ident).values(undone_at=by.at))
    audit.append(connection, by, "act", "decision", ident, {"undone": {"kind": row["kind"], "bin": row["bin"]}})
    return Edit(**{**row, "undone_at": by.at})


def edits(connection: Connection, day: date) -> tuple[Edit, ...]:
    """What was asked of a day and not taken back, oldest first."""
    query = select(waste_edits).where(waste_edits.c.day == day.isoformat(), waste_edits.c.undone_at.is_(None))
    rows = connection.execute(query.order_by(waste_edits.c.made_at, waste_edits.c.id)).mappings()
    return tuple(Edit(**row) for row in rows)


def edited_at(connection: Connection, day: date) -> datetime | None:
    """When the edits of a day last changed."""
    at = select(func.max(waste_edits.c.made_at), func.max(waste_edits.c.undone_at)).where(waste_edits.c.day == day.isoformat())
    found = [one for one in connection.execute(at).one() if one is not None]
    return max(found, default=None)


def _tell(connection: Connection, what: str, ident: str, told: dict[str, Any], by: By) -> None:
    audit.append(connection, by, "act", "decision", ident, {what: told})
    event = Event(
        id=f"{what}-{ident}",
        type="waste.plan.published" if what == "published" else "waste.plan.refused",
        source=SOURCE,
        time=by.at,
        subject=ident,
        data=told,
    )
    events.announce(connection, [event], by.at)


def _head(row: RowMapping) -> PlanHead:
    return PlanHead(**{column.name: row[column.name] for column in _HEADS})
