"""A LoRaWAN network server's own MQTT broker, listened to: what it says is kept before it is acknowledged."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from dure.core.errors import ConfigError, DureError, InputError
from dure.protocols import chirpstack, the_things_stack
from dure.protocols.lorawan import Uplink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dure.city import Integration
    from dure.protocols.downlinks import Down
    from dure.protocols.lorawan import Message
    from dure.spine.intake import Intake

log = structlog.get_logger("dure.bridge")

RETRY_S = 2.0
PORTS = {"mqtt": 1883, "mqtts": 8883}


def read_message(server: str, topic: str, body: bytes) -> Message | None:
    """What a topic and body of a network server say; None for what Dure does not use."""
    if server == "chirpstack":
        dev_eui, event = chirpstack.parse_topic(topic)
        return chirpstack.parse(body, event, dev_eui)
    device, event = the_things_stack.parse_topic(topic)
    return the_things_stack.parse(body, event, device)


class Bridge:
    """One integration of the city. The session is persistent, so the broker keeps what comes while we are away."""

    def __init__(self, integration: Integration, intake: Intake, environ: Mapping[str, str] = os.environ) -> None:
        self._integration, self._intake = integration, intake
        self._arrived: asyncio.Queue[mqtt.MQTTMessage] = asyncio.Queue()
        address = urlsplit(integration.url)
        if not address.hostname:
            raise ConfigError("integration.url", f"{integration.id}: {integration.url!r} names no host.")
        self._host, self._port = address.hostname, address.port or PORTS[address.scheme]
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"dure-{integration.id}",
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        if integration.username_env:
            client.username_pw_set(environ.get(integration.username_env, ""), environ.get(integration.password_env, ""))
        if address.scheme == "mqtts":
            client.tls_set()
        client.reconnect_delay_set(1, 30)
        self._client = client
        self._lost = False
        self._applications: dict[str, str] = {}

    async def run(self) -> None:
        """Listen until cancelled."""
        loop = asyncio.get_running_loop()

        def arrived(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            loop.call_soon_threadsafe(self._arrived.put_nowait, message)

        self._client.on_message = arrived
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.connect_async(self._host, self._port)
        self._client.loop_start()
        try:
            while True:
                await self._take(await self._arrived.get())
        finally:
            self._client.disconnect()
            await asyncio.to_thread(self._client.loop_stop)

    def send_down(self, dev_eui: str, down: Down) -> bool:
        """Queue a downlink at the network server; False for a device whose application was not heard of yet."""
        application = self._applications.get(dev_eui)
        if application is None or self._lost:
            return False
        topic, body = chirpstack.write_down(application, dev_eui, down.f_port, down.payload)
        self._client.publish(topic, body, qos=1)
        return True

    async def _take(self, message: mqtt.MQTTMessage) -> None:
        """Keep one message, however long the bus is away, then acknowledge it."""
        while True:
            try:
                said = read_message(self._integration.server, message.topic, bytes(message.payload))
                if isinstance(said, Uplink):
                    self._note_application(said, message.topic)
                    await self._intake.accept_uplink(said)
                break
            except InputError as error:
                await self._intake.park_unreadable(message.topic, bytes(message.payload), error)
                break
            except DureError as error:
                log.warning("bridge.waiting", integration=self._integration.id, code=error.code)
                await asyncio.sleep(RETRY_S)
        self._client.ack(message.mid, message.qos)

    def _note_application(self, said: Uplink, topic: str) -> None:
        """A class A device hears its network server right after it sent: that is when its application is known at the latest."""
        application = chirpstack.application_of(topic) if said.network == "chirpstack" else ""
        if application:
            self._applications[said.dev_eui] = application

    # paho calls these in its own thread.
    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say_lost(str(reason))
            return
        client.subscribe([(topic, 1) for topic in self._integration.topics])
        log.info("bridge.connected", integration=self._integration.id)
        self._lost = False

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._say_lost(str(reason))

    def _say_lost(self, why: str) -> None:
        if not self._lost:
            log.warning("bridge.lost", integration=self._integration.id, why=why)
        self._lost = True
