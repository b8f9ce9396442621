"""Transactions of OCPP 1.6: numbers are ours, the same for a start that is sent again."""

from __future__ import annotations

from typing import Any

from dure.services.charging.central.port import Answer
from dure.services.charging.central.words import TransactionSaid
from dure.services.charging.stations.authorising import info_16
from dure.services.charging.stations.memory import StartKey
from dure.services.charging.stations.said import samples_16
from dure.services.charging.stations.turn import Handler, Turn

# 1.6's reasons in 2.0.1's words (ReasonEnumType), and what set off the step (TriggerReasonEnumType).
REASONS = {"HardReset": "ImmediateReset", "SoftReset": "ImmediateReset", "UnlockCommand": "Other"}
TRIGGERS = {
    "DeAuthorized": "Deauthorized",
    "EVDisconnected": "EVDeparted",
    "HardReset": "ResetCommand",
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "SoftReset": "ResetCommand",
    "UnlockCommand": "UnlockCommand",
}


def start(turn: Turn) -> Answer:
    """StartTransaction. A token that is not good gets a number too, and the status says that it must not charge (5.8)."""
    sent = turn.payload
    token, at_us, evse = turn.digest(sent["idTag"]), turn.said_us(), sent["connectorId"]
    number = turn.memory.number_of(StartKey(turn.charger, evse, token, at_us, sent["meterStart"]))
    judged = turn.judge(token, (turn.charger, str(number)))
    word = TransactionSaid(
        charger=turn.charger,
        transaction=str(number),
        step="started",
        at_us=at_us,
        heard_us=turn.at_us,
        evse=evse,
        token=token,
        allowed=judged.allowed,
        trigger="Authorized",
        reservation=sent.get("reservationId", 0),
        begin_wh=sent["meterStart"],
    )
    return Answer({"transactionId": number, "idTagInfo": info_16(turn, judged)}, (word,))


def stop(turn: Turn) -> Answer:
    """StopTransaction, also of a transaction nobody knows: the station would send it for ever, and its register counts."""
    sent = turn.payload
    at_us, number, reason = turn.said_us(), sent["transactionId"], sent.get("reason", "Local")
    # A station that started without us may stop with a number it made up: such stops are told apart by their time.
    transaction = str(number) if number > 0 else f"lost-{at_us}"
    before = turn.memory.place_of(turn.charger, transaction)
    token = turn.digest(sent["idTag"]) if "idTag" in sent else ""
    word = TransactionSaid(
        charger=turn.charger,
        transaction=transaction,
        step="ended",
        at_us=at_us,
        heard_us=turn.at_us,
        evse=before.evse if before else 0,
        token=before.token if before else token,
        trigger=TRIGGERS.get(reason, "AbnormalCondition"),
        stopped_reason=REASONS.get(reason, reason),
        end_wh=sent["meterStop"],
        samples=samples_16(sent.get("transactionData", ()), turn.at_us),
    )
    payload: dict[str, Any] = {"idTagInfo": info_16(turn, turn.judge(token))} if token else {}
    return Answer(payload, (word,))


V16: dict[str, Handler] = {"StartTransaction": start, "StopTransaction": stop}
