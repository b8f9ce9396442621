"""What the guide of the environment shows as an example is true: limits of a city, a CAI by hand, the check of a signature."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dure.services.environment.checks.quality_rules import quality_rules
from dure.services.environment.grades.air_index import c24e, cai, cai_rules
from dure.services.environment.rules import load_pack
from dure.spine.post import signed

DOCS = Path(__file__).parents[3] / "docs"
PM2_5 = [20, 20, 22, 24, 26, 28, 30, 34, 40, 46, 52, 58]


def page(language):
    return (DOCS / language / "environment.md").read_text("utf-8")


def block(language, kind):
    return re.search(rf"```{kind}\n(.*?)```", page(language), re.DOTALL)[1]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_limits_of_a_city_replace_the_row_they_name_and_no_other(tmp_path, language):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "quality.toml").write_text(block(language, "toml"), "utf-8")
    day = date(2026, 11, 24)
    ours, own = quality_rules(day).limits["air_temperature"], quality_rules(day, tmp_path).limits["air_temperature"]
    assert own.rate_suspect == pytest.approx(4 / 600)
    assert own.rate_suspect != ours.rate_suspect
    assert (own.spike_suspect, own.flat_suspect_s) == (ours.spike_suspect, ours.flat_suspect_s)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_cai_by_hand_is_the_one_that_is_computed(language):
    rules = cai_rules(load_pack("cai"), date(2026, 11, 24))
    forecast = c24e(rules, "pm2_5", [float(one) for one in PM2_5])
    found = cai(rules, {"pm2_5": forecast.value, "pm10": 77.0, "o3": 0.095, "no2": 0.035})
    text = page(language)
    assert ", ".join(map(str, PM2_5)) in text
    for number in (f"{forecast.c12:.2f}", f"{forecast.c4:.3f}", f"{forecast.value:.2f}", f"**{found.step('pm2_5').quantised}**"):
        assert number in text
    steps = {one.item: one.sub_index for one in found.steps}
    assert (steps["pm2_5"], steps["o3"], steps["pm10"], steps["no2"]) == (105, 111, 97, 58)
    assert (found.bonus, found.index, found.deciding) == (50, 161, "o3")
    assert "161" in text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_check_of_a_signature_knows_ours_from_others(language):
    names = {}
    exec(block(language, "python"), names)  # noqa: S102  # the page's own example
    secret, body = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", b'{"type":"environment.alert.opened"}'
    headers = signed(secret, "msg-1", body, datetime.now(UTC))
    assert names["is_from_dure"](secret, headers, body)
    assert not names["is_from_dure"](secret, headers, body + b" ")
    assert not names["is_from_dure"](secret, signed(secret, "msg-1", body, datetime(2020, 1, 1, tzinfo=UTC)), body)
