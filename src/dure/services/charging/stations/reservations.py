"""Reservations and display messages as stations tell them (2.x blocks H and O)."""

from __future__ import annotations

from dure.services.charging.central.port import Answer
from dure.services.charging.stations.turn import Handler, Turn, noted


def reservation_status(turn: Turn) -> Answer:
    """ReservationStatusUpdate: it ran out, was removed, or nobody came."""
    sent = turn.payload
    return noted(turn.happened("reservation", {"reservation": sent["reservationId"], "update": sent["reservationUpdateStatus"]}))


def display_messages(turn: Turn) -> Answer:
    """NotifyDisplayMessages: the messages that were asked for."""
    sent = turn.payload
    facts = {"request": sent["requestId"], "more": sent.get("tbc", False), "messages": sent.get("messageInfo", [])}
    return noted(turn.happened("display", facts))


V2: dict[str, Handler] = {"ReservationStatusUpdate": reservation_status, "NotifyDisplayMessages": display_messages}
