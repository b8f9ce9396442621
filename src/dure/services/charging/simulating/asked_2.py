"""What a virtual charger answers to requests of OCPP 2.0.1 and 2.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dure.core.time import format_instant, from_us, parse_instant, to_us
from dure.protocols.ocpp.errors import CallError
from dure.services.charging.simulating import charger_deeds, charging_limits
from dure.services.charging.simulating.charger_state import Waiting
from dure.services.charging.simulating.virtual_charger import VirtualCharger

Payload = dict[str, Any]
REPORT_ROWS = 4
# (component, variable) of the standard's device model -> the station's own setting.
VARIABLES: dict[tuple[str, str], str] = {
    ("OCPPCommCtrlr", "HeartbeatInterval"): "HeartbeatInterval",
    ("SampledDataCtrlr", "TxUpdatedInterval"): "MeterValueSampleInterval",
    ("AlignedDataCtrlr", "Interval"): "ClockAlignedDataInterval",
    ("TxCtrlr", "EVConnectionTimeOut"): "ConnectionTimeOut",
    ("AuthCtrlr", "OfflineTxForUnknownIdEnabled"): "AllowOfflineTxForUnknownId",
    ("AuthCtrlr", "LocalPreAuthorize"): "LocalPreAuthorize",
    ("TxCtrlr", "StopTxOnInvalidId"): "StopTransactionOnInvalidId",
}


def answer(charger: VirtualCharger, action: str, payload: Payload, at_us: int) -> Payload:
    """The response to a request; `CallError` for one it does not know."""
    found = HANDLERS.get(action)
    if found is None:
        raise CallError("NotImplemented", f"{action} is not known here")
    return found(charger, payload, at_us)


def _status(text: str) -> Payload:
    return {"status": text}


def _yes(is_done: bool) -> Payload:  # becomes the answer
    return _status("Accepted" if is_done else "Rejected")


def _start(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    token = payload["idToken"]
    start = Waiting(token["idToken"], token["type"], 0, payload["remoteStartId"])
    done = charger_deeds.by_remote(charger, payload.get("evseId"), start, payload.get("chargingProfile"), at_us)
    return _yes(done is not None) | ({"transactionId": done} if done else {})


def _stop(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    return _yes(charger_deeds.stop(charger, payload["transactionId"].__eq__, at_us))


def _unlock(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    one = charger.state.evses.get(payload["evseId"])
    if one is None:
        return _status("UnknownConnector")
    if one.tx is not None:
        return _status("OngoingAuthorizedTransaction")
    return _status("Unlocked" if charger_deeds.unlock(charger, payload["evseId"], at_us) else "UnlockFailed")


def _availability(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    number = payload.get("evse", {}).get("id", 0)
    return _status(charger_deeds.availability(charger, number, payload["operationalStatus"] == "Operative", at_us))


def _get_variables(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # all handlers are called alike
    found = []
    for row in payload["getVariableData"]:
        status, own = _variable(row)
        one = {"attributeStatus": status, "component": row["component"], "variable": row["variable"]}
        found.append(one | ({"attributeValue": charger.state.variables[own]} if status == "Accepted" else {}))
    return {"getVariableResult": found}


def _variable(row: Payload) -> tuple[str, str]:
    place = row["component"]["name"], row["variable"]["name"]
    if place in VARIABLES:
        fits = row.get("attributeType", "Actual") == "Actual"
        return "Accepted" if fits else "NotSupportedAttributeType", VARIABLES[place]
    known = {component for component, _ in VARIABLES}
    return "UnknownVariable" if place[0] in known else "UnknownComponent", ""


def _set_variables(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    found = []
    for row in payload["setVariableData"]:
        status, own = _variable(row)
        value = row["attributeValue"]
        if status == "Accepted" and charger.state.variables[own].isdigit() and not value.isdigit():
            status = "Rejected"
        if status == "Accepted":
            charger.state.variables[own] = value
        found.append({"attributeStatus": status, "component": row["component"], "variable": row["variable"]})
    return {"setVariableResult": found}


def _report(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    rows = [
        {
            "component": {"name": component},
            "variable": {"name": variable},
            "variableAttribute": [{"type": "Actual", "value": charger.state.variables[own], "mutability": "ReadWrite"}],
            "variableCharacteristics": {
                "dataType": "integer" if charger.state.variables[own].isdigit() else "boolean",
                "supportsMonitoring": False,
            },
        }
        for (component, variable), own in VARIABLES.items()
    ]
    parts = [rows[n : n + REPORT_ROWS] for n in range(0, len(rows), REPORT_ROWS)]
    for n, part in enumerate(parts):
        charger.say(
            "NotifyReport",
            {
                "requestId": payload["requestId"],
                "generatedAt": format_instant(from_us(at_us)),
                "seqNo": n,
                "tbc": n + 1 < len(parts),
                "reportData": part,
            },
        )
    return _status("Accepted")


def _reset(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    is_now = charger_deeds.reset(charger, at_us, at_once=payload["type"] == "Immediate")
    return _status("Accepted" if is_now else "Scheduled")


def _trigger(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    wanted, number = payload["requestedMessage"], payload.get("evse", {}).get("id", 0)
    if number and number not in charger.evses:
        return _status("Rejected")
    if wanted == "Heartbeat":
        charger.speech.heartbeat()
    elif wanted == "StatusNotification":
        for each in [number] if number else charger.evses:
            charger.speech.status(each, at_us)
    elif wanted in {"MeterValues", "TransactionEvent"}:
        charger_deeds.sample(charger, number, at_us)
    elif wanted == "BootNotification":
        charger.state.queue.append(charger.speech.boot())
    elif wanted in {"LogStatusNotification", "FirmwareStatusNotification"}:
        charger.say(wanted, {"status": "Idle"})
    else:
        return _status("NotImplemented")
    return _status("Accepted")


def _set_profile(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    profile = payload["chargingProfile"]
    wanted = profile.get("transactionId")
    return _yes(
        charger_deeds.set_profile(charger, payload["evseId"], profile, lambda key: wanted is None or key == wanted, at_us)
    )


def _fits(payload: Payload, wanted: Payload) -> Callable[[charging_limits.Limits], bool]:
    def fits(one: charging_limits.Limits) -> bool:
        asked = (
            (payload.get("chargingProfileId"), one.id),
            (wanted.get("evseId"), one.evse),
            (wanted.get("chargingProfilePurpose"), one.purpose),
            (wanted.get("stackLevel"), one.level),
        )
        listed = wanted.get("chargingProfileId")
        return all(want in {None, own} for want, own in asked) and (listed is None or one.id in listed)

    return fits


def _clear_profile(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    fits = _fits(payload, payload.get("chargingProfileCriteria", {}))
    return _status("Accepted" if charger_deeds.clear_profiles(charger, fits) else "Unknown")


def _get_profiles(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    wanted = payload["chargingProfile"] | ({"evseId": payload["evseId"]} if "evseId" in payload else {})
    found = [one for one in charger.state.profiles if _fits({}, wanted)(one)]
    for n, one in enumerate(found):
        charger.say(
            "ReportChargingProfiles",
            {
                "requestId": payload["requestId"],
                "chargingLimitSource": "CSO",
                "evseId": one.evse,
                "chargingProfile": [one.raw],
                "tbc": n + 1 < len(found),
            },
        )
    return _status("Accepted" if found else "NoProfiles")


def _schedule(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    number = payload["evseId"]
    if number not in charger.evses:
        return _status("Rejected")
    unit = payload.get("chargingRateUnit", "W")
    per_unit = charger.voltage_v * (len(charger.evses[number].phases) or 3) if unit == "A" else 1.0
    rows = charger.schedule(number, at_us, payload["duration"])
    schedule = {
        "evseId": number,
        "duration": payload["duration"],
        "scheduleStart": format_instant(from_us(at_us)),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": second, "limit": int(10 * w / per_unit) / 10} for second, w in rows],
    }
    return {"status": "Accepted", "schedule": schedule}


def _local_list(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    cards = {
        row["idToken"]["idToken"]: (row["idTokenInfo"]["status"] == "Accepted" if row.get("idTokenInfo") else None)
        for row in payload.get("localAuthorizationList", [])
    }
    return _status(charger_deeds.local_list(charger, payload["versionNumber"], cards, is_full=payload["updateType"] == "Full"))


def _reserve(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    until_us = to_us(parse_instant(payload["expiryDateTime"]))
    token = payload["idToken"]["idToken"]
    return _status(charger_deeds.reserve(charger, payload.get("evseId", 0), payload["id"], token, until_us, at_us))


def _transaction(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    key = payload.get("transactionId", "")
    waits = any(one.kept and (not key or one.tx == key) for one in charger.state.queue)
    if not key:
        return {"messagesInQueue": waits}
    return {
        "ongoingIndicator": any(one.tx and one.tx.key == key for one in charger.state.evses.values()),
        "messagesInQueue": waits,
    }


def _display(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    charger.state.messages[str(payload["message"]["id"])] = payload["message"]
    return _status("Accepted")


def _displays(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    found = [m for m in charger.state.messages.values() if m["id"] in payload.get("id", [m["id"]])]
    if found:
        charger.say("NotifyDisplayMessages", {"requestId": payload["requestId"], "messageInfo": found})
    return _status("Accepted" if found else "Unknown")


def _clear_display(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    return _status("Accepted" if charger.state.messages.pop(str(payload["id"]), None) else "Unknown")


def _log(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    for status in ("Uploading", "UploadFailure"):  # a virtual charger has no log to send
        charger.say("LogStatusNotification", {"status": status, "requestId": payload["requestId"]})
    return {"status": "Accepted", "filename": f"{charger.charger.id}.log"}


def _firmware(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    for status in ("Downloading", "Downloaded", "Installing", "Installed"):
        charger.say("FirmwareStatusNotification", {"status": status, "requestId": payload["requestId"]})
    return _status("Accepted")


def _clear_cache(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    if not charger.state.list_version:
        charger.state.cards = {}
    return _status("Accepted")


HANDLERS: dict[str, Callable[[VirtualCharger, Payload, int], Payload]] = {
    "RequestStartTransaction": _start,
    "RequestStopTransaction": _stop,
    "UnlockConnector": _unlock,
    "ChangeAvailability": _availability,
    "GetVariables": _get_variables,
    "SetVariables": _set_variables,
    "GetBaseReport": _report,
    "GetReport": _report,
    "Reset": _reset,
    "TriggerMessage": _trigger,
    "SetChargingProfile": _set_profile,
    "ClearChargingProfile": _clear_profile,
    "GetChargingProfiles": _get_profiles,
    "GetCompositeSchedule": _schedule,
    "GetLocalListVersion": lambda charger, _payload, _at: {"versionNumber": charger.state.list_version},
    "SendLocalList": _local_list,
    "ReserveNow": _reserve,
    "CancelReservation": lambda charger, payload, at_us: _yes(charger_deeds.cancel(charger, payload["reservationId"], at_us)),
    "GetTransactionStatus": _transaction,
    "CostUpdated": lambda _charger, _payload, _at: {},
    "SetDisplayMessage": _display,
    "GetDisplayMessages": _displays,
    "ClearDisplayMessage": _clear_display,
    "GetLog": _log,
    "UpdateFirmware": _firmware,
    "ClearCache": _clear_cache,
    "DataTransfer": lambda _charger, _payload, _at: _status("UnknownVendorId"),
    "CertificateSigned": lambda _charger, _payload, _at: _status("Rejected"),  # it keeps no key that fits
    "InstallCertificate": lambda _charger, _payload, _at: _status("Accepted"),
    "GetInstalledCertificateIds": lambda _charger, _payload, _at: _status("NotFound"),
}
