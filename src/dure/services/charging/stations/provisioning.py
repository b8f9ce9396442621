"""Boots, heartbeats and data transfers (1.6 Core; 2.x block B and P)."""

from __future__ import annotations

from dure.services.charging.central.port import Answer
from dure.services.charging.central.retrying import retry_interval_s
from dure.services.charging.central.words import Booted, Seen, Word
from dure.services.charging.stations.turn import Handler, Turn

BOOT_ANSWERS = {"accepted": "Accepted", "pending": "Pending", "rejected": "Rejected"}


def boot_16(turn: Turn) -> Answer:
    """1.6 BootNotification."""
    sent = turn.payload
    told = {
        "vendor": sent["chargePointVendor"],
        "model": sent["chargePointModel"],
        "serial": sent.get("chargePointSerialNumber", "") or sent.get("chargeBoxSerialNumber", ""),
        "firmware": sent.get("firmwareVersion", ""),
    }
    return _booted(turn, told, "")


def boot_2(turn: Turn) -> Answer:
    """2.x BootNotification."""
    station = turn.payload["chargingStation"]
    told = {
        "vendor": station["vendorName"],
        "model": station["model"],
        "serial": station.get("serialNumber", ""),
        "firmware": station.get("firmwareVersion", ""),
    }
    return _booted(turn, told, turn.payload["reason"])


def _booted(turn: Turn, told: dict[str, str], reason: str) -> Answer:
    answer = turn.memory.admissions.get(turn.charger, "accepted")
    interval_s, base_s = turn.rules.heartbeat_s, turn.rules.boot_retry_s
    if answer != "accepted":
        interval_s = retry_interval_s(turn.heard.charger.identity, base_s, base_s)
    words: list[Word] = [
        Booted(turn.charger, turn.heard.version, turn.at_us, **told, reason=reason, answer=answer),
    ]
    wanted = turn.heard.charger.serial
    if wanted and told["serial"] and told["serial"] != wanted:
        words.append(turn.happened("serial_differs", {"registered": wanted, "said": told["serial"]}))
    payload = {"currentTime": turn.now_text, "interval": interval_s, "status": BOOT_ANSWERS[answer]}
    return Answer(payload, tuple(words))


def heartbeat(turn: Turn) -> Answer:
    """Heartbeat of any version: our time, kept at most once a minute."""
    seen = turn.memory.seen(turn.charger, turn.at_us, turn.rules.seen_s * 1_000_000)
    return Answer({"currentTime": turn.now_text}, (Seen(turn.charger, turn.at_us),) if seen else ())


def data_transfer(turn: Turn) -> Answer:
    """DataTransfer of any version: no vendor's own messages are known here. What it holds is not kept: it may be personal."""
    data = turn.payload.get("data")
    facts = {"vendor": turn.payload["vendorId"], "message": turn.payload.get("messageId", ""), "chars": len(str(data or ""))}
    return Answer({"status": "UnknownVendorId"}, (turn.happened("data_transfer", facts),))


V16: dict[str, Handler] = {"BootNotification": boot_16, "Heartbeat": heartbeat, "DataTransfer": data_transfer}
V2: dict[str, Handler] = {"BootNotification": boot_2, "Heartbeat": heartbeat, "DataTransfer": data_transfer}
