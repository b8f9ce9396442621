from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError
from dure.services.environment.rules import Choice, load_pack, parse_pack, provisional

HEAD = {"id": "try", "version": "1", "name": {"ko": "시험", "en": "Trial"}}
ROW = {"id": "a", "effective_from": date(2020, 1, 1), "source": "decree", "mark": "verified source", "value": 1}
DAY = date(2026, 11, 25)


def pack_of(*rows):
    return parse_pack({**HEAD, "limits": list(rows)}, "try")


def refused(code, *rows):
    with pytest.raises(ConfigError) as raised:
        pack_of(*rows)
    assert raised.value.code == code
    return raised.value.message


def test_a_row_is_in_force_from_its_first_day_until_the_day_it_ends():
    pack = pack_of(
        {**ROW, "effective_to": date(2024, 1, 1)}, {**ROW, "effective_from": date(2024, 1, 1), "value": 2, "dated": "own choice"}
    )
    values = [pack.row("limits", "a", Choice, day).value for day in (date(2020, 1, 1), date(2023, 12, 31), date(2024, 1, 1), DAY)]
    assert values == [1, 1, 2, 2]
    assert [row["value"] for row in pack.as_of(date(2023, 12, 31))["limits"]] == [1]
    assert pack.as_of(date(2019, 12, 31))["limits"] == ()


def test_a_day_before_every_row_is_refused_and_not_guessed():
    for ask in (
        lambda: pack_of(ROW).rows("limits", Choice, date(2019, 12, 31)),
        lambda: pack_of(ROW).row("limits", "b", Choice, DAY),
        lambda: pack_of(ROW).rows("nothing", Choice, DAY),
    ):
        with pytest.raises(ConfigError) as raised:
            ask()
        assert raised.value.code == "rules.not_in_force"


def test_two_versions_of_a_rule_may_neither_overlap_nor_leave_a_gap():
    later = {**ROW, "effective_from": date(2024, 1, 1)}
    assert "End the earlier" in refused("rules.overlap", ROW, later)
    refused("rules.overlap", {**ROW, "effective_to": date(2024, 1, 2)}, later)
    refused("rules.gap", later, {**ROW, "effective_to": date(2023, 12, 31)})
    refused("rules.overlap", ROW, ROW)


@given(st.lists(st.integers(1, 2000), min_size=1, max_size=6), st.integers(0, 9000))
def test_versions_that_follow_one_another_give_exactly_one_rule_on_every_day(lengths, offset):
    rows, start = [], date(2000, 1, 1)
    for number, days in enumerate(lengths):
        rows.append({**ROW, "effective_from": start, "effective_to": start + timedelta(days), "value": number})
        start += timedelta(days)
    rows[-1].pop("effective_to")
    assert len(pack_of(*rows).as_of(date(2000, 1, 1) + timedelta(offset))["limits"]) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": " "},
        {"id": ""},
        {"mark": "sure"},
        {"effective_from": "yesterday"},
        {"effective_to": date(2020, 1, 1)},
    ],
)
def test_a_row_without_id_source_mark_or_proper_dates_is_refused(wrong):
    refused("rules.invalid", {**ROW, **wrong})


def test_a_misspelled_word_of_a_row_is_refused_where_it_is_read():
    with pytest.raises(ConfigError, match=r"\[\[limits\]\] a: .*valeu"):
        pack_of({**ROW, "valeu": 2}).rows("limits", Choice, DAY)
    with pytest.raises(ConfigError, match="hedding"):
        parse_pack({**HEAD, "hedding": 1}, "try")
    with pytest.raises(ConfigError, match="called other"):
        parse_pack(HEAD, "other")


def test_a_result_keeps_rule_source_and_mark_and_knows_what_is_to_be_confirmed():
    pack = pack_of({**ROW, "mark": "to be confirmed", "note": "press only"}, {**ROW, "id": "b"})
    bases = [pack.basis("limits", row) for row in pack.rows("limits", Choice, DAY)]
    assert bases[0].rule == "try@1/limits/a"
    assert (bases[0].source, bases[0].note) == ("decree", "press only")
    assert provisional([*bases, *bases]) == ("try@1/limits/a",)


def test_a_city_overrides_a_pack_by_a_file_of_the_same_name(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "cai.toml").write_text('id = "cai"\nversion = "own"\nname = { ko = "우리", en = "Ours" }\n', "utf-8")
    assert load_pack("cai", tmp_path).version == "own"
    assert load_pack("noise", tmp_path) == load_pack("noise")
    assert load_pack("cai").version != "own"


@pytest.mark.parametrize("name", ["none", "../cai", "CAI", ""])
def test_a_pack_that_is_not_there_is_named(name):
    with pytest.raises(ConfigError) as raised:
        load_pack(name)
    assert raised.value.code == "rules.missing"


@pytest.mark.parametrize("content", [b"id = ", b"\xff\xfe", b'id = "broken"\nid = "broken"'])
def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "broken.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml") as raised:
        load_pack("broken", tmp_path)
    assert raised.value.code == "rules.unreadable"


@pytest.mark.parametrize("name", ["cai", "river_grade", "lake_grade", "rtwqi", "noise", "weather_levels", "advice"])
def test_every_shipped_table_has_rows_in_force_today_each_with_source_and_mark(name):
    pack = load_pack(name)
    assert pack.name.ko
    assert pack.name.en
    assert all(len(pack.as_of(DAY)[table]) > 0 for table in pack.tables)
