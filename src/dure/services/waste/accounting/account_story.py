"""What an account tells the outside: its decision for ``dure explain``, its events, and evidence for the carbon ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from dure import __version__
from dure.core.events import Decision, Event, Evidence
from dure.core.time import Interval
from dure.services.waste.accounting.accounts import DayAccount, Side
from dure.services.waste.accounting.baseline import Baseline
from dure.services.waste.accounting.period import Period
from dure.services.waste.model import SERVICE

SOURCE = f"dure/{SERVICE}"
ACCOUNT = "waste_account"
CLOSED = "waste.account.closed"
SAVED = "waste.saving.assessed"
FROZEN = "waste.baseline.frozen"
METHOD = "waste.account/1"
SAVING_METHOD = "waste.saving.weekly_block_bootstrap/1"


def decision_id(account: DayAccount) -> str:
    """Id of the decision and, behind ``account-``, of the event."""
    return f"account-{account.day.isoformat()}-{account.baseline_id}"


def decision_of(account: DayAccount, at: datetime) -> Decision:
    """The account with everything it was made from: visits and waste of each bin, kilometres and their source, factors."""
    words = msgspec.to_builtins(account)
    inputs = {name: words[name] for name in ("day", "baseline_id", "plan", "source", "estimated", "bins", "rise", "factors")}
    inputs["readings_sha256"] = account.readings_sha256
    return Decision(
        id=decision_id(account),
        kind=ACCOUNT,
        decided_at=at,
        inputs=inputs,
        result={"actual": words["actual"], "baseline": words["baseline"], "watched": account.watched},
        reasons=_reasons(account),
        versions={"dure": __version__, "method": METHOD},
    )


def _reasons(account: DayAccount) -> tuple[str, ...]:
    found = {
        "tracker": "Kilometres are those of the vehicles' trackers.",
        "planned": "Kilometres are those of the published plan, not of a vehicle tracker.",
        "taps": "There was no published plan: kilometres follow the order of the crews' taps.",
    }
    told = [found[account.source]]
    if account.estimated:
        told.append("Distances are estimated as the crow flies.")
    if account.outside_n:
        told.append(f"{account.outside_n} emptied bins are not in the baseline; their kilometres count all the same.")
    if account.watched < 1:
        told.append(f"{1 - account.watched:.0%} of the bins were not watched all day and count with their usual rate.")
    return tuple(told)


def event_of(account: DayAccount, interval: Interval, at: datetime) -> Event:
    """The day's account as an event, with evidence of both sides in whole units."""
    ident = f"closed-{decision_id(account)}"
    return Event(
        id=ident,
        type=CLOSED,
        source=SOURCE,
        time=at,
        data={
            "day": account.day.isoformat(),
            "baseline": account.baseline_id,
            "source": account.source,
            "estimated": account.estimated,
            "decision": decision_id(account),
            "actual": _evidence(ident, account.actual, account, interval),
            "baseline_same_day": _evidence(ident, account.baseline, account, interval),
        },
    )


def _evidence(event: str, side: Side, account: DayAccount, interval: Interval) -> list[dict[str, Any]]:
    """Whole metres, litres, Wh and grams; quantities that are 0 on both sides say nothing."""
    found: list[tuple[int, Any]] = [(side.distance_m, "m")]
    found += [(round(value), unit) for value, unit in ((side.fuel_l, "L"), (side.energy_wh, "Wh"), (side.co2e_g, "gCO2e"))]
    claims = [
        Evidence(
            event=event,
            quantity=quantity,
            unit=unit,
            interval=interval,
            readings_sha256=account.readings_sha256,
            method=METHOD,
            factors=() if unit == "m" else account.factors,
        )
        for quantity, unit in found
        if quantity
    ]
    return [dict(msgspec.to_builtins(one)) for one in claims]


def digest_of(accounts: Sequence[DayAccount]) -> str:
    """SHA-256 over the digests of days' accounts."""
    return hashlib.sha256("|".join(one.readings_sha256 for one in accounts).encode()).hexdigest()


def saving_event(period: Period, baseline: Baseline, interval: Interval, accounts: Sequence[DayAccount], at: datetime) -> Event:
    """What a closed month saved: mean and interval; evidence is the lower end only, and nothing when none is shown."""
    digest = digest_of(accounts)
    ident = f"saved-{period.start.isoformat()}-{period.baseline_id}"
    units: tuple[tuple[str, Any, float], ...] = (
        ("km", "m", 1000),
        ("fuel_l", "L", 1),
        ("energy_kwh", "Wh", 1000),
        ("co2e_kg", "gCO2e", 1000),
    )
    claims = [
        msgspec.to_builtins(
            Evidence(
                event=ident,
                quantity=int(max(0.0, saving.low) * scale * period.days_n),
                unit=unit,
                interval=interval,
                readings_sha256=digest,
                method=SAVING_METHOD,
                factors=(baseline.id,),
            )
        )
        for name, unit, scale in units
        if (saving := period.savings.get(name)) is not None and saving.verdict == "saving"
    ]
    return Event(
        id=ident,
        type=SAVED,
        source=SOURCE,
        time=at,
        data={
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "baseline": period.baseline_id,
            "days": period.days_n,
            "confidence": period.confidence,
            "interval": msgspec.to_builtins(interval),
            "readings_sha256": digest,
            "readings": [one.readings_sha256 for one in accounts],
            "headline": msgspec.to_builtins(period.headline),
            "savings": {
                name: {"mean": one.mean, "low": _number(one.low), "high": _number(one.high), "verdict": one.verdict}
                for name, one in period.savings.items()
            },
            "evidence": claims,
        },
    )


def frozen_event(baseline: Baseline, sha256: str, at: datetime) -> Event:
    """A baseline was frozen."""
    return Event(
        id=f"frozen-{baseline.id}",
        type=FROZEN,
        source=SOURCE,
        time=at,
        data={
            "baseline": baseline.id,
            "starts_on": baseline.starts_on.isoformat(),
            "origin": baseline.origin,
            "bins": len(baseline.due),
            "sha256": sha256,
        },
    )


def _number(value: float) -> float | None:
    return value if value == value else None  # noqa: PLR0124  # nan is the one number that is not itself
