"""`dure waste prior`: what one city learnt becomes what another begins with."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows" / "city"))
from city_running import write_city

from dure.cli import main
from dure.engines.records.store import Records
from dure.services.waste.belief import belief_records
from dure.services.waste.belief.learned import CITY, ClassRates, Learned

LEARNED = Learned(version="belief@2026-11", classes={CITY: ClassRates(rate_per_day=0.31, between_cv=0.5, cv=0.8, days=42.0)})


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("DURE_CITY_DIR", raising=False)
    write_city(tmp_path / "city", [])

    def told(word, file, data):
        words = ["dure", "waste", "prior", word, str(file), "--city", str(tmp_path / "city"), "--data", str(tmp_path / data)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return told


@pytest.fixture
def records(tmp_path):
    opened = []

    def of(data):
        (tmp_path / data).mkdir(exist_ok=True)
        one = Records(f"sqlite:///{tmp_path / data / 'records.sqlite'}")
        opened.append(one)
        one.migrate()
        return one

    yield of
    for one in opened:
        one.close()


def test_what_one_city_learnt_is_what_the_other_begins_with(run, records, tmp_path):
    with records("one").begin() as connection:
        belief_records.store_learned(connection, LEARNED, datetime(2026, 11, 24, 17, tzinfo=UTC))
    code, said = run("export", tmp_path / "prior.json", "one")
    assert (code, "testville" in said, "31.0%" in said) == (0, True, True)
    code, said = run("import", tmp_path / "prior.json", "two")
    assert (code, "testville" in said) == (0, True)
    with records("two").read() as connection:
        kept = belief_records.newest_learned(connection, belief_records.PRIOR)
    assert kept is not None
    assert kept[0].classes == LEARNED.classes


def test_a_city_that_learnt_nothing_says_so(run, tmp_path):
    (tmp_path / "none").mkdir()
    code, said = run("export", tmp_path / "prior.json", "none")
    assert (code, "prior.none" in said) == (2, True)
    assert not (tmp_path / "prior.json").exists()


def test_a_malformed_file_is_one_line_with_a_code_and_changes_nothing(run, records, tmp_path):
    (tmp_path / "bad.json").write_text('{"schema": "dure-waste-prior", "version": 9}', "utf-8")
    code, said = run("import", tmp_path / "bad.json", "two")
    assert (code, "prior.version" in said) == (2, True)
    with records("two").read() as connection:
        assert belief_records.newest_learned(connection, belief_records.PRIOR) is None
