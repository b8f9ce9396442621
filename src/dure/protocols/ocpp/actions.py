"""Which side may ask what, by version of OCPP.

Source: OCPP 1.6 edition 2 (2017) sections 4 and 5 with the security whitepaper edition 2 (2020); OCPP 2.0.1 part 2 (2020) and 2.1
part 2 (2025), section 1 "Messages" of the appendix. What the station may not ask is asked by the central system.
"""

from __future__ import annotations

from typing import Literal

Version = Literal["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]

_BOTH = frozenset({"DataTransfer"})
_STATION_16 = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
)
_STATION_201 = frozenset(
    {
        "Authorize",
        "BootNotification",
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "PublishFirmwareStatusNotification",
        "ReportChargingProfiles",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
    }
)
_STATION_21 = _STATION_201 | {
    "BatterySwap",
    "ClosePeriodicEventStream",
    "GetCertificateChainStatus",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyPriorityCharging",
    "NotifySettlement",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
    "ReportDERControl",
    "VatNumberValidation",
}
_STATION: dict[Version, frozenset[str]] = {"ocpp1.6": _STATION_16, "ocpp2.0.1": _STATION_201, "ocpp2.1": _STATION_21}
SENDS = frozenset({"NotifyPeriodicEventStream"})  # 2.1: sent by a station as SEND, never answered


def station_asks(version: Version, action: str) -> bool:
    """Whether a station may ask this of the central system."""
    return action in _STATION[version] or action in _BOTH


def central_asks(version: Version, action: str) -> bool:
    """Whether the central system may ask this of a station, if the version knows it at all."""
    return action in _BOTH or (action not in _STATION[version] and action not in SENDS)
