"""What 2.1 adds beside charging: distributed energy resources, payments, streams, batteries (blocks R, C, N, S)."""

from __future__ import annotations

from typing import Any

from dure.protocols.ocpp.errors import CallError
from dure.services.charging.central.port import Answer
from dure.services.charging.stations.turn import Handler, Turn, noted

_DER_LISTS = (
    "curve",
    "enterService",
    "fixedPFAbsorb",
    "fixedPFInject",
    "fixedVar",
    "freqDroop",
    "gradient",
    "limitMaxDischarge",
)


def der_alarm(turn: Turn) -> Answer:
    """NotifyDERAlarm: a fault of the grid at the station."""
    sent = turn.payload
    facts: dict[str, Any] = {"control": sent["controlType"], "ended": sent.get("alarmEnded", False)}
    facts |= {"fault": sent.get("gridEventFault", ""), "info": sent.get("extraInfo", "")}
    return noted(turn.happened("der_alarm", facts, turn.said_us()))


def der_start_stop(turn: Turn) -> Answer:
    """NotifyDERStartStop: a scheduled control began or ended."""
    sent = turn.payload
    facts = {"control": sent["controlId"], "started": sent["started"], "superseded": sent.get("supersededIds", [])}
    return noted(turn.happened("der_control", facts, turn.said_us()))


def der_report(turn: Turn) -> Answer:
    """ReportDERControl: the controls that were asked for."""
    sent = turn.payload
    facts: dict[str, Any] = {"request": sent["requestId"], "more": sent.get("tbc", False)}
    facts |= {name: sent[name] for name in _DER_LISTS if name in sent}
    return noted(turn.happened("der_report", facts))


def settlement(turn: Turn) -> Answer:
    """NotifySettlement: the payment terminal of the station took money. Receipts are ours by session, so none is named here."""
    sent = turn.payload
    facts = {
        "transaction": sent.get("transactionId", ""),
        "status": sent["status"],
        "amount": sent["settlementAmount"],
        "reference_digest": turn.digest(sent["pspRef"]),
    }
    return noted(turn.happened("settlement", facts, turn.said_us("settlementTime")))


def vat_number(turn: Turn) -> Answer:
    """VatNumberValidation: no register of companies is asked here. The number may be a person's and is not kept."""
    told = {"reasonCode": "NoRegister", "additionalInfo": "This central system asks no register of VAT numbers."}
    payload: dict[str, Any] = {"vatNumber": turn.payload["vatNumber"], "status": "Rejected", "statusInfo": told}
    if "evseId" in turn.payload:
        payload["evseId"] = turn.payload["evseId"]
    return Answer(payload, (turn.happened("vat_number", {"answer": "Rejected"}),))


def stream_opened(turn: Turn) -> Answer:  # noqa: ARG001  # handlers are called alike
    """OpenPeriodicEventStream: meter values come in transactions, so no stream is taken (N11)."""
    told = {"reasonCode": "NoStreams", "additionalInfo": "This central system takes no event streams."}
    return Answer({"status": "Rejected", "statusInfo": told})


def stream_closed(turn: Turn) -> Answer:
    """ClosePeriodicEventStream: there was none, which is what is wanted."""
    return noted(turn.happened("stream_closed", {"stream": turn.payload["id"]}))


def battery_swap(turn: Turn) -> Answer:
    """BatterySwap: no battery swap station is run by this system."""
    raise CallError("NotSupported", f"{turn.heard.action}: batteries are not swapped here.")


V21: dict[str, Handler] = {
    "NotifyDERAlarm": der_alarm,
    "NotifyDERStartStop": der_start_stop,
    "ReportDERControl": der_report,
    "NotifySettlement": settlement,
    "VatNumberValidation": vat_number,
    "OpenPeriodicEventStream": stream_opened,
    "ClosePeriodicEventStream": stream_closed,
    "BatterySwap": battery_swap,
}
