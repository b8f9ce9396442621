"""Publish and be sure; read from a cursor through everything that happens to the bus."""

import asyncio
import os
import random
import signal

import pytest

from dure.core.errors import ConfigError, NotFound, TooLarge, Unavailable
from dure.engines.bus import subjects
from dure.engines.bus.client import Bus, Gap, StreamPolicy


async def test_what_is_published_is_read_in_order_with_subject_and_time(bus, collect):
    for n in range(5):
        await bus.publish(subjects.rows("c", f"d{n}"), b"%d" % n)

    found = await collect(bus, 5)

    assert [(m.seq, m.payload) for m in found] == [(n + 1, b"%d" % n) for n in range(5)]
    assert subjects.parse(found[3].subject).device == "d3"
    assert found[0].time_us <= found[4].time_us


async def test_reading_starts_after_the_cursor_and_filters_by_partition(bus, collect):
    for n in range(20):
        await bus.publish(f"rows.c.{n % 4}.d", b"%d" % n)

    found = await collect(bus, 3, after=8, subjects=subjects.of_partitions([2]))

    assert [m.seq for m in found] == [11, 15, 19]


async def test_the_stream_of_a_running_city_takes_flags_after_the_next_start(bus, collect):
    js = bus.client.jetstream()
    older = (await js.stream_info(subjects.STREAM)).config
    older.subjects = ["rows.>", "pack.>"]
    await js.update_stream(config=older)
    await bus.publish(subjects.rows("c", "d1"), b"before")
    await bus.ensure_streams(StreamPolicy())

    await bus.publish(subjects.flags("c", "environment"), b"flags")

    assert [(m.subject.split(".")[0], m.payload) for m in await collect(bus, 2)] == [("rows", b"before"), ("flags", b"flags")]


async def test_an_idle_stream_gives_empty_lists(bus):
    async for messages in bus.read(0, wait_s=0.05):
        assert messages == []
        break


async def test_a_message_of_the_same_id_is_kept_once(bus):
    first = await bus.publish("rows.c.1.d", b"x", "id-1")
    again = await bus.publish("rows.c.1.d", b"x", "id-1")

    assert first == again
    assert (await bus.state()).messages == 1


async def test_a_single_message_is_found_by_its_sequence(bus):
    await bus.publish("rows.c.1.d", b"x", "id-7")

    found = await bus.message(1)

    assert (found.subject, found.payload, found.headers) == ("rows.c.1.d", b"x", {"Nats-Msg-Id": "id-7"})
    with pytest.raises(NotFound) as missing:
        await bus.message(2)
    assert missing.value.code == "bus.no_message"


async def test_a_message_over_the_limit_is_refused(bus):
    with pytest.raises(TooLarge) as refused:
        await bus.publish("rows.c.1.d", b"x" * 1_100_000)

    assert refused.value.code == "bus.too_large"


async def test_a_full_stream_refuses_and_drops_nothing(bus):
    await bus.ensure_streams(StreamPolicy(bytes_max=10_000))
    kept = 0
    with pytest.raises(Unavailable) as refused:  # noqa: PT012  # it is the one that does not fit any more
        while kept < 20:
            await bus.publish("rows.c.1.d", b"x" * 1_000)
            kept += 1

    assert refused.value.code == "bus.full"
    assert (await bus.state()).messages == kept > 5
    assert (await bus.state()).first_seq == 1


async def test_what_mqtt_sends_to_a_full_stream_arrives_when_there_is_room(bus, device, collect):
    await bus.ensure_streams(StreamPolicy(bytes_max=3_000))
    one = device()
    await one.connect()
    for n in range(20):
        await one.publish("up/c/d1", b"%03d" % n + b"x" * 500)
    before = (await bus.state()).messages

    await bus.ensure_streams(StreamPolicy())
    found = await collect(bus, 20)

    assert before < 20
    assert [int(m.payload[:3]) for m in found] == list(range(20))


async def test_a_bus_that_is_down_is_unavailable(server, bus):
    await server.stop()

    with pytest.raises(Unavailable) as refused:
        await bus.publish("rows.c.1.d", b"x", timeout_s=0.5)

    assert refused.value.code == "bus.unavailable"


async def test_more_than_a_thousand_publishes_at_once_are_all_kept(bus):
    seqs = await asyncio.gather(*(bus.publish("rows.c.1.d", b"x", timeout_s=30) for _ in range(3_000)))

    assert sorted(seqs) == list(range(1, 3_001))


async def test_expired_messages_are_told_as_a_gap(bus, collect):
    for n in range(10):
        await bus.publish("rows.c.1.d", b"%d" % n)
    await bus.client.jetstream().purge_stream(subjects.STREAM, seq=5)
    gaps = []

    found = await collect(bus, 6, after=2, on_gap=gaps.append)

    assert gaps == [Gap("expired", 3, 4)] == [await bus.gap(2)]
    assert [m.seq for m in found] == [5, 6, 7, 8, 9, 10]
    assert await bus.gap(4) is None


async def test_a_stream_younger_than_the_cursor_is_told_as_a_gap_and_read_from_its_start(bus, collect):
    await bus.publish("rows.c.1.d", b"first of a new stream")
    gaps = []

    found = await collect(bus, 1, after=500, on_gap=gaps.append)

    assert gaps == [Gap("ahead", 2, 500)]
    assert [m.seq for m in found] == [1]


async def test_a_reader_loses_and_doubles_nothing_while_the_bus_is_killed(server, bus):
    chance = random.Random(7)  # noqa: S311  # a seed for the moments of the kills
    total, read = 1_500, []

    async def write() -> None:
        for n in range(total):
            await bus.publish("rows.c.1.d", b"%d" % n, f"m{n}", timeout_s=30)

    async def kill() -> None:
        for _ in range(3):
            wanted = len(read) + chance.randrange(100, 200)
            while len(read) < wanted:  # noqa: ASYNC110  # counted by the reader
                await asyncio.sleep(0.005)
            if server.pid is not None:
                os.kill(server.pid, signal.SIGKILL)

    async def gather() -> None:
        async for messages in bus.read(0, batch=50, wait_s=0.1):
            read.extend(messages)
            if len(read) >= total:
                return

    await asyncio.wait_for(asyncio.gather(write(), kill(), gather()), 90)

    assert [m.seq for m in read] == list(range(1, total + 1))
    assert [int(m.payload) for m in read] == list(range(total))
    assert server.restarts == 3


async def test_a_reader_survives_the_loss_of_its_consumer(bus):
    await bus.publish("rows.c.1.d", b"0")
    js = bus.client.jetstream()
    read = []

    async def gather() -> None:
        async for messages in bus.read(0, wait_s=0.1):
            read.extend(messages)
            if len(read) == 1 and messages:
                for each in await js.consumers_info(subjects.STREAM):
                    await js.delete_consumer(subjects.STREAM, each.name)
                await bus.publish("rows.c.1.d", b"1")
            if len(read) == 2:
                return

    await asyncio.wait_for(gather(), 20)

    assert [m.payload for m in read] == [b"0", b"1"]


async def test_a_slow_reader_holds_a_bounded_number_of_messages(bus):
    payload = b"x" * 500_000
    await asyncio.gather(*(bus.publish("rows.c.1.d", payload, timeout_s=60) for _ in range(60)))
    read = 0
    async for messages in bus.read(0, batch=1):
        read += len(messages)
        waiting = sum(sub.pending_bytes for sub in bus.client._subs.values())  # noqa: SLF001  # what the reader has asked for
        assert waiting < 20_000_000
        if read == 60:
            break

    assert read == 60


async def test_streams_can_be_ensured_again_and_keep_what_they_hold(bus):
    await bus.publish("rows.c.1.d", b"x")

    await bus.ensure_streams(StreamPolicy(retention_d=3))

    info = await bus.client.jetstream().stream_info(subjects.STREAM)
    assert (info.state.messages, info.config.max_age) == (1, 3 * 86_400)


async def test_a_stream_the_bus_cannot_make_is_told(bus):
    with pytest.raises(ConfigError) as refused:
        await bus.ensure_streams(StreamPolicy(replicas=3))

    assert refused.value.code == "bus.stream_refused"


async def test_a_question_is_answered_and_one_that_nobody_hears_is_unavailable(server, bus):
    other = await Bus.connect(server.url, server.secrets.user, server.secrets.password)

    async def shout(received):
        return received.payload.upper()

    stop = await other.reply("ask.this", shout)

    assert await bus.request("ask.this", b"dure") == b"DURE"
    await stop()
    with pytest.raises(Unavailable):
        await bus.request("ask.this", b"dure", timeout_s=0.5)
    await other.close()
