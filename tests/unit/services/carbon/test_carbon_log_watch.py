"""The log's round in a real house: places within seconds, a checkpoint a day, alarms that are loud, witnesses."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from carbon_house import NOW, carbon_house, tell
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from dure.core.errors import Conflict, Corrupt, InputError, NotFound
from dure.engines.records import events
from dure.engines.records import tables_carbon_transparency as tables
from dure.running.backups import SECRETS
from dure.services.carbon.transparency import (
    alarms,
    bundles,
    canonical,
    log_records,
    notes,
    proof_desk,
    signing_key,
    tiles,
    witness_desk,
)
from dure.services.carbon.transparency.checkpoint import Checkpoint, read_checkpoint
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_watch import LogWatch, daily_of, desk_of
from dure.services.carbon.transparency.staging import stage
from dure.spine.house import House

DAY = timedelta(days=1)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
W_KEY = notes.Key("witness.example/w1", WITNESS.public_key().public_bytes_raw(), notes.WITNESS)
AHEAD = timedelta(minutes=5)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Empty records, made once."""
    folder = tmp_path_factory.mktemp("migrated")
    carbon_house(folder).records.close()
    return folder / "records.db"


@pytest.fixture
def house(tmp_path: Path, migrated: Path) -> Iterator[House]:
    made = house_in(tmp_path, migrated)
    yield made
    made.records.close()


def house_in(folder: Path, migrated: Path) -> House:
    folder.mkdir(exist_ok=True)
    shutil.copy(migrated, folder / "records.db")
    return carbon_house(folder)


def move_to(house: House, at: datetime) -> None:
    house.clock.advance(at - house.clock.now())  # type: ignore[attr-defined]  # a clock of tests


def lay_down(house: House, *idents: str) -> None:
    with house.records.begin() as connection:
        stage(connection, [Entry(kind="statement", id=one, at=house.clock.now(), body={}) for one in idents])


def look(house: House, watch: LogWatch | None = None) -> int:
    return asyncio.run((watch or LogWatch(house)).look())


def newest(house: House) -> log_records.Head:
    with house.records.read() as connection:
        return proof_desk.head_of(connection)


def test_one_round_gives_every_waiting_entry_its_place(house: House) -> None:
    watch = LogWatch(house)
    factors = look(house, watch)
    lay_down(house, "a", "b")

    assert look(house, watch) == 2
    assert look(house, watch) == 0
    assert newest(house).size == factors + 2


def test_every_emission_factor_is_an_entry_once(house: House) -> None:
    look(house)
    size = newest(house).size
    look(house)
    with house.records.read() as connection:
        found = log_records.newest_leaf(connection, "rule/factor/electricity-public-2020/")
        assert found is not None
        words = canonical.decode(found.leaf.encode())

    assert newest(house).size == size > 20
    assert words["body"]["row"]["id"] == "electricity-public-2020"
    assert "source" in words["body"]["row"]


def test_each_local_day_has_one_checkpoint_in_the_records_and_in_the_archive(house: House) -> None:
    watch = LogWatch(house)
    look(house, watch)
    first = newest(house)
    lay_down(house, "later")
    look(house, watch)
    move_to(house, NOW + DAY)
    look(house, watch)

    daily = daily_of(house)
    with house.records.read() as connection:
        days = [(day.day, head.size) for day, head in log_records.published(connection, 10)]
    assert days == [("2026-11-25", first.size + 1), ("2026-11-24", first.size)]
    assert daily.file("2026-11-24").read_text("utf-8") == first.note
    assert daily.file("2026-11-25").read_text("utf-8") == newest(house).note
    assert str(daily.file("2026-11-24")).endswith("archive/carbon-log/2026/2026-11-24.txt")


def test_a_file_the_archive_lost_is_written_again(house: House) -> None:
    watch = LogWatch(house)
    look(house, watch)
    daily_of(house).file("2026-11-24").unlink()
    move_to(house, NOW + DAY)
    look(house, watch)

    assert daily_of(house).file("2026-11-24").exists()


def test_a_quiet_day_publishes_the_same_checkpoint_again(house: House) -> None:
    watch = LogWatch(house)
    for day in range(3):
        move_to(house, NOW + day * DAY)
        look(house, watch)

    with house.records.read() as connection:
        assert len({head.size for _, head in log_records.published(connection, 10)}) == 1
        assert len(log_records.published(connection, 10)) == 3


def test_checkpoints_between_the_daily_ones_are_let_go_after_a_month(house: House) -> None:
    watch = LogWatch(house)
    look(house, watch)
    for n in range(3):
        lay_down(house, f"entry-{n}")
        look(house, watch)
    before = newest(house).size
    move_to(house, NOW + 40 * DAY)
    lay_down(house, "late")
    look(house, watch)

    with house.records.read() as connection:
        kept = [one.size for one in log_records.all_heads(connection)]
        assert tiles.consistency(before - 1, before + 1, log_records.reading(connection))  # any past tree can still be shown
    assert kept == [before - 3, before + 1]


def test_a_clock_that_jumped_ahead_and_came_back_leaves_no_day_without_checkpoint(house: House) -> None:
    watch = LogWatch(house)
    for at in (NOW, NOW + 900 * DAY, NOW + DAY):
        move_to(house, at)
        lay_down(house, f"at-{at:%F}")
        look(house, watch)

    with house.records.read() as connection:
        assert [day.day for day, _ in log_records.published(connection, 10)] == ["2029-05-12", "2026-11-25", "2026-11-24"]


def test_a_log_that_was_changed_is_a_loud_alarm_once(house: House) -> None:
    watch = LogWatch(house)
    look(house, watch)
    with house.records.begin() as connection:
        connection.execute(update(tables.carbon_log_tiles).where(tables.carbon_log_tiles.c.level == 1).values(hashes=bytes(64)))
    lay_down(house, "a")
    for _ in range(2):
        with pytest.raises(Corrupt) as stopped:
            look(house, watch)

    assert stopped.value.code == "log.changed"
    with house.records.read() as connection:
        assert [one.code for one in alarms.listed(connection)] == ["log.changed"]
        told = [one for one in events.listing(connection).items if one.type == "carbon.log.alarm"]
    assert [one.data["code"] for one in told] == ["log.changed"]


def test_records_of_an_old_backup_are_never_signed_on(house: House, tmp_path: Path) -> None:
    look(house)
    house.records.backup(tmp_path / "backup")
    lay_down(house, "published")
    move_to(house, NOW + DAY)
    look(house)
    house.records.close()
    (tmp_path / "records.db").unlink()
    house.records.restore(tmp_path / "backup")

    with pytest.raises(Corrupt) as stopped:
        look(house)
    assert stopped.value.code == "log.behind"
    with house.records.read() as connection:
        assert [one.code for one in alarms.listed(connection)] == ["log.behind"]


def test_the_key_is_private_and_backed_up(house: House, tmp_path: Path) -> None:
    look(house)

    assert (tmp_path / signing_key.FILE).stat().st_mode & 0o777 == 0o600
    assert {signing_key.FILE, signing_key.NEXT_FILE} <= set(SECRETS)


def test_a_checkpoint_someone_was_shown_is_confronted_with_the_log(house: House) -> None:
    look(house)
    mine = newest(house)
    origin = read_checkpoint(notes.read_note(mine.note).text).origin
    key = signing_key.signing_key(house.settings.data)

    def shown(size: int, root: bytes) -> str:
        text = Checkpoint(origin, size, root).text()
        return str(notes.Note(text, (notes.sign(text, origin, key),)))

    with house.records.read() as connection:
        past = tiles.root(5, log_records.reading(connection))
        said = [
            proof_desk.confronted(connection, one)
            for one in (mine.note, shown(5, past), shown(5, bytes(32)), shown(mine.size + 1, bytes(32)))
        ]
        text = Checkpoint(origin, 5, bytes(32)).text()
        forged = str(notes.Note(text, (notes.sign(text, origin, WITNESS),)))
        with pytest.raises(InputError) as stranger:
            proof_desk.confronted(connection, forged)

    assert [one.code if one else "" for one in said] == ["", "", "log.split_view", "log.behind"]
    assert stranger.value.code == "log.signature"


def cosigned(house: House, size: int, seconds: int = 0, private: Ed25519PrivateKey = WITNESS) -> str:
    with house.records.read() as connection:
        text = notes.read_note(proof_desk.head_of(connection, size).note).text
    return notes.cosign(text, W_KEY.name, private, int(NOW.timestamp()) + seconds).line()


def test_a_witness_co_signs_and_its_line_stands_in_the_checkpoint(house: House) -> None:
    look(house)
    size = newest(house).size
    with house.records.begin() as connection:
        witness_desk.add_witness(connection, W_KEY.text(), "수원시", NOW)
        witness_desk.take_cosignature(connection, size, cosigned(house, size), NOW, AHEAD)
        witness_desk.take_cosignature(connection, size, cosigned(house, size), NOW, AHEAD)  # again: the same one
        note = proof_desk.note_of(connection, proof_desk.head_of(connection))

    assert [one.name for one in note.signatures][1:] == [W_KEY.name]


@pytest.mark.parametrize("case", ["future", "other-key", "not-added", "other-size", "unreadable", "no-checkpoint"])
def test_a_cosignature_that_does_not_fit_is_refused(house: House, case: str) -> None:
    watch = LogWatch(house)
    look(house, watch)
    first = newest(house).size
    lay_down(house, "a")
    look(house, watch)
    size, code = newest(house).size, "log.signature"
    line = cosigned(house, size)
    if case == "future":
        line, code = cosigned(house, size, 301), "log.cosignature_time"
    elif case == "other-key":
        line = cosigned(house, size, private=signing_key.signing_key(house.settings.data))
        code = "log.witness_unknown"
    elif case == "not-added":
        code = "log.witness_unknown"
    elif case == "other-size":
        line = cosigned(house, first)
    elif case == "unreadable":
        line, code = "nonsense", "log.note_unreadable"
    else:
        size, code = size + 1, "log.checkpoint_unknown"

    with house.records.begin() as connection:
        if case != "not-added":
            witness_desk.add_witness(connection, W_KEY.text(), "수원시", NOW)
        with pytest.raises((InputError, NotFound)) as refused:
            witness_desk.take_cosignature(connection, size, line, NOW, AHEAD)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("vkey", "label", "code"),
    [("nonsense", "수원시", "log.key_unreadable"), (notes.Key(W_KEY.name, W_KEY.public).text(), "수원시", "log.witness_key"),
     (W_KEY.text(), " ", "log.witness_label")],
    ids=["no-key", "log-key", "no-label"],
)  # fmt: skip
def test_what_is_no_witness_is_refused(house: House, vkey: str, label: str, code: str) -> None:
    with house.records.begin() as connection, pytest.raises(InputError) as refused:
        witness_desk.add_witness(connection, vkey, label, NOW)
    assert refused.value.code == code


def test_another_citys_log_is_cosigned_as_long_as_it_only_grows(house: House, tmp_path: Path, migrated: Path) -> None:
    look(house)
    other = house_in(tmp_path / "other", migrated)
    watch = LogWatch(other)
    look(other, watch)
    first = newest(other)
    lay_down(other, "a", "b")
    look(other, watch)
    second = newest(other)
    with other.records.read() as connection:
        key = log_records.signing_keys(connection)[-1].vkey
        proof = witness_desk.proof_from(proof_desk.consistency_of(connection, first.size, second.size))
    own = (house.settings.data, NOW)

    with house.records.begin() as connection:
        witness_desk.cosign(connection, first.note, key, [], own)
        with pytest.raises(Conflict, match="beginning") as unproven:
            witness_desk.cosign(connection, second.note, key, [], own)
        line = witness_desk.cosign(connection, second.note, key, proof, own)
        with pytest.raises(Conflict) as replayed:
            witness_desk.cosign(connection, first.note, key, [], own)
        us = witness_desk.own_witness_key(connection, house.settings.data)
    assert (unproven.value.code, replayed.value.code) == ("log.inconsistent", "log.smaller")
    assert us is not None
    with other.records.begin() as connection:
        witness_desk.add_witness(connection, us.text(), "화성시", NOW)
        witness_desk.take_cosignature(connection, second.size, line, NOW, AHEAD)
        assert len(proof_desk.signed_of(connection, second).keys) == 2
    other.records.close()


def test_two_heads_of_one_size_are_an_alarm_and_no_signature(house: House, tmp_path: Path, migrated: Path) -> None:
    look(house)
    other = house_in(tmp_path / "other", migrated)
    look(other)
    head = newest(other)
    key = signing_key.signing_key(other.settings.data)
    origin = read_checkpoint(notes.read_note(head.note).text).origin
    text = Checkpoint(origin, head.size, bytes(32)).text()
    lie = str(notes.Note(text, (notes.sign(text, origin, key),)))
    vkey = notes.Key(origin, key.public_key().public_bytes_raw()).text()
    own = (house.settings.data, NOW)

    with house.records.begin() as connection:
        witness_desk.cosign(connection, head.note, vkey, [], own)
        with pytest.raises(Conflict) as split:
            witness_desk.cosign(connection, lie, vkey, [], own)
        witness_desk.report_split_view(connection, split.value, NOW)
        kept = alarms.listed(connection)

    assert split.value.code == "log.split_view"
    assert [(one.code, one.evidence) for one in kept] == [("log.split_view", {"first": head.note, "second": lie})]
    other.records.close()


def test_a_bundle_names_only_keys_that_signed(house: House) -> None:
    look(house)
    with house.records.begin() as connection:
        witness_desk.add_witness(connection, W_KEY.text(), "수원시", NOW)
        head = proof_desk.head_of(connection)
        found = proof_desk.signed_of(connection, head)

    assert [one.name for one in found.keys] == [found.note.signatures[0].name]
    assert isinstance(found, bundles.Signed)
    tell(house)
    assert desk_of(house).is_due() is False
