"""Advice in the records: the newest is what people see; inside the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from dure.engines.records import dialect
from dure.engines.records.tables_waste import waste_models
from dure.services.waste.placing.advice import Advice, Limits

KIND = "placement"
KEPT_N = 8


class Standing(msgspec.Struct, frozen=True):
    """How a bin stands: its mean rise [1/d], the median metres a visit adds to a day's routes, whether it has a sensor."""

    per_day: float
    detour_m: float
    sensor: bool


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """The advice of one night, and what it rests on.

    Attributes
    ----------
    advice : the best first
    standing : of the bins it speaks of, by id
    bins_n : bins looked at; days_n : days with a plan in force that the detours come from
    dial_m : metres the city drives to avoid one sure overflow
    estimated : some distances are estimates, since no road map leads there
    """

    made_at: datetime
    advice: tuple[Advice, ...]
    standing: Mapping[str, Standing]
    bins_n: int
    days_n: int
    dial_m: float
    limits: Limits
    estimated: bool


def add(connection: Connection, placement: Placement) -> str:
    """Keep it; its id. Older ones beyond some are dropped."""
    plain = msgspec.to_builtins(placement)
    digest = hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()
    at = placement.made_at
    row = {"id": f"{KIND}-{at:%Y%m%dT%H%M%S}-{digest[:8]}", "kind": KIND, "learnt_at": at, "sha256": digest, "model": plain}
    dialect.insert_new(connection, waste_models, [row])
    ids = select(waste_models.c.id).where(waste_models.c.kind == KIND).order_by(waste_models.c.learnt_at.desc())
    old = list(connection.execute(ids.offset(KEPT_N)).scalars())
    if old:
        connection.execute(waste_models.delete().where(waste_models.c.id.in_(old)))
    return str(row["id"])


def newest(connection: Connection) -> Placement | None:
    """The advice people see; None before there was any."""
    query = select(waste_models.c.model).where(waste_models.c.kind == KIND)
    found = connection.execute(query.order_by(waste_models.c.learnt_at.desc(), waste_models.c.id.desc()).limit(1)).scalar()
    return None if found is None else msgspec.convert(found, Placement)


def made_at(connection: Connection) -> datetime | None:
    """When it was made; the advice itself is not read."""
    query = select(waste_models.c.learnt_at).where(waste_models.c.kind == KIND)
    return connection.execute(query.order_by(waste_models.c.learnt_at.desc()).limit(1)).scalar()
