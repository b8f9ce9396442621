"""Devices sign in: the bus asks us about every MQTT or NATS client that is not Dure itself.

The answer is a signed, short-lived list of what the client may publish and hear. Only allow-lists: what is not named is
refused by the bus. Protocol: NATS ADR-26, authorization callout.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import nkeys
import structlog

from dure.core.errors import DureError, InputError
from dure.engines.bus import subjects
from dure.engines.bus.client import Received
from dure.engines.bus.settings import ACCOUNT, PAYLOAD_BYTES_MAX

if TYPE_CHECKING:
    from dure.engines.bus.client import Bus

log = structlog.get_logger(__name__)

REQUEST_SUBJECT = "$SYS.REQ.USER.AUTH"
QUEUE = "callout"
LIFE_S = 12 * 3600
CONCURRENT_MAX = 64
WAITING_MAX = 50_000
SUBSCRIPTIONS_MAX = 16
REFUSED = "not signed in"
_HEADER = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"ed25519-nkey"}').rstrip(b"=")


class Permission(msgspec.Struct, frozen=True):
    """Who signed in and all it may do: subjects it may publish to and hear."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def device_permission(city: str, device: str) -> Permission:
    """What a device may do: send its own readings and outcomes, hear its own commands."""
    return Permission(device, (subjects.up(city, device), subjects.ack(city, device)), (subjects.command(city, device),))


Authenticate = Callable[[str, str], Awaitable[Permission | None]]


class CalloutCounts(msgspec.Struct):
    """Sign-ins since the start; `overrun` were left unanswered because too many waited, and will be tried again."""

    asked: int = 0
    allowed: int = 0
    refused: int = 0
    overrun: int = 0


class Callout:
    """The answering side; made by `serve_callout`."""

    def __init__(self, bus: Bus, issuer_seed: str, authenticate: Authenticate, *, life_s: float = LIFE_S) -> None:
        self.counts = CalloutCounts()
        self._bus = bus
        self._keys = nkeys.from_seed(issuer_seed.encode())
        self._issuer = self._keys.public_key.decode()
        self._authenticate = authenticate
        self._life_s = life_s
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: Callable[[], Awaitable[None]] | None = None

    async def start(self) -> None:
        """Answer from when this returns."""
        self._stop = await self._bus.subscribe(REQUEST_SUBJECT, self._hear, queue=QUEUE)

    async def stop(self) -> None:
        """Answer no more; those in hand are finished."""
        if self._stop is not None:
            await self._stop()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=5)

    async def _hear(self, asked: Received) -> None:
        self.counts.asked += 1
        if len(self._tasks) >= WAITING_MAX:
            self.counts.overrun += 1
            return
        task = asyncio.create_task(self._answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, asked: Received) -> None:
        async with self._slots:
            try:
                request = read_claims(asked.payload)["nats"]
                permission = await self._judge(request.get("connect_opts", {}))
                user_key, server = request["user_nkey"], request["server_id"]["id"]
            except (InputError, KeyError, TypeError) as error:
                log.warning("unreadable sign-in request from the bus", error=repr(error))
                return
            except DureError as error:  # the store of credentials does not answer: no answer, the client tries again
                log.warning("sign-in cannot be judged now", code=error.code)
                return
            if permission is None:
                self.counts.refused += 1
                answer: dict[str, Any] = {"error": REFUSED}
            else:
                self.counts.allowed += 1
                answer = {"jwt": self._user_token(user_key, permission)}
            claims = {"aud": server, "sub": user_key, "nats": {"type": "authorization_response", "version": 2, **answer}}
            await self._bus.send(asked.reply, self._sign(claims).encode())

    async def _judge(self, options: dict[str, Any]) -> Permission | None:
        user, secret = options.get("user", ""), options.get("pass", "")
        if not user or not secret or len(user) > 256 or len(secret) > 1024:
            return None
        try:
            return await self._authenticate(user, secret)
        except InputError:  # a name that cannot be one is a wrong name
            return None

    def _user_token(self, user_key: str, permission: Permission) -> str:
        # Spread over a fifth of the life, so that devices that came together do not all return together.
        life_s = self._life_s * (1 - secrets.randbelow(1000) / 5000)
        return self._sign(
            {
                "aud": ACCOUNT,
                "sub": user_key,
                "name": permission.name,
                "exp": int(time.time() + max(2.0, life_s)),
                "nats": {
                    "type": "user",
                    "version": 2,
                    "pub": {"allow": list(permission.publish)},
                    "sub": {"allow": list(permission.subscribe)},
                    "subs": SUBSCRIPTIONS_MAX,
                    "data": -1,
                    "payload": PAYLOAD_BYTES_MAX,
                },
            }
        )

    def _sign(self, claims: dict[str, Any]) -> str:
        full = {**claims, "iss": self._issuer, "iat": int(time.time())}
        full["jti"] = base64.b32encode(hashlib.sha256(msgspec.json.encode(full)).digest()).decode().rstrip("=")
        signed = _HEADER + b"." + base64.urlsafe_b64encode(msgspec.json.encode(full)).rstrip(b"=")
        signature: bytes = self._keys.sign(signed)
        return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


async def serve_callout(bus: Bus, issuer_seed: str, authenticate: Authenticate, *, life_s: float = LIFE_S) -> Callout:
    """Judge sign-ins until stopped. `authenticate` gets user and secret and says what may be done, or None."""
    callout = Callout(bus, issuer_seed, authenticate, life_s=life_s)
    await callout.start()
    return callout


def read_claims(token: bytes) -> dict[str, Any]:
    """Claims of a token that came from the bus itself, whose connection vouches for it."""
    parts = token.split(b".")
    if len(parts) != 3:
        raise InputError("callout.malformed", "The bus's sign-in request is no token.")
    try:
        claims: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4)), type=dict)
    except (ValueError, msgspec.DecodeError) as error:
        raise InputError("callout.malformed", "The bus's sign-in request cannot be read.") from error
    return claims


async def disconnect(system: Bus, name: str, *, quiet_s: float = 0.4) -> int:
    """End the live connections of a signed-in name on every server, after its credential was revoked; how many there were.

    `system` is a connection as the system user. A revoked device that comes back is refused by the callout.
    """
    found = asyncio.Queue[Received]()
    inbox = system.client.new_inbox()
    stop = await system.subscribe(inbox, found.put)
    ended = 0
    try:
        await system.client.publish(
            "$SYS.REQ.SERVER.PING.CONNZ", msgspec.json.encode({"auth": True, "user": name, "acc": ACCOUNT}), reply=inbox
        )
        patience_s = 5.0  # for the first server; then until they fall quiet
        while True:
            try:
                async with asyncio.timeout(patience_s):
                    answer = msgspec.json.decode((await found.get()).payload)
            except TimeoutError:
                return ended
            patience_s = quiet_s
            server = answer["server"]["id"]
            for connection in answer.get("data", {}).get("connections") or []:
                if connection.get("authorized_user") == name:
                    await system.request(f"$SYS.REQ.SERVER.{server}.KICK", msgspec.json.encode({"cid": connection["cid"]}))
                    ended += 1
    finally:
        await stop()
