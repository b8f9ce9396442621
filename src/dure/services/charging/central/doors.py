"""Who may enter: path, identity, security profile, credential, version. Pure; the answer to each who may not is one row.

=======================  ======  ====================================================================================
``station.path``         404     the address is not ``/ocpp/IDENTITY``
``station.unknown``      404     no charger has this identity
``station.profile``      403     it comes with another security profile than the register says (A00.FR.002)
``station.credential``   401     the user name is not the identity, or the password is not its secret
``station.certificate``  403     the certificate names another operator or another station
``station.revoked``      403     the certificate was taken back
``station.version``      101     it offers no version it may speak: let in without a subprotocol, then closed (OCPP-J)
``station.attempts``     429     this identity, or its address, was refused too often
``station.flapping``     429     two stations use this identity in turn
=======================  ======  ====================================================================================

Source: OCPP 2.0.1 part 2 (2020), A00 security profiles; OCPP 1.6 security whitepaper edition 2 (2020); OCPP-J 1.6 section 3.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.engines.records.devices import NOBODY
from dure.engines.websocket.socket import Peer, Refused, Request
from dure.services.charging.central.register import Known
from dure.services.charging.model import VERSIONS, Charger, Version

PREFIX = "/ocpp/"
REALM = (("WWW-Authenticate", 'Basic realm="ocpp"'),)
STATUS = {
    "station.path": 404,
    "station.unknown": 404,
    "station.profile": 403,
    "station.credential": 401,
    "station.certificate": 403,
    "station.revoked": 403,
    "station.attempts": 429,
    "station.flapping": 429,
}
WHY = {
    "station.path": "Connect to /ocpp/ and your identity.",
    "station.unknown": "No charger has this identity. Register it, and a device of that name for it.",
    "station.profile": "This charger must come with security profile {}.",
    "station.credential": "The user name must be the identity, and the password its secret.",
    "station.certificate": "The certificate names another operator or another station.",
    "station.revoked": "The certificate was revoked. Ask for a new one.",
    "station.attempts": "Too many refused attempts. Try again later.",
    "station.flapping": "Two stations use this identity in turn. Give each its own.",
}


class Turned(NamedTuple):
    """Who was turned away: what is told to it and kept. `charger` is the one it claims to be, if there is one."""

    code: str
    identity: str
    charger: Charger | None
    address: str
    detail: str = ""

    def refused(self, retry_after_s: int = 0) -> Refused:
        """The HTTP answer."""
        headers = REALM if self.code == "station.credential" else ()
        if retry_after_s:
            headers = (*headers, ("Retry-After", str(retry_after_s)))
        return Refused(STATUS[self.code], f"{WHY[self.code].format(self.detail)} [{self.code}]", headers)


class Let(NamedTuple):
    """Who is let in. `version` is None when it offers none it may speak; `certificate` is the serial number of its own."""

    known: Known
    version: Version | None
    certificate: str = ""


def identity_of(path: str) -> str:
    """The identity in a path, in small letters as the register has it; empty when there is none."""
    if not path.startswith(PREFIX):
        return ""
    try:
        return identifier(unquote(path.removeprefix(PREFIX).partition("?")[0].rstrip("/")).lower(), "identity")
    except InputError:
        return ""


def judged(asked: Request, known: Known | None, at: datetime) -> Let | Turned:
    """Whether a station may enter, and what it speaks then."""
    identity = identity_of(asked.path)
    if not identity:
        return Turned("station.path", "", None, asked.peer.address)
    credential = known.credential if known else NOBODY
    user, password = basic_of(asked.headers)
    fits = credential.fits(password, at) and user.lower() == identity  # looked at in any case: an unknown station waits as long
    if known is None:
        return Turned("station.unknown", identity, None, asked.peer.address)
    charger = known.charger
    if profile_of(asked.peer) != charger.security_profile:
        return Turned("station.profile", identity, charger, asked.peer.address, str(charger.security_profile))
    serial = ""
    if charger.security_profile == 3:
        code, detail, serial = _of_certificate(asked.peer.certificate or b"", known)
        if code:
            return Turned(code, identity, charger, asked.peer.address, detail)
    elif not fits:
        return Turned("station.credential", identity, charger, asked.peer.address)
    return Let(known, version_of(asked.protocols, charger), serial)


def profile_of(peer: Peer) -> int:
    """The security profile a station comes with: 1 plain, 2 TLS, 3 TLS with a client certificate."""
    if not peer.secure:
        return 1
    return 3 if peer.certificate else 2


def version_of(offered: tuple[str, ...], charger: Charger) -> Version | None:
    """The newest version both know."""
    return next((one for one in VERSIONS if one in charger.versions and one in offered), None)


def basic_of(headers: Mapping[str, str]) -> tuple[str, str]:
    """User name and password of HTTP Basic authentication (RFC 7617); empty when there are none."""
    scheme, _, given = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _of_certificate(der: bytes, known: Known) -> tuple[str, str, str]:
    """The code of what is wrong with a certificate, or nothing; more of it; its serial number as hexadecimal text."""
    wrong = "station.certificate"
    try:
        certificate = x509.load_der_x509_certificate(der)
        subject, serial = certificate.subject, f"{certificate.serial_number:x}"
    except ValueError:
        return wrong, "unreadable", ""
    names = _names(subject, NameOID.COMMON_NAME)
    if not names & {known.charger.identity, known.charger.serial} - {""}:
        return wrong, "another station", serial
    if known.operator and known.operator not in _names(subject, NameOID.ORGANIZATION_NAME):
        return wrong, "another operator", serial
    if serial in known.revoked:
        return "station.revoked", serial, serial
    return (wrong if known.credential.state == "revoked" else ""), "", serial


def _names(subject: x509.Name, oid: x509.ObjectIdentifier) -> set[str]:
    return {str(one.value) for one in subject.get_attributes_for_oid(oid)}
