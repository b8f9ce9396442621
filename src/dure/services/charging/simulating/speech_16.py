"""OCPP 1.6J as a virtual charger speaks it."""

from __future__ import annotations

from typing import Any

from dure.core.time import format_instant, from_us
from dure.services.charging.simulating import asked_16
from dure.services.charging.simulating.charger_state import Car, Said, Tx
from dure.services.charging.simulating.virtual_charger import VirtualCharger

FIRMWARE = "1.4.2"
REASONS = {"StoppedByEV": "Other", "TimeLimitReached": "Other", "SOCLimitReached": "Other", "ImmediateReset": "HardReset"}


class Speech16:
    """What it says, and how it takes answers and questions."""

    def __init__(self, charger: VirtualCharger) -> None:
        self._charger = charger

    def _time(self, at_us: int) -> str:
        return format_instant(from_us(self._charger.stamp_us(at_us) // 1_000 * 1_000))

    def boot(self) -> Said:
        """BootNotification.req."""
        one = self._charger.charger
        payload = {
            "chargePointVendor": "Dure",
            "chargePointModel": "Virtual 1.6",
            "firmwareVersion": FIRMWARE,
            "chargePointSerialNumber": (one.serial or one.id)[:25],
        }
        return self._charger.call_of("BootNotification", payload)

    def heartbeat(self) -> None:
        """Heartbeat.req."""
        self._charger.say("Heartbeat", {})

    def status(self, number: int, at_us: int) -> None:
        """StatusNotification.req."""
        status = self._charger.status_of(number)
        payload = {"connectorId": number, "errorCode": "NoError", "status": status, "timestamp": self._time(at_us)}
        self._charger.say("StatusNotification", payload, evse=number)

    def authorize(self, number: int, token: str, kind: str) -> None:  # noqa: ARG002  # 1.6 knows one kind of token
        """Authorize.req."""
        self._charger.say("Authorize", {"idTag": token}, evse=number)

    def began(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:  # noqa: ARG002  # 1.6 does not tell why
        """StartTransaction.req."""
        payload = {"connectorId": number, "idTag": tx.token, "meterStart": tx.begin_wh, "timestamp": self._time(at_us)}
        self._charger.say("StartTransaction", payload, tx=tx.key, evse=number, kept=True)

    def went_on(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:
        """MeterValues.req of a transaction; a charging state is told by StatusNotification alone."""
        if trigger == "ChargingStateChanged":
            return
        tx.told_us = at_us if trigger == "MeterValuePeriodic" else tx.told_us
        context = {"MeterValueClock": "Sample.Clock", "Trigger": "Trigger"}.get(trigger, "Sample.Periodic")
        payload = {"connectorId": number, "meterValue": [self._values(number, at_us, context)]}
        self._charger.say("MeterValues", payload, tx=tx.key, evse=number, kept=True)

    def ended(self, number: int, tx: Tx, at_us: int, reason: str) -> None:
        """StopTransaction.req."""
        payload: dict[str, Any] = {
            "meterStop": self._charger.shown_wh(number, at_us),
            "timestamp": self._time(at_us),
            "reason": REASONS.get(reason, reason),
        }
        if reason == "Local":
            payload["idTag"] = tx.token
        self._charger.say("StopTransaction", payload, tx=tx.key, evse=number, kept=True)

    def aligned(self, number: int, at_us: int) -> None:
        """MeterValues.req without a transaction."""
        payload = {"connectorId": number, "meterValue": [self._values(number, at_us, "Sample.Clock")]}
        self._charger.say("MeterValues", payload, evse=number)

    def needs(self, number: int, car: Car) -> None:
        """Nothing: 1.6 has no words for it."""

    def _values(self, number: int, at_us: int, context: str) -> dict[str, Any]:
        charger = self._charger
        state, evse = charger.state.evses[number], charger.evses[number]
        values = [("Energy.Active.Import.Register", str(charger.shown_wh(number, at_us)), "Wh", "Outlet")]
        values.append(("Power.Active.Import", f"{state.power_w:.0f}", "W", "Outlet"))
        if evse.phases:
            amperes = state.power_w / charger.voltage_v / len(evse.phases)
            values.append(("Current.Import", f"{amperes:.1f}", "A", "Outlet"))
        elif state.car is not None:
            values.append(("SoC", f"{100 * state.car.soc:.0f}", "Percent", "EV"))
        sampled = [
            {"value": value, "context": context, "measurand": measurand, "unit": unit, "location": location}
            for measurand, value, unit, location in values
        ]
        return {"timestamp": self._time(at_us), "sampledValue": sampled}

    def answered(self, said: Said, answer: dict[str, Any], at_us: int) -> None:
        """Confirmations that change something here."""
        charger = self._charger
        is_good = answer.get("idTagInfo", {}).get("status") == "Accepted"
        if said.action == "Authorize":
            charger.authorized(said.evse, said.payload["idTag"], is_good, at_us)
        elif said.action == "StartTransaction":
            charger.state.numbers[said.tx] = answer["transactionId"]
            tx = charger.state.evses[said.evse].tx
            if not is_good and tx is not None and tx.key == said.tx:
                charger.state.cards[tx.token] = False
                if charger.state.variables["StopTransactionOnInvalidId"] == "true":
                    charger.end(said.evse, at_us, "DeAuthorized")
        elif said.action == "StopTransaction":
            charger.state.numbers.pop(said.tx, None)

    def asked(self, action: str, payload: dict[str, Any], at_us: int) -> dict[str, Any]:
        """Requests of the central system."""
        return asked_16.answer(self._charger, action, payload, at_us)


def numbered(charger: VirtualCharger, said: Said) -> dict[str, Any]:
    """The payload with the central system's id of the transaction, where it belongs; 0 when it never gave one."""
    if said.tx and said.action in {"MeterValues", "StopTransaction"}:
        return said.payload | {"transactionId": charger.state.numbers.get(said.tx, 0)}
    return said.payload
