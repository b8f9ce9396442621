"""Plans as charging profiles of OCPP 1.6, 2.0.1 and 2.1. Pure.

A vehicle's plan is a ``TxProfile`` of its transaction for the next steps only: when no newer one comes, because the link is lost,
it ends, and the EVSE falls back on its ``TxDefaultProfile``, the safe share. As long as plans hold, a default may say less than
the share at first and rise by itself when they end (``Absolute``), so that a newcomer fits beside them. A charger's own power is
a ``ChargingStationMaxProfile`` (``ChargePointMaxProfile`` in 1.6). Alternating current is limited in A per phase, rounded down to
0.1 A (1.6 takes no finer `limit`), direct current in W.

Below zero a vehicle is to give energy back, which only OCPP 2.1 can say: every period of such a plan is a ``CentralSetpoint`` in
W, and charges with at most and gives with at most its set point.

Stack levels: default 0, station 0, plan of a transaction 1. Ids are the same for the same purpose and EVSE, so that a new profile
takes the old one's place.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dure.core.errors import InputError
from dure.services.charging.model import Charger, Evse, Version
from dure.services.charging.planning.giving_back import SPEAKS

DEFAULT_STACK, PLAN_STACK = 0, 1
DEFAULT_IDS, PLAN_IDS, STATION_ID = 1_000, 2_000, 1
TENTH = 10
ROUNDING = 1e-6


class SetPoint(msgspec.Struct, frozen=True, kw_only=True):
    """What an EVSE may give from step to step.

    Attributes
    ----------
    transaction : the station's id of it; empty for what holds without one
    start_at, step_s, limits_w : power of each step [W]; one step without end for a default
    rises_at : when a default goes over from its first limit to its second
    """

    evse: Evse
    limits_w: tuple[float, ...]
    start_at: datetime
    step_s: int = 0
    transaction: str = ""
    rises_at: datetime | None = None


def current_a(evse: Evse, power_w: float, voltage_v: float) -> float:
    """Current per phase of a power, rounded down to 0.1 A [A]."""
    return math.floor(max(power_w, 0.0) / (voltage_v * len(evse.phases)) * TENTH + ROUNDING) / TENTH


def limit(evse: Evse, power_w: float, voltage_v: float) -> float:
    """The `limit` of a power: A per phase, or W for direct current."""
    return current_a(evse, power_w, voltage_v) if evse.phases else float(math.floor(max(power_w, 0.0) + ROUNDING))


def periods(point: SetPoint, voltage_v: float) -> list[dict[str, Any]]:
    """Schedule periods; steps with equal limits are one."""
    found: list[dict[str, Any]] = []
    width = point.step_s if point.rises_at is None else round((point.rises_at - point.start_at).total_seconds())
    for t, power_w in enumerate(point.limits_w):
        one: dict[str, Any] = {"startPeriod": t * width, "limit": limit(point.evse, power_w, voltage_v)}
        if point.evse.phases:
            one["numberPhases"] = len(point.evse.phases)
        if not found or found[-1]["limit"] != one["limit"]:
            found.append(one)
    return found


def two_way_periods(point: SetPoint) -> list[dict[str, Any]]:
    """Schedule periods of a plan that also asks for energy back, in whole W toward zero; steps with equal set points are one."""
    found: list[dict[str, Any]] = []
    for t, power_w in enumerate(point.limits_w):
        power = float(math.trunc(power_w + math.copysign(ROUNDING, power_w)))
        limits = {"limit": max(power, 0.0), "dischargeLimit": min(power, 0.0)}
        one: dict[str, Any] = {"startPeriod": t * point.step_s, "operationMode": "CentralSetpoint", "setpoint": power} | limits
        if point.evse.phases:
            one["numberPhases"] = len(point.evse.phases)
        if not found or found[-1]["setpoint"] != power:
            found.append(one)
    return found


def set_profile(version: Version, point: SetPoint, voltage_v: float) -> dict[str, Any]:
    """Payload of SetChargingProfile for one EVSE: its transaction's plan, or its default when it names none.

    Raises
    ------
    ValueError : a transaction of 1.6 that is no number
    InputError : energy is asked back in a version that cannot say so (``v2g.version``)
    """
    gives = any(one < 0 for one in point.limits_w)
    if gives and version != SPEAKS:
        raise InputError("v2g.version", f"A set point of {version} cannot ask a vehicle for energy back: it takes OCPP 2.1.")
    is_plan = bool(point.transaction)
    profile: dict[str, Any] = {
        "stackLevel": PLAN_STACK if is_plan else DEFAULT_STACK,
        "chargingProfilePurpose": "TxProfile" if is_plan else "TxDefaultProfile",
        "chargingProfileKind": "Absolute" if is_plan or point.rises_at is not None else "Relative",
    }
    ident = (PLAN_IDS if is_plan else DEFAULT_IDS) + point.evse.number
    schedule: dict[str, Any] = {
        "chargingRateUnit": "A" if point.evse.phases and not gives else "W",
        "chargingSchedulePeriod": two_way_periods(point) if gives else periods(point, voltage_v),
    }
    if is_plan:
        schedule |= {"startSchedule": _instant(point.start_at), "duration": len(point.limits_w) * point.step_s}
        profile |= {
            "validTo": _instant(point.start_at + timedelta(seconds=len(point.limits_w) * point.step_s)),
            "transactionId": int(point.transaction) if version == "ocpp1.6" else point.transaction,
        }
    elif point.rises_at is not None:
        schedule["startSchedule"] = _instant(point.start_at)
    return _framed(version, point.evse.number, ident, profile, schedule)


def set_station_most(version: Version, charger: Charger) -> dict[str, Any]:
    """Payload of SetChargingProfile for the power that all EVSEs of a charger share [W]."""
    purpose = "ChargePointMaxProfile" if version == "ocpp1.6" else "ChargingStationMaxProfile"
    profile = {"stackLevel": DEFAULT_STACK, "chargingProfilePurpose": purpose, "chargingProfileKind": "Absolute"}
    schedule: dict[str, Any] = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": float(math.floor(charger.power_w))}],
        "startSchedule": "2020-01-01T00:00:00Z",
    }
    return _framed(version, 0, STATION_ID, profile, schedule)


def _framed(version: Version, number: int, ident: int, profile: dict[str, Any], schedule: dict[str, Any]) -> dict[str, Any]:
    if version == "ocpp1.6":
        whole = {"chargingProfileId": ident} | profile | {"chargingSchedule": schedule}
        return {"connectorId": number, "csChargingProfiles": whole}
    whole = {"id": ident} | profile | {"chargingSchedule": [{"id": ident} | schedule]}
    return {"evseId": number, "chargingProfile": whole}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
