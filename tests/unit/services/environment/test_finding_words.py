"""Findings and rules in words: numbers with units in both languages, and whose file holds."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dure.city import read_city
from dure.core.errors import ConfigError, NotFound
from dure.core.observations import Check, Flag
from dure.core.properties import Properties
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS
from dure.services.environment.faults.findings import Finding
from dure.services.environment.model import PROPERTIES
from dure.services.environment.pages import network_pages, rules_book
from dure.services.environment.pages.finding_words import DOUBTS, HIDES, LEAVES, SENTENCES, FindingWords, effect
from dure.services.environment.pages.network_health import Came
from dure.web.i18n import Speech

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
WORDS = FindingWords(Speech("ko", ZoneInfo("Asia/Seoul")), Properties(PROPERTIES), {"st-2": "우정읍"}.get)
ENGLISH = FindingWords(Speech("en", ZoneInfo("Asia/Seoul")), Properties(PROPERTIES), {"st-2": "Ujeong"}.get)
EVIDENCE = {
    "unit_mixed": {"sent_in": ["[ppb]"], "difference": 412.5, "difference_converted": 0.021, "usual_difference": 0.034},
    "swapped": {"place_of": "st-2", "likeness_here": 0.1, "likeness_there": 0.93},
    "moved": {"place_of": "st-2", "likeness_here": 0.1, "likeness_there": 0.93},
    "channels_swapped": {"with": "o3", "difference": 0.4, "difference_exchanged": 0.001},
    "doubled.two_values_at_one_instant": {"sign": "two_values_at_one_instant", "readings": 90, "share": 0.4},
    "doubled.levels_in_turn": {"sign": "levels_in_turn", "readings": 90, "low": 0.1, "high": 2.5},
    "doubled.rhythms_in_turn": {"sign": "rhythms_in_turn", "readings_per_period": 1.9, "gaps_s": [20.0, 40.0]},
    "clock_off": {"readings": 1440, "share": 0.99, "ahead_s": 32_400.0},
    "gaps": {"expected": 1440, "came": 1000, "missing_share": 0.3056, "longest_gap_s": 7200.0},
    "stuck": {"readings": 100, "share": 0.61},
    "spiking": {"readings": 100, "share": 0.08},
    "drift": {"rate_per_day": -0.62, "rate_unit": "%/d", "direction": "down"},
}


def finding(kind: str = "gaps", property_id: str = "co", **evidence: object) -> Finding:
    return Finding(
        id=f"{kind}-st-1",
        asset="st-1",
        property=property_id,
        kind=kind,
        state="open",
        found_at=NOW,
        seen_at=NOW,
        evidence=evidence,
    )


@pytest.mark.parametrize("key", sorted(SENTENCES))
@pytest.mark.parametrize("words", [WORDS, ENGLISH], ids=["ko", "en"])
def test_the_evidence_of_every_kind_is_a_sentence_with_its_numbers(words, key):
    told = words.sentence(finding(key.partition(".")[0], **EVIDENCE[key]))
    assert re.search(r"\d", told)
    assert "{" not in told
    meaning = words.explained(finding(key.partition(".")[0])).meaning
    assert told not in {meaning.ko, meaning.en}


def test_every_kind_that_a_detector_knows_has_a_sentence():
    assert {key.partition(".")[0] for key in SENTENCES} == set(EXPLANATIONS)


def test_a_sentence_has_units_and_names():
    assert WORDS.sentence(finding("unit_mixed", **EVIDENCE["unit_mixed"])).startswith(
        "이웃의 값과 412.50\N{NO-BREAK SPACE}ppm 다릅니다. ppb"
    )
    assert "Ujeong" in ENGLISH.sentence(finding("moved", "", **EVIDENCE["moved"]))
    assert "0.62% a day (Down)" in ENGLISH.sentence(finding("drift", **EVIDENCE["drift"]))


def test_without_its_numbers_a_finding_says_what_its_kind_means():
    assert ENGLISH.sentence(finding("gaps")) == ENGLISH.explained(finding("gaps")).meaning.en
    assert ENGLISH.sentence(finding("a_new_kind")) == ""
    assert ENGLISH.explained(finding("a_new_kind")).title.en == "a_new_kind"


def test_since_when_is_what_the_evidence_says():
    assert WORDS.since(finding(since="2026-11-20T00:00:00+00:00")) == datetime(2026, 11, 20, tzinfo=UTC)
    assert WORDS.since(finding()) == NOW
    assert WORDS.since(finding(since="soon")) == NOW


def test_the_table_of_evidence_names_stations_and_hides_what_other_lines_say():
    rows = ENGLISH.table(finding("moved", place_of="st-2", neighbours=["st-2"], at_us=3, note=None, checks={"spike": 4}))
    assert {(row.name, row.value, row.stations) for row in rows} == {
        ("Place it goes with", "Ujeong", ("st-2",)),
        ("Neighbours", "Ujeong", ("st-2",)),
        ("Checks that held values", "spike 4", ()),
        ("note", "–", ()),
    }


def test_what_a_finding_does_to_values_follows_from_the_rules():
    held = {"unit_mixed": (Flag.FAIL, Check.UNIT_DOUBTFUL), "drift": (Flag.SUSPECT, Check.DRIFTING)}
    assert [effect(kind, held) for kind in ("unit_mixed", "drift", "gaps")] == [HIDES, DOUBTS, LEAVES]


def test_a_day_of_readings_adds_up_to_its_promise():
    came = Came(good=70, suspect=10, failed=5, waiting=0, promised=100)
    assert (came.missing, came.share) == (15, 0.8)
    assert sum(part for _, part in came.parts) == pytest.approx(1)
    assert Came(good=120, promised=100).missing == 0
    assert Came(good=120, promised=100).share == 1
    assert Came().share == 0


def test_a_cell_that_a_spreadsheet_would_run_is_made_text():
    one = msgspec.structs.replace(finding(), note="=cmd()")
    (_, row) = csv.reader(io.StringIO(network_pages.csv_of([one], {}, WORDS)))
    assert "'=cmd()" in row


def test_a_field_of_a_rule_reads_as_people_write_it():
    say = Speech("en", ZoneInfo("Asia/Seoul"))
    assert rules_book.value_words([[0, 15], [16, 35.5]], say) == "0~15, 16~35.5"
    assert rules_book.value_words({"ko": "좋음", "en": "Good"}, say) == "Good"
    assert rules_book.value_words({"low": -2, "high": 25_000}, say) == "low −2, high 25,000"
    assert rules_book.value_words(value=True, say=say) == "yes"


def test_limits_of_quality_control_are_told_test_by_test_with_their_source():
    known = next(one for one in PROPERTIES if one.id == "air_temperature")
    say = Speech("en", ZoneInfo("Asia/Seoul"))
    told = {one.name: one for one in rules_book.quality_sentences(known, CITY.folder, date(2026, 11, 24), say)}
    assert {"Possible values", "Season", "Spike", "Rate of change"} <= set(told)
    assert told["Spike"].text == "More than 3℃ from the mean of the values before and after is suspect, more than 8℃ fails."
    assert told["Spike"].basis.mark == "own choice"


def test_a_citys_own_pack_wins_and_says_so_and_a_broken_one_is_named(tmp_path):
    (tmp_path / "rules").mkdir()
    own = 'id = "noise"\nversion = "1"\nname = { ko = "소음", en = "Noise" }\n[[limits]]\nid = "a"\nvalue = 3\n'
    rows = 'effective_from = 2020-01-01\nsource = "ours"\nmark = "own choice"\n'
    (tmp_path / "rules/noise.toml").write_text(own + rows)
    (tmp_path / "rules/zoo.toml").write_text("id = ")
    leaf = rules_book.open_pack("noise", tmp_path, date(2026, 1, 1))
    assert (leaf.own, leaf.version, len(leaf.rows), leaf.rows[0].fields) == (True, "1", 1, {"value": 3})
    assert not rules_book.open_pack("noise", tmp_path, date(2019, 1, 1)).rows
    shelf = rules_book.shelf(tmp_path, date(2026, 1, 1))
    assert "cai" in {one.id for one in shelf.leaves}
    assert len(shelf.troubles) == 1
    with pytest.raises(NotFound):
        rules_book.open_pack("../city", tmp_path, date(2026, 1, 1))
    with pytest.raises(ConfigError):
        rules_book.open_pack("zoo", tmp_path, date(2026, 1, 1))
