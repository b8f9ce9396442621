"""Baselines and days' accounts in the records; all inside the caller's transaction. A frozen baseline is never changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from dure.core.errors import Conflict, NotFound
from dure.core.time import Interval
from dure.engines.records import audit, decisions, dialect, events
from dure.engines.records.audit import By
from dure.engines.records.tables_waste import waste_accounts, waste_baselines
from dure.services.waste.accounting.account_story import decision_of, event_of, frozen_event
from dure.services.waste.accounting.accounts import DayAccount
from dure.services.waste.accounting.baseline import Baseline, digest


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """A baseline with who froze it and when; `sha256` of its content."""

    baseline: Baseline
    frozen_at: datetime
    person: str
    sha256: str


def freeze(connection: Connection, baseline: Baseline, by: By) -> Frozen:
    """Keep a baseline for good, with its event and its line in the audit log. The same one again is the same.

    Raises
    ------
    Conflict : ``baseline.frozen`` when another one is frozen already: it is never changed
    """
    sha256 = digest(baseline)
    known = newest_baseline(connection)
    if known is not None:
        if known.sha256 == sha256:
            return known
        raise Conflict(
            "baseline.frozen",
            f"The baseline {known.baseline.id!r} was frozen on {known.frozen_at:%Y-%m-%d} and is never changed.",
        )
    row = {
        "id": baseline.id,
        "frozen_at": by.at,
        "starts_on": baseline.starts_on.isoformat(),
        "person": by.actor,
        "sha256": sha256,
        "baseline": msgspec.to_builtins(baseline),
    }
    if not dialect.insert_new(connection, waste_baselines, [row]):
        raise Conflict("baseline.frozen", f"There already is a baseline {baseline.id!r}.")
    detail = {"baseline": {"starts_on": baseline.starts_on.isoformat(), "sha256": sha256, "bins": len(baseline.due)}}
    audit.append(connection, by, "act", "decision", baseline.id, detail)
    events.announce(connection, [frozen_event(baseline, sha256, by.at)], by.at)
    return Frozen(baseline=baseline, frozen_at=by.at, person=by.actor, sha256=sha256)


def newest_baseline(connection: Connection) -> Frozen | None:
    """The baseline in force; None before one is frozen."""
    query = select(waste_baselines).order_by(waste_baselines.c.frozen_at.desc(), waste_baselines.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    baseline = msgspec.convert(row["baseline"], Baseline)
    return Frozen(baseline=baseline, frozen_at=row["frozen_at"], person=row["person"], sha256=row["sha256"])


def add_account(connection: Connection, account: DayAccount, interval: Interval, at: datetime) -> bool:
    """Keep a day's account with its decision and event; False when the day has one already: it stays as it is."""
    decision = decision_of(account, at)
    row = {
        "day": account.day.isoformat(),
        "baseline": account.baseline_id,
        "made_at": at,
        "account": msgspec.to_builtins(account),
        "decision": decision.id,
    }
    if not dialect.insert_new(connection, waste_accounts, [row]):
        return False
    decisions.add(connection, decision)
    events.announce(connection, [event_of(account, interval, at)], at)
    return True


def account(connection: Connection, day: date, baseline_id: str) -> DayAccount:
    """One day's account; refused with ``account.unknown``."""
    query = select(waste_accounts.c.account).where(
        waste_accounts.c.day == day.isoformat(), waste_accounts.c.baseline == baseline_id
    )
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound("account.unknown", f"There is no account of {day} against the baseline {baseline_id[:80]!r}.")
    return _account(found)


def newest_day(connection: Connection, baseline_id: str) -> date | None:
    """The last day with an account."""
    query = select(func.max(waste_accounts.c.day)).where(waste_accounts.c.baseline == baseline_id)
    found = connection.execute(query).scalar_one()
    return date.fromisoformat(found) if found else None


def accounts(connection: Connection, baseline_id: str, start: date | None = None, end: date | None = None) -> list[DayAccount]:
    """Accounts of days in ``[start, end)``, in order."""
    query = select(waste_accounts.c.account).where(waste_accounts.c.baseline == baseline_id)
    if start is not None:
        query = query.where(waste_accounts.c.day >= start.isoformat())
    if end is not None:
        query = query.where(waste_accounts.c.day < end.isoformat())
    return [_account(one) for one in connection.execute(query.order_by(waste_accounts.c.day)).scalars()]


def _account(words: Any) -> DayAccount:
    return msgspec.convert(words, DayAccount)
