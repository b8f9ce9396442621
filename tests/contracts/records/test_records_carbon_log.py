"""The log on both engines: places are given once and in order, a kill loses nothing, a forgotten person is forgotten."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from dure.core.errors import ConfigError, Conflict, Corrupt, InputError, TooLarge
from dure.engines.records import tables_carbon_transparency as tables
from dure.engines.records.store import Records
from dure.services.carbon.transparency import canonical, log_records, notes, signing_key, tiles
from dure.services.carbon.transparency.checkpoint import read_checkpoint
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.merkle import consistent, included, leaf_hash
from dure.services.carbon.transparency.staging import key_of, leaf_of, stage

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ORIGIN = "city.example/carbon-log"


def entry(n: int, **body: Any) -> Entry:
    return Entry(kind="claim", id=f"clm-{n}", at=NOW + timedelta(seconds=n), body={"grams": n, **body})


def staged(records: Records, *entries: Entry) -> None:
    with records.begin() as connection:
        stage(connection, entries)


def order(records: Records) -> list[str]:
    with records.read() as connection:
        return [one.id for one in log_records.all_leaves(connection)]


def check_tree(records: Records) -> int:
    """Every leaf is proven against the newest checkpoint, which is signed by the newest key; the size."""
    with records.read() as connection:
        head = log_records.head(connection)
        assert head is not None
        leaves = list(log_records.all_leaves(connection))
        read = log_records.reading(connection)
        note = notes.read_note(head.note)
        checkpoint = read_checkpoint(note.text)
        assert notes.signed(note, notes.read_key(log_records.signing_keys(connection)[-1].vkey))
        assert checkpoint.size == head.size == len(leaves)
        assert checkpoint.root.hex() == head.root
        for place, leaf in enumerate(leaves):
            assert leaf.place == place
            proof = tiles.inclusion(place, head.size, read)
            assert included(checkpoint.root, head.size, place, leaf_hash(leaf.leaf.encode()), proof)
    return len(leaves)


@pytest.fixture
def desk(records: Records, tmp_path: Path) -> LogDesk:
    return LogDesk(records, tmp_path / "data", ORIGIN)


def test_entries_get_places_in_the_order_they_were_laid_down(records: Records, desk: LogDesk) -> None:
    staged(records, *(entry(n) for n in (5, 3, 9)))
    staged(records, entry(1))
    placed = desk.place(NOW, 3)
    rest = desk.place(NOW, 3)

    assert (placed.entries, rest.entries, rest.head.size) == (3, 1, 4)
    assert order(records) == ["claim/clm-5", "claim/clm-3", "claim/clm-9", "claim/clm-1"]
    assert check_tree(records) == 4
    assert not desk.is_due()


def test_an_entry_laid_down_again_is_the_same_one_before_and_after_its_place(records: Records, desk: LogDesk) -> None:
    staged(records, entry(1), entry(1), entry(2))
    staged(records, entry(1))
    desk.place(NOW, 10)
    staged(records, entry(2), entry(3))
    desk.place(NOW, 10)

    assert order(records) == ["claim/clm-1", "claim/clm-2", "claim/clm-3"]


@pytest.mark.parametrize("placed", [False, True])
def test_an_id_with_other_words_is_refused(records: Records, desk: LogDesk, *, placed: bool) -> None:
    staged(records, entry(1))
    if placed:
        desk.place(NOW, 10)

    with pytest.raises(Conflict) as refused:
        staged(records, entry(2), entry(1, won=5))
    assert refused.value.code == "log.id_reused"
    desk.place(NOW, 10)
    assert order(records) == ["claim/clm-1"]  # nothing of the refused transaction


def test_two_entries_of_one_id_in_one_call_must_agree(records: Records) -> None:
    with pytest.raises(Conflict):
        staged(records, entry(1), entry(1, won=5))


@pytest.mark.parametrize(
    ("body", "code"), [({"kwh": 1.5}, "log.not_canonical"), ({"note": "x" * 70_000}, "log.entry_large")], ids=["float", "large"]
)
def test_what_a_leaf_cannot_hold_is_refused(records: Records, body: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as refused:
        staged(records, entry(1, **body))

    assert refused.value.code == code
    assert isinstance(refused.value, TooLarge) == (code == "log.entry_large")


def test_a_transaction_that_fails_leaves_nothing_in_the_log(records: Records, desk: LogDesk) -> None:
    def fail() -> None:
        with records.begin() as connection:
            stage(connection, [entry(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert desk.place(NOW, 10).head.size == 0


def test_a_leaf_is_canonical_and_says_what_was_laid_down(records: Records, desk: LogDesk) -> None:
    staged(records, entry(7, area="동탄"))
    desk.place(NOW, 10)

    with records.read() as connection:
        kept = log_records.leaf(connection, key_of(entry(7)))
    assert kept.leaf.encode() == leaf_of(entry(7, area="동탄"))
    assert canonical.decode(kept.leaf.encode()) == {
        "at": "2026-11-24T03:00:07Z", "body": {"area": "동탄", "grams": 7}, "id": "clm-7", "kind": "claim",
    }  # fmt: skip


def test_any_two_checkpoints_are_consistent(records: Records, desk: LogDesk) -> None:
    sizes = [0]
    desk.place(NOW, 10)
    for n in range(1, 12):
        staged(records, *(entry(100 * n + m) for m in range(n * 3)))
        sizes.append(desk.place(NOW, 1_000).head.size)

    with records.read() as connection:
        heads = {one.size: bytes.fromhex(one.root) for one in log_records.all_heads(connection)}
        read = log_records.reading(connection)
        assert sorted(heads) == sizes
        for first in sizes:
            for second in sizes:
                if first <= second:
                    proof = tiles.consistency(first, second, read)
                    assert consistent((first, heads[first]), (second, heads[second]), proof)


def _repeat(work: Callable[[], object], done: threading.Event, errors: list[BaseException]) -> threading.Thread:
    """A thread that works until it is done, and keeps what it raised."""

    def run() -> None:
        try:
            while not done.is_set():
                work()
                done.wait(0.002)  # the pool of connections is not fair to those who wait
        except BaseException as error:  # noqa: BLE001  # told below, in the test's own thread
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_writers_and_two_rounds_side_by_side_place_every_entry_once(records: Records, desk: LogDesk) -> None:
    errors: list[BaseException] = []
    written, done = [threading.Event() for _ in range(4)], threading.Event()
    numbers = [count() for _ in range(4)]

    def lay_down(writer: int) -> None:
        n = next(numbers[writer])
        staged(records, entry(writer * 1_000 + n), entry(writer * 1_000 + n))
        if n == 14:
            written[writer].set()

    writers = [_repeat(partial(lay_down, one), written[one], errors) for one in range(4)]
    rounds = [_repeat(lambda: desk.place(NOW, 7), done, errors) for _ in range(2)]
    for one in writers:
        one.join()
    done.set()
    for one in rounds:
        one.join()
    while desk.place(NOW, 1_000).entries:
        pass

    assert errors == []
    assert check_tree(records) == 60
    found = [int(one.removeprefix("claim/clm-")) for one in order(records)]
    for writer in range(4):  # of each writer in its own order
        assert [one for one in found if one // 1_000 == writer] == [writer * 1_000 + n for n in range(15)]


_ROUNDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from dure.engines.records.store import Records
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.staging import stage
records, who = Records(sys.argv[1]), int(sys.argv[3])
now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
desk = LogDesk(records, Path(sys.argv[2]), "city.example/carbon-log")
for n in range(100_000):
    with records.begin() as connection:
        stage(connection, [Entry(kind="claim", id=f"clm-{who}-{n}", at=now, body={"n": n})])
    print(n, flush=True)
    desk.place(now, 5)
"""


@pytest.mark.parametrize("seed", range(2))
def test_two_processes_are_killed_at_any_instant_and_nothing_is_lost_or_doubled(url: str, tmp_path: Path, seed: int) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _ROUNDS, url, str(tmp_path / "data"), str(who)], stdout=subprocess.PIPE, text=True
        )
        for who in (1, 2)
    ]
    told: dict[int, int] = {}
    for who, process in enumerate(started, 1):
        assert process.stdout is not None
        for _ in range(6 + 5 * seed):
            told[who] = int(process.stdout.readline())
    for who, process in enumerate(started, 1):
        os.kill(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        told[who] = max([told[who], *(int(line) for line in process.stdout.read().splitlines() if line)])
        process.stdout.close()
        process.wait()

    records = Records(url)
    desk = LogDesk(records, tmp_path / "data", ORIGIN)
    while desk.place(NOW, 1_000).entries:
        pass
    size = check_tree(records)
    found = order(records)
    for who in (1, 2):
        mine = [one for one in found if one.startswith(f"claim/clm-{who}-")]
        assert mine == [f"claim/clm-{who}-{n}" for n in range(len(mine))]
        assert len(mine) in (told[who] + 1, told[who] + 2)
    assert size == len(found)
    records.close()


def test_a_tile_that_was_changed_stops_the_log(records: Records, desk: LogDesk) -> None:
    staged(records, *(entry(n) for n in range(20)))
    desk.place(NOW, 100)
    with records.begin() as connection:
        connection.execute(update(tables.carbon_log_tiles).where(tables.carbon_log_tiles.c.level == 1).values(hashes=bytes(32)))
    staged(records, entry(30))

    with pytest.raises(Corrupt) as stopped:
        desk.place(NOW, 100)
    assert stopped.value.code == "log.changed"
    with records.read() as connection:
        assert log_records.head(connection).size == 20  # type: ignore[union-attr]  # it stands above


def test_a_log_shorter_than_its_signed_head_stops(records: Records, desk: LogDesk) -> None:
    staged(records, *(entry(n) for n in range(20)))
    desk.place(NOW, 100)
    with records.begin() as connection:
        connection.execute(update(tables.carbon_log_state).values(size=19))

    with pytest.raises(Corrupt, match="restore"):
        desk.place(NOW, 100)


def test_a_clock_that_went_back_makes_no_older_checkpoint(records: Records, desk: LogDesk) -> None:
    staged(records, entry(1))
    desk.place(NOW, 10)
    staged(records, entry(2))
    head = desk.place(NOW - timedelta(days=400), 10).head

    assert (head.size, head.at) == (2, NOW)


def test_the_key_is_replaced_and_the_old_one_vouches_for_the_new(records: Records, desk: LogDesk, tmp_path: Path) -> None:
    staged(records, entry(1))
    desk.place(NOW, 10)
    changed = desk.replace_key(NOW, 10)
    staged(records, entry(2))
    after = desk.place(NOW, 10)

    with records.read() as connection:
        old, new = (notes.read_key(one.vkey) for one in log_records.signing_keys(connection))
        said = canonical.decode(log_records.leaf(connection, f"rule/log-key/{new.id.hex()}").leaf.encode())
        since = [(one.since_size, one.until_size) for one in log_records.signing_keys(connection)]
    at_change, later = notes.read_note(changed.head.note), notes.read_note(after.head.note)
    assert notes.signed(at_change, old)
    assert notes.signed(at_change, new)
    assert notes.signed(later, new)
    assert not notes.signed(later, old)
    assert said["body"] == {"follows": old.text(), "lost": False, "vkey": new.text()}
    assert since == [(0, 2), (2, None)]
    assert not (tmp_path / "data" / signing_key.NEXT_FILE).exists()


def test_a_change_of_keys_cut_short_is_finished_by_the_next_round(records: Records, desk: LogDesk, tmp_path: Path) -> None:
    desk.place(NOW, 10)
    old = (tmp_path / "data" / signing_key.FILE).read_bytes()
    desk.replace_key(NOW, 10)
    new = (tmp_path / "data" / signing_key.FILE).read_bytes()
    _put(tmp_path / "data" / signing_key.NEXT_FILE, new)  # as if the kill came just before the file was renamed
    _put(tmp_path / "data" / signing_key.FILE, old)
    staged(records, entry(1))
    desk.place(NOW, 10)

    assert check_tree(records) == 2
    assert (tmp_path / "data" / signing_key.FILE).read_bytes() == new


def test_another_key_than_the_logs_own_signs_nothing(records: Records, desk: LogDesk, tmp_path: Path) -> None:
    staged(records, entry(1))
    desk.place(NOW, 10)
    _put(tmp_path / "data" / signing_key.FILE, bytes(32))
    staged(records, entry(2))

    with pytest.raises(ConfigError) as refused:
        desk.place(NOW, 10)
    assert refused.value.code == "log.key_missing"
    (tmp_path / "data" / signing_key.FILE).unlink()
    with pytest.raises(ConfigError) as missing:
        desk.place(NOW, 10)
    assert missing.value.code == "log.key_missing"
    lost = desk.replace_key(NOW, 10, lost=True)
    assert len(notes.read_note(lost.head.note).signatures) == 1
    assert check_tree(records) == 3


def test_a_key_others_may_read_is_refused(desk: LogDesk, tmp_path: Path) -> None:
    desk.place(NOW, 10)
    file = tmp_path / "data" / signing_key.FILE
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)

    with pytest.raises(ConfigError) as refused:
        signing_key.signing_key(tmp_path / "data")
    assert refused.value.code == "secrets.exposed"


def _put(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    file.chmod(0o600)
