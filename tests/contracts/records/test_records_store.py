from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, insert, select, text

from dure.core.assets import Asset
from dure.core.errors import ConfigError, Conflict, Corrupt, InputError, Unavailable
from dure.core.events import Event
from dure.core.text import Text
from dure.engines.records import assets, audit, cursors, devices, outbox
from dure.engines.records.audit import By
from dure.engines.records.devices import Device
from dure.engines.records.store import Records
from dure.engines.records.tables import metadata
from dure.engines.records.tables import parked as parked_table
from dure.engines.records.tables_charging_central import charging_journal


def test_migrations_make_exactly_the_tables_of_the_metadata(empty_url: str) -> None:
    records = Records(empty_url)

    records.migrate()

    with records.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    records.close()


def test_migrating_twice_changes_nothing(records: Records) -> None:
    with records.begin() as connection:
        cursors.advance(connection, {"OBS": 7})

    records.migrate()

    with records.read() as connection:
        assert cursors.get(connection, "OBS") == 7


def _migrate(url: str, gate: object, errors: object) -> None:
    records = Records(url)
    gate.wait()  # type: ignore[attr-defined]
    try:
        records.migrate()
        records.check()
    except Exception as error:
        errors.put(repr(error))  # type: ignore[attr-defined]
        raise


def test_two_processes_and_two_threads_may_migrate_at_once(empty_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate, errors = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=_migrate, args=(empty_url, gate, errors)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0], errors.get(timeout=1)

    records = Records(empty_url)
    threads = [threading.Thread(target=records.migrate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    records.check(deep=True)
    records.close()


def test_check_refuses_records_without_tables(empty_url: str) -> None:
    records = Records(empty_url)

    with pytest.raises(ConfigError) as caught:
        records.check()

    assert caught.value.code == "records.outdated"
    records.close()


def test_records_of_a_newer_version_are_left_alone(records: Records) -> None:
    with records.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for attempt in (records.migrate, records.check):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert caught.value.code == "records.newer"


def test_a_block_that_raises_leaves_nothing(records: Records) -> None:
    def fail() -> None:
        with records.begin() as connection:
            cursors.advance(connection, {"OBS": 7})
            raise InputError("any.code", "refused")

    with pytest.raises(InputError, match="refused"):
        fail()

    with records.read() as connection:
        assert cursors.get(connection, "OBS") == 0


JOURNAL_ROW = {"writer": "w", "seq": 1, "kept_us": 2, "words_n": 3, "words": b"\x00\xff words"}


def test_a_row_by_itself_is_kept_once_and_whole(records: Records) -> None:
    assert records.append(charging_journal, JOURNAL_ROW)
    assert not records.append(charging_journal, JOURNAL_ROW | {"words": b"others"})
    with records.begin() as connection:  # the connection it used is as good as before
        assert connection.execute(select(charging_journal)).mappings().one() == JOURNAL_ROW


def test_rows_by_themselves_and_transactions_take_turns(records: Records) -> None:
    def append(writer: str) -> None:
        for seq in range(20):
            assert records.append(charging_journal, JOURNAL_ROW | {"writer": writer, "seq": seq})
            with records.begin() as connection:
                cursors.advance(connection, {writer: seq})

    threads = [threading.Thread(target=append, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with records.read() as connection:
        assert connection.execute(select(func.count()).select_from(charging_journal)).scalar_one() == 160
        assert [cursors.get(connection, f"w{n}") for n in range(8)] == [19] * 8


def test_a_row_by_itself_that_lacks_a_value_is_a_conflict(records: Records) -> None:
    with pytest.raises(Conflict) as caught:
        records.append(charging_journal, JOURNAL_ROW | {"words": None})
    assert caught.value.code == "records.conflict"


def test_a_reader_may_not_write(records: Records) -> None:
    with pytest.raises(Unavailable), records.read() as connection:
        cursors.advance(connection, {"OBS": 7})


def test_a_reader_sees_one_state_while_others_write(records: Records) -> None:
    with records.read() as reading:
        assert cursors.get(reading, "OBS") == 0
        with records.begin() as writing:
            cursors.advance(writing, {"OBS": 7})

        assert cursors.get(reading, "OBS") == 0


def test_sixteen_threads_write_without_losing_one(records: Records, by: By) -> None:
    def write() -> None:
        for _ in range(5):
            with records.begin() as connection:
                audit.append(connection, by, "read", "system", "thread")

    threads = [threading.Thread(target=write) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    with records.read() as connection:
        assert audit.head(connection).n == 80
        assert audit.verify(connection) is None


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO cursors (name, seq) VALUES ('OBS', 1), ('OBS', 2)",
        "INSERT INTO sessions (token_sha256, person, created_at, expires_at) VALUES ('t', 'nobody', 0, 0)",
        "INSERT INTO people (id, login, name, roles, state, created_at, updated_at) VALUES ('p', 'p', 'p', '[]', 'odd', 0, 0)",
        # A parent is looked up at commit.
        """INSERT INTO assets (id, city, kind, name_ko, name_en, parent, state, attributes, created_at, updated_at)
           VALUES ('a', 'c', 'k', '', '', 'nowhere', 'live', '{}', 0, 0)""",
    ],
)
def test_what_contradicts_is_a_conflict(records: Records, statement: str) -> None:
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        connection.execute(text(statement))

    assert caught.value.code == "records.conflict"


def test_a_number_too_large_is_the_senders_mistake(records: Records) -> None:
    with pytest.raises(InputError) as caught, records.begin() as connection:
        cursors.advance(connection, {"OBS": 2**63})

    assert caught.value.code == "records.unfit"


def test_half_a_surrogate_pair_is_the_senders_mistake(records: Records) -> None:
    with pytest.raises(InputError) as caught, records.begin() as connection:
        cursors.advance(connection, {"\ud800": 1})

    assert caught.value.code == "records.unfit"


def test_the_callers_own_trouble_stays_the_callers(records: Records) -> None:
    with pytest.raises(FileNotFoundError), records.begin():
        Path("/nowhere/at/all").read_text()


def test_an_error_does_not_tell_the_values(records: Records) -> None:
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        connection.execute(text("INSERT INTO cursors (name, seq) VALUES ('private', 1), ('private', 2)"))

    assert "private" not in str(caught.value)
    assert "private" not in str(caught.value.detail)


_KILLED = """
import os, signal, sys
from dure.engines.records import cursors
from dure.engines.records.store import Records

records = Records(sys.argv[1])
for n in range(1, 1_000_000):
    with records.begin() as connection:
        cursors.advance(connection, {"OBS": n, "OTHER": n})
    print(n, flush=True)
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_commit_survives_a_kill(url: str, seed: int) -> None:
    process = subprocess.Popen([sys.executable, "-c", _KILLED, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(20 + 7 * seed)]
    os.kill(process.pid, signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().splitlines() if line]
    process.stdout.close()
    process.wait()

    records = Records(url)
    with records.read() as connection:
        kept, other = cursors.get(connection, "OBS"), cursors.get(connection, "OTHER")
    assert kept in (told[-1], told[-1] + 1)
    assert other == kept
    records.check(deep=True)
    records.close()


def _fill(records: Records, station: Asset, by: By) -> None:
    with records.begin() as connection:
        devices.add(connection, Device(id="dev-1", asset=station.id, city=station.city), by)
        cursors.advance(connection, {"OBS": 41})
        row = {
            "id": "p",
            "received_at": by.at,
            "way": "mqtt",
            "device": "x",
            "code": "c",
            "why": "한글 \\ \" '",
            "state": "parked",
        }
        connection.execute(insert(parked_table), row | {"content": bytes(range(256))})


def _all_rows(records: Records) -> dict[str, list[tuple[object, ...]]]:
    with records.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }


def test_a_backup_brings_everything_back(
    records: Records, station: Asset, by: By, empty_url: str, engine: str, tmp_path: Path
) -> None:
    _fill(records, station, by)
    copy = records.backup(tmp_path / "backup")
    with records.begin() as connection:
        cursors.advance(connection, {"OBS": 99})  # after the backup: not in it

    other = Records(f"sqlite:///{tmp_path}/other.db" if engine == "sqlite" else empty_url)
    other.restore(tmp_path / "backup")

    assert copy.stat().st_mode & 0o077 == 0
    restored = _all_rows(other)
    assert restored | {"cursors": []} == _all_rows(records) | {"cursors": []}
    assert restored["cursors"] == [("OBS", 41)]
    with other.begin() as connection:
        assert audit.verify(connection) is None
        audit.append(connection, by, "manage", "system", "restored")
        assert audit.verify(connection) is None
    other.check(deep=True)
    other.close()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_dump_moves_the_records_from_sqlite_to_postgresql_and_back(empty_url: str, tmp_path: Path, by: By) -> None:
    small, large, back = Records(f"sqlite:///{tmp_path}/a.db"), Records(empty_url), Records(f"sqlite:///{tmp_path}/b.db")
    small.migrate()
    station = Asset(id="aws-1", city="hwaseong", kind="station", name=Text("동탄"))
    with small.begin() as connection:
        assets.add(connection, station, by)
        outbox.put(connection, [Event(id="e-1", type="t", source="s", time=by.at)], by.at)
    _fill(small, station, by)

    small.dump(tmp_path / "there")
    large.restore(tmp_path / "there")
    with large.begin() as connection:  # numbers go on after those restored
        outbox.put(connection, [Event(id="e-2", type="t", source="s", time=by.at)], by.at)
        assert [one.event.id for one in outbox.claim(connection, by.at)] == ["e-1", "e-2"]
    with large.begin() as connection:
        connection.execute(text("DELETE FROM outbox WHERE id = 'e-2'"))
        connection.execute(text("UPDATE outbox SET attempts = 0, next_attempt_at = created_at"))
    large.dump(tmp_path / "back")
    back.restore(tmp_path / "back")

    assert _all_rows(back) == _all_rows(small)
    for store in (small, large, back):
        store.close()


@pytest.mark.usefixtures("station")
def test_a_dump_that_was_changed_is_refused_and_nothing_is_kept(
    records: Records, tmp_path: Path, empty_url: str, engine: str
) -> None:
    file = records.dump(tmp_path / "dump")
    file.write_bytes(file.read_bytes().replace(b"Dongtan", b"Dongtam"))
    other = Records(f"sqlite:///{tmp_path}/other.db" if engine == "sqlite" else empty_url)

    with pytest.raises(Corrupt) as caught:
        other.restore(tmp_path / "dump")

    assert caught.value.code == "records.backup_corrupt"
    with other.read() as connection:
        assert assets.listing(connection).items == []
    other.close()


@pytest.mark.usefixtures("station")
def test_a_restore_never_overwrites(records: Records, tmp_path: Path) -> None:
    records.backup(tmp_path / "backup")

    with pytest.raises(ConfigError) as caught:
        records.restore(tmp_path / "backup")

    assert caught.value.code == "records.not_empty"


def test_a_folder_without_backup_is_named(records: Records, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        records.restore(tmp_path / "nothing")

    assert caught.value.code == "records.no_backup"


@pytest.mark.parametrize(
    "address", ["mysql://a/b", "sqlite://", "sqlite:///:memory:", "not an address", "postgresql://h/d?sslmode=maybe"]
)
def test_an_address_that_cannot_be_used_is_refused(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Records(address)

    assert caught.value.code == "records.url"


def test_a_password_in_the_address_is_not_shown() -> None:
    assert "hidden-word" not in str(Records("postgresql://dure:hidden-word@127.0.0.1:1/dure").url)


def test_a_server_that_is_away_is_unavailable() -> None:
    records = Records("postgresql://dure@127.0.0.1:1/dure")

    with pytest.raises(Unavailable) as caught:
        records.check()

    assert caught.value.code == "records.unavailable"
    assert caught.value.retry


def test_a_server_killed_and_started_again_is_found_again(own_postgres: Any) -> None:
    records = Records(own_postgres.new_database())
    records.migrate()
    with records.begin() as connection:
        cursors.advance(connection, {"OBS": 7})

    own_postgres.kill()
    with pytest.raises(Unavailable) as caught:
        records.check()
    own_postgres.start()

    assert caught.value.code == "records.unavailable"
    with records.read() as connection:
        assert cursors.get(connection, "OBS") == 7
    with records.begin() as connection:
        cursors.advance(connection, {"OBS": 8})
    records.close()


def test_a_server_killed_under_an_open_transaction_is_unavailable(own_postgres: Any) -> None:
    records = Records(own_postgres.new_database())
    records.migrate()

    def write_and_lose_the_server() -> None:
        with records.begin() as connection:
            cursors.advance(connection, {"OBS": 7})
            own_postgres.kill()

    with pytest.raises(Unavailable) as caught:
        write_and_lose_the_server()

    assert caught.value.code == "records.unavailable"
    own_postgres.start()
    with records.begin() as connection:
        assert cursors.get(connection, "OBS") == 0
    records.close()


def test_a_broken_file_is_told_as_corrupt(tmp_path: Path) -> None:
    (tmp_path / "records.db").write_bytes(b"this is no database, " * 500)

    with pytest.raises(Corrupt) as caught:
        Records(f"sqlite:///{tmp_path}/records.db").migrate()

    assert caught.value.code == "records.corrupt"


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable) as caught:
        Records(f"sqlite:///{tmp_path}/file/records.db").migrate()

    assert caught.value.code == "records.unavailable"


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk of its own needs root")
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, by: By) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        records = Records(f"sqlite:///{disk}/records.db")
        records.migrate()
        kept = 0
        with pytest.raises(Unavailable) as caught:  # noqa: PT012  # the disk fills up at some round
            for n in range(1, 10_000):
                with records.begin() as connection:
                    audit.append(connection, by, "read", "system", "x" * 1_000)
                kept = n
        with pytest.raises(Unavailable) as alone:
            records.append(charging_journal, JOURNAL_ROW | {"words": b"x" * 1_000_000})
        with records.read() as connection:
            assert audit.head(connection).n == kept
            assert audit.verify(connection) is None
            assert connection.execute(select(charging_journal)).all() == []
        records.close()
    finally:
        subprocess.run(["umount", disk], check=True)
    assert caught.value.code == alone.value.code == "records.full"


def test_the_file_of_sqlite_is_private_and_durable(tmp_path: Path) -> None:
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.migrate()

    with records.begin() as connection:
        asked = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert asked == ["wal", 2, 1]
    assert (tmp_path / "records.db").stat().st_mode & 0o777 == 0o600
    records.close()
