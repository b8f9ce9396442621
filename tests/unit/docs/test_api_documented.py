"""Every path of the API stands in the reference of both languages, with an example, and nothing stands there that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from dure.city import read_city
from dure.config import Settings
from dure.engines.records.store import Records
from dure.running.parts import SERVICES
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.api import create_api

DOCS = Path(__file__).parents[3] / "docs"
HEADING = re.compile(r"^### `([A-Z]+ /\S*)`$", re.MULTILINE)


@pytest.fixture
def paths(tmp_path):
    records = Records(f"sqlite:///{tmp_path}/records.db")
    parts = dict.fromkeys(House.__slots__)
    parts |= {"settings": Settings(), "live": Live(), "directory": Directory(records, "nowhere"), "services": SERVICES}
    parts["city"] = read_city(DOCS.parent / "examples" / "hwaseong")
    api = create_api(House(**parts))
    records.close()
    return {
        f"{method} {context.path.removeprefix('/api/v1')}"
        for context in iter_route_contexts(api.routes)
        for method in context.methods - {"HEAD"}
    }


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_reference_names_exactly_the_paths_there_are(paths, language):
    text = (DOCS / language / "api.md").read_text("utf-8")
    assert set(HEADING.findall(text)) == paths


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_path_has_an_example(language):
    text = (DOCS / language / "api.md").read_text("utf-8")
    for section in text.split("\n### ")[1:]:
        assert "curl" in section, section.splitlines()[0]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_heading_stands_twice_and_every_example_ends(language):
    sections = re.split(r"(?m)^(?=##+ )", (DOCS / language / "api.md").read_text("utf-8"))
    headings = [one.split("\n", 1)[0] for one in sections]
    assert [one for one in headings if headings.count(one) > 1] == []
    assert [one.split("\n", 1)[0] for one in sections if len(re.findall(r"(?m)^```", one)) % 2] == []
