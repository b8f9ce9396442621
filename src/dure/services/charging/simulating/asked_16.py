"""What a virtual charger answers to requests of OCPP 1.6 and of its security whitepaper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dure.core.time import format_instant, from_us, parse_instant, to_us
from dure.protocols.ocpp.errors import CallError
from dure.services.charging.simulating import charger_deeds, charging_limits
from dure.services.charging.simulating.charger_state import Waiting
from dure.services.charging.simulating.virtual_charger import VirtualCharger

Payload = dict[str, Any]
READ_ONLY = {
    "NumberOfConnectors": "",
    "SupportedFeatureProfiles": "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
    "ChargeProfileMaxStackLevel": "10",
    "ChargingScheduleAllowedChargingRateUnit": "Current,Power",
    "ChargingScheduleMaxPeriods": "100",
    "MaxChargingProfilesInstalled": str(charger_deeds.PROFILES_MAX),
}


def answer(charger: VirtualCharger, action: str, payload: Payload, at_us: int) -> Payload:
    """The confirmation of a request; `CallError` for one it does not know."""
    found = HANDLERS.get(action)
    if found is None:
        raise CallError("NotImplemented", f"{action} is not known here")
    return found(charger, payload, at_us)


def _status(text: str) -> Payload:
    return {"status": text}


def _yes(is_done: bool) -> Payload:  # becomes the answer
    return _status("Accepted" if is_done else "Rejected")


def _is_number(charger: VirtualCharger, wanted: int | None) -> Callable[[str], bool]:
    return lambda key: wanted is None or charger.state.numbers.get(key) == wanted


def _remote_start(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    start = Waiting(payload["idTag"], "Central", 0)
    done = charger_deeds.by_remote(charger, payload.get("connectorId"), start, payload.get("chargingProfile"), at_us)
    return _yes(done is not None)


def _remote_stop(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    return _yes(charger_deeds.stop(charger, _is_number(charger, payload["transactionId"]), at_us))


def _unlock(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    return _status("Unlocked" if charger_deeds.unlock(charger, payload["connectorId"], at_us) else "NotSupported")


def _availability(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    return _status(charger_deeds.availability(charger, payload["connectorId"], payload["type"] == "Operative", at_us))


def _change(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # all handlers are called alike
    name, value = payload["key"], payload["value"]
    if name in READ_ONLY:
        return _status("Rejected")
    if name not in charger.state.variables:
        return _status("NotSupported")
    if charger.state.variables[name].isdigit() and not value.isdigit():
        return _status("Rejected")
    charger.state.variables[name] = value
    return _status("Accepted")


def _configuration(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    fixed = READ_ONLY | {"NumberOfConnectors": str(len(charger.evses))}
    known = {name: (value, True) for name, value in fixed.items()} | {
        name: (value, False) for name, value in charger.state.variables.items()
    }
    wanted = payload.get("key") or list(known)
    found = [{"key": n, "readonly": known[n][1], "value": known[n][0]} for n in wanted if n in known]
    unknown = [name for name in wanted if name not in known]
    return {"configurationKey": found} | ({"unknownKey": unknown} if unknown else {})


def _reset(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    charger_deeds.reset(charger, at_us, at_once=payload["type"] == "Hard")
    return _status("Accepted")


def _clear_cache(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    if not charger.state.list_version:
        charger.state.cards = {}
    return _status("Accepted")


def _trigger(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    wanted, number = payload["requestedMessage"], payload.get("connectorId") or 0
    if number and number not in charger.evses:
        return _status("Rejected")
    if wanted == "Heartbeat":
        charger.speech.heartbeat()
    elif wanted == "StatusNotification":
        for each in [number] if number else charger.evses:
            charger.speech.status(each, at_us)
    elif wanted == "MeterValues":
        charger_deeds.sample(charger, number, at_us)
    elif wanted == "BootNotification":
        charger.state.queue.append(charger.speech.boot())
    elif wanted in {"DiagnosticsStatusNotification", "FirmwareStatusNotification"}:
        charger.say(wanted, {"status": "Idle"})
    else:
        return _status("NotImplemented")
    return _status("Accepted")


def _set_profile(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    profile: Mapping[str, Any] = payload["csChargingProfiles"]
    is_it = _is_number(charger, profile.get("transactionId"))
    return _yes(charger_deeds.set_profile(charger, payload["connectorId"], profile, is_it, at_us))


def _clear_profile(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    def fits(one: charging_limits.Limits) -> bool:
        if "id" in payload:
            return bool(one.id == payload["id"])
        asked = (
            (payload.get("connectorId"), one.evse),
            (payload.get("chargingProfilePurpose"), one.purpose),
            (payload.get("stackLevel"), one.level),
        )
        return all(wanted in {None, own} for wanted, own in asked)

    return _status("Accepted" if charger_deeds.clear_profiles(charger, fits) else "Unknown")


def _schedule(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    number = payload["connectorId"]
    if number not in charger.evses:
        return _status("Rejected")
    unit = payload.get("chargingRateUnit", "W")
    phases = len(charger.evses[number].phases) or 3
    per_unit = charger.voltage_v * phases if unit == "A" else 1.0
    rows = charger.schedule(number, at_us, payload["duration"])
    periods = [{"startPeriod": second, "limit": int(10 * limit_w / per_unit) / 10} for second, limit_w in rows]
    return {
        "status": "Accepted",
        "connectorId": number,
        "scheduleStart": format_instant(from_us(at_us)),
        "chargingSchedule": {"duration": payload["duration"], "chargingRateUnit": unit, "chargingSchedulePeriod": periods},
    }


def _local_list(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    cards = {
        row["idTag"]: (row["idTagInfo"]["status"] == "Accepted" if row.get("idTagInfo") else None)
        for row in payload.get("localAuthorizationList", [])
    }
    return _status(charger_deeds.local_list(charger, payload["listVersion"], cards, is_full=payload["updateType"] == "Full"))


def _reserve(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:
    until_us = to_us(parse_instant(payload["expiryDate"]))
    return _status(
        charger_deeds.reserve(charger, payload["connectorId"], payload["reservationId"], payload["idTag"], until_us, at_us)
    )


def _diagnostics(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    for status in ("Uploading", "UploadFailed"):  # a virtual charger has no log to send
        charger.say("DiagnosticsStatusNotification", {"status": status})
    return {"fileName": f"{charger.charger.id}.log"}


def _firmware(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    for status in ("Downloading", "Downloaded", "Installing", "Installed"):
        charger.say("FirmwareStatusNotification", {"status": status})
    return {}


def _log(charger: VirtualCharger, payload: Payload, at_us: int) -> Payload:  # noqa: ARG001  # as above
    charger.say("LogStatusNotification", {"status": "UploadFailure", "requestId": payload["requestId"]})
    return {"status": "Accepted", "filename": f"{charger.charger.id}.log"}


HANDLERS: dict[str, Callable[[VirtualCharger, Payload, int], Payload]] = {
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "UnlockConnector": _unlock,
    "ChangeAvailability": _availability,
    "ChangeConfiguration": _change,
    "GetConfiguration": _configuration,
    "Reset": _reset,
    "ClearCache": _clear_cache,
    "TriggerMessage": _trigger,
    "ExtendedTriggerMessage": _trigger,
    "SetChargingProfile": _set_profile,
    "ClearChargingProfile": _clear_profile,
    "GetCompositeSchedule": _schedule,
    "GetLocalListVersion": lambda charger, _payload, _at: {"listVersion": charger.state.list_version},
    "SendLocalList": _local_list,
    "ReserveNow": _reserve,
    "CancelReservation": lambda charger, payload, at_us: _yes(charger_deeds.cancel(charger, payload["reservationId"], at_us)),
    "GetDiagnostics": _diagnostics,
    "UpdateFirmware": _firmware,
    "GetLog": _log,
    "DataTransfer": lambda _charger, _payload, _at: _status("UnknownVendorId"),
    "CertificateSigned": lambda _charger, _payload, _at: _status("Rejected"),  # it keeps no key that fits
    "InstallCertificate": lambda _charger, _payload, _at: _status("Accepted"),
    "GetInstalledCertificateIds": lambda _charger, _payload, _at: _status("NotFound"),
}
