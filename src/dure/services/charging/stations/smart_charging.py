"""Charging profiles, limits and needs as stations tell them (2.x block K)."""

from __future__ import annotations

from typing import Any

from dure.services.charging.central.port import Answer
from dure.services.charging.stations.said import instant_us
from dure.services.charging.stations.turn import Handler, Turn, noted


def limit(turn: Turn) -> Answer:
    """NotifyChargingLimit: somebody else (a grid operator, an energy manager) limits the station."""
    sent = turn.payload
    source = sent["chargingLimit"]
    facts = {
        "evse": sent.get("evseId", 0),
        "source": source["chargingLimitSource"],
        "grid_critical": source.get("isGridCritical", False),
        "schedules": sent.get("chargingSchedule", []),
    }
    return noted(turn.happened("limit", facts))


def limit_cleared(turn: Turn) -> Answer:
    """ClearedChargingLimit."""
    sent = turn.payload
    return noted(turn.happened("limit_cleared", {"evse": sent.get("evseId", 0), "source": sent["chargingLimitSource"]}))


def profiles(turn: Turn) -> Answer:
    """ReportChargingProfiles: the profiles that were asked for."""
    sent = turn.payload
    facts = {
        "request": sent["requestId"],
        "evse": sent["evseId"],
        "source": sent["chargingLimitSource"],
        "more": sent.get("tbc", False),
        "profiles": sent["chargingProfile"],
    }
    return noted(turn.happened("profiles", facts))


def needs(turn: Turn) -> Answer:
    """NotifyEVChargingNeeds: what the vehicle asks for. A plan follows as soon as it is made, hence ``Processing`` (K15)."""
    sent = turn.payload
    wanted: dict[str, Any] = sent["chargingNeeds"]
    running = turn.memory.at_evse(turn.charger, sent["evseId"])
    if not running:
        facts = {"evse": sent["evseId"], "answer": "Rejected"}
        return Answer({"status": "Rejected", "statusInfo": NO_TRANSACTION}, (turn.happened("needs", facts),))
    direct, alternating = wanted.get("dcChargingParameters", {}), wanted.get("acChargingParameters", {})
    energy = alternating.get("energyAmount", direct.get("energyAmount"))
    departure = wanted.get("departureTime")
    facts = {
        "evse": sent["evseId"],
        "transaction": running[-1].transaction,
        "answer": "Processing",
        "mode": wanted["requestedEnergyTransfer"],
        "energy_wh": energy,
        "departs_us": instant_us(departure, 0) if departure else None,
        "soc": _fraction(direct.get("stateOfCharge")),
        "target_soc": _fraction(direct.get("fullSoC")),
        "most_w": _most_w(direct, alternating),
    }
    return Answer({"status": "Processing"}, (turn.happened("needs", facts),))


NO_TRANSACTION = {"reasonCode": "NoTransaction", "additionalInfo": "No transaction runs at this EVSE."}


def _fraction(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _most_w(direct: dict[str, Any], alternating: dict[str, Any]) -> float | None:
    if "evMaxPower" in direct:
        return float(direct["evMaxPower"])
    if alternating:
        return float(alternating["evMaxCurrent"] * alternating["evMaxVoltage"])
    return None


def schedule(turn: Turn) -> Answer:
    """NotifyEVChargingSchedule: what the vehicle means to draw. Kept; a plan does not depend on it (K17)."""
    sent = turn.payload
    facts = {"evse": sent["evseId"], "schedule": sent["chargingSchedule"]}
    return Answer({"status": "Accepted"}, (turn.happened("schedule", facts, turn.said_us("timeBase")),))


def dynamic_update(turn: Turn) -> Answer:
    """2.1 PullDynamicScheduleUpdate: plans are sent as whole profiles, so there is nothing to pull."""
    told = {"reasonCode": "NoDynamicProfile", "additionalInfo": "This central system sends whole profiles."}
    facts = {"profile": turn.payload["chargingProfileId"]}
    return Answer({"status": "Rejected", "statusInfo": told}, (turn.happened("profile_pulled", facts),))


def priority(turn: Turn) -> Answer:
    """2.1 NotifyPriorityCharging: a driver pressed the button for priority at the station."""
    sent = turn.payload
    return noted(turn.happened("priority", {"transaction": sent["transactionId"], "activated": sent["activated"]}))


V2: dict[str, Handler] = {
    "NotifyChargingLimit": limit,
    "ClearedChargingLimit": limit_cleared,
    "ReportChargingProfiles": profiles,
    "NotifyEVChargingNeeds": needs,
    "NotifyEVChargingSchedule": schedule,
}
V21: dict[str, Handler] = {"PullDynamicScheduleUpdate": dynamic_update, "NotifyPriorityCharging": priority}
