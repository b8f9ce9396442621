"""What a station can be asked, in words that do not depend on its version: each becomes the message of its version. Pure.

======================  =====================================================================
``call.unknown``        there is no such verb
``call.argument``       an argument is missing or cannot be used
``call.unfit``          the station's version of OCPP has no message for it
======================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from dure.core.errors import InputError
from dure.services.charging.model import Version

OLD: Version = "ocpp1.6"
NEWEST: Version = "ocpp2.1"
CHARGER_CTRLR = "OCPPCommCtrlr"


class Question(NamedTuple):
    """A message of a version."""

    action: str
    payload: dict[str, Any]


class Given:
    """Arguments, read by name and kind; what is missing or odd is refused with ``call.argument``."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._given = arguments

    def whole(self, name: str, usual: int | None = None) -> int:
        """A whole number."""
        value = self._given.get(name, usual)
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InputError("call.argument", f"{name} must be a whole number.")
        return value

    def text(self, name: str, usual: str | None = None, *, least: int = 1) -> str:
        """A text."""
        value = self._given.get(name, usual)
        if not isinstance(value, str) or len(value) < least:
            raise InputError("call.argument", f"{name} must be a text.")
        return value

    def yes(self, name: str, *, usual: bool) -> bool:
        """Yes or no."""
        value = self._given.get(name, usual)
        if value in {"yes", "no"}:
            return bool(value == "yes")
        if not isinstance(value, bool):
            raise InputError("call.argument", f"{name} must be yes or no.")
        return value

    def object(self, name: str) -> dict[str, Any] | None:
        """A JSON object, or nothing."""
        value = self._given.get(name)
        if value is not None and not isinstance(value, dict):
            raise InputError("call.argument", f"{name} must be an object.")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts, or a text of words."""
        value = self._given.get(name, [])
        listed = value.split() if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise InputError("call.argument", f"{name} must be a list of texts.")
        return listed


Verb = Callable[[Version, Given], Question]


def _start(version: Version, given: Given) -> Question:
    token, profile, evse = given.text("token"), given.object("profile"), given.whole("evse", 0)
    if version == OLD:
        found: dict[str, Any] = {"idTag": token} | ({"connectorId": evse} if evse else {})
        return Question("RemoteStartTransaction", found | ({"chargingProfile": profile} if profile else {}))
    found = {"remoteStartId": given.whole("remote_start"), "idToken": {"idToken": token, "type": given.text("type", "Central")}}
    found |= {"evseId": evse} if evse else {}
    group = given.text("group", "", least=0)
    found |= {"groupIdToken": {"idToken": group, "type": "Central"}} if group else {}
    return Question("RequestStartTransaction", found | ({"chargingProfile": profile} if profile else {}))


def _stop(version: Version, given: Given) -> Question:
    if version == OLD:
        return Question("RemoteStopTransaction", {"transactionId": given.whole("transaction")})
    return Question("RequestStopTransaction", {"transactionId": given.text("transaction")})


def _unlock(version: Version, given: Given) -> Question:
    if version == OLD:
        return Question("UnlockConnector", {"connectorId": given.whole("evse")})
    return Question("UnlockConnector", {"evseId": given.whole("evse"), "connectorId": given.whole("connector", 1)})


def _reset(version: Version, given: Given) -> Question:
    hard = given.yes("hard", usual=False)
    if version == OLD:
        return Question("Reset", {"type": "Hard" if hard else "Soft"})
    evse = given.whole("evse", 0)
    return Question("Reset", {"type": "Immediate" if hard else "OnIdle"} | ({"evseId": evse} if evse else {}))


def _availability(version: Version, given: Given) -> Question:
    status = "Operative" if given.yes("operative", usual=True) else "Inoperative"
    evse = given.whole("evse", 0)
    if version == OLD:
        return Question("ChangeAvailability", {"connectorId": evse, "type": status})
    return Question("ChangeAvailability", {"operationalStatus": status} | ({"evse": {"id": evse}} if evse else {}))


_OLD_NAMES = {"SignChargingStationCertificate": "SignChargePointCertificate"}
_EXTENDED = frozenset({"LogStatusNotification", "SignChargePointCertificate"})


def _trigger(version: Version, given: Given) -> Question:
    message, evse = given.text("message"), given.whole("evse", 0)
    if version == OLD:
        name = _OLD_NAMES.get(message, message)
        action = "ExtendedTriggerMessage" if name in _EXTENDED else "TriggerMessage"
        return Question(action, {"requestedMessage": name} | ({"connectorId": evse} if evse else {}))
    return Question("TriggerMessage", {"requestedMessage": message} | ({"evse": {"id": evse}} if evse else {}))


def _read_settings(version: Version, given: Given) -> Question:
    names = given.texts("names")
    if version == OLD:
        return Question("GetConfiguration", {"key": names} if names else {})
    if not names:
        return Question("GetBaseReport", {"requestId": given.whole("request"), "reportBase": "FullInventory"})
    return Question("GetVariables", {"getVariableData": [_variable(one) for one in names]})


def _change_setting(version: Version, given: Given) -> Question:
    name, value = given.text("name"), given.text("value", least=0)
    if version == OLD:
        return Question("ChangeConfiguration", {"key": name, "value": value})
    return Question("SetVariables", {"setVariableData": [_variable(name) | {"attributeValue": value}]})


def _variable(name: str) -> dict[str, Any]:
    component, dot, variable = name.partition(".")
    if not dot or not component or not variable:
        raise InputError("call.argument", f"{name[:80]!r} is no Component.Variable.")
    return {"component": {"name": component}, "variable": {"name": variable}}


def _clear_cache(version: Version, given: Given) -> Question:  # noqa: ARG001  # verbs are called alike
    return Question("ClearCache", {})


def _list_version(version: Version, given: Given) -> Question:  # noqa: ARG001  # verbs are called alike
    return Question("GetLocalListVersion", {})


def _send_list(version: Version, given: Given) -> Question:
    number, entries = given.whole("version"), given.object("entries") or {}
    kind = "Differential" if given.yes("differential", usual=False) else "Full"
    if version == OLD:
        listed: list[dict[str, Any]] = [{"idTag": token, "idTagInfo": _info_16(info)} for token, info in entries.items()]
        return Question("SendLocalList", {"listVersion": number, "updateType": kind, "localAuthorizationList": listed})
    listed = [
        {"idToken": {"idToken": token, "type": "ISO14443"}, "idTokenInfo": _info_2(info)} for token, info in entries.items()
    ]
    found: dict[str, Any] = {"versionNumber": number, "updateType": kind}
    return Question("SendLocalList", found | ({"localAuthorizationList": listed} if listed else {}))


def _info_16(info: Mapping[str, Any]) -> dict[str, Any]:
    found = {"status": info["status"]}
    found |= {"expiryDate": info["expires"]} if info.get("expires") else {}
    return found | ({"parentIdTag": info["group"]} if info.get("group") else {})


def _info_2(info: Mapping[str, Any]) -> dict[str, Any]:
    found = {"status": info["status"]}
    found |= {"cacheExpiryDateTime": info["expires"]} if info.get("expires") else {}
    return found | ({"groupIdToken": {"idToken": info["group"], "type": "Central"}} if info.get("group") else {})


def _reserve(version: Version, given: Given) -> Question:
    evse, until, token = given.whole("evse", 0), given.text("until"), given.text("token")
    if version == OLD:
        found: dict[str, Any] = {"connectorId": evse, "expiryDate": until, "idTag": token}
        return Question("ReserveNow", found | {"reservationId": given.whole("reservation")})
    found = {"id": given.whole("reservation"), "expiryDateTime": until}
    found |= {"idToken": {"idToken": token, "type": given.text("type", "Central")}}
    return Question("ReserveNow", found | ({"evseId": evse} if evse else {}))


def _cancel_reservation(version: Version, given: Given) -> Question:  # noqa: ARG001  # verbs are called alike
    return Question("CancelReservation", {"reservationId": given.whole("reservation")})


def _set_profile(version: Version, given: Given) -> Question:
    evse, profile = given.whole("evse", 0), given.object("profile")
    if profile is None:
        raise InputError("call.argument", "profile must be an object.")
    if version == OLD:
        return Question("SetChargingProfile", {"connectorId": evse, "csChargingProfiles": profile})
    return Question("SetChargingProfile", {"evseId": evse, "chargingProfile": profile})


def _clear_profile(version: Version, given: Given) -> Question:
    profile, evse, purpose = given.whole("profile", 0), given.whole("evse", -1), given.text("purpose", "", least=0)
    if version == OLD:
        found: dict[str, Any] = {"id": profile} if profile else {}
        found |= {"connectorId": evse} if evse >= 0 else {}
        return Question("ClearChargingProfile", found | ({"chargingProfilePurpose": purpose} if purpose else {}))
    if profile:
        return Question("ClearChargingProfile", {"chargingProfileId": profile})
    wanted: dict[str, Any] = {"evseId": evse} if evse >= 0 else {}
    wanted |= {"chargingProfilePurpose": purpose} if purpose else {}
    return Question("ClearChargingProfile", {"chargingProfileCriteria": wanted})


def _read_schedule(version: Version, given: Given) -> Question:
    where = "connectorId" if version == OLD else "evseId"
    return Question("GetCompositeSchedule", {where: given.whole("evse"), "duration": given.whole("duration_s", 86_400)})


def _update_firmware(version: Version, given: Given) -> Question:
    location, at = given.text("location"), given.text("at")
    certificate, signature = given.text("certificate", "", least=0), given.text("signature", "", least=0)
    firmware = {"location": location, "retrieveDateTime": at}
    firmware |= {"signingCertificate": certificate, "signature": signature} if signature else {}
    if version != OLD:
        return Question("UpdateFirmware", {"requestId": given.whole("request"), "firmware": firmware})
    if signature:
        return Question("SignedUpdateFirmware", {"requestId": given.whole("request"), "firmware": firmware})
    return Question("UpdateFirmware", {"location": location, "retrieveDate": at})


def _fetch_log(version: Version, given: Given) -> Question:
    location, security = given.text("location"), given.yes("security", usual=False)
    if version == OLD and not security:
        return Question("GetDiagnostics", {"location": location})
    kind = "SecurityLog" if security else "DiagnosticsLog"
    return Question("GetLog", {"log": {"remoteLocation": location}, "logType": kind, "requestId": given.whole("request")})


def _show_message(version: Version, given: Given) -> Question:
    _not_old(version, "messages on its display")
    message: dict[str, Any] = {"id": given.whole("id"), "priority": given.text("priority", "NormalCycle")}
    content: dict[str, Any] = {"format": "UTF8", "content": given.text("text")}
    language = given.text("language", "", least=0)
    message["message"] = content | ({"language": language} if language else {})
    for name, field in (("from", "startDateTime"), ("until", "endDateTime"), ("transaction", "transactionId")):
        if told := given.text(name, "", least=0):
            message[field] = told
    return Question("SetDisplayMessage", {"message": message})


def _clear_message(version: Version, given: Given) -> Question:
    _not_old(version, "messages on its display")
    return Question("ClearDisplayMessage", {"id": given.whole("id")})


def _tell_cost(version: Version, given: Given) -> Question:
    _not_old(version, "running costs")
    return Question("CostUpdated", {"totalCost": given.whole("won"), "transactionId": given.text("transaction")})


def _set_tariff(version: Version, given: Given) -> Question:
    if version != NEWEST:
        raise InputError("call.unfit", "Only OCPP 2.1 knows tariffs.")
    return Question("SetDefaultTariff", {"evseId": given.whole("evse", 0), "tariff": given.object("tariff") or {}})


def _transfer(version: Version, given: Given) -> Question:  # noqa: ARG001  # verbs are called alike
    found = {"vendorId": given.text("vendor")}
    for name, field in (("message", "messageId"), ("data", "data")):
        if told := given.text(name, "", least=0):
            found[field] = told
    return Question("DataTransfer", found)


def _not_old(version: Version, what: str) -> None:
    if version == OLD:
        raise InputError("call.unfit", f"OCPP 1.6 has no {what}.")


VERBS: dict[str, Verb] = {
    "start": _start,
    "stop": _stop,
    "unlock": _unlock,
    "reset": _reset,
    "availability": _availability,
    "trigger": _trigger,
    "read_settings": _read_settings,
    "change_setting": _change_setting,
    "clear_cache": _clear_cache,
    "list_version": _list_version,
    "send_list": _send_list,
    "reserve": _reserve,
    "cancel_reservation": _cancel_reservation,
    "set_profile": _set_profile,
    "clear_profile": _clear_profile,
    "read_schedule": _read_schedule,
    "update_firmware": _update_firmware,
    "fetch_log": _fetch_log,
    "show_message": _show_message,
    "clear_message": _clear_message,
    "tell_cost": _tell_cost,
    "set_tariff": _set_tariff,
    "transfer": _transfer,
}


def question(verb: str, version: Version, arguments: Mapping[str, Any]) -> Question:
    """The message of a version for a verb; refused with one of the codes above."""
    make = VERBS.get(verb)
    if make is None:
        raise InputError("call.unknown", f"Stations are asked no {verb[:40]!r}: {', '.join(VERBS)}.")
    return make(version, Given(arguments))
