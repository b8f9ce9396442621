"""Judged half-years, measured spreads and weather days. SQL alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, or_, select

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_households import carbon_household_judgements as judgements
from dure.engines.records.tables_carbon_households import carbon_household_meters as meters
from dure.engines.records.tables_carbon_households import carbon_household_times as times
from dure.engines.records.tables_carbon_households import carbon_household_weather as weather
from dure.engines.records.tables_carbon_households import carbon_households as households
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.model import Bill, Home, Judgement


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """All a half-year was judged by that stands nowhere else: the home and bills as they were, and the measured spreads."""

    home: Home
    station: str
    bills: tuple[Bill, ...]
    times: float | None = None


class KeptJudgement(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement with its basis and claim, empty when there is none."""

    household: str
    judgement: Judgement
    basis: Basis
    claim: str
    judged_at: datetime


def put(connection: Connection, kept: KeptJudgement) -> None:
    """Keep a judgement in place of an earlier one of the same half-year."""
    told = kept.judgement
    row = {
        "household": kept.household, "period": told.period, "utility": told.utility, "code": told.code, "claim": kept.claim,
        "judged_at": kept.judged_at, "asked": msgspec.to_builtins(kept.basis), "content": builtins_of(told),
    }  # fmt: skip
    dialect.upsert(connection, judgements, [row])


def find(connection: Connection, household: str, period: str, utility: Utility) -> KeptJudgement | None:
    """A judgement."""
    mine = (judgements.c.household == household) & (judgements.c.period == period) & (judgements.c.utility == utility)
    row = connection.execute(select(judgements).where(mine)).mappings().one_or_none()
    return None if row is None else _kept(row)


def of_household(connection: Connection, household: str, period: str = "") -> list[KeptJudgement]:
    """Judgements of a household, newest half-year first."""
    query = select(judgements).where(judgements.c.household == household)
    if period:
        query = query.where(judgements.c.period == period)
    rows = connection.execute(query.order_by(judgements.c.period.desc(), judgements.c.utility)).mappings()
    return [_kept(row) for row in rows]


def due(
    connection: Connection, period: str, joined_before: datetime, retry: tuple[Sequence[str], datetime], limit: int
) -> list[tuple[str, Utility]]:
    """Households and utilities whose half-year was not judged, or was with one of the codes, before an instant."""
    codes, before = retry
    mine = and_(
        judgements.c.household == meters.c.household, judgements.c.period == period, judgements.c.utility == meters.c.utility
    )
    joined = meters.join(households, households.c.id == meters.c.household).outerjoin(judgements, mine)
    again = and_(judgements.c.code.in_(codes), judgements.c.judged_at <= before)
    query = select(meters.c.household, meters.c.utility).select_from(joined)
    query = query.where(households.c.ended_at.is_(None), households.c.consented_at < joined_before)
    query = query.where(or_(judgements.c.code.is_(None), again)).order_by(meters.c.household, meters.c.utility).limit(limit)
    return [(row.household, row.utility) for row in connection.execute(query)]


def builtins_of(told: Judgement) -> Any:
    """A judgement as JSON holds it; shares as text, exactly."""
    return msgspec.to_builtins(told, enc_hook=str, builtin_types=())


def put_times(connection: Connection, period: str, utility: Utility, told: tuple[float | None, int], at: datetime) -> None:
    """Keep what the city's homes show of chance, once for a half-year."""
    row = {"period": period, "utility": utility, "times": told[0], "homes": told[1], "measured_at": at}
    dialect.insert_new(connection, times, [row])


def has_times(connection: Connection, period: str, utility: Utility) -> bool:
    """Whether that was measured."""
    mine = (times.c.period == period) & (times.c.utility == utility)
    return connection.execute(select(times.c.period).where(mine)).first() is not None


def times_of(connection: Connection, period: str, utility: Utility) -> float | None:
    """What was measured last, until a half-year; None when it never could be."""
    mine = (times.c.period <= period) & (times.c.utility == utility) & times.c.times.is_not(None)
    found = connection.execute(select(times.c.times).where(mine).order_by(times.c.period.desc()).limit(1)).scalar()
    return None if found is None else float(found)


def put_weather(connection: Connection, rows: Iterable[tuple[str, date, float, str]]) -> int:
    """Keep mean temperatures of days (station, day, mean [Cel], digest of the readings); how many are new."""
    found = [
        {"station": station, "day": day.isoformat(), "mean_c": mean_c, "readings_sha256": digest}
        for station, day, mean_c, digest in rows
    ]
    return dialect.insert_new(connection, weather, found)


def weather_days(connection: Connection, station: str, first: date, end: date) -> dict[date, tuple[float, str]]:
    """Mean temperature [Cel] and digest of the readings of the days that are known."""
    mine = (weather.c.station == station) & (weather.c.day >= first.isoformat()) & (weather.c.day < end.isoformat())
    query = select(weather.c.day, weather.c.mean_c, weather.c.readings_sha256).where(mine).order_by(weather.c.day)
    return {date.fromisoformat(row.day): (row.mean_c, row.readings_sha256) for row in connection.execute(query)}


def stations(connection: Connection) -> list[str]:
    """Stations whose days are known."""
    return [str(one) for one in connection.execute(select(weather.c.station).distinct().order_by(weather.c.station)).scalars()]


def _kept(row: Any) -> KeptJudgement:
    return KeptJudgement(
        household=row["household"],
        judgement=msgspec.convert(row["content"], Judgement, dec_hook=lambda kind, text: kind(text)),
        basis=msgspec.convert(row["asked"], Basis),
        claim=row["claim"],
        judged_at=row["judged_at"],
    )
