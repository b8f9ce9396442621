"""The secrets Dure makes for itself at its first start. They are in one file that only its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Self

import msgspec
import nkeys

from dure.core.errors import ConfigError

FILE = "secrets.json"


class Secrets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All secrets of one house.

    Attributes
    ----------
    session_key : signs cookies, as the one that carries state and nonce to an OpenID Connect issuer and back
    bus_user, bus_password : Dure itself at its own bus
    sys_user, sys_password : the supervisor at the bus's system account
    issuer_seed : NKey seed of the account that signs what devices may do
    """

    session_key: str
    bus_user: str
    bus_password: str
    sys_user: str
    sys_password: str
    issuer_seed: str

    @classmethod
    def generate(cls) -> Self:
        """New secrets from the operating system's randomness."""
        seed: bytes = nkeys.encode_seed(os.urandom(32), prefix=nkeys.PREFIX_BYTE_ACCOUNT)
        return cls(
            session_key=secrets.token_urlsafe(32),
            bus_user="dure",
            bus_password=secrets.token_urlsafe(32),
            sys_user="dure-system",
            sys_password=secrets.token_urlsafe(32),
            issuer_seed=seed.decode(),
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The secrets of a data folder, made when there are none. Two programs that start at once get the same."""
        file = folder / FILE
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = _write(folder, cls.generate())
            try:
                os.link(new, file)  # fails when another program was first: theirs are the ones
            except FileExistsError:
                pass
            finally:
                new.unlink()
                _sync(folder)
        _refuse_exposed(file)
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except msgspec.MsgspecError as error:
            raise ConfigError("secrets.unreadable", f"{file} is no file of secrets: restore it from a backup.") from error

    @classmethod
    def rotate(cls, folder: Path) -> Self:
        """New secrets for all; every program of this house has to be started again. Sessions of people go on."""
        cls.load(folder)
        new = cls.generate()
        _write(folder, new).replace(folder / FILE)
        _sync(folder)
        return new

    def __repr__(self) -> str:
        return "Secrets(…)"


def _write(folder: Path, content: Secrets) -> Path:
    """A new private file beside the real one, on the disk."""
    part = folder / f".{FILE}.{secrets.token_hex(8)}"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(content)))
        out.flush()
        os.fsync(out.fileno())
    return part


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_exposed(file: Path) -> None:
    mode = file.stat().st_mode & 0o777
    if mode & 0o077:
        raise ConfigError(
            "secrets.exposed",
            f"{file} has mode {mode:o}: others on this machine could read it. "
            f"Run `chmod 600 {file}`, and rotate the secrets when somebody may have.",
        )
