"""`dure carbon`: balances, transfers and the check of the books on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from typer.testing import CliRunner

from dure.cli_carbon import app
from dure.config import Settings
from dure.running.parts import records_of
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.posting import named, post

CITY = str(Path(__file__).parents[2] / "examples" / "hwaseong")
NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)


def run(folder, *words):
    return CliRunner().invoke(app, [*words, "--city", CITY, "--data", str(folder)], env={"COLUMNS": "200"})


def keep_books(folder):
    records = records_of(Settings(data_dir=str(folder)))
    records.migrate()
    world, held = accounts.world("city-verified"), accounts.held("city")
    award = Transfer(id="award-1", debit=world.id, credit=held.id, amount=1_700, unit="gCO2e", why="award")
    with records.begin() as connection:
        assert post(connection, [[award]], NOON, named(world, held)) == [None]
    return records


def test_balances_and_transfers_are_shown(tmp_path):
    keep_books(tmp_path).close()
    assert "held/city" in run(tmp_path, "balance").output
    assert "1,700" in run(tmp_path, "balance", "held/city").output
    assert "1,700" not in run(tmp_path, "balance", "held/city", "--as-of", "2026-11-24T11:59:59").output
    assert "award-1" in run(tmp_path, "transfers", "held/city").output


def test_an_account_that_is_not_there_is_named(tmp_path):
    keep_books(tmp_path).close()
    assert run(tmp_path, "balance", "held/nobody").exception.code == "ledger.account_unknown"


def test_the_check_fits_until_somebody_touches_a_balance(tmp_path):
    records = keep_books(tmp_path)
    assert "Everything fits" in run(tmp_path, "check").output
    with records.begin() as connection:
        connection.execute(text("UPDATE carbon_accounts SET credits_posted = 1701 WHERE id = 'held/city'"))
    records.close()
    found = run(tmp_path, "check")
    assert found.exit_code == 1
    assert "balance: held/city" in found.output
    assert "sides: gCO2e" in found.output


def test_a_folder_without_records_is_named_and_none_are_made(tmp_path):
    for words in (("balance",), ("transfers", "held/city"), ("check",), ("checkpoint",), ("bundle", "clm-1")):
        found = run(tmp_path / "nowhere", *words)
        assert found.exception.code == "records.none", words
        assert str(tmp_path / "nowhere") in found.exception.message
    assert not (tmp_path / "nowhere").exists()


def test_an_instant_with_its_offset_needs_no_city(tmp_path):
    keep_books(tmp_path).close()
    words = ["balance", "held/city", "--data", str(tmp_path), "--as-of"]
    found = CliRunner().invoke(app, [*words, "2026-11-24T13:00:00+09:00"], env={"COLUMNS": "200"})
    assert "1,700" in found.output
    assert CliRunner().invoke(app, [*words, "2026-11-24T13:00:00"]).exception.code == "city.not_named"
    assert CliRunner().invoke(app, [*words, "yesterday"]).exception.code == "time.unreadable"


def test_a_bundle_of_what_the_log_does_not_have_and_an_empty_log_are_named(tmp_path):
    keep_books(tmp_path).close()
    assert run(tmp_path, "bundle", "clm-none").exception.code == "log.entry_unknown"
    assert run(tmp_path, "checkpoint").exception.code == "log.checkpoint_unknown"
