"""Every text of the pages exists in Korean and English; nothing is written into a template without its door `_`."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2 import Environment
from jinja2.ext import babel_extract

from dure.web import i18n, words
from dure.web.layout import HOMES

SOURCE = Path(__file__).resolve().parents[3] / "src/dure"
TEMPLATES = sorted([*(SOURCE / "web/templates").rglob("*.html"), *(SOURCE / "services").rglob("templates/**/*.html")])
MODULES = sorted([*(SOURCE / "web").rglob("*.py"), *(SOURCE / "services").rglob("*.py")])
SPOKEN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description"}
# Names and codes that are the same in every language.
SAME = re.compile(r"DevEUI|curl|mosquitto|MapLibre|htmx|PMTiles|Pretendard|OFL|SIL|BSD|openapi\.json|0BSD|GB\b")


def messages() -> set[str]:
    """Every Korean source text, from templates and modules."""
    found: set[str] = set()
    for file in TEMPLATES:
        with file.open("rb") as content:
            for _, _, message, _ in babel_extract(content, ["_", "say"], [], {}):
                found.add(message[0] if isinstance(message, tuple) else message)
    for file in MODULES:
        with file.open("rb") as content:
            for _, message, _, _ in extract("python", content, {"say": None}):
                found.add(message[0] if isinstance(message, tuple) else message)
    return {one for one in found if one and re.search("[가-힣]", one)}


def catalogues():
    """Every file of the English catalogue, entry by entry."""
    for path in sorted((i18n.CATALOGUES / "en/LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            yield from (one for one in read_po(file, locale="en") if one.id)


def catalogue():
    return {str(one.id): one for one in catalogues()}


def test_no_text_is_translated_in_two_files():
    ids = [str(one.id) for one in catalogues()]
    assert sorted(ids) == sorted(set(ids))


def test_the_english_catalogue_has_every_text_and_none_is_fuzzy_or_left_over():
    known = catalogue()
    assert not messages() - set(known)
    assert not [one.id for one in known.values() if one.fuzzy or not one.string]
    assert not {one for one in set(known) - messages() if re.search("[가-힣]", one)}


def test_a_translation_keeps_the_places_for_values():
    for source, message in catalogue().items():
        assert set(re.findall(r"\{(\w+)\}", source)) == set(re.findall(r"\{(\w+)\}", str(message.string))), source


class Texts(HTMLParser):
    """Text and spoken attributes of a template whose expressions were taken out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._plain = 0

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag in ("code", "pre", "script", "style") or named.get("lang") == "en":
            self._plain += 1
            self._until = tag
        self.found.extend(value for name, value in attributes if name in SPOKEN_ATTRIBUTES and value)

    def handle_endtag(self, tag):
        if self._plain and tag == self._until:
            self._plain = 0

    def handle_data(self, data):
        if not self._plain:
            self.found.append(data)


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_template_says_nothing_without_translation(file):
    inside, parts = 0, []
    for _, kind, value in Environment(autoescape=True).lex(file.read_text("utf-8")):
        if kind in ("variable_begin", "block_begin", "comment_begin"):
            inside += 1
        elif kind in ("variable_end", "block_end", "comment_end"):
            inside -= 1
        elif kind == "data" and not inside:
            parts.append(value)
    texts = Texts()
    texts.feed("".join(parts))
    assert not [text.strip() for text in texts.found if re.search("[A-Za-z가-힣]", SAME.sub("", text))]


def test_words_for_codes_exist_in_both_languages():
    tables = (words.FLAGS, words.STATUSES, words.DEVICE_STATES)
    texts = [text for table in tables for word in table.values() for text in (word.name, word.why)]
    texts += [*words.CHECKS.values(), *words.ROLES.values(), *(text for pair in words.OUTCOMES.values() for text in pair)]
    texts += [home.name for home in HOMES] + [stop.name for home in HOMES for stop in home.stops]
    assert all(text.ko and text.en for text in texts)
