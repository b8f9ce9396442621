"""Security events, certificates of stations, and certificates we cannot judge (1.6 security whitepaper; 2.x blocks A and M)."""

from __future__ import annotations

from typing import Any

from dure.services.charging.central.port import Answer
from dure.services.charging.stations.certificates import refusal
from dure.services.charging.stations.turn import Handler, Turn, noted

NO_OCSP = {"reasonCode": "NoOCSP", "additionalInfo": "This central system asks no OCSP responder."}
NO_PNC = {"reasonCode": "NoPnC", "additionalInfo": "This central system issues no contract certificates."}
STATION_USE = "ChargingStationCertificate"


def security_event(turn: Turn) -> Answer:
    """SecurityEventNotification of any version."""
    sent = turn.payload
    return noted(turn.happened("security", {"type": sent["type"], "info": sent.get("techInfo", "")}, turn.said_us()))


def sign_certificate(turn: Turn) -> Answer:
    """SignCertificate: accepted when the request is for this very station; the certificate follows in a call of its own (A02)."""
    sent = turn.payload
    use = sent.get("certificateType", STATION_USE)
    why = refusal(sent["csr"], turn.heard.charger.identity, turn.heard.charger.serial)
    if not why and use != STATION_USE:
        why = "only certificates of the station itself are signed here"
    facts = {"use": use, "why": why, "request": sent.get("requestId", 0)}
    if why:
        payload: dict[str, Any] = {"status": "Rejected"}
        if turn.heard.version != "ocpp1.6":
            payload["statusInfo"] = {"reasonCode": "InvalidCSR", "additionalInfo": why[:500]}
        return Answer(payload, (turn.happened("certificate_refused", facts),))
    return Answer({"status": "Accepted"}, (turn.happened("certificate_asked", facts | {"csr": sent["csr"]}),))


def certificate_status(turn: Turn) -> Answer:
    """GetCertificateStatus: no OCSP responder is asked, and the answer says so (M06)."""
    return Answer({"status": "Failed", "statusInfo": NO_OCSP}, (turn.happened("certificate_status", {"answer": "Failed"}),))


def chain_status(turn: Turn) -> Answer:
    """2.1 GetCertificateChainStatus: as `certificate_status`, for each certificate."""
    told = [
        {
            "certificateHashData": one["certificateHashData"],
            "source": one["source"],
            "status": "Failed",
            "nextUpdate": turn.now_text,
        }
        for one in turn.payload["certificateStatusRequests"]
    ]
    return Answer({"certificateStatus": told}, (turn.happened("certificate_status", {"answer": "Failed", "n": len(told)}),))


def contract_certificate(turn: Turn) -> Answer:
    """Get15118EVCertificate: there is no contract certificate pool behind this system (M01)."""
    payload = {"status": "Failed", "exiResponse": "", "statusInfo": NO_PNC}
    return Answer(payload, (turn.happened("certificate_contract", {"answer": "Failed"}),))


V16: dict[str, Handler] = {"SecurityEventNotification": security_event, "SignCertificate": sign_certificate}
V2: dict[str, Handler] = {
    "SecurityEventNotification": security_event,
    "SignCertificate": sign_certificate,
    "GetCertificateStatus": certificate_status,
    "Get15118EVCertificate": contract_certificate,
}
V21: dict[str, Handler] = {"GetCertificateChainStatus": chain_status}
