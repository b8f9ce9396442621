"""OCPP 2.0.1 and 2.1 as a virtual charger speaks them."""

from __future__ import annotations

from typing import Any

from dure.core.time import format_instant, from_us
from dure.services.charging.simulating import asked_2
from dure.services.charging.simulating.charger_state import Car, Said, Tx
from dure.services.charging.simulating.virtual_charger import VirtualCharger

FIRMWARE = "2.3.0"
STATUSES = {"Available": "Available", "Unavailable": "Unavailable", "Reserved": "Reserved"}
CONTEXTS = {"MeterValueClock": "Sample.Clock", "Trigger": "Trigger"}
STOP_TRIGGERS = {
    "Local": "StopAuthorized",
    "Remote": "RemoteStop",
    "EVDisconnected": "EVDeparted",
    "DeAuthorized": "Deauthorized",
}
EV_VOLTS_DC = 800


class Speech2:
    """What it says, and how it takes answers and questions."""

    def __init__(self, charger: VirtualCharger) -> None:
        self._charger = charger

    def _time(self, at_us: int) -> str:
        return format_instant(from_us(self._charger.stamp_us(at_us) // 1_000 * 1_000))

    def boot(self) -> Said:
        """BootNotificationRequest."""
        one = self._charger.charger
        station = {
            "vendorName": "Dure",
            "model": f"Virtual {self._charger.version.removeprefix('ocpp')}",
            "serialNumber": (one.serial or one.id)[:25],
            "firmwareVersion": FIRMWARE,
        }
        return self._charger.call_of("BootNotification", {"reason": "PowerUp", "chargingStation": station})

    def heartbeat(self) -> None:
        """HeartbeatRequest."""
        self._charger.say("Heartbeat", {})

    def status(self, number: int, at_us: int) -> None:
        """StatusNotificationRequest."""
        status = STATUSES.get(self._charger.status_of(number), "Occupied")
        payload = {"timestamp": self._time(at_us), "connectorStatus": status, "evseId": number, "connectorId": 1}
        self._charger.say("StatusNotification", payload, evse=number)

    def authorize(self, number: int, token: str, kind: str) -> None:
        """AuthorizeRequest."""
        self._charger.say("Authorize", {"idToken": {"idToken": token, "type": kind}}, evse=number)

    def began(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:
        """TransactionEventRequest, Started."""
        self._event("Started", number, tx, at_us, trigger)

    def went_on(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:
        """TransactionEventRequest, Updated."""
        if trigger == "MeterValuePeriodic":
            tx.told_us = at_us
        self._event("Updated", number, tx, at_us, trigger)

    def ended(self, number: int, tx: Tx, at_us: int, reason: str) -> None:
        """TransactionEventRequest, Ended."""
        self._event("Ended", number, tx, at_us, STOP_TRIGGERS.get(reason, "AbnormalCondition"), reason)

    def _event(self, step: str, number: int, tx: Tx, at_us: int, trigger: str, reason: str = "") -> None:  # as the message
        charger = self._charger
        info: dict[str, Any] = {"transactionId": tx.key, "chargingState": "EVConnected" if step == "Ended" else tx.state}
        if reason:
            info["stoppedReason"] = reason
        if tx.remote_start:
            info["remoteStartId"] = tx.remote_start
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(step) or CONTEXTS.get(
            trigger, "Sample.Periodic"
        )
        payload: dict[str, Any] = {
            "eventType": step,
            "timestamp": self._time(at_us),
            "triggerReason": trigger,
            "seqNo": tx.seq,
            "transactionInfo": info,
            "evse": {"id": number, "connectorId": 1},
            "meterValue": [self._values(number, at_us, context)],
        }
        if not charger.online:
            payload["offline"] = True
        if step == "Started" or trigger == "StopAuthorized":
            payload["idToken"] = {"idToken": tx.token, "type": tx.kind}
        tx.seq += 1
        charger.say("TransactionEvent", payload, tx=tx.key, evse=number, kept=True)

    def aligned(self, number: int, at_us: int) -> None:
        """MeterValuesRequest."""
        payload = {"evseId": number, "meterValue": [self._values(number, at_us, "Sample.Clock")]}
        self._charger.say("MeterValues", payload, evse=number)

    def needs(self, number: int, car: Car) -> None:
        """NotifyEVChargingNeedsRequest, as from ISO 15118."""
        volts = round(self._charger.voltage_v)
        phases, visit = len(self._charger.evses[number].phases), car.visit
        needs: dict[str, Any] = {"departureTime": self._time(visit.leaves_us)}
        if phases:
            most_a = int(visit.max_w / volts / phases)
            needs["requestedEnergyTransfer"] = "AC_three_phase" if phases == 3 else "AC_single_phase"
            needs["acChargingParameters"] = {
                "energyAmount": visit.need_wh,
                "evMinCurrent": 6,
                "evMaxCurrent": most_a,
                "evMaxVoltage": volts,
            }
        else:
            needs["requestedEnergyTransfer"] = "DC"
            needs["dcChargingParameters"] = {
                "evMaxCurrent": int(visit.max_w / EV_VOLTS_DC),
                "evMaxVoltage": EV_VOLTS_DC,
                "energyAmount": visit.need_wh,
                "evMaxPower": int(visit.max_w),
                "stateOfCharge": int(100 * car.soc),
                "evEnergyCapacity": visit.battery_wh,
            }
        self._charger.say("NotifyEVChargingNeeds", {"evseId": number, "chargingNeeds": needs}, evse=number)

    def _values(self, number: int, at_us: int, context: str) -> dict[str, Any]:
        charger = self._charger
        state = charger.state.evses[number]
        sampled = [
            self._value(charger.shown_wh(number, at_us), "Energy.Active.Import.Register", "Wh", context),
            self._value(round(state.power_w), "Power.Active.Import", "W", context),
        ]
        if state.car is not None and not charger.evses[number].phases:
            sampled.append(self._value(round(100 * state.car.soc), "SoC", "Percent", context, "EV"))
        return {"timestamp": self._time(at_us), "sampledValue": sampled}

    @staticmethod
    def _value(value: float, measurand: str, unit: str, context: str, location: str = "Outlet") -> dict[str, Any]:
        return {
            "value": value,
            "measurand": measurand,
            "context": context,
            "location": location,
            "unitOfMeasure": {"unit": unit},
        }

    def answered(self, said: Said, answer: dict[str, Any], at_us: int) -> None:
        """Responses that change something here."""
        charger = self._charger
        told = answer.get("idTokenInfo")
        if told is None:
            return
        is_good = told.get("status") == "Accepted"
        if said.action == "Authorize":
            charger.authorized(said.evse, said.payload["idToken"]["idToken"], is_good, at_us)
        elif said.action == "TransactionEvent" and not is_good:
            tx = charger.state.evses[said.evse].tx
            if tx is not None and tx.key == said.tx:
                charger.state.cards[tx.token] = False
                charger.end(said.evse, at_us, "DeAuthorized")

    def asked(self, action: str, payload: dict[str, Any], at_us: int) -> dict[str, Any]:
        """Requests of the central system."""
        return asked_2.answer(self._charger, action, payload, at_us)
