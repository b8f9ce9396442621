"""The journal of the central system on both engines: in order, once, and on the disk before anybody is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import update

from dure.core.errors import Unavailable
from dure.engines.clock import SystemClock
from dure.engines.records import cursors
from dure.engines.records.tables import cursors as cursors_table
from dure.services.charging.central import journal_records
from dure.services.charging.central.journal import Journal
from dure.services.charging.central.journal_records import Kept
from dure.services.charging.central.words import Booted, Happened, Sample, Sampled, Seen, StatusSaid, TransactionSaid
from dure.services.charging.sessions import journal_watch
from dure.services.charging.stations import station_records

DAY_US = 86_400_000_000
WORDS = (
    Booted("cp", "ocpp1.6", 1, vendor="v", model="모델"),
    StatusSaid("cp", 1, "occupied", 2, 3, detail="SuspendedEV"),
    TransactionSaid("cp", "t", "started", 2**62, 5, seq_no=0, samples=(Sample(4, "SoC", 0.5), Sample(4, "Voltage", 230.1, "L1"))),
    Sampled("cp", 1, 6, (Sample(4, "Energy.Active.Import.Register", 12_345.0, signed="OCMF|{}"),)),
    Happened("cp", "report", 1, 2, {"list": [1, {"a": None}], "text": "글"}),
)


def rows_of(records, writer):
    with records.read() as connection:
        return journal_records.read(connection, writer, 0, 10_000)


def test_words_come_back_as_they_were_said(records):
    row = Kept("w", 1, 7, len(WORDS), journal_records.pack(WORDS))
    with records.begin() as connection:
        assert journal_records.append(connection, row)
        assert not journal_records.append(connection, row)  # its first try was kept: nothing is there twice
    (kept,) = rows_of(records, "w")
    assert kept == row
    assert journal_records.unpack(kept.words) == WORDS


def test_a_number_that_no_word_can_hold_is_cut_and_the_others_stay():
    """JSON has no bounds for whole numbers, and the schemas name none for most of them."""
    said = (
        Happened("cp", "report", 1, 2, {"n": [10**30, -(10**30), 7, 1.5, "x"]}),
        TransactionSaid("cp", "t", "ended", 1, 2, seq_no=10**30),
    )
    happened, transaction = journal_records.unpack(journal_records.pack(said))
    assert happened.facts == {"n": [2**63 - 1, -(2**63) + 1, 7, 1.5, "x"]}
    assert transaction.seq_no == 2**63 - 1


@pytest.mark.parametrize("n", [0, 1, 15, 16, 65_535, 65_536])
def test_rows_of_any_length_come_back(n):
    words = tuple(Seen("cp", number) for number in range(n))
    assert journal_records.unpack(journal_records.pack(words)) == words


def test_a_row_that_is_not_deflated_is_read_too():
    assert journal_records.unpack(msgspec.msgpack.encode(list(WORDS))) == WORDS


def test_a_reader_goes_on_from_its_cursor_for_each_writer(records):
    with records.begin() as connection:
        for writer, seq in [("b", 1), ("a", 1), ("a", 2), ("a", 3)]:
            journal_records.append(connection, Kept(writer, seq, seq, 1, journal_records.pack((Seen("cp", seq),))))
    with records.read() as connection:
        assert journal_records.writers(connection) == ["a", "b"]
        assert [one.seq for one in journal_records.read(connection, "a", 1)] == [2, 3]
        assert [one.seq for one in journal_records.read(connection, "a", 0, limit=1)] == [1]
        assert [journal_records.last_seq(connection, one) for one in ("a", "b", "c")] == [3, 1, 0]


def read_up_to(connection, seq, readers=journal_records.READERS):
    cursors.advance(connection, {f"{reader}w": seq for reader in readers})


def test_what_expires_leaves_the_last_number_behind(records):
    with records.begin() as connection:
        for seq in range(1, 6):
            journal_records.append(connection, Kept("w", seq, seq * DAY_US, 0, journal_records.pack(())))
        read_up_to(connection, 5)
        assert journal_records.expire(connection, 4 * DAY_US, rows_max=2) == 2
        assert journal_records.expire(connection, 4 * DAY_US, rows_max=2) == 1
        assert journal_records.expire(connection, 4 * DAY_US) == 0
        assert journal_records.expire(connection, 99 * DAY_US) == 1
        assert journal_records.last_seq(connection, "w") == 5


def test_what_a_reader_has_not_read_does_not_expire(records):
    with records.begin() as connection:
        for seq in range(1, 6):
            journal_records.append(connection, Kept("w", seq, seq * DAY_US, 0, journal_records.pack(())))
        assert journal_records.expire(connection, 99 * DAY_US) == 0
        read_up_to(connection, 4)
        assert [one.seq for one in journal_records.read(connection, "w", 0)] == [1, 2, 3, 4, 5]
    for late in journal_records.READERS:
        with records.begin() as connection:
            connection.execute(update(cursors_table).values(seq=4))
            connection.execute(update(cursors_table).where(cursors_table.c.name == f"{late}w").values(seq=1))
            journal_records.expire(connection, 99 * DAY_US)
            assert [one.seq for one in journal_records.read(connection, "w", 0)] == [2, 3, 4, 5]


def test_the_readers_are_called_as_they_call_themselves():
    assert set(journal_records.READERS) == {station_records.CURSOR, journal_watch.FOLDED, journal_watch.SENT}


async def test_who_is_told_finds_the_words_on_the_disk_and_in_order(records):
    journal = Journal(records, SystemClock(), "w")
    await journal.start()
    told = []

    def then(number):
        return lambda _: told.append((number, sum(one.words_n for one in rows_of(records, "w"))))

    for number in range(500):
        journal.keep((Seen("cp", number),) if number % 2 else (), then(number))
        if number % 50 == 0:
            await asyncio.sleep(0.002)
    await journal.flush()
    await journal.close()
    assert [number for number, _ in told] == list(range(500))
    assert all(on_disk >= (number + 1) // 2 for number, on_disk in told)
    rows = rows_of(records, "w")
    assert [one.seq for one in rows] == list(range(1, len(rows) + 1))
    assert [word.heard_us for one in rows for word in journal_records.unpack(one.words)] == list(range(1, 500, 2))
    assert len(rows) < 100  # many answers share a commit


async def test_a_writer_goes_on_where_it_ended(records):
    for _ in range(3):
        journal = Journal(records, SystemClock(), "w")
        await journal.start()
        journal.keep((Seen("cp", 1),))
        await journal.close()
    assert [one.seq for one in rows_of(records, "w")] == [1, 2, 3]


class Failing:
    """Records that are away until they are mended."""

    def __init__(self, records):
        self.records, self.away, self.tries = records, True, 0

    def read(self):
        return self.records.read()

    def append(self, table, row):
        self.tries += 1
        if self.away:
            raise Unavailable("records.unavailable", "The records do not answer.")
        return self.records.append(table, row)


class Unheard:
    """Records whose commit is kept, and whose word of it is lost: as often as `lost` says."""

    def __init__(self, records, lost):
        self.records, self.lost = records, lost

    def read(self):
        return self.records.read()

    def append(self, table, row):
        new = self.records.append(table, row)
        if self.lost > 0:
            self.lost -= 1
            raise Unavailable("records.unavailable", "The connection broke.")
        return new


def said_in(records):
    return [word.heard_us for one in rows_of(records, "w") for word in journal_records.unpack(one.words)]


async def test_a_commit_that_was_kept_though_its_answer_was_lost_is_there_once(records):
    journal = Journal(Unheard(records, 2), SystemClock(), "w")
    await journal.start()
    told = []
    journal.keep((Seen("cp", 1),), lambda _: told.append(1))
    await asyncio.sleep(0.05)
    journal.keep((Seen("cp", 2),), lambda _: told.append(2))  # while the first row is tried again
    await asyncio.wait_for(journal.flush(), 10)
    await journal.close()
    assert told == [1, 2]
    assert said_in(records) == [1, 2]


async def test_two_that_write_under_one_name_lose_nothing_and_it_is_told(records, capsys):
    """A data folder was copied, and both copies run."""
    one, other = (Journal(records, SystemClock(), "w") for _ in range(2))
    await one.start()
    await other.start()
    for number in range(10):
        (other if number % 3 else one).keep((Seen("cp", number),))
        await asyncio.wait_for((other if number % 3 else one).flush(), 10)
    await one.close()
    await other.close()
    assert said_in(records) == list(range(10))
    told = capsys.readouterr()
    assert "journal.written_by_two" in told.out + told.err


class Falling(Journal):
    """Its first row is kept, and then a defect ends the writing."""

    fell = False

    async def _write(self, part):
        await super()._write(part)
        if not self.fell:
            self.fell = True
            raise RuntimeError("a defect")


async def test_a_defect_in_writing_is_told_and_writing_begins_again(records, capsys):
    journal = Falling(records, SystemClock(), "w")
    await journal.start()
    told = []
    journal.keep((Seen("cp", 1),), lambda _: told.append(1))
    await asyncio.sleep(0.05)
    journal.keep((Seen("cp", 2),), lambda _: told.append(2))
    await asyncio.wait_for(journal.flush(), 10)
    await journal.close()
    assert told == [1, 2]
    assert said_in(records) == [1, 2]
    shown = capsys.readouterr()
    assert "part.failed" in shown.out + shown.err


async def test_who_waits_for_what_was_said_does_not_wait_for_what_is_said_later(records):
    journal = Journal(records, SystemClock(), "w")
    await journal.start()
    going = True

    async def talk():
        while going:
            journal.keep((Seen("cp", 1),))
            await asyncio.sleep(0)

    talking = asyncio.create_task(talk())
    await asyncio.wait_for(journal.flush(), 5)
    going = False
    await talking
    await journal.close()


async def test_while_the_records_are_away_nobody_is_answered_and_nothing_is_lost(records):
    failing = Failing(records)
    journal = Journal(failing, SystemClock(), "w")
    await journal.start()
    told = []
    journal.keep((Seen("cp", 1),), lambda _: told.append(1))
    while not failing.tries:  # noqa: ASYNC110  # a thread counts them
        await asyncio.sleep(0.01)
    journal.keep((Seen("cp", 2),), lambda _: told.append(2))
    assert told == []
    failing.away = False
    await asyncio.wait_for(journal.flush(), 10)
    await journal.close()
    assert told == [1, 2]
    assert [word.heard_us for one in rows_of(records, "w") for word in journal_records.unpack(one.words)] == [1, 2]


async def test_a_rush_that_cannot_be_kept_is_refused_before_anybody_acts_on_it(records):
    failing = Failing(records)
    journal = Journal(failing, SystemClock(), "w")
    await journal.start()
    journal.keep((Seen("cp", 1),))
    await asyncio.sleep(0.05)
    journal.keep(tuple(Seen("cp", number) for number in range(50_001)))
    assert journal.choked
    failing.away = False
    await asyncio.wait_for(journal.flush(), 30)
    assert not journal.choked
    await journal.close()
    assert sum(one.words_n for one in rows_of(records, "w")) == 50_002


@pytest.mark.parametrize("at", [datetime(2026, 11, 26, tzinfo=UTC)])
async def test_one_that_fails_when_told_stops_nobody_else(records, at):
    journal = Journal(records, SystemClock(), "w")
    await journal.start()
    told = []
    journal.keep((), lambda _: 1 / 0)
    journal.keep((), lambda _: told.append(at))
    await journal.flush()
    await journal.close()
    assert told == [at]
