"""Every page of public buildings in both languages on desktop and phone: axe 0, nothing from outside, a quiet console."""

from __future__ import annotations

import pytest
from visiting import STRANGE, is_well

pytestmark = pytest.mark.browser
PUBLIC = (
    "/buildings",
    "/buildings?words=도서관&sort=eui",
    "/buildings?words=nothing-like-it",
    "/buildings/{building}",
    "/buildings/{short}",
    "/buildings/{empty}",
    "/buildings/{kept_back}",
    "/buildings/data",
)
STAFF = (
    "/operations/buildings",
    "/operations/buildings/sites/{building}",
    "/operations/buildings/sites/{short}",
    "/operations/buildings/sites/{empty}",
    "/operations/buildings/sites/{kept_back}",
    "/operations/buildings/meters",
    "/operations/buildings/meters/{meter}",
    "/operations/buildings/meters/{meter}/model",
    "/operations/buildings/imports",
    "/operations/buildings/imports/{import}",
    "/operations/buildings/measures",
    "/operations/buildings/measures/new",
    "/operations/buildings/measures/{measure}",
    "/operations/buildings/findings",
    "/operations/buildings/findings/{finding}",
    "/operations/buildings/comparison",
    "/operations/buildings/targets",
    "/operations/buildings/filings",
    "/operations/buildings/report?subject=portfolio&period=2025-10",
    "/operations/buildings/rules",
    "/operations/buildings/explain",
    "/operations/buildings/explain?figure=building/{building}/energy/2025-11..2026-10",
    "/operations/buildings/explain?figure=finding/{finding}",
)
ENGLISH = (
    "/buildings",
    "/buildings/demo-hall",
    "/buildings/data",
    "/operations/buildings",
    "/operations/buildings/sites/demo-hall",
)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_of_buildings_for_citizens_is_well(visitor, language, path, axe):
    is_well(visitor, language, path.format(**visitor.running.made), axe)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", STAFF)
def test_a_page_of_buildings_for_staff_is_well(operator, language, path, axe):
    is_well(operator, language, path.format(**operator.running.made), axe)


@pytest.mark.parametrize("path", ENGLISH)
def test_the_english_page_of_buildings_says_nothing_in_korean(operator, path):
    operator.open(f"/en{path.format(**operator.running.made)}")
    assert operator.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("path", ["/buildings", "/buildings/demo-hall", "/operations/buildings"])
def test_high_contrast_is_well_on_pages_of_buildings(operator, path, axe):
    operator.context.add_cookies([{"name": "dure_contrast", "value": "high", "url": operator.running.url}])
    try:
        operator.open(f"/ko{path}")
        assert operator.axe(axe) == []
    finally:
        operator.context.clear_cookies(name="dure_contrast")


def test_somebody_finds_a_building_and_reads_whether_it_uses_much(visitor):
    visitor.open("/ko/buildings")
    page = visitor.page
    page.fill("#words", "ㅅㅊ ㅂㄱ")
    page.get_by_role("button", name="찾기").click()
    page.get_by_role("link", name="시청 본관").click()
    page.get_by_role("heading", name="얼마나 쓰나요?").wait_for()
    assert "한 해 전보다" in page.locator(".answer-text").inner_text()
    assert page.locator("svg.chart:visible").count() >= 3
    page.get_by_text("표로 보기").first.click()
    assert page.locator("details[open] table tbody tr").first.is_visible()


def test_a_number_of_the_portfolio_leads_to_where_it_comes_from(operator):
    operator.open("/ko/operations/buildings/sites/demo-hall")
    page = operator.page
    page.locator(".figure .told-by").first.click()
    page.wait_for_url("**/operations/buildings/explain?figure=*")
    assert "demo-hall-electricity" in page.locator("main").inner_text()


def test_charts_and_lists_are_there_without_script(browser, running):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/ko/buildings?sort=eui")
    assert page.locator("tbody tr").count() >= 26
    page.goto(f"{running.url}/ko/buildings/demo-hall")
    assert page.locator("svg.chart").count() >= 4
    context.close()
