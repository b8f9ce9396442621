"""Beliefs and what was learnt, in the records: the newest belief of each bin, every learning; inside the caller's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dure.core.time import from_us
from dure.engines.records import dialect
from dure.engines.records.tables_waste import waste_beliefs, waste_models, waste_sightings
from dure.services.waste.belief.belief_rules import BeliefRules, belief_rules
from dure.services.waste.belief.forecasting import forecast
from dure.services.waste.belief.learn import without_history
from dure.services.waste.belief.learned import Learned, dumped, loaded
from dure.services.waste.belief.state import NEVER_US, Beliefs, Kind, start
from dure.services.waste.model import Bin, FloatArray, Forecast, Sighting

LEARNED = "belief"
PRIOR = "belief_prior"  # classes of another city, which this one begins with
KEPT_N = 30  # learnings that are kept
_CHUNK = 500
_NAMES = tuple(one.name.lower() for one in Kind)


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The belief of one bin as it is kept. Instants in µs; `last`, `read` by kind of observation; rate as learnt."""

    level: float
    sd: float
    anchor_us: int
    risen: float
    awaited: float
    paced_us: int
    rate_per_day: float
    last: dict[str, int] = {}  # msgspec copies an empty default for every instance
    read: dict[str, int] = {}  # as above
    fell_from: float | None = None
    fell_us: int | None = None
    sure: bool = False
    totals: tuple[float | None, float | None] = (None, None)
    slips: int = 0


def store_learned(connection: Connection, learned: Learned, at: datetime, kind: str = LEARNED) -> str:
    """Keep what was learnt, here or (`PRIOR`) elsewhere; its id. Older ones beyond some are dropped."""
    plain = dumped(learned)
    digest = hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()
    row = {"id": f"{kind}-{at:%Y%m%dT%H%M%S}-{digest[:8]}", "kind": kind, "learnt_at": at, "sha256": digest, "model": plain}
    dialect.insert_new(connection, waste_models, [row])
    query = select(waste_models.c.id).where(waste_models.c.kind == kind).order_by(waste_models.c.learnt_at.desc())
    old = list(connection.execute(query.offset(KEPT_N)).scalars())
    if old:
        connection.execute(waste_models.delete().where(waste_models.c.id.in_(old)))
    return str(row["id"])


def newest_learned(connection: Connection, kind: str = LEARNED) -> tuple[Learned, datetime] | None:
    """What is in force of a kind, and since when; None before the first night, and without a prior."""
    query = select(waste_models.c.model, waste_models.c.learnt_at).where(waste_models.c.kind == kind)
    row = connection.execute(query.order_by(waste_models.c.learnt_at.desc(), waste_models.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else (loaded(row[0]), row[1])


def store_beliefs(connection: Connection, beliefs: Beliefs, rows: Collection[int] | None = None) -> None:
    """Keep the beliefs of all bins, or of some rows; an older one never replaces a newer."""
    at = from_us(beliefs.as_of_us)
    chosen = sorted(range(len(beliefs.bins)) if rows is None else rows, key=lambda row: beliefs.bins[row].id)
    kept = [{"bin": beliefs.bins[row].id, "as_of": at, "belief": msgspec.to_builtins(_kept(beliefs, row))} for row in chosen]
    dialect.upsert(connection, waste_beliefs, kept, newer="as_of")


def load_beliefs(
    connection: Connection, bins: Sequence[Bin], learned: Learned, at: datetime, rules: BeliefRules
) -> tuple[Beliefs, frozenset[str]]:
    """The beliefs as kept, and which bins had none and begin now."""
    beliefs = start(bins, learned, at, rules)
    found = _find(connection, [one.id for one in bins])
    for row, one in enumerate(bins):
        if one.id in found:
            _take(beliefs, row, found[one.id])
    return beliefs, frozenset(one.id for one in bins if one.id not in found)


def kept_at(connection: Connection, bins: Sequence[str]) -> dict[str, datetime]:
    """Bin -> until when what was received is in the belief that is kept of it."""
    found: dict[str, datetime] = {}
    for begin in range(0, len(bins), _CHUNK):
        query = select(waste_beliefs.c.bin, waste_beliefs.c.as_of).where(waste_beliefs.c.bin.in_(bins[begin : begin + _CHUNK]))
        found.update({row.bin: row.as_of for row in connection.execute(query)})
    return found


def read_forecast(
    connection: Connection,
    bins: Sequence[Bin],
    at: datetime,
    next_chance_d: float | FloatArray = 1.0,
    *,
    rules: BeliefRules | None = None,
    faults: Mapping[str, str] | None = None,
) -> Forecast:
    """What is expected of some bins, from the beliefs that are kept: for the planner and the pages.

    Parameters
    ----------
    at : when a truck may come first
    next_chance_d : days from then until the chance after it [d], one for all or (n,)
    rules : None: those shipped, of that day
    faults : `ticket_desk.healths`
    """
    return forecast(read_beliefs(connection, bins, at, rules=rules), at, next_chance_d, faults)


def read_beliefs(connection: Connection, bins: Sequence[Bin], at: datetime, *, rules: BeliefRules | None = None) -> Beliefs:
    """The beliefs that are kept of some bins, for charts; one without any is as uncertain as a bin nobody looked into."""
    in_force = rules or belief_rules(at.date())
    known = newest_learned(connection)
    learned = known[0] if known else without_history(in_force)
    return load_beliefs(connection, bins, learned, at, in_force)[0]


def sightings_received(connection: Connection, after: datetime, until: datetime) -> list[Sighting]:
    """What was received in ``(after, until]``, also what was taken back, in order of its instant."""
    received = waste_sightings.c.received_at
    query = select(waste_sightings).where(received > after, received <= until)
    query = query.order_by(waste_sightings.c.seen_at, waste_sightings.c.id)
    return [Sighting(**row) for row in connection.execute(query).mappings()]


def sightings_seen(connection: Connection, after: datetime, bins: Collection[str] | None = None) -> list[Sighting]:
    """What was seen after an instant, of some bins or of all, without what was taken back, in order."""
    query = select(waste_sightings).where(waste_sightings.c.seen_at > after)
    rows: list[Any] = []
    if bins is None:
        rows += connection.execute(query).mappings()
    else:
        wanted = sorted(bins)
        for begin in range(0, len(wanted), _CHUNK):
            rows += connection.execute(query.where(waste_sightings.c.bin.in_(wanted[begin : begin + _CHUNK]))).mappings()
    found = [Sighting(**row) for row in rows if "undone_at" not in row["facts"]]
    return sorted(found, key=lambda one: (one.seen_at, one.id))


def _find(connection: Connection, ids: Sequence[str]) -> dict[str, Kept]:
    found: dict[str, Kept] = {}
    for begin in range(0, len(ids), _CHUNK):
        query = select(waste_beliefs.c.bin, waste_beliefs.c.belief).where(waste_beliefs.c.bin.in_(ids[begin : begin + _CHUNK]))
        found.update({row["bin"]: msgspec.convert(row["belief"], Kept) for row in connection.execute(query).mappings()})
    return found


def _kept(beliefs: Beliefs, row: int) -> Kept:
    fell_from, totals = float(beliefs.fell_from[row]), beliefs.totals[row].tolist()
    return Kept(
        level=float(beliefs.level[row]),
        sd=float(beliefs.sd[row]),
        anchor_us=int(beliefs.anchor_us[row]),
        risen=float(beliefs.risen[row]),
        awaited=float(beliefs.awaited[row]),
        paced_us=int(beliefs.paced_us[row]),
        rate_per_day=float(beliefs.traits.rate_per_day[row]),
        last=_instants(beliefs.last_us[row]),
        read=_instants(beliefs.read_us[row]),
        fell_from=fell_from if np.isfinite(fell_from) else None,
        fell_us=int(beliefs.fell_us[row]) if beliefs.fell_us[row] > NEVER_US else None,
        sure=bool(beliefs.sure[row]),
        totals=(_number(totals[0]), _number(totals[1])),
        slips=int(beliefs.slips[row]),
    )


def _take(beliefs: Beliefs, row: int, kept: Kept) -> None:
    """Write one belief into new arrays. Its present rate stays, whatever was learnt since."""
    beliefs.level[row], beliefs.sd[row], beliefs.anchor_us[row] = kept.level, kept.sd, kept.anchor_us
    beliefs.risen[row], beliefs.paced_us[row] = kept.risen, kept.paced_us
    beliefs.awaited[row] = kept.awaited * beliefs.traits.rate_per_day[row] / kept.rate_per_day
    for column, name in enumerate(_NAMES):
        beliefs.last_us[row, column] = kept.last.get(name, NEVER_US)
        beliefs.read_us[row, column] = kept.read.get(name, NEVER_US)
    beliefs.fell_from[row] = np.nan if kept.fell_from is None else kept.fell_from
    beliefs.fell_us[row] = NEVER_US if kept.fell_us is None else kept.fell_us
    beliefs.sure[row], beliefs.slips[row] = kept.sure, kept.slips
    beliefs.totals[row] = [np.nan if one is None else one for one in kept.totals]


def _instants(column: NDArray[np.int64]) -> dict[str, int]:
    return {name: at_us for name, at_us in zip(_NAMES, column.tolist(), strict=True) if at_us > NEVER_US}


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
