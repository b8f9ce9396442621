"""Links between the pages lead somewhere, both languages have the same pages, and pictures are light."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    targets = [one for one in LINK.findall(text) if "://" not in one]
    assert [one for one in targets if not (page.parent / one).exists()] == []


def test_both_languages_have_the_same_pages():
    assert {one.name for one in (ROOT / "docs/en").glob("*.md")} == {one.name for one in (ROOT / "docs/ko").glob("*.md")}


@pytest.mark.parametrize("name", ["{}", "docs/{}/operations", "docs/{}/services", "docs/{}/commands", "docs/{}/settings"])
def test_both_languages_have_the_same_sections_and_commands(name):
    english, korean = ("README.md", "README.ko.md") if name == "{}" else (f"{name.format(x)}.md" for x in ("en", "ko"))
    of = [(ROOT / one).read_text("utf-8") for one in (english, korean)]
    assert len({len(re.findall(r"^#+ ", text, re.MULTILINE)) for text in of}) == 1
    assert len({text.count("```") for text in of}) == 1
    assert len({len(re.findall(r"^\|", text, re.MULTILINE)) for text in of}) == 1


def test_pictures_are_light_enough_for_a_page():
    sizes = {one.name: one.stat().st_size for one in (ROOT / "docs/images").iterdir()}
    assert sizes
    assert {name: size for name, size in sizes.items() if size > 300_000} == {}
