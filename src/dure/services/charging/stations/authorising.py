"""Who may charge, as stations ask it (1.6 Core; 2.x block C)."""

from __future__ import annotations

from typing import Any

from dure.core.time import to_us
from dure.services.charging.central.port import Answer
from dure.services.charging.stations.said import instant_text
from dure.services.charging.stations.turn import Handler, Turn
from dure.services.charging.tokens.tokens import Judged

HOUR_US = 3_600_000_000
NOT_CACHED_US = 60_000_000  # what may not be taken offline leaves a cache after a minute
# 1.6 has fewer words (OCPP 1.6, 7.2 AuthorizationStatus).
STATUS_16 = {"Unknown": "Invalid", "NotAtThisLocation": "Blocked"}


def info_16(turn: Turn, judged: Judged) -> dict[str, Any]:
    """1.6's ``idTagInfo``."""
    info: dict[str, Any] = {"status": STATUS_16.get(judged.verdict, judged.verdict)}
    if judged.token is not None:
        if judged.allowed:
            info["expiryDate"] = _cached_until(turn, judged)
        if judged.token.group:
            info["parentIdTag"] = judged.token.group
    return info


def info_2(turn: Turn, judged: Judged) -> dict[str, Any]:
    """2.x's ``idTokenInfo``."""
    info: dict[str, Any] = {"status": judged.verdict}
    if judged.token is not None:
        if judged.allowed:
            info["cacheExpiryDateTime"] = _cached_until(turn, judged)
        if judged.token.group:
            info["groupIdToken"] = {"idToken": judged.token.group, "type": "Central"}
    return info


def _cached_until(turn: Turn, judged: Judged) -> str:
    token = judged.token
    until = turn.at_us + (turn.rules.cached_h * HOUR_US if token is not None and token.offline else NOT_CACHED_US)
    if token is not None and token.expires_at is not None:
        until = min(until, to_us(token.expires_at))
    return instant_text(until)


def authorize_16(turn: Turn) -> Answer:
    """1.6 Authorize. A token that is charging elsewhere is good here: it may be shown to stop (7.2)."""
    return Answer({"idTagInfo": info_16(turn, turn.judge(turn.digest(turn.payload["idTag"])))})


def authorize_2(turn: Turn) -> Answer:
    """2.x Authorize. A contract certificate is not checked here, and the answer says so (C07, C08)."""
    judged = turn.judge(turn.digest(turn.payload["idToken"]["idToken"]))
    payload: dict[str, Any] = {"idTokenInfo": info_2(turn, judged)}
    if "certificate" in turn.payload or "iso15118CertificateHashData" in turn.payload:
        payload["certificateStatus"] = "NoCertificateAvailable"
        if judged.allowed:
            payload["idTokenInfo"] = {"status": "Invalid"}
    return Answer(payload)


V16: dict[str, Handler] = {"Authorize": authorize_16}
V2: dict[str, Handler] = {"Authorize": authorize_2}
