"""Every page of waste collection in both languages on desktop and phone: axe 0, nothing from outside, a quiet console."""

from __future__ import annotations

import pytest
from visiting import STRANGE, is_well

pytestmark = pytest.mark.browser
PUBLIC = (
    "/waste",
    "/waste?zone=banwol-dong",
    "/waste/bins/{bin}",
    "/waste/bins/{reported_bin}",
    "/waste/reports",
    "/waste/reports?number={report}",
)
STAFF = (
    "/operations/waste",
    "/operations/waste?day=2026-11-23",
    "/operations/waste/bins",
    "/operations/waste/bins/bin-002",
    "/operations/waste/bins/{bin}",
    "/operations/waste/alarms",
    "/operations/waste/alarms/{alarm}",
    "/operations/waste/tickets",
    "/operations/waste/tickets/{ticket}",
    "/operations/waste/reports",
    "/operations/waste/savings",
    "/operations/waste/placement",
    "/operations/waste/placement?action=enlarge",
    "/operations/waste/bins?need=any&after=30",
    "/operations/waste/bins/{missed_bin}",
    "/operations/waste?show=missed",
    "/operations/waste/rules",
    "/field/waste",
    "/field/waste/truck-1",
    "/field/waste/truck-1/route",
)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_for_citizens_is_well(visitor, language, path, axe):
    is_well(visitor, language, path.format(**visitor.running.made), axe)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", STAFF)
def test_a_page_for_dispatchers_and_crews_is_well(operator, language, path, axe):
    is_well(operator, language, path.format(**operator.running.made), axe)


@pytest.mark.parametrize(
    "path",
    ["/operations/waste", "/operations/waste/placement", "/operations/waste/bins/bin-002", "/field/waste/truck-1", "/waste"],
)
def test_the_english_page_says_nothing_in_korean(operator, path):
    operator.open(f"/en{path}")
    assert operator.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("path", ["/field/waste/truck-1", "/operations/waste", "/waste/bins/bin-001"])
def test_high_contrast_is_well_on_pages_of_waste(operator, path, axe):
    operator.context.add_cookies([{"name": "dure_contrast", "value": "high", "url": operator.running.url}])
    try:
        operator.open(f"/ko{path}")
        assert operator.axe(axe) == []
    finally:
        operator.context.clear_cookies(name="dure_contrast")
