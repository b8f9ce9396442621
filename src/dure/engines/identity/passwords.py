"""Passwords: what may be one, and the slow hash that is kept of it."""

from __future__ import annotations

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dure.core.errors import InputError

LENGTH_MIN = 10  # KISA, password selection and use guide (2019): 10 of any two kinds; we ask for length, not kinds
LENGTH_MAX = 256
AT_ONCE_MAX = 2  # one hash takes 64 MiB: a rush of sign-ins must not take the machine's memory


class Passwords:
    """Argon2id with the low-memory parameters of RFC 9106 unless others are given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._nobody = self._hasher.hash("the password of nobody")

    def hash(self, password: str, login: str) -> str:
        """The hash to keep of a password that may be used."""
        plain = _normal(password)
        if len(plain) < LENGTH_MIN:
            raise InputError("password.short", f"A password has at least {LENGTH_MIN} characters.")
        if len(plain) > LENGTH_MAX:
            raise InputError("password.long", f"A password has at most {LENGTH_MAX} characters.")
        if login.casefold() in plain.casefold() or len(set(plain)) < 4:
            raise InputError("password.weak", "The password must not hold the login, nor few different characters.")
        with self._turn:
            return self._hasher.hash(plain)

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether the password is the one kept. Without one, it takes as long and is False."""
        plain = _normal(password[: LENGTH_MAX * 4])
        with self._turn:
            try:
                return self._hasher.verify(kept or self._nobody, plain) and kept is not None
            except (VerificationError, InvalidHashError):
                return False

    def outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them (NIST SP 800-63B: NFKC), as Hangul on macOS and Windows."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace").decode()
