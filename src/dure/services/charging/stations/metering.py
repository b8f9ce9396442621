"""Meter values outside TransactionEvent (1.6 Core; 2.x block J)."""

from __future__ import annotations

from dure.services.charging.central.port import Answer
from dure.services.charging.central.words import Sampled
from dure.services.charging.stations.said import samples_2, samples_16
from dure.services.charging.stations.turn import Handler, Turn, noted


def meter_values_16(turn: Turn) -> Answer:
    """1.6 MeterValues; a transaction nobody knows is kept as it was named. Connector 0 is the station's main meter."""
    sent = turn.payload
    number = sent.get("transactionId", 0)
    samples = samples_16(sent["meterValue"], turn.at_us)
    return noted(Sampled(turn.charger, sent["connectorId"], turn.at_us, samples, str(number) if number > 0 else ""))


def meter_values_2(turn: Turn) -> Answer:
    """2.x MeterValues: clock-aligned ones, and of stations without transactions."""
    sent = turn.payload
    return noted(Sampled(turn.charger, sent["evseId"], turn.at_us, samples_2(sent["meterValue"], turn.at_us)))


V16: dict[str, Handler] = {"MeterValues": meter_values_16}
V2: dict[str, Handler] = {"MeterValues": meter_values_2}
