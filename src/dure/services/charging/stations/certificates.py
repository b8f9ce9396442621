"""Certificates of stations: our own authority, requests that fit, and signing.

The authority is an ECDSA P-256 key and a self-signed certificate in the data folder, made when it is first needed. A station's
certificate has the operator's name as O and the station's serial number or identity as CN (OCPP 2.0.1 part 2, A00.FR.404-405).
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dure.core.errors import ConfigError

KEY_FILE = "charging-authority.key"
CERTIFICATE_FILE = "charging-authority.pem"
LOCK_FILE = "charging-authority.lock"
YEARS = 20
RSA_BITS_LEAST = 2048  # A00.FR.508
CURVE_BITS_LEAST = 224  # as above
SIGNS = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip
BACKDATED = timedelta(hours=1)  # clocks of stations are a little off


class Authority(NamedTuple):
    """Who signs."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """Its certificate, to give to stations and to whom checks theirs."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


class Signed(NamedTuple):
    """A certificate that was signed: its serial number as hexadecimal text, its subject, PEM with the authority's behind."""

    serial: str
    subject: str
    pem: str
    expires_at: datetime


def refusal(csr: str, identity: str, serial: str) -> str:
    """Why a request for a certificate is not signed; empty when it is.

    Its own signature must hold, its key be strong enough, and its CN be the station's serial number or identity.
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        valid = request.is_signature_valid
    except (ValueError, TypeError) as error:
        return f"it cannot be read ({type(error).__name__})"
    if not valid:
        return "its signature does not hold"
    weak = _weak(request)
    if weak:
        return weak
    names = [str(one.value) for one in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or names[0] not in {identity, serial} - {""}:
        return "its CN is neither the station's serial number nor its identity"
    return ""


def _weak(request: x509.CertificateSigningRequest) -> str:
    key = request.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "" if key.curve.key_size >= CURVE_BITS_LEAST else "its key is too short"
    if isinstance(key, rsa.RSAPublicKey):
        return "" if key.key_size >= RSA_BITS_LEAST else "its key is too short"
    return "its key is neither ECDSA nor RSA"


def signed(authority: Authority, csr: str, operator: str, at: datetime, days: int) -> Signed:
    """A certificate for a request that `refusal` has nothing against; its O is the operator's name, whatever was asked for."""
    request = x509.load_pem_x509_csr(csr.encode())
    name = str(request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    subject = _name(operator, name)
    until = min(at + timedelta(days=days), authority.certificate.not_valid_after_utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode() + authority.pem
    return Signed(f"{made.serial_number:x}", subject.rfc4514_string(), pem, until)


def _name(operator: str, name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, operator), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def authority_of(folder: Path, operator: str, at: datetime) -> Authority:
    """The authority of a data folder, made when there is none.

    Raises
    ------
    ConfigError : the files cannot be read (``secrets.unreadable``), or others may read the key (``secrets.exposed``)
    """
    key_file, certificate_file = folder / KEY_FILE, folder / CERTIFICATE_FILE
    if not key_file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _alone(folder):
            if not key_file.exists():
                _make(folder, operator, at)
    if key_file.stat().st_mode & 0o077:
        raise ConfigError("secrets.exposed", f"Others on this machine could read {key_file}. Run `chmod 600 {key_file}`.")
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError("secrets.unreadable", f"{key_file} is no key of an authority: restore it from a backup.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("secrets.unreadable", f"{key_file} holds no ECDSA key.")
    return Authority(certificate, key)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One program at a time: the central system and the service begin together, and must not make two authorities."""
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make(folder: Path, operator: str, at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(operator, "Dure charging")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(folder / CERTIFICATE_FILE, made.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(folder / KEY_FILE, private, 0o600)


def _write(file: Path, content: bytes, mode: int) -> None:
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
