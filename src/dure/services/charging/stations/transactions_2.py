"""Transactions of OCPP 2.0.1 and 2.1: one message with three steps, numbered by the station (block E)."""

from __future__ import annotations

from typing import Any

from dure.services.charging.central.port import Answer
from dure.services.charging.central.words import Step, TransactionSaid
from dure.services.charging.stations.authorising import info_2
from dure.services.charging.stations.said import instant_us, samples_2
from dure.services.charging.stations.turn import EMPTY, Handler, Turn

STEPS: dict[str, Step] = {"Started": "started", "Updated": "updated", "Ended": "ended"}


def event(turn: Turn) -> Answer:
    """TransactionEvent, in any order and as often as a station sends it: sessions are put together from the words."""
    heard = turn.heard
    sent, charger = heard.payload, heard.charger.id
    info = sent["transactionInfo"]
    transaction, step = info["transactionId"], STEPS[sent["eventType"]]
    evse: dict[str, Any] = sent.get("evse", EMPTY)
    values = sent.get("meterValue")
    token, allowed = "", True
    payload: dict[str, Any] = {}
    if "idToken" in sent:
        token = turn.digest(sent["idToken"]["idToken"])
        judged = turn.judge(token, None if step == "ended" else (charger, transaction))
        payload = {"idTokenInfo": info_2(turn, judged)}
        allowed = judged.allowed
    cost = turn.memory.costs.get((charger, transaction))
    if cost is not None and step != "ended":  # what it cost in the end is known when it is settled
        payload["totalCost"] = cost
    before = None if evse else turn.memory.place_of(charger, transaction)
    word = TransactionSaid(
        charger,
        transaction,
        step,
        instant_us(sent["timestamp"], heard.at_us),
        heard.at_us,
        evse["id"] if evse else before.evse if before else 0,
        evse.get("connectorId", 1) if evse else before.connector if before else 1,
        sent["seqNo"],
        token,
        allowed,
        sent["triggerReason"],
        info.get("chargingState", ""),
        info.get("stoppedReason", ""),
        sent.get("offline", False),
        sent.get("reservationId", 0),
        info.get("remoteStartId", 0),
        None,
        None,
        samples_2(values, heard.at_us) if values else (),
    )
    return Answer(payload, (word,))


V2: dict[str, Handler] = {"TransactionEvent": event}
