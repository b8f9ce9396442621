"""What a station reports of itself: variables, monitors, events (2.x blocks B, N; 1.6 asks for its configuration instead)."""

from __future__ import annotations

from typing import Any

from dure.services.charging.central.port import Answer
from dure.services.charging.stations.said import instant_us
from dure.services.charging.stations.turn import Handler, Turn, noted

VALUE_CHARS = 1_000  # of a value kept; a list may be longer
SECRET_VARIABLES = frozenset({"BasicAuthPassword"})


def place_name(component: dict[str, Any], variable: dict[str, Any]) -> str:
    """A variable as one text: ``Connector/instance@1.2.AvailabilityState/instance``; the EVSE and connector after the @."""
    name: str = component["name"]
    if "instance" in component:
        name += f"/{component['instance']}"
    evse = component.get("evse")
    if evse is not None:
        name += f"@{evse['id']}" + (f".{evse['connectorId']}" if "connectorId" in evse else "")
    name += f".{variable['name']}"
    return f"{name}/{variable['instance']}" if "instance" in variable else name


def report(turn: Turn) -> Answer:
    """NotifyReport: one part of the variables that were asked for."""
    sent, told = turn.payload, {}
    for one in sent.get("reportData", ()):
        told[place_name(one["component"], one["variable"])] = {
            "attributes": [_attribute(one["variable"]["name"], each) for each in one["variableAttribute"]],
            "characteristics": one.get("variableCharacteristics", {}),
        }
    facts = {"request": sent["requestId"], "seq": sent["seqNo"], "more": sent.get("tbc", False), "told": told}
    return noted(turn.happened("variables", facts, turn.said_us("generatedAt")))


def _attribute(variable: str, one: dict[str, Any]) -> dict[str, Any]:
    value = one.get("value", "")
    return {
        "type": one.get("type", "Actual"),
        "value": "…" if variable in SECRET_VARIABLES else value[:VALUE_CHARS],
        "mutability": one.get("mutability", "ReadWrite"),
    }


def monitors(turn: Turn) -> Answer:
    """NotifyMonitoringReport: one part of the monitors that were asked for."""
    sent = turn.payload
    told = {place_name(one["component"], one["variable"]): one["variableMonitoring"] for one in sent.get("monitor", ())}
    facts = {"request": sent["requestId"], "seq": sent["seqNo"], "more": sent.get("tbc", False), "told": told}
    return noted(turn.happened("monitors", facts, turn.said_us("generatedAt")))


def event(turn: Turn) -> Answer:
    """NotifyEvent: faults, warnings and monitored values, each a word of its own."""
    words = []
    for one in turn.payload["eventData"]:
        facts = {
            "event": one["eventId"],
            "variable": place_name(one["component"], one["variable"]),
            "value": one["actualValue"][:VALUE_CHARS],
            "trigger": one["trigger"],
            "kind": one["eventNotificationType"],
            "cleared": one.get("cleared", False),
        }
        facts |= {name: one[key] for key, name in _EVENT_FIELDS.items() if key in one}
        words.append(turn.happened("event", facts, instant_us(one["timestamp"], turn.at_us)))
    return noted(*words)


_EVENT_FIELDS = {
    "cause": "cause",
    "severity": "severity",
    "techCode": "code",
    "techInfo": "info",
    "transactionId": "transaction",
    "variableMonitoringId": "monitor",
}


def customer(turn: Turn) -> Answer:
    """NotifyCustomerInformation. What it holds is personal and is not kept: that it came, and how long it was, is."""
    sent = turn.payload
    facts = {"request": sent["requestId"], "seq": sent["seqNo"], "more": sent.get("tbc", False), "chars": len(sent["data"])}
    return noted(turn.happened("customer", facts, turn.said_us("generatedAt")))


V2: dict[str, Handler] = {
    "NotifyReport": report,
    "NotifyMonitoringReport": monitors,
    "NotifyEvent": event,
    "NotifyCustomerInformation": customer,
}
