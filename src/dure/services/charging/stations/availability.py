"""Statuses of connectors (1.6 Core; 2.x block G)."""

from __future__ import annotations

from dure.services.charging.central.port import Answer
from dure.services.charging.central.words import StatusSaid
from dure.services.charging.stations.said import STATUS_2, STATUS_16
from dure.services.charging.stations.turn import Handler, Turn, noted

NO_ERROR = "NoError"


def status_16(turn: Turn) -> Answer:
    """1.6 StatusNotification; its connector is our EVSE."""
    sent = turn.payload
    error = sent["errorCode"]
    return noted(
        StatusSaid(
            charger=turn.charger,
            evse=sent["connectorId"],
            status=STATUS_16[sent["status"]],
            at_us=turn.said_us(),
            heard_us=turn.at_us,
            connector=min(sent["connectorId"], 1),
            detail=sent["status"],
            error="" if error == NO_ERROR else error,
            vendor_error=sent.get("vendorErrorCode", ""),
            info=sent.get("info", ""),
        )
    )


def status_2(turn: Turn) -> Answer:
    """2.x StatusNotification."""
    sent = turn.payload
    return noted(
        StatusSaid(
            charger=turn.charger,
            evse=sent["evseId"],
            status=STATUS_2[sent["connectorStatus"]],
            at_us=turn.said_us(),
            heard_us=turn.at_us,
            connector=sent["connectorId"],
        )
    )


V16: dict[str, Handler] = {"StatusNotification": status_16}
V2: dict[str, Handler] = {"StatusNotification": status_2}
