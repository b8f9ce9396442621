"""What follows from a station's answer to a call: its settings are known, a reservation stands, a list is installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection

from dure.services.charging.stations import call_records, certificate_records, reservation_records, station_records
from dure.services.charging.stations.call_records import Answered
from dure.services.charging.stations.reports import place_name
from dure.services.charging.stations.station_records import Report
from dure.services.charging.tokens import list_records

Follow = Callable[[Connection, Answered, dict[str, Any]], None]
ACCEPTED = "Accepted"


def take(connection: Connection, answered: Sequence[Answered], payloads: Sequence[dict[str, Any]]) -> None:
    """Keep answers, and what each means; a call that got none means nothing yet."""
    call_records.store(connection, answered)
    for one, payload in zip(answered, payloads, strict=True):
        follow = FOLLOWS.get(one.action)
        if follow is not None and (one.answer is not None or one.code == "station.refused"):
            follow(connection, one, payload)


def _status(one: Answered) -> str:
    return str((one.answer or {}).get("status", ""))


def _configuration(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:  # noqa: ARG001  # all are called alike
    listed = (one.answer or {}).get("configurationKey", ())
    found = [
        Report("configuration", each["key"], {"value": each.get("value", ""), "readonly": each["readonly"]}, one.answered_at)
        for each in listed
    ]
    station_records.store_reports(connection, one.charger, found)


def _changed(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    if _status(one) in {ACCEPTED, "RebootRequired"}:
        value = {"value": payload["value"], "readonly": False}
        station_records.store_reports(connection, one.charger, [Report("configuration", payload["key"], value, one.answered_at)])


def _variables(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:  # noqa: ARG001  # all are called alike
    found = []
    for each in (one.answer or {}).get("getVariableResult", ()):
        if each["attributeStatus"] == ACCEPTED:
            attribute = {"type": each.get("attributeType", "Actual"), "value": each.get("attributeValue", "")}
            name = place_name(each["component"], each["variable"])
            found.append(Report("variables", name, {"attributes": [attribute], "characteristics": {}}, one.answered_at))
    station_records.store_reports(connection, one.charger, found)


def _set_variables(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    found = []
    results = (one.answer or {}).get("setVariableResult", ())
    for asked, each in zip(payload["setVariableData"], results, strict=False):
        if each["attributeStatus"] in {ACCEPTED, "RebootRequired"}:
            attribute = {"type": each.get("attributeType", "Actual"), "value": asked["attributeValue"]}
            name = place_name(each["component"], each["variable"])
            found.append(Report("variables", name, {"attributes": [attribute], "characteristics": {}}, one.answered_at))
    station_records.store_reports(connection, one.charger, found)


def _list_sent(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    number = payload.get("listVersion", payload.get("versionNumber", 0))
    list_records.settle(connection, one.charger, number, accepted=_status(one) == ACCEPTED, at=one.answered_at)


def _reserved(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    number = payload.get("reservationId", payload.get("id", 0))
    state: reservation_records.State = "reserved" if _status(one) == ACCEPTED else "refused"
    reservation_records.move(connection, number, state, one.answered_at)


def _cancelled(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    if _status(one) == ACCEPTED:
        reservation_records.move(connection, payload["reservationId"], "cancelled", one.answered_at)


def _installed(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    state: certificate_records.State = "installed" if _status(one) == ACCEPTED else "refused"
    certificate_records.settle(connection, one.charger, payload["certificateChain"], state)


def _schedule(connection: Connection, one: Answered, payload: dict[str, Any]) -> None:
    if _status(one) == ACCEPTED:
        evse = payload.get("connectorId", payload.get("evseId", 0))
        station_records.store_reports(connection, one.charger, [Report("composite", str(evse), one.answer, one.answered_at)])


FOLLOWS: dict[str, Follow] = {
    "GetConfiguration": _configuration,
    "ChangeConfiguration": _changed,
    "GetVariables": _variables,
    "SetVariables": _set_variables,
    "SendLocalList": _list_sent,
    "ReserveNow": _reserved,
    "CancelReservation": _cancelled,
    "CertificateSigned": _installed,
    "GetCompositeSchedule": _schedule,
}
