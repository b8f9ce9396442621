"""`dure rehearse waste`: on a simulated city and on a history, with no city running."""

from __future__ import annotations

import csv
import gzip
import sys
from datetime import date, timedelta

import pytest
from rich.console import Console

from dure import cli_rehearse
from dure.cli import main


def told(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["dure", *map(str, words)])
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("DURE_CITY_DIR", raising=False)
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    else:
        code = 0
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.fixture
def history(tmp_path):
    levels, bins = tmp_path / "levels.csv", tmp_path / "bins.csv"
    with levels.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("serial", "date", "fullness"))
        for number in range(4):
            for day in range(40):
                rows.writerow((f"b{number}", date(2026, 1, 5) + timedelta(days=day), 2 * (day % (3 + number))))
        rows.writerow(("b0", "nonsense", 3))
    bins.write_text("serial,longitude,latitude\n" + "".join(f"b{n},{126.9 + n / 100},37.2\n" for n in range(4)), "utf-8")
    return levels, bins


def test_a_simulated_city_is_rehearsed_and_the_frontier_written(monkeypatch, capsys, tmp_path):
    code, said = told(
        monkeypatch, capsys, "rehearse", "waste", "--simulate", 6, "--days", 28, "--iterations", 5,
        "--policy", "daily", "--policy", "dial:20000", "--trucks", 2, "--fleet", "--sensors", "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 0, said
    assert "6 simulated bins, 14 days counted; distances estimated as the crow flies." in said
    assert "every 1 d" in said
    assert "Share of bins with a sensor, dial:20000" in said
    rows = list(csv.DictReader((tmp_path / "out" / "frontier.csv").read_text("utf-8").splitlines()))
    assert [row["policy"] for row in rows] == ["every 1 d", "dial 20000 m"]
    assert float(rows[0]["km_day"]) > float(rows[1]["km_day"])
    assert (tmp_path / "out" / "frontier.svg").read_text("utf-8").startswith("<svg")


def test_a_history_is_rehearsed_and_rows_left_out_are_counted(monkeypatch, capsys, history):
    levels, bins = history
    code, said = told(
        monkeypatch, capsys, "rehearse", "waste", "--history", levels, "--bins", bins, "--full", 10, "--iterations", 10,
        "--policy", "threshold:0.5",
    )  # fmt: skip
    assert code == 0, said
    assert "4 bins of the history, 26 days counted" in said
    assert "1 rows of the history could not be used" in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--policy", "nightly"), "rehearse.policy"),
        (("--trucks", "0"), "rehearse.size"),
        (("--simulate", "1"), "rehearse.size"),
        (("--days", "20"), "rehearse.size"),
    ],
)
def test_what_cannot_be_rehearsed_says_why(monkeypatch, capsys, words, code):
    status, said = told(monkeypatch, capsys, "rehearse", "waste", "--simulate", "15", *words)
    assert status == 2
    assert code in said


def test_a_history_without_places_says_so(monkeypatch, capsys, history):
    status, said = told(monkeypatch, capsys, "rehearse", "waste", "--history", history[0])
    assert status == 2
    assert "rehearse.bins" in said


def test_a_gzipped_history_is_read_as_a_plain_one(monkeypatch, capsys, history):
    levels, bins = history
    packed = levels.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress(levels.read_bytes()))
    words = ("--bins", bins, "--full", 10, "--iterations", 5, "--policy", "daily")
    plain, zipped = (told(monkeypatch, capsys, "rehearse", "waste", "--history", one, *words) for one in (levels, packed))
    assert plain == zipped
    assert plain[0] == 0


@pytest.mark.parametrize("content", [b"\x1f\x8bnonsense", b"\xff\xfe\x00", gzip.compress(b"bin,time,level\n" * 99, mtime=0)[:-9]])
def test_a_history_that_is_no_text_is_refused(monkeypatch, capsys, history, content):
    levels, bins = history
    levels.write_bytes(content)
    code, said = told(monkeypatch, capsys, "rehearse", "waste", "--history", levels, "--bins", bins)
    assert code == 2, said
    assert "rehearse.history" in said


def test_the_table_fits_a_terminal_of_80_columns(monkeypatch, capsys, history):
    levels, bins = history
    monkeypatch.setattr(cli_rehearse, "out", Console(width=80))
    code, said = told(
        monkeypatch, capsys, "rehearse", "waste", "--history", levels, "--bins", bins, "--full", 10, "--iterations", 5,
        "--policy", "static:0.6", "--policy", "dial:200000",
    )  # fmt: skip
    assert code == 0, said
    assert "…" not in said
    assert "dial 200000 m" in said
