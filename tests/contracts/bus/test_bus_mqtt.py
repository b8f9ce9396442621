"""What devices send by MQTT reaches the stream: QoS 1 by sourcing, QoS 0 through the gateway."""

import asyncio
import os
import signal

from dure.core.identifiers import partition
from dure.engines.bus import subjects
from dure.engines.bus.client import Bus
from dure.engines.bus.gateway import Gateway
from dure.engines.bus.packing import unpack


async def _until(happened, timeout_s: float = 20) -> None:
    async def wait() -> None:
        while not happened():  # noqa: ASYNC110  # the gateway has counters, not events
            await asyncio.sleep(0.01)

    await asyncio.wait_for(wait(), timeout_s)


async def test_the_first_reading_ever_sent_by_mqtt_is_kept_as_its_bytes(bus, device, collect):
    one = device()
    await one.connect()
    await one.publish("up/hwaseong/station-7", b'{"pm10": 31.5}')

    (found,) = await collect(bus, 1)

    assert (found.subject, found.payload) == (subjects.raw("hwaseong", "station-7"), b'{"pm10": 31.5}')


async def test_the_servers_partition_is_ours_for_every_device(bus, device, collect):
    names = [f"{kind}-{n}" for n in range(60) for kind in ("d", "station_", "ev", "0")]
    one = device()
    await one.connect()
    await asyncio.gather(*(one.publish(f"up/c/{name}", name.encode()) for name in names))

    found = await collect(bus, len(names))

    assert {m.payload.decode(): subjects.parse(m.subject).partition for m in found} == {n: partition(n) for n in names}


async def test_what_mqtt_acknowledged_survives_kills_of_the_server(server, bus, device, collect):
    one = device(clean_session=False)
    await one.connect()
    sent = {}
    for n in range(900):
        sent[one.client.publish("up/c/d1", b"%d" % n, qos=1).mid] = n
        if n in {200, 500}:
            await one.until(lambda n=n: len(one.acked) > n - 150)
            os.kill(server.pid, signal.SIGKILL)
    await one.until(lambda: len(one.acked) == 900, 60)

    # What was sent but not yet acknowledged comes again after a kill, so that some messages are there twice.
    found = [int(m.payload) for m in await collect(bus, 900, timeout_s=30, distinct=True)]

    assert {sent[mid] for mid in one.acked} - set(found) == set()
    assert server.restarts == 2


async def test_qos_0_is_packed_by_partition_and_qos_1_is_not_doubled(bus, device, collect):
    gateway = Gateway(bus, now_us=lambda: 1_795_000_000_000_000)
    await gateway.start()
    one = device()
    await one.connect()
    for n in range(500):
        await one.publish(f"up/c/d{n % 5}", b"%d" % n, qos=0)
    await one.publish("up/c/d1", b"at qos 1", qos=1)
    await _until(lambda: gateway.counts.kept == 500)
    await gateway.stop()

    found = await collect(bus, gateway.counts.packs + 1)
    packs = [(subjects.parse(m.subject), list(unpack(m.payload))) for m in found if m.subject.startswith("pack.")]

    assert [m.payload for m in found if not m.subject.startswith("pack.")] == [b"at qos 1"]
    assert all(partition(item.device) == origin.partition for origin, items in packs for item in items)
    for d in range(5):
        of_one = [int(item.payload) for _, items in packs for item in items if item.device == f"d{d}"]
        assert of_one == list(range(d, 500, 5))
    assert {item.received_us for _, items in packs for item in items} == {1_795_000_000_000_000}
    assert gateway.counts.acknowledged_elsewhere == 1


async def test_the_gateway_keeps_what_it_holds_when_stopped(bus):
    gateway = Gateway(bus)
    await gateway.start()
    for n in range(50):
        await bus.send("up.c.d1", b"%d" % n)
    await bus.flush()
    await gateway.stop()

    assert (gateway.counts.kept, gateway.held) == (50, 0)
    assert (await bus.state()).messages == gateway.counts.packs


async def test_the_gateway_counts_what_it_refuses(bus):
    gateway = Gateway(bus)
    await gateway.start()
    await bus.send("up.c.Not-A-Device", b"1")
    await bus.send("up.c.d1", b"x" * 600_000)
    await bus.send("up.c.d1", b"ok")
    await bus.flush()
    await gateway.stop()

    assert (gateway.counts.received, gateway.counts.refused, gateway.counts.kept) == (3, 2, 1)


async def test_the_gateway_keeps_its_packs_through_a_kill_of_the_bus_and_says_it_was_cut(server, bus, collect):
    ears = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    gateway = Gateway(bus, ears)
    await gateway.start()
    for n in range(300):
        await bus.send(f"up.c.d{n}", b"%d" % n)
    await bus.flush()
    await _until(lambda: gateway.counts.received == 300)
    os.kill(server.pid, signal.SIGKILL)
    await _until(lambda: gateway.counts.kept == 300 and gateway.counts.cuts == 1)
    await gateway.stop()
    await ears.close()

    found = [item.payload for m in await collect(bus, gateway.counts.packs) for item in unpack(m.payload)]

    assert sorted(found, key=int) == [b"%d" % n for n in range(300)]


async def test_gateways_share_the_work_and_keep_each_message_once(server, bus, collect):
    other = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    both = [Gateway(bus), Gateway(other)]
    for each in both:
        await each.start()
    for n in range(400):
        await bus.send(f"up.c.d{n}", b"%d" % n)
    await _until(lambda: sum(each.counts.received for each in both) == 400)
    for each in both:
        await each.stop()
    await other.close()

    found = [item.payload for m in await collect(bus, sum(g.counts.packs for g in both)) for item in unpack(m.payload)]

    assert sorted(found, key=int) == [b"%d" % n for n in range(400)]
