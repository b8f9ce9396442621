"""The bus of a house: started or connected to, who may sign in at it, and what devices say there."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import ConfigError, NotSignedIn, Unavailable
from dure.engines.bus.client import Bus
from dure.engines.bus.gateway import Gateway
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions
from dure.engines.bus.streams import StreamPolicy
from dure.engines.identity.callout import Permission, device_permission, serve_callout
from dure.engines.records import devices
from dure.running.backups import take_in_tail
from dure.spine.bouncer import Bouncer
from dure.spine.outcomes import follow_outcomes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

    from dure.city import City
    from dure.config import Settings
    from dure.core.time import Clock
    from dure.engines.identity.secrets import Secrets
    from dure.engines.records.store import Records
    from dure.spine.directory import Directory

log = structlog.get_logger("dure")

ADDRESS_FILE = "address.json"
START_AGAIN_S = (0.5, 2.0)


class Address(msgspec.Struct, frozen=True):
    """Where a running bus is reached, left in the data folder for the other parts and for commands."""

    nats_url: str
    mqtt_host: str
    mqtt_port: int
    pid: int = 0


def read_address(settings: Settings) -> Address:
    """Where the bus of this data folder is reached."""
    if settings.nats_url:
        return Address(settings.nats_url, settings.bus_host, settings.mqtt_port)
    file = settings.data / ADDRESS_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=Address)
    except FileNotFoundError:
        raise ConfigError(
            "house.not_running", f"No bus runs in {settings.data}. Start it with `dure up`, or `dure run bus`."
        ) from None


def bus_secrets(secrets: Secrets) -> BusSecrets:
    """What the bus needs of the house's secrets."""
    return BusSecrets(
        user=secrets.bus_user,
        password=secrets.bus_password,
        system_user=secrets.sys_user,
        system_password=secrets.sys_password,
        issuer_seed=secrets.issuer_seed,
    )


async def open_bus(  # noqa: PLR0913, PLR0917  # what a bus is made of
    settings: Settings,
    city: City,
    secrets: Secrets,
    records: Records,
    clock: Clock,
    parts: frozenset[str],
    stack: AsyncExitStack,
) -> Bus:
    """A connection to the bus; where this process is the bus, its server, streams, sign-in and gateway are started first."""
    keys = bus_secrets(secrets)
    if "bus" in parts and not settings.nats_url:
        await _start_server(settings, keys, stack)
    user, password = (settings.nats_user, settings.nats_password) if settings.nats_url else (keys.user, keys.password)
    address = read_address(settings).nats_url
    bus = await Bus.connect(address, user, password)
    stack.push_async_callback(bus.close)
    if "bus" in parts:
        policy = StreamPolicy(retention_d=settings.stream_retention_d, replicas=settings.stream_replicas)
        await bus.ensure_streams(policy)
        if restored := await take_in_tail(bus, settings.data):
            log.info("restore.tail", messages=restored)
        callout = await serve_callout(bus, keys.issuer_seed, _judge_device(records, city.id, clock))
        stack.push_async_callback(callout.stop)
        # Ears of its own: a flood then waits in the server, and nothing else of ours waits with it.
        ears = await Bus.connect(address, user, password, name="dure-gateway")
        stack.push_async_callback(ears.close)
        gateway = Gateway(bus, ears)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
    return bus


async def _start_server(settings: Settings, keys: BusSecrets, stack: AsyncExitStack) -> None:
    options = ServerOptions(
        data_dir=settings.data,
        host=settings.bus_host,
        nats_port=settings.nats_port,
        mqtt_port=settings.mqtt_port,
        websocket_port=settings.websocket_port,
        binary=settings.nats_server,
    )
    server = NatsServer(options, keys)
    for again_in_s in START_AGAIN_S:  # it may be killed, or the machine be busy, just when it starts
        try:
            await server.start()
            break
        except Unavailable as error:
            log.warning("bus.start_again", code=error.code, why=error.message, in_s=again_in_s)
            await asyncio.sleep(again_in_s)
    else:
        await server.start()
    stack.push_async_callback(server.stop)
    supervisor = asyncio.create_task(server.supervise(), name="bus supervisor")
    stack.callback(supervisor.cancel)
    assert server.ports is not None  # noqa: S101  # a started server listens
    address = Address(server.url, settings.bus_host, server.ports.mqtt, os.getpid())
    file = settings.data / ADDRESS_FILE
    file.write_bytes(msgspec.json.encode(address))
    stack.callback(file.unlink, missing_ok=True)


async def watch_devices(  # noqa: PLR0913, PLR0917  # what watching devices takes
    settings: Settings,
    city: City,
    secrets: Secrets,
    records: Records,
    directory: Directory,
    bus: Bus,
    clock: Clock,
    stack: AsyncExitStack,
) -> None:
    """Take in what devices say of their commands; end the connection of one that is revoked."""
    stack.push_async_callback(await follow_outcomes(bus, records, city.id, clock))
    if settings.nats_url:  # an external cluster's system account is not ours: a revoked device goes when its token ends
        return
    keys = bus_secrets(secrets)
    system = await Bus.connect(read_address(settings).nats_url, keys.system_user, keys.system_password, name="dure-system")
    stack.push_async_callback(system.close)
    bouncer = Bouncer(directory, system)
    stack.push_async_callback(bouncer.close)


def _judge_device(records: Records, city: str, clock: Clock) -> Callable[[str, str], Awaitable[Permission | None]]:
    def judge(device: str, secret: str) -> Permission | None:
        with records.read() as connection:
            try:
                known = devices.authenticate(connection, device, secret, clock.now())
            except NotSignedIn:
                return None
        return device_permission(city, known.id) if known.city == city else None

    async def authenticate(device: str, secret: str) -> Permission | None:
        return await asyncio.to_thread(judge, device, secret)

    return authenticate
