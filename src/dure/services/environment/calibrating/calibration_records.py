"""Calibrations in the records: candidates, the one in force, and those before it; all inside the caller's transaction.

Validities of one series never overlap: activating a model ends the former at that instant. Raw values are not touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.observations import SeriesKey
from dure.engines.records import assets, audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_environment import environment_models as models
from dure.services.environment.calibrating.calibration import Model, State

IN_FORCE: tuple[State, ...] = ("active", "retired")


def add(connection: Connection, model: Model, by: By) -> Model:
    """Keep a new candidate, or a fit that was rejected, with its reasons; nothing is in force by this.

    Raises
    ------
    InputError : ``asset.unknown``, or ``calibration.state`` when it claims to be in force
    Conflict : ``calibration.exists``
    """
    if model.state not in ("candidate", "rejected"):
        raise InputError("calibration.state", f"A new calibration is a candidate or rejected, not {model.state}.")
    if not assets.find(connection, [model.asset]):
        raise InputError("asset.unknown", f"There is no asset {model.asset[:80]!r} to calibrate.")
    kept = msgspec.structs.replace(model, created_by=by.actor, created_at=by.at, valid_to=None)
    if not dialect.insert_new(connection, models, [_row(kept)]):
        raise Conflict("calibration.exists", f"There already is a calibration {model.id!r}.")
    _tell(connection, kept, by, {"added": {"method": kept.method, "state": kept.state, "reference": kept.inputs.reference}})
    return kept


def activate(connection: Connection, model_id: str, at: datetime, by: By) -> Model:
    """Put a candidate in force from an instant on; the one in force before ends at that instant.

    Raises
    ------
    NotFound : ``calibration.unknown``
    Conflict : ``calibration.state`` when it is no candidate, ``calibration.overlap`` when another was in force after that instant
    """
    model = get(connection, model_id)
    others = _locked(connection, (model.asset, model.property))
    model = next(one for one in others if one.id == model_id)
    if model.state != "candidate":
        raise Conflict(
            "calibration.state", f"The calibration {model_id!r} is {model.state}: only a candidate can be put in force."
        )
    former = next((one for one in others if one.state == "active"), None)
    for one in others:
        if one.state in IN_FORCE and not _ends_by(one, at, is_former=one is former):
            why = f"{one.id} was in force after {at.isoformat()}: choose a later instant, so that two never hold at once"
            raise Conflict("calibration.overlap", f"{why}.")
    if former is not None:
        _set(connection, former.id, state="retired", valid_to=at)
        _tell(connection, former, by, {"retired": {"valid_to": at.isoformat(), "by": model_id}})
    _set(connection, model_id, state="active", valid_from=at, valid_to=None)
    _tell(connection, model, by, {"activated": {"valid_from": at.isoformat(), "before": former.id if former else ""}})
    return get(connection, model_id)


def retire(connection: Connection, model_id: str, at: datetime, by: By) -> Model:
    """End the one in force at an instant, or turn a candidate down; from then on values are raw only.

    Raises
    ------
    NotFound : ``calibration.unknown``
    Conflict : ``calibration.state`` when it is over already, ``calibration.overlap`` when it began after that instant
    """
    model = get(connection, model_id)
    model = next(one for one in _locked(connection, (model.asset, model.property)) if one.id == model_id)
    if model.state == "candidate":
        _set(connection, model_id, state="rejected")
        _tell(connection, model, by, {"rejected": {}})
    elif model.state == "active":
        if at < model.valid_from:
            raise Conflict("calibration.overlap", f"The calibration {model_id!r} cannot end before it began.")
        _set(connection, model_id, state="retired", valid_to=at)
        _tell(connection, model, by, {"retired": {"valid_to": at.isoformat()}})
    else:
        raise Conflict("calibration.state", f"The calibration {model_id!r} is {model.state} already.")
    return get(connection, model_id)


def get(connection: Connection, model_id: str) -> Model:
    """One calibration."""
    row = connection.execute(select(models).where(models.c.id == model_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("calibration.unknown", f"There is no calibration {model_id[:80]!r}.")
    return _model(row)


def listing(
    connection: Connection, *, states: Sequence[State] = (), asset: str = "", after: str = "", limit: int = 100
) -> Page[Model]:
    """Newest first."""
    query = select(models)
    if states:
        query = query.where(models.c.state.in_(states))
    if asset:
        query = query.where(models.c.asset == asset)
    if after:
        query = query.where(older_than(after, models.c.created_at, models.c.id))
    rows = connection.execute(query.order_by(models.c.created_at.desc(), models.c.id.desc()).limit(checked_limit(limit) + 1))
    return page((_model(row) for row in rows.mappings()), limit, lambda one: time_mark(one.created_at or one.valid_from, one.id))


def in_force(connection: Connection, series: SeriesKey, at: datetime) -> Model | None:
    """The calibration of a series that holds, or held, at an instant."""
    query = select(models).where(models.c.asset == series[0], models.c.property == series[1], *_holds(at))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _model(row)


def all_in_force(connection: Connection, at: datetime) -> dict[SeriesKey, Model]:
    """Every calibration that holds, or held, at an instant, by its series."""
    rows = connection.execute(select(models).where(*_holds(at))).mappings()
    return {(one.asset, one.property): one for one in map(_model, rows)}


def lineage(connection: Connection, asset: str, property_id: str = "") -> list[Model]:
    """What was ever in force for an asset, in order of property and validity: which value was made by which model."""
    query = select(models).where(models.c.asset == asset, models.c.state.in_(IN_FORCE))
    if property_id:
        query = query.where(models.c.property == property_id)
    rows = connection.execute(query.order_by(models.c.property, models.c.valid_from, models.c.id)).mappings()
    return [_model(row) for row in rows]


def _holds(at: datetime) -> list[Any]:
    until = or_(models.c.valid_to.is_(None), models.c.valid_to > at)
    return [models.c.state.in_(IN_FORCE), models.c.valid_from <= at, until]


def _ends_by(model: Model, at: datetime, *, is_former: bool) -> bool:
    """Whether a model in force leaves the time from `at` on to another."""
    if is_former:
        return model.valid_from <= at
    return model.valid_to is not None and model.valid_to <= at


def _locked(connection: Connection, series: SeriesKey) -> list[Model]:
    """Every calibration of a series, in order and held until the transaction ends: two who activate wait for each other."""
    query = select(models).where(models.c.asset == series[0], models.c.property == series[1])
    rows = connection.execute(query.order_by(models.c.id).with_for_update()).mappings()
    return [_model(row) for row in rows]


def _set(connection: Connection, model_id: str, **values: object) -> None:
    connection.execute(update(models).where(models.c.id == model_id).values(values))


def _tell(connection: Connection, model: Model, by: By, change: dict[str, Any]) -> None:
    detail = {"calibration": {"asset": model.asset, "property": model.property}} | change
    audit.append(connection, by, "manage", "device", model.id, detail)


def _row(model: Model) -> dict[str, Any]:
    plain = {"parameters", "scores", "reasons", "inputs"}
    return {
        name: msgspec.to_builtins(getattr(model, name)) if name in plain else getattr(model, name)
        for name in Model.__struct_fields__
    }


def _model(row: RowMapping) -> Model:
    return msgspec.convert({name: row[name] for name in Model.__struct_fields__}, Model)
