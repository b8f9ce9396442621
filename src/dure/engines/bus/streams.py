"""The stream of observations, kept as the policy says, and its source: what devices send by MQTT."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
import nats.errors
import nats.js.errors
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamSource, SubjectTransform

from dure.core.errors import ConfigError, Unavailable
from dure.engines.bus import subjects

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

DUPLICATE_WINDOW_S = 120.0
PATIENCE_S = 30.0
DAY_S = 86_400.0
_NO_SUCH_STREAM = 10059
_IN_USE = 10058
_NO_PEERS_YET = 10005
_NO_CLUSTER = 10074


class StreamPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how safely the stream keeps messages; 0 bytes is no limit but the disk's."""

    retention_d: float = 7
    replicas: int = 1
    bytes_max: int = 0


async def ensure_streams(client: Client, policy: StreamPolicy) -> None:
    """Make or update both streams; return when what MQTT acknowledges from now on is sure to reach ours.

    The server makes its own MQTT stream at the first MQTT connection, with interest retention: what it acknowledges
    while nobody is interested is gone. So we make it first, and wait until our source has its durable consumer on it.
    """
    js = client.jetstream(timeout=5)
    mqtt = StreamConfig(
        name=subjects.MQTT_STREAM,
        subjects=list(subjects.MQTT_STREAM_SUBJECTS),
        retention=RetentionPolicy.INTEREST,
        storage=StorageType.FILE,
        num_replicas=policy.replicas,
    )
    deadline = time.monotonic() + PATIENCE_S
    await _retry(lambda: _ensure(js, mqtt, update=False), deadline)
    await _retry(lambda: _ensure(js, stream_config(policy), update=True), deadline)
    await _wait_for_source(js, deadline)


def stream_config(policy: StreamPolicy) -> StreamConfig:
    """Configuration of our stream. A full stream refuses new messages; it never drops what it acknowledged."""
    return StreamConfig(
        name=subjects.STREAM,
        subjects=list(subjects.STREAM_SUBJECTS),
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW,
        max_age=policy.retention_d * DAY_S,
        max_bytes=policy.bytes_max or -1,
        num_replicas=policy.replicas,
        duplicate_window=min(DUPLICATE_WINDOW_S, policy.retention_d * DAY_S),
        allow_direct=True,
        sources=[
            StreamSource(
                name=subjects.MQTT_STREAM,
                subject_transforms=[SubjectTransform(src=subjects.MQTT_UP_FILTER, dest=subjects.RAW_TRANSFORM)],
            )
        ],
    )


async def _ensure(js: JetStreamContext, config: StreamConfig, *, update: bool) -> None:
    try:
        await js.stream_info(str(config.name))
    except nats.js.errors.NotFoundError as error:
        if error.err_code != _NO_SUCH_STREAM:
            raise
        try:
            await js.add_stream(config=config)
        except nats.js.errors.BadRequestError as refusal:
            if refusal.err_code != _IN_USE:  # another of us made it just now
                raise
    else:
        if update:
            await js.update_stream(config=config)


async def _retry(action: Callable[[], Awaitable[None]], deadline: float) -> None:
    while True:
        try:
            await action()
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
            if _is_refusal(error):
                raise ConfigError("bus.stream_refused", f"The bus refuses the stream: {error}") from error
            if time.monotonic() > deadline:
                raise Unavailable("bus.unavailable", f"The bus cannot make its streams now: {error!r}") from error
            await asyncio.sleep(0.25)
        else:
            return


def _is_refusal(error: Exception) -> bool:
    code = getattr(error, "err_code", None)
    refused = isinstance(error, nats.js.errors.BadRequestError) and code != _NO_PEERS_YET
    return refused or code == _NO_CLUSTER


async def _wait_for_source(js: JetStreamContext, deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            consumers = await js.consumers_info(subjects.MQTT_STREAM)
        except (nats.errors.Error, nats.js.errors.Error, TimeoutError):
            consumers = []
        if any((each.config.metadata or {}).get("_nats.src.stream") == subjects.STREAM for each in consumers):
            return
        await asyncio.sleep(0.02)
    raise Unavailable("bus.no_source", "The stream does not receive what MQTT clients send; is the server older than 2.14?")
