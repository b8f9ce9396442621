"""`dure charging`: tokens are kept by digest, a file of them is told row by row, and chargers are listed."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from dure.cli_charging import app
from dure.engines.records.store import Records
from dure.services.charging.tokens import token_records

CITY = str(Path(__file__).parents[2] / "examples" / "hwaseong")


def run(*words):
    return CliRunner().invoke(app, [*words, "--city", CITY], catch_exceptions=False, env={"COLUMNS": "200"})


def test_a_token_is_added_and_its_number_is_nowhere(tmp_path):
    found = run("token", "add", "04AABBCCDD", "--label", "car 7", "--data", str(tmp_path))
    assert found.exit_code == 0
    assert "04aabbccdd" not in found.output.lower()
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and b"04aabbccdd" in one.read_bytes().lower()]


def test_a_file_of_tokens_is_told_row_by_row(tmp_path):
    file = tmp_path / "cards.csv"
    file.write_text("token,label\nA1,one\nA1,again\nB2,two\n", "utf-8")
    data = tmp_path / "data"
    found = run("token", "import", str(file), "--data", str(data))
    assert "2 new, 0 changed, 1 rows" in found.output
    assert "line 3" in found.output
    records = Records(f"sqlite:///{next(data.rglob('records.db'))}")
    with records.read() as connection:
        assert sorted(one.label for one in token_records.changed_since(connection, None)) == ["one", "two"]
    records.close()
