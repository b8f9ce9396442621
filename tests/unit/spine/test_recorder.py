"""The recorder asks assessors once for each row, keeps what they say, and goes on when they fail."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import structlog
from spine_book import NOW, NOW_US

from dure.core.errors import Unavailable
from dure.core.observations import Check, Flag, Revisions, no_revisions
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.spine import flags
from dure.spine.assessing import Assessors
from dure.spine.house import Assessed
from dure.spine.judge import Judge
from dure.spine.live import Live
from dure.spine.recorder import Recorder, segments
from dure.spine.rows import Columns, Rows, encode

S = 1_000_000
T = ("st-1", "air_temperature")


class Message(msgspec.Struct, frozen=True):
    """A message of the bus."""

    subject: str
    payload: bytes
    seq: int
    time_us: int = NOW_US


class Stream:
    """A stream of messages, read in the turns given."""

    def __init__(self, *turns):
        self.turns = turns

    async def state(self):
        return SimpleNamespace(born_at="then", last_seq=0)

    async def read(self, start, **_):
        for turn in self.turns:
            yield [message for message in turn if message.seq > start]
        await asyncio.Event().wait()


class Directory:
    """The book, with what the recorder asks of a register besides."""

    def __init__(self, book):
        self._book = book
        self.strangers = set()
        self.on_the_way = set()
        self.generation = 0

    def __getattr__(self, name):
        return getattr(self._book, name)

    def has_asset(self, asset):
        return asset not in self.strangers

    def live_from_seq(self, asset):
        if asset not in self.on_the_way:
            return self._book.live_from_seq(asset)
        self.on_the_way.discard(asset)
        self.generation += 1
        return None

    def is_quarantined(self, device):
        return self._book.device_live_from_seq(device) is None

    async def refresh_if_changed(self):
        pass

    async def changed(self):
        pass

    def refresh(self):
        self.strangers.clear()


class Doubter:
    """Finds values above 30 suspect, and the value before one below 0 a spike."""

    def __init__(self):
        self.seen = []
        self.warmed = 0
        self.broken = False

    def warm(self, _telemetry, _now_us):
        self.warmed += 1

    def assess(self, batch):
        if self.broken:
            raise ZeroDivisionError
        self.seen += batch.seq.tolist()
        doubtful = batch.value > 30
        late = batch.time_us[batch.value < 0] - S
        n = len(late)
        revised = Revisions([T], np.zeros(n, np.int32), late, np.full(n, 4, np.uint8), np.full(n, 31, np.uint8))
        flag = np.where(doubtful, Flag.SUSPECT, batch.flag).astype(np.uint8)
        return Assessed(flag, np.where(doubtful, Check.OUTSIDE_CLIMATE, batch.check).astype(np.uint8), revised)


class Flaky(DuckTelemetry):
    """A store that is away at first."""

    tries = 0

    def append(self, batch, cursors, revised=None):
        self.tries += 1
        if self.tries < 3:
            raise Unavailable("telemetry.down", "It is away.")
        return super().append(batch, cursors, revised)


def rows(seq, *values):
    n = len(values)
    time_us = NOW_US - 3600 * S + (seq * 10 + np.arange(n, dtype=np.int64)) * S
    return Message(
        "rows.c.1.dev-1", encode(Rows("http", NOW_US, Columns([T], np.zeros(n, np.int32), time_us, np.array(values)))), seq
    )


def revision(seq, of, flag):
    time_us = np.array([NOW_US - 3600 * S + of * 10 * S], np.int64)
    one = Revisions([T], np.zeros(1, np.int32), time_us, np.array([flag], np.uint8), np.array([40], np.uint8))
    return Message("flags.c.1.environment", flags.encode(one, NOW_US), seq)


@pytest.fixture
def make(tmp_path, book, properties):
    records = Records(f"sqlite:///{tmp_path / 'records.sqlite'}")
    records.migrate()
    made = []

    def build(*turns, assessors=(), store=DuckTelemetry):
        telemetry = store(tmp_path / f"{len(made)}.duckdb")
        directory = Directory(book)
        judge = Judge(directory, properties, lambda _: [])
        clock = SimpleNamespace(now=lambda: NOW)
        live = Live()
        recorder = Recorder(Stream(*turns), telemetry, records, directory, judge, live, clock, assessors=Assessors(assessors))
        made.append(telemetry)
        return SimpleNamespace(recorder=recorder, telemetry=telemetry, live=live, directory=directory)

    yield build
    for telemetry in made:
        telemetry.close()
    records.close()


async def record(house, seq):
    task = asyncio.create_task(house.recorder.run())
    assert await house.recorder.wait_for(seq, 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def kept(house):
    found = house.telemetry.series(T, 0, 2**61)
    return list(zip(found.value.tolist(), found.flag.tolist(), found.check.tolist(), strict=True))


async def test_what_an_assessor_says_is_stored_and_live(make):
    doubter = Doubter()
    house = make([rows(1, 20.0, 35.0)], [rows(2, 21.0, -1.0, 22.0)], assessors=[doubter])
    await record(house, 2)
    assert kept(house) == [(20.0, 1, 0), (35.0, 3, 30), (21.0, 4, 31), (-1.0, 1, 0), (22.0, 1, 0)]
    assert (doubter.seen, doubter.warmed) == ([1, 1, 2, 2, 2], 1)
    assert (house.live.get(*T).value, house.recorder.progress.revised) == (22.0, 1)


async def test_each_row_is_assessed_once_when_it_is_judged_twice_and_the_store_is_away(make):
    doubter = Doubter()
    house = make([rows(1, 20.0, 35.0)], assessors=[doubter], store=Flaky)
    house.directory.strangers.add("st-1")
    await record(house, 1)
    assert doubter.seen == [1, 1]
    assert kept(house) == [(20.0, 1, 0), (35.0, 3, 30)]


async def test_the_word_of_a_new_asset_that_comes_while_its_rows_are_judged_counts_for_them(make):
    house = make([rows(1, 20.0)])
    house.directory.on_the_way.add("st-1")
    await record(house, 1)
    assert kept(house) == [(20.0, 1, 0)]


async def test_an_assessor_that_raises_is_said_once_and_recording_goes_on(make):
    doubter, second = Doubter(), Doubter()
    doubter.broken = True
    with structlog.testing.capture_logs() as logs:
        house = make([rows(1, 20.0)], [rows(2, 35.0)], [rows(3, 36.0)], assessors=[doubter, second])
        await record(house, 3)
    assert kept(house) == [(20.0, 1, 0), (35.0, 3, 30), (36.0, 3, 30)]
    assert [one["step"] for one in logs if one["event"] == "assessor.failed"] == ["assess"]


async def test_flags_apply_after_the_rows_before_them_and_not_to_rows_after(make):
    turn = [
        revision(1, 2, 4),
        rows(2, 20.0),
        rows(3, 21.0),
        revision(4, 2, 3),
        revision(5, 3, 4),
        rows(6, 22.0),
        revision(7, 3, 1),
    ]
    house = make(turn)
    await record(house, 7)
    assert kept(house) == [(20.0, 3, 40), (21.0, 1, 40), (22.0, 1, 0)]


async def test_a_message_overrules_the_assessor(make):
    house = make([rows(1, 35.0), revision(2, 1, 1)], assessors=[Doubter()])
    await record(house, 2)
    assert kept(house) == [(35.0, 1, 40)]


def test_a_turn_is_cut_where_rows_follow_flags():
    turn = [Message(f"{kind}.c.1.d", b"", seq) for seq, kind in enumerate(("rows", "raw", "flags", "flags", "pack", "flags"))]
    assert [[one.seq for one in part] for part in segments(turn)] == [[0, 1, 2, 3], [4, 5]]
    assert [len(part) for part in segments(turn[:2])] == [2]


def test_an_assessor_cannot_make_a_flag_better_and_its_answer_must_fit(make):
    class Kind(Doubter):
        def assess(self, batch):
            n = len(batch)
            return Assessed(np.ones(n, np.uint8), np.full(n, 33, np.uint8), no_revisions())

    class Short(Doubter):
        def assess(self, batch):
            return Assessed(batch.flag[:1], batch.check[:1], no_revisions())

    house = make()
    judged = house.recorder._judge.judge([rows(1, 20.0, 99.0, np.nan, 50.0)])  # noqa: SLF001  # the judge it was given
    for assessor, checks in ((Kind(), [33, 11, 1, 13]), (Short(), [0, 11, 1, 13])):
        found = Assessors([assessor]).assess(judged).batch
        assert found.flag.tolist() == [1, 4, 9, 3]
        assert found.check.tolist() == checks
