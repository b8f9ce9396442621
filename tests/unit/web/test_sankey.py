"""Flow diagrams: as high as their values, readable without colour, quiet when nothing flows."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.web.i18n import Speech
from dure.web.sankey import End, Link, Sankey, sankey, summary

SAY = Speech("en", ZoneInfo("Asia/Seoul"))
SOURCES = [End("pv", "Solar <1>"), End("grid", "Grid")]
SINKS = [End("to-ev", "Vehicles"), End("to-load", "Load")]


def diagram(*links):
    return Sankey(title="Flow", unit="kW", sources=SOURCES, sinks=SINKS, links=[Link(*one) for one in links])


def heights(svg, name):
    return [float(one) for one in re.findall(rf'<rect class="flow-{name}"[^>]*height="([\d.]+)"', str(svg))]


@given(st.lists(st.floats(0.001, 1e6), min_size=4, max_size=4), st.sampled_from([(340, 330), (900, 320)]))
def test_bars_of_both_sides_keep_inside_and_bands_are_as_high_as_their_values(values, size):
    links = [(s.id, t.id, v) for (s, t), v in zip([(s, t) for s in SOURCES for t in SINKS], values, strict=True)]
    svg = sankey(diagram(*links), SAY, width=size[0], height=size[1])
    ET.fromstring(str(svg))  # noqa: S314  # our own markup
    for name in ("pv", "grid", "to-ev", "to-load"):
        assert all(0 < height <= size[1] for height in heights(svg, name))


def test_it_says_in_words_what_it_draws():
    told = summary(diagram(("grid", "to-ev", 3), ("pv", "to-ev", 5), ("pv", "to-load", 0)), SAY)
    assert told == "Flow: Solar <1> → Vehicles 5.0\N{NO-BREAK SPACE}kW, Grid → Vehicles 3.0\N{NO-BREAK SPACE}kW"


def test_names_are_escaped():
    assert "Solar &lt;1&gt;" in str(sankey(diagram(("pv", "to-ev", 5)), SAY))


@pytest.mark.parametrize("links", [(), (("pv", "to-ev", 0.0),)], ids=["no link", "a link of nothing"])
def test_nothing_flowing_is_an_empty_diagram_that_says_so(links):
    assert "no power is flowing" in summary(diagram(*links), SAY)
    assert "<path" not in str(sankey(diagram(*links), SAY))
