"""`dure carbon` and the log: the checkpoint is printed, a bundle is checked, the key is replaced, another log is signed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dure.cli_carbon import app
from dure.config import Settings
from dure.core.errors import DureError
from dure.running.parts import records_of
from dure.services.carbon.transparency import log_records, notes
from dure.spine.house import House

sys.path.insert(0, str(Path(__file__).parent / "services" / "carbon"))
import asyncio

from carbon_house import CITY, carbon_house, charging_day, tell
from sqlalchemy import update

from dure.engines.records import tables_carbon_transparency as tables
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.transparency.log_watch import LogWatch


def run(*words: str, ok: bool = True) -> str:
    found = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
    assert (found.exit_code == 0) == ok, found.output
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.output


def begun(folder: Path) -> House:
    """A house whose records stand where the commands look for them."""
    house = carbon_house(folder)
    house.records.close()
    (folder / "records.db").unlink()
    house.records = records_of(house.settings)
    house.records.migrate()
    return house


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with a log, and a claim of it."""
    folder = tmp_path_factory.mktemp("log-cli")
    house = begun(folder)
    asyncio.run(LogWatch(house).look())
    tell(house, charging_day())
    asyncio.run(EventWatch(house).look())
    asyncio.run(LogWatch(house).look())
    with house.records.read() as connection:
        claim = next(one.id for one in claim_desk.claims(connection) if one.grams)
    house.records.close()
    return folder, claim


def at(folder: Path) -> tuple[str, ...]:
    return ("--city", str(CITY.folder), "--data", str(folder))


def test_a_bundle_is_written_and_checked(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, claim = made
    file = tmp_path / "bundle.json"
    run("bundle", claim, "--out", str(file), *at(folder))

    assert "YES  all of it holds" in run("verify", str(file))
    file.write_bytes(file.read_bytes().replace(b'"awarded"', b'"reserved"'))
    assert "NO   do not rely on it" in run("verify", str(file), ok=False)


def test_the_checkpoint_is_printed_and_held_against_every_entry(made: tuple[Path, str]) -> None:
    folder, _ = made
    note = notes.read_note(run("checkpoint", "--check", *at(folder)))

    assert note.text.startswith(f"dure/{CITY.id}/carbon-log\n")


def test_another_city_signs_a_checkpoint_once_and_never_a_smaller_one(made: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = made
    other = begun(tmp_path / "other")
    asyncio.run(LogWatch(other).look())
    other.records.close()
    note = tmp_path / "checkpoint.txt"
    note.write_text(run("checkpoint", *at(folder)), "utf-8")
    first = notes.read_note(note.read_text("utf-8")).signatures[0]
    records = records_of(Settings(data_dir=str(folder)))
    with records.read() as connection:
        vkey = log_records.signing_keys(connection)[-1].vkey
    records.close()

    line = notes.read_line(run("cosign", str(note), "--key", vkey, *at(tmp_path / "other")).strip())
    assert len(line.signature) == 72
    assert line.name == first.name


def test_the_key_is_replaced_by_a_command(made: tuple[Path, str]) -> None:
    folder, _ = made
    note = notes.read_note(run("checkpoint", "--new-key", *at(folder)))

    assert len(note.signatures) == 2
    run("checkpoint", "--lost", *at(folder), ok=False)


def test_entries_that_were_changed_are_found(made: tuple[Path, str]) -> None:
    folder, _ = made
    records = records_of(Settings(data_dir=str(folder)))
    entries = tables.carbon_log_entries
    with records.begin() as connection:
        connection.execute(update(entries).where(entries.c.place == 3).values(leaf='{"a":1}'))
    records.close()

    assert "is not what the entries give" in run("checkpoint", "--check", *at(folder), ok=False)


def test_an_entry_that_is_not_there_is_told(made: tuple[Path, str]) -> None:
    with pytest.raises(DureError) as refused:
        run("bundle", "clm-none", *at(made[0]), ok=False)

    assert refused.value.code == "log.entry_unknown"
