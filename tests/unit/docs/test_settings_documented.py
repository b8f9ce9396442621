"""The page of settings says what `dure.config.Settings` says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from dure.config import Settings, read_settings

DOCS = Path(__file__).parents[3] / "docs"
EMPTY = {"en": "(empty)", "ko": "(빈값)"}


def rows(language):
    text = (DOCS / language / "settings.md").read_text("utf-8")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_setting_stands_with_its_variable_and_default_in_the_order_of_the_struct(language):
    expected = [
        [f"`{one.name}`", f"`DURE_{one.name.upper()}`", EMPTY[language] if one.default == "" else f"`{one.default}`"]
        for one in msgspec.structs.fields(Settings)
    ]
    assert [row[:3] for row in rows(language)] == expected


def test_the_english_page_uses_the_words_of_the_struct():
    _, origins = read_settings(environ={})
    assert [row[3] for row in rows("en")] == [one.help for one in origins]


def test_the_korean_page_explains_every_setting_in_korean():
    assert [row[0] for row in rows("ko") if not re.search("[가-힣]", row[3])] == []
