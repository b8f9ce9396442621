from __future__ import annotations

import asyncio
import threading
from collections import Counter
from datetime import timedelta

import pytest

from dure.core.events import Event
from dure.engines.clock import FixedClock
from dure.engines.records import cursors, events, outbox
from dure.engines.records.audit import By
from dure.engines.records.outbox import Delivered
from dure.engines.records.store import Records

SECOND = timedelta(seconds=1)


def _events(n: int, by: By) -> list[Event]:
    return [Event(id=f"e-{i:05}", type="asset.released", source="dure", time=by.at, data={"n": i}) for i in range(n)]


@pytest.fixture
def clock(by: By) -> FixedClock:
    return FixedClock(by.at)


def _put(records: Records, by: By, n: int) -> None:
    with records.begin() as connection:
        outbox.put(connection, _events(n, by), by.at)


def test_a_message_leaves_only_with_its_change(records: Records, by: By) -> None:
    def fail() -> None:
        with records.begin() as connection:
            cursors.advance(connection, {"rules": 1})
            outbox.put(connection, _events(1, by), by.at)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with records.begin() as connection:
        assert outbox.claim(connection, by.at) == []


async def test_messages_are_sent_in_the_order_they_were_put(records: Records, by: By, clock: FixedClock) -> None:
    _put(records, by, 25)
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    rounds = [await outbox.deliver(records, send, clock, limit=10) for _ in range(4)]

    assert sent == _events(25, by)
    assert rounds == [Delivered(10, 0), Delivered(10, 0), Delivered(5, 0), Delivered(0, 0)]


async def test_a_message_put_twice_is_sent_once(records: Records, by: By, clock: FixedClock) -> None:
    _put(records, by, 2)
    _put(records, by, 3)
    with records.begin() as connection:
        assert events.announce(connection, _events(2, by), by.at) == 2
        assert events.announce(connection, _events(5, by), by.at) == 3
    sent: list[str] = []

    async def send(event: Event) -> None:
        sent.append(event.id)

    await outbox.deliver(records, send, clock)

    assert sent == [event.id for event in _events(5, by)]


async def test_a_failed_message_waits_longer_each_time_and_stops_no_other(records: Records, by: By, clock: FixedClock) -> None:
    _put(records, by, 3)
    tried: list[tuple[str, float]] = []

    async def send(event: Event) -> None:
        tried.append((event.id, (clock.now() - by.at).total_seconds()))
        if event.id == "e-00001" and len(tried) < 8:
            raise ConnectionError("bus away\0")

    for _ in range(90):
        await outbox.deliver(records, send, clock)
        clock.advance(SECOND)

    assert [one for one in tried if one[0] != "e-00001"] == [("e-00000", 0), ("e-00002", 0)]
    assert [at for name, at in tried if name == "e-00001"] == [0, 1, 3, 7, 15, 31]
    with records.read() as connection:
        assert outbox.waiting(connection) == (0, None)


async def test_the_wait_has_a_limit(records: Records, by: By, clock: FixedClock) -> None:
    _put(records, by, 1)
    tried: list[float] = []

    async def send(_: Event) -> None:
        tried.append((clock.now() - by.at).total_seconds())
        raise ConnectionError

    for _ in range(40):
        await outbox.deliver(records, send, clock)
        clock.advance(outbox.BACK_OFF_MAX)

    assert len(tried) == 40
    with records.read() as connection:
        assert outbox.waiting(connection) == (1, by.at)


async def test_what_a_dead_worker_claimed_is_sent_by_another_when_the_lease_ends(
    records: Records, by: By, clock: FixedClock
) -> None:
    _put(records, by, 2)
    with records.begin() as connection:
        assert len(outbox.claim(connection, clock.now())) == 2  # and then it dies
    sent: list[str] = []

    async def send(event: Event) -> None:
        sent.append(event.id)

    await outbox.deliver(records, send, clock)
    assert sent == []
    clock.advance(outbox.LEASE)
    await outbox.deliver(records, send, clock)

    assert sent == ["e-00000", "e-00001"]


async def test_a_slow_round_leaves_to_others_what_its_lease_no_longer_covers(records: Records, by: By, clock: FixedClock) -> None:
    _put(records, by, 5)
    sent: list[str] = []

    async def send(event: Event) -> None:
        sent.append(event.id)
        clock.advance(outbox.LEASE / 2)

    assert await outbox.deliver(records, send, clock) == Delivered(2, 0)
    assert await outbox.deliver(records, send, clock) == Delivered(2, 0)
    assert await outbox.deliver(records, send, clock) == Delivered(1, 0)
    assert len(set(sent)) == 5


def test_two_workers_at_once_send_each_message_once(url: str, by: By) -> None:
    stores = [Records(url), Records(url)]
    _put(stores[0], by, 400)
    sent: Counter[str] = Counter()
    settled: list[int] = []
    gate = threading.Barrier(2)

    async def work(records: Records) -> None:
        async def send(event: Event) -> None:
            sent[event.id] += 1
            await asyncio.sleep(0)

        while (done := await outbox.deliver(records, send, FixedClock(by.at), limit=17)).sent:
            settled.append(done.sent)

    def run(records: Records) -> None:
        gate.wait(10)
        asyncio.run(work(records))

    threads = [threading.Thread(target=run, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sent == Counter(event.id for event in _events(400, by))
    assert sum(settled) == 400
    with stores[1].read() as connection:
        assert outbox.waiting(connection)[0] == 0
    for store in stores:
        store.close()


def test_two_that_sent_the_same_message_settle_it_once(records: Records, by: By) -> None:
    _put(records, by, 1)
    with records.begin() as connection:
        assert [outbox.settle(connection, ["e-00000"], by.at) for _ in range(2)] == [1, 0]


def test_sent_messages_are_purged(records: Records, by: By) -> None:
    _put(records, by, 3)
    with records.begin() as connection:
        outbox.settle(connection, ["e-00000", "e-00001"], by.at)

        assert outbox.purge(connection, by.at) == 0
        assert outbox.purge(connection, by.at + SECOND) == 2
        assert outbox.waiting(connection) == (1, by.at)
