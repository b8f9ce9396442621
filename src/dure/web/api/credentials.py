"""Which device speaks: `Authorization: Bearer device:secret` or Basic, checked against the records."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool

from dure.core.errors import NotSignedIn
from dure.engines.records import devices

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from dure.engines.records.devices import Device
    from dure.spine.house import House

KNOWN_S = 5.0  # a good credential is believed this long; another process may revoke it meanwhile
KNOWN_MAX = 50_000


class Presented(msgspec.Struct, frozen=True):
    """The credential that a request presents."""

    device: str
    secret: str


def presented(request: Request) -> Presented:
    """The credential of the Authorization header, else refused."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    text = rest.strip()
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            text = ""
    elif scheme.lower() != "bearer":
        text = ""
    device, _, secret = text.partition(":")
    if not device or not secret:
        raise NotSignedIn("device.sign_in", "Send the device's credential: 'Authorization: Bearer DEVICE:SECRET', or Basic.")
    return Presented(device, secret)


class Credentials:
    """Checks device credentials; good ones are remembered for a few seconds, never as plain text."""

    def __init__(self, house: House, seconds: Callable[[], float]) -> None:
        self._house = house
        self._seconds = seconds
        self._known: OrderedDict[bytes, tuple[float, Device]] = OrderedDict()
        self._forgotten = 0
        house.directory.on_change(self.forget)

    def forget(self) -> None:
        """Forget all: a device was changed or revoked."""
        self._forgotten += 1
        self._known.clear()

    async def device(self, request: Request) -> Device:
        """The device whose credential the request presents, else refused."""
        credential = presented(request)
        key = hashlib.sha256(f"{credential.device}\0{credential.secret}".encode()).digest()
        known = self._known.get(key)
        if known is not None and self._seconds() - known[0] < KNOWN_S:
            return known[1]
        forgotten = self._forgotten
        identity = await run_in_threadpool(self._check, credential)
        if forgotten != self._forgotten:  # a device was changed meanwhile: perhaps this one
            return identity
        self._known[key] = (self._seconds(), identity)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return identity

    def _check(self, credential: Presented) -> Device:
        with self._house.records.read() as connection:
            return devices.authenticate(connection, credential.device, credential.secret, self._house.clock.now())
