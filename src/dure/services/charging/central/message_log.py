"""The last messages of every station, in memory and within a budget; whoever reads them sees no card, certificate or password.

Messages of a charger whose register row says `keep_log = yes` also wait here to be kept on the disk (`kept_messages`).

What a message means is in the journal. This log shows how it looked on the wire, for who looks for a fault: the newest ones of
each station, the oldest of all go first when the budget is used up. Redaction happens when it is read: that is seldom.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import msgspec

BYTES_MAX = 32 * 1024 * 1024
DUE_MAX = 8 * 1024 * 1024  # that wait to be kept; what comes on top is counted and told
SHOWN_MAX = 200
Direction = Literal["in", "out"]

# Fields whose value is told as a digest: who looks can see that two are the same, not what they are.
SECRET_FIELDS = frozenset(
    {
        "idTag", "parentIdTag", "idToken", "additionalIdToken", "groupIdToken",
        "certificate", "certificateChain", "certificateHashData", "csr", "exiRequest", "exiResponse",
        "password", "basicAuthPassword", "vpn", "apn", "username", "publicKey", "signedMeterData",
        "iso15118CertificateHashData", "evccId", "vatNumber", "customerIdentifier",
    }
)  # fmt: skip
SECRET_VARIABLES = frozenset({"authorizationkey", "basicauthpassword", "vpnpassword", "apnpassword", "securityctrlr"})
_LOGIN = re.compile(r"//[^/@\s]+@")  # of an address for an upload
_KEEP_CHILDREN = frozenset({"idToken", "groupIdToken", "additionalInfo"})


class Shown(msgspec.Struct, frozen=True):
    """One message as it is shown: without what is secret."""

    at_us: int
    direction: Direction
    message: list[Any]


Noted = tuple[str, int, bool, bytes]  # identity, instant, whether it left here, as it went over the wire


class MessageLog:
    """Newest messages by station. `kept` are the identities of those whose messages are to be kept on the disk."""

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._of: dict[str, deque[tuple[int, bool, bytes]]] = {}
        self._order: deque[str] = deque()
        self.kept: frozenset[str] = frozenset()
        self._due: list[Noted] = []
        self._due_bytes = self._lost_n = 0

    def note(self, identity: str, at_us: int, message: bytes, *, out: bool) -> None:
        """Keep a message as it went over the wire."""
        mine = self._of.get(identity)
        if mine is None:
            mine = self._of[identity] = deque()
        mine.append((at_us, out, message))
        self._order.append(identity)
        if identity in self.kept:
            self._keep((identity, at_us, out, message))
        self._bytes += len(message) + 200  # and what Python keeps around it
        while self._bytes > self._bytes_max:
            oldest = self._order.popleft()
            self._bytes -= len(self._of[oldest].popleft()[2]) + 200
            if not self._of[oldest]:
                del self._of[oldest]

    def _keep(self, one: Noted) -> None:
        if self._due_bytes + len(one[3]) > DUE_MAX:
            self._lost_n += 1
            return
        self._due.append(one)
        self._due_bytes += len(one[3])

    def taken(self) -> tuple[list[Noted], int]:
        """What waits to be kept, and how many found no room since; both begin anew."""
        found = self._due, self._lost_n
        self._due, self._due_bytes, self._lost_n = [], 0, 0
        return found

    def shown(self, identity: str, digest: Callable[[str], str], limit: int = SHOWN_MAX) -> list[Shown]:
        """A station's last messages, newest first."""
        found = list(self._of.get(identity, ()))[-limit:]
        return [Shown(at_us, "out" if out else "in", redacted(message, digest)) for at_us, out, message in reversed(found)]


def redacted(message: bytes, digest: Callable[[str], str]) -> list[Any]:
    """A message without its secrets. What is no JSON is told by its length only: nobody knows what is in it."""
    try:
        found = msgspec.json.decode(message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ["unreadable", f"{len(message)} bytes"]
    return [_bare(found, digest)] if not isinstance(found, list) else [_bare(one, digest) for one in found]


def _bare(part: Any, digest: Callable[[str], str]) -> Any:
    if isinstance(part, list):
        return [_bare(one, digest) for one in part]
    if isinstance(part, str) and "@" in part:
        return _LOGIN.sub("//…@", part)
    if not isinstance(part, dict):
        return part
    secret = _names_secret(part)
    return {name: _value(name, value, digest, secret=secret) for name, value in part.items()}


def _value(name: str, value: Any, digest: Callable[[str], str], *, secret: bool) -> Any:
    if name in SECRET_FIELDS and not isinstance(value, dict | list):
        return digest(str(value))
    if secret and name in {"value", "attributeValue"}:
        return digest(str(value))
    if name in SECRET_FIELDS and name not in _KEEP_CHILDREN:
        return digest(msgspec.json.encode(value).decode())
    if name == "data" and isinstance(value, str):  # DataTransfer: a maker's own words may hold anything
        return f"{len(value)} characters"
    return _bare(value, digest)


def _names_secret(part: dict[str, Any]) -> bool:
    """Whether these are the name and value of a secret setting (1.6: key, value; 2.x: component, variable, attributeValue)."""
    variable = part.get("variable")
    names = (part.get("key"), variable.get("name") if isinstance(variable, dict) else None)
    return any(isinstance(one, str) and one.lower() in SECRET_VARIABLES for one in names)


def digest_of(secret: bytes) -> Callable[[str], str]:
    """A keyed digest of what must not be shown: the same for the same, and good for nothing else."""

    def digest(value: str) -> str:
        return "#" + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), key=secret[:64], digest_size=6).hexdigest()

    return digest
