"""Devices sign in, and may do only what is theirs."""

import asyncio
import struct

import nats
import nats.errors
import pytest

from dure.core.errors import Unavailable
from dure.engines.bus.client import Bus
from dure.engines.identity.callout import device_permission, disconnect, serve_callout


@pytest.fixture
async def register(server, bus):
    """Secrets by device; the callout judges by it."""
    known = {"d1": "s1", "d2": "s2"}

    async def authenticate(user, secret):
        return device_permission("hwaseong", user) if known.get(user) == secret else None

    callout = await serve_callout(bus, server.secrets.issuer_seed, authenticate)
    yield known
    await callout.stop()


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    ("user", "secret"), [("d1", "wrong"), ("nobody", "s1"), ("D1", "s1"), ("d1", "s1" * 600), ("dure", "guess")]
)
async def test_a_wrong_credential_is_refused_by_mqtt(device, user, secret):
    one = device(user, secret, reconnect_on_failure=False)

    assert await one.connect() == "Not authorized"


@pytest.mark.usefixtures("register")
async def test_a_client_without_a_credential_is_refused(server):
    client = nats.NATS()
    with pytest.raises((nats.errors.Error, OSError)):
        await client.connect(server.url, allow_reconnect=False, error_cb=_quiet)
    await client.close()


async def _quiet(error: Exception) -> None:
    """The refusal is raised too."""


@pytest.mark.usefixtures("register")
async def test_a_device_sends_its_readings_and_hears_its_commands(bus, device, collect):
    one = device("d1", "s1")

    assert await one.connect() == "Success"
    assert await one.subscribe("cmd/hwaseong/d1")
    await one.publish("up/hwaseong/d1", b"mine")
    await bus.send("cmd.hwaseong.d1", b"open")
    await one.until(lambda: one.heard)

    assert [m.payload for m in await collect(bus, 1)] == [b"mine"]
    assert one.heard == [("cmd/hwaseong/d1", b"open")]


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/+/+",
        "up/hwaseong/d1",
        "up/hwaseong/d2",
        "cmd/hwaseong/d2",
        "cmd/hwaseong/+",
        "cmd/#",
        "$SYS/#",
        "$MQTT/msgs/#",
        "rows/#",
    ],
)
async def test_a_device_cannot_hear_what_is_not_its_own(device, topic):
    one = device("d1", "s1")
    await one.connect()

    assert not await one.subscribe(topic)


@pytest.mark.usefixtures("register")
@pytest.mark.parametrize(
    "topic",
    ["up/hwaseong/d2", "up/goyang/d1", "rows/hwaseong/1/d1", "raw/hwaseong/1/d1", "cmd/hwaseong/d2", "$MQTT/msgs/up/c/d1"],
)
async def test_what_a_device_sends_on_anothers_topic_is_not_kept(bus, device, collect, topic):
    one = device("d1", "s1")
    await one.connect()
    one.client.publish(topic, b"forged", 1)
    other = device("d2", "s2")  # after it, so that the forged one had its time
    await other.connect()
    await other.publish("up/hwaseong/d2", b"true")

    await collect(bus, 1, timeout_s=20)
    found = await collect(bus, 2, timeout_s=2)

    assert [m.payload for m in found] == [b"true"]


@pytest.mark.usefixtures("register")
async def test_a_device_over_nats_may_do_the_same_and_no_more(server, bus):
    errors = []

    async def note(error):
        errors.append(str(error))

    heard = asyncio.Queue()

    async def hear(received):
        await heard.put(received.subject)

    await bus.subscribe("up.>", hear)
    await bus.subscribe("jobs.>", hear)
    one = await nats.connect(server.url, user="d1", password="s1", error_cb=note)
    await one.subscribe("cmd.hwaseong.>")
    await one.subscribe("$JS.API.>")
    for subject in ("up.hwaseong.d2", "jobs.x", "$JS.API.STREAM.PURGE.OBS", "$SYS.REQ.USER.AUTH", "up.hwaseong.d1"):
        await one.publish(subject, b"1")
    # The client library writes a ping before what waits to be written: what the server says to all of it is here after two.
    await one.flush()
    await one.flush()
    subject = await asyncio.wait_for(heard.get(), 5)
    await one.close()

    assert subject == "up.hwaseong.d1"
    assert heard.empty()
    assert len([e for e in errors if "ermissions violation" in e.lower() or "permissions" in e.lower()]) == 6


async def test_a_revoked_device_is_cut_off_and_refused(register, server, device):
    one, other = device("d1", "s1"), device("d2", "s2")
    await one.connect()
    await other.connect()
    system = await Bus.connect(server.url, server.secrets.system_user, server.secrets.system_password)

    del register["d1"]
    ended = await disconnect(system, "d1")
    await one.until(lambda: "Not authorized" in one.connected)
    again = await disconnect(system, "d1")
    await system.close()

    assert (ended, again) == (1, 0)
    assert other.disconnected == []


async def test_a_credential_ends_by_itself_and_is_judged_anew(server, bus, device):
    asked = []

    async def authenticate(user, _secret):
        asked.append(user)
        return device_permission("hwaseong", user)

    callout = await serve_callout(bus, server.secrets.issuer_seed, authenticate, life_s=2)
    one = device("d1", "s1")
    await one.connect()
    await one.until(lambda: len(one.connected) == 2)
    await callout.stop()

    assert asked == ["d1", "d1"]


async def test_a_device_waits_while_credentials_cannot_be_judged(server, bus, device):
    asked = []

    async def authenticate(user, _secret):
        asked.append(user)
        raise Unavailable("records.unavailable", "for the test")

    callout = await serve_callout(bus, server.secrets.issuer_seed, authenticate)
    one = device("d1", "s1", reconnect_on_failure=False)
    one.client.connect_timeout = 1.0
    await asyncio.to_thread(one.client.connect_async, "127.0.0.1", server.ports.mqtt)
    one.client.loop_start()
    while not asked:  # noqa: ASYNC110  # asked by the bus
        await asyncio.sleep(0.01)
    await callout.stop()

    assert (callout.counts.allowed, callout.counts.refused, one.connected) == (0, 0, [])


async def test_a_thousand_devices_that_come_at_once_all_get_in_at_the_first_try(server, bus):
    async def authenticate(user, secret):
        return device_permission("hwaseong", user) if secret == "secret" else None

    callout = await serve_callout(bus, server.secrets.issuer_seed, authenticate)

    async def come(number: int) -> tuple[int, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports.mqtt)
        texts = [f"storm-{number}".encode()] * 2 + [b"secret" if number % 10 else b"wrong"]
        body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + b"".join(struct.pack(">H", len(text)) + text for text in texts)
        writer.write(b"\x10" + bytes([len(body)]) + body)
        return (await asyncio.wait_for(reader.readexactly(4), 60))[3], writer

    answers = await asyncio.gather(*(come(number) for number in range(1_000)))
    for _, writer in answers:
        writer.close()
    await callout.stop()

    assert [code for code, _ in answers] == [0 if number % 10 else 5 for number in range(1_000)]
    assert (callout.counts.asked, callout.counts.allowed, callout.counts.refused) == (1_000, 900, 100)
