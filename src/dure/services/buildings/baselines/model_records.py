"""Fits in the records; all inside the caller's transaction.

The newest of a meter and kind stands; of the earlier ones only those are kept that a measure rests on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, delete, select
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_models as models
from dure.services.buildings.baselines.fits import Fit
from dure.services.buildings.baselines.models import Kind

_CHUNK = 500


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A fit as it stands in the records."""

    id: str
    meter: str
    fitted_at: datetime
    fit: Fit
    replaced_at: datetime | None = None


def put(connection: Connection, meter: str, fits: Iterable[Fit], at: datetime) -> int:
    """Keep fits that are other than what stands, which they replace; how many."""
    n = 0
    for fit in fits:
        where = and_(models.c.meter == meter, models.c.kind == fit.kind, models.c.replaced_at.is_(None))
        known = connection.execute(select(models.c.sha256).where(where)).scalar_one_or_none()
        if known == fit.sha256:
            continue
        connection.execute(delete(models).where(where))
        n += dialect.insert_new(connection, models, [_row(_ident(meter, fit), meter, fit, at, None)])
    return n


def freeze(connection: Connection, measure: str, meter: str, fit: Fit, at: datetime) -> str:
    """Keep a fit for good, beside what stands; its id."""
    ident = frozen_id(measure, meter, fit.kind)
    dialect.insert_new(connection, models, [_row(ident, meter, fit, at, at)])
    return ident


def get(connection: Connection, ident: str) -> Kept:
    """One fit; refused with ``model.unknown``."""
    row = connection.execute(select(models).where(models.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("model.unknown", f"There is no model {ident[:120]!r}.")
    return _kept(row)


def standing(
    connection: Connection, meters: Collection[str] | None = None, kinds: Collection[Kind] | None = None
) -> dict[tuple[str, Kind], Kept]:
    """The fits that stand, by meter and kind."""
    where = [models.c.replaced_at.is_(None)]
    if kinds is not None:
        where.append(models.c.kind.in_(list(kinds)))
    found: dict[tuple[str, Kind], Kept] = {}
    wanted = [None] if meters is None else [sorted(meters)[at : at + _CHUNK] for at in range(0, len(meters), _CHUNK)]
    for some in wanted:
        more = [] if some is None else [models.c.meter.in_(some)]
        for row in connection.execute(select(models).where(*where, *more)).mappings():
            one = _kept(row)
            found[one.meter, one.fit.kind] = one
    return found


def digests(connection: Connection) -> dict[str, dict[str, str]]:
    """Digest of what each standing fit was fitted to, by meter and kind; cheap."""
    found: dict[str, dict[str, str]] = {}
    query = select(models.c.meter, models.c.kind, models.c.sha256).where(models.c.replaced_at.is_(None))
    for meter, kind, sha256 in connection.execute(query):
        found.setdefault(meter, {})[kind] = sha256
    return found


def empty_meters(connection: Connection) -> set[str]:
    """Meters of which no model could be fitted."""
    standing_ = models.c.replaced_at.is_(None)
    refused = connection.execute(select(models.c.meter).where(standing_, models.c.state == "refused")).scalars()
    fitted = connection.execute(select(models.c.meter).where(standing_, models.c.state == "fitted")).scalars()
    return set(refused) - set(fitted)


def frozen_id(measure: str, meter: str, kind: Kind) -> str:
    """Id of the fit a measure rests on."""
    return f"{measure}/{meter}/{kind}"


def _ident(meter: str, fit: Fit) -> str:
    return f"{meter}/{fit.kind}/{fit.sha256[:12]}"


def _row(ident: str, meter: str, fit: Fit, at: datetime, replaced_at: datetime | None) -> dict[str, object]:
    good = fit.goodness or {}
    return {
        "id": ident,
        "meter": meter,
        "kind": fit.kind,
        "fitted_at": at,
        "start_day": fit.start_day,
        "end_day": fit.end_day,
        "state": "fitted" if fit.fitted else "refused",
        "cv_rmse": good.get("cv_rmse"),
        "nmbe": good.get("nmbe"),
        "sha256": fit.sha256,
        "model": msgspec.to_builtins(fit),
        "replaced_at": replaced_at,
    }


def _kept(row: RowMapping) -> Kept:
    return Kept(
        id=row["id"],
        meter=row["meter"],
        fitted_at=row["fitted_at"],
        fit=msgspec.convert(row["model"], Fit),
        replaced_at=row["replaced_at"],
    )
