"""Firmware updates and logs as stations tell them (1.6 Firmware and whitepaper; 2.x blocks L and N)."""

from __future__ import annotations

from dure.services.charging.central.port import Answer
from dure.services.charging.stations.turn import Handler, Turn, noted


def firmware_status(turn: Turn) -> Answer:
    """FirmwareStatusNotification and SignedFirmwareStatusNotification."""
    sent = turn.payload
    return noted(turn.happened("firmware", {"status": sent["status"], "request": sent.get("requestId", 0)}))


def published(turn: Turn) -> Answer:
    """PublishFirmwareStatusNotification of a local controller."""
    sent = turn.payload
    facts = {"status": sent["status"], "request": sent.get("requestId", 0), "places": len(sent.get("location", ()))}
    return noted(turn.happened("firmware_published", facts))


def log_status(turn: Turn) -> Answer:
    """DiagnosticsStatusNotification and LogStatusNotification."""
    sent = turn.payload
    return noted(turn.happened("log", {"status": sent["status"], "request": sent.get("requestId", 0)}))


V16: dict[str, Handler] = {
    "FirmwareStatusNotification": firmware_status,
    "SignedFirmwareStatusNotification": firmware_status,
    "DiagnosticsStatusNotification": log_status,
    "LogStatusNotification": log_status,
}
V2: dict[str, Handler] = {
    "FirmwareStatusNotification": firmware_status,
    "PublishFirmwareStatusNotification": published,
    "LogStatusNotification": log_status,
}
