"""Charging profiles as a station keeps them, and what they allow at an instant: OCPP 1.6 section 3.13, OCPP 2.0.1 block K.

Of one purpose the highest stack level that says something wins. A profile of the transaction comes before the default one;
what is for the whole station caps both. Nothing said: no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dure.core.time import US_PER_S, parse_instant, to_us

DAY_S, WEEK_S = 86_400, 7 * 86_400
EPOCH_MONDAY_S = 4 * DAY_S  # 1970-01-05
STATION_PURPOSES = ("ChargePointMaxProfile", "ChargingStationMaxProfile", "ChargingStationExternalConstraints", "LocalGeneration")
PURPOSES = (*STATION_PURPOSES, "TxDefaultProfile", "TxProfile", "PriorityCharging")
AMPERES = "A"


class Period(msgspec.Struct, frozen=True, array_like=True):
    """From `start_s` into the schedule on, at most `limit` (in the schedule's unit)."""

    start_s: int
    limit: float
    phases: int = 0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """One charging profile with one schedule, as it came.

    Attributes
    ----------
    evse : number, 0 for the whole station
    transaction : the local key of the transaction a TxProfile is for, empty for others
    start_us : of the schedule, None when it begins with the transaction, or without one when it was received
    raw : the profile in the words of its version, for reports
    """

    id: int
    evse: int
    purpose: str
    level: int
    kind: str
    unit: str
    periods: tuple[Period, ...]
    transaction: str = ""
    start_us: int | None = None
    duration_s: int = 0
    recurrency: str = ""
    valid_from_us: int | None = None
    valid_to_us: int | None = None
    received_us: int = 0
    raw: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def read(evse: int, profile: Mapping[str, Any], transaction: str = "", at_us: int = 0) -> Limits:
    """A profile of 1.6 (``csChargingProfiles``) or 2.x (``chargingProfile``; the first of its schedules).

    Raises
    ------
    ValueError : what a station refuses: an unknown purpose, no period, periods that do not begin at 0 or do not ascend
    """
    purpose = str(profile["chargingProfilePurpose"])
    given = profile["chargingSchedule"]
    schedule = given[0] if isinstance(given, list) else given
    periods = tuple(
        Period(int(one["startPeriod"]), float(one.get("limit", float("inf"))), int(one.get("numberPhases") or 0))
        for one in schedule["chargingSchedulePeriod"]
    )
    starts = [one.start_s for one in periods]
    if purpose not in PURPOSES or not starts or starts[0] != 0 or starts != sorted(set(starts)):
        raise ValueError("the profile cannot be used")
    return Limits(
        id=int(profile.get("chargingProfileId", profile.get("id", 0))),
        evse=evse,
        purpose=purpose,
        level=int(profile["stackLevel"]),
        kind=str(profile["chargingProfileKind"]),
        unit=str(schedule["chargingRateUnit"]),
        periods=periods,
        transaction=transaction if purpose == "TxProfile" else "",
        start_us=_instant(schedule.get("startSchedule")),
        duration_s=int(schedule.get("duration") or 0),
        recurrency=str(profile.get("recurrencyKind") or ""),
        valid_from_us=_instant(profile.get("validFrom")),
        valid_to_us=_instant(profile.get("validTo")),
        received_us=at_us,
        raw=dict(profile),
    )


def _instant(text: Any) -> int | None:
    return to_us(parse_instant(str(text))) if text else None


def placed(kept: Iterable[Limits], one: Limits) -> list[Limits]:
    """The profiles with a further one: it replaces its own id, and what stands at its place."""
    place = (one.evse, one.purpose, one.level, one.transaction)
    return [*(p for p in kept if p.id != one.id and (p.evse, p.purpose, p.level, p.transaction) != place), one]


def said(one: Limits, at_us: int, begun_us: int | None) -> Period | None:
    """The period of a profile that holds at an instant; `begun_us` when the transaction began, None without one."""
    if (one.valid_from_us is not None and at_us < one.valid_from_us) or (
        one.valid_to_us is not None and at_us >= one.valid_to_us
    ):
        return None
    start_us = begun_us if one.kind == "Relative" or one.start_us is None else one.start_us
    if start_us is None:
        start_us = one.received_us
    if at_us < start_us:
        return None
    passed_s = (at_us - start_us) // US_PER_S
    if one.kind == "Recurring":
        passed_s %= DAY_S if one.recurrency == "Daily" else WEEK_S
    if one.duration_s and passed_s >= one.duration_s:
        return None
    return max((p for p in one.periods if p.start_s <= passed_s), key=lambda p: p.start_s)


def watts(one: Limits, period: Period, voltage_v: float, phases: int) -> float:
    """A limit in watts; amperes are of each phase that is used."""
    return period.limit * voltage_v * (min(period.phases or phases, phases) or 3) if one.unit == AMPERES else period.limit


class Asked(msgspec.Struct, frozen=True):
    """Whom a limit is asked for: an EVSE, when, and its transaction if it has one."""

    evse: int
    at_us: int
    transaction: str = ""
    begun_us: int | None = None
    voltage_v: float = 220.0
    phases: int = 1


def allowed_w(kept: Iterable[Limits], asked: Asked) -> float:
    """What an EVSE may give by its own profiles [W]; infinite when nothing is said."""
    listed = list(kept)
    for purposes in (("TxProfile", "PriorityCharging"), ("TxDefaultProfile",)):
        fitting = [
            one
            for one in listed
            if one.purpose in purposes and one.evse in {0, asked.evse} and one.transaction in {"", asked.transaction}
        ]
        for one in sorted(fitting, key=lambda each: (each.level, each.evse), reverse=True):
            period = said(one, asked.at_us, asked.begun_us)
            if period is not None:
                return watts(one, period, asked.voltage_v, asked.phases)
    return float("inf")


def station_w(kept: Iterable[Limits], at_us: int, voltage_v: float, phases: int = 3) -> float:
    """What the whole station may draw [W]; the least of its purposes, infinite when nothing is said."""
    least = float("inf")
    for purpose in STATION_PURPOSES:
        for one in sorted((p for p in kept if p.purpose == purpose), key=lambda each: each.level, reverse=True):
            period = said(one, at_us, None)
            if period is not None:
                least = min(least, watts(one, period, voltage_v, phases))
                break
    return least


def schedule(kept: Iterable[Limits], asked: Asked, duration_s: int, most_w: float) -> list[tuple[int, float]]:
    """What holds over the next seconds as (seconds from now, watts), changes only: GetCompositeSchedule."""
    listed = list(kept)
    found: list[tuple[int, float]] = []
    for second in range(0, duration_s, 60):
        at_us = asked.at_us + second * US_PER_S
        limit = min(
            allowed_w(listed, msgspec.structs.replace(asked, at_us=at_us)), station_w(listed, at_us, asked.voltage_v), most_w
        )
        if not found or found[-1][1] != limit:
            found.append((second, limit))
    return found
