"""What people come for: an answer for their neighbourhood, an alert seen to, a fault settled, and why a value is not shown."""

from __future__ import annotations

import re

import numpy as np
import pytest
from visiting import Visit

from dure.core.observations import Check, Flag, Revisions

pytestmark = pytest.mark.browser
ENVIRONMENT = "/ko/operations/environment"


@pytest.fixture(scope="module")
def keeper(browser, running):
    visit = Visit(browser, running, "desktop")
    visit.sign_in()
    yield visit
    visit.context.close()


def test_a_citizen_finds_the_answer_for_a_neighbourhood_by_keyboard_alone(visitor):
    visitor.open("/ko/environment")
    page = visitor.page
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "zone":
            break
    steps = page.evaluate("[...document.activeElement.options].findIndex(one => one.value === 'namyang-dong')")
    for _ in range(steps):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**zone=namyang-dong")
    assert page.input_value("#zone") == "namyang-dong"
    answer = page.get_by_role("region", name="아이가 밖에서 놀아도 될까요?")
    assert answer.locator(".answer-word strong").inner_text()
    assert "µg/m³" in answer.get_by_role("listitem").first.inner_text().replace("μ", "µ")
    assert "남양동에서 가장 가까운 관측소" in answer.inner_text()
    assert visitor.trouble == []


def test_a_citizen_reads_why_a_value_is_hidden(visitor):
    visitor.open("/en/environment/stations/mini-seogu?property=pm10")
    row = visitor.page.get_by_role("row", name=re.compile("^PM10"))
    assert re.search(r"–.*Failed.*Above what is possible.*hidden", row.inner_text(), re.DOTALL)
    assert "4,200" not in visitor.page.locator("main").inner_text()
    visitor.open("/en/environment")
    hidden = visitor.page.get_by_role("region", name="What is hidden now, and why")
    assert "Seogu-dong street sensor" in hidden.inner_text()


def test_an_operator_acknowledges_an_alert_with_a_note(keeper):
    keeper.open(f"{ENVIRONMENT}/alerts")
    page = keeper.page
    waiting = page.get_by_role("region", name="확인이 필요합니다")
    waiting.get_by_label("화성시 메모").fill("살수차를 보냈습니다")
    waiting.get_by_role("button", name=re.compile("확인함.*PM10")).click()
    page.get_by_text("확인했습니다", exact=True).wait_for()
    assert page.get_by_role("region", name="확인이 필요합니다").get_by_role("link").count() == 0
    page.get_by_role("region", name="확인했고 아직 열려 있습니다").get_by_role("link", name=re.compile("PM10")).click()
    told = page.get_by_role("region", name="있었던 일")
    assert "살수차를 보냈습니다" in told.inner_text()
    assert "남양동 대기 측정점" in told.inner_text()
    assert keeper.trouble == []


def test_the_keeper_closes_a_finding_with_a_note(keeper):
    path = keeper.running.made["unit_mixed"]
    keeper.open(f"{ENVIRONMENT}/network")
    page = keeper.page
    page.locator(f'a[href="/ko{path}"]').first.click()
    page.get_by_label("메모 (무엇을 했는지)").fill("코덱의 단위를 ppm으로 고침")
    page.get_by_role("button", name="닫음").click()
    page.get_by_text("닫았습니다", exact=True).wait_for()
    assert "코덱의 단위를 ppm으로 고침" in page.locator("main").inner_text()
    keeper.open(f"{ENVIRONMENT}/network")
    assert page.locator(f'a[href="/ko{path}"]').count() == 0
    assert keeper.trouble == []


def test_the_map_shows_what_is_estimated_how_sure_it_is_or_stations_only(operator):
    operator.open(f"{ENVIRONMENT}?property=pm2_5")
    page = operator.page
    title = page.locator("[data-surface-title]")
    assert title.inner_text() == "추정값"
    page.get_by_role("radio", name="불확실도").check()
    page.locator("[data-surface-classes] .doubt-0").first.wait_for()
    assert title.inner_text() == "불확실도(표준편차)"
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("측정소만").is_checked()
    page.get_by_role("radio", name="추정값").check()
    page.locator("[data-surface-classes] .surface-0").first.wait_for()
    assert operator.trouble == []


def test_a_flag_revised_while_a_page_is_open_changes_the_page(visitor):
    name = f"pm2_5 {visitor.page.viewport_size['width']}"
    asset = {"pm2_5 1440": "air-namyang", "pm2_5 390": "air-cheonggye-dongtan-myeon"}[name]
    house = visitor.running.house
    visitor.open(f"/ko/environment/stations/{asset}?property=pm2_5")
    page = visitor.page
    cell = f'[data-asset="{asset}"][data-property="pm2_5"]'
    page.wait_for_selector("body[data-stream=on]")
    assert re.fullmatch(r"\d+", page.locator(cell).inner_text())
    row = house.live.get(asset, "pm2_5").time_us
    visitor.running.call(house.intake.revise(refused((asset, "pm2_5"), row), source="environment"))
    page.wait_for_function("where => document.querySelector(where).textContent === '–'", arg=cell, timeout=10_000)
    assert "불량" in page.locator(f'[data-flag-of="{asset}"][data-property="pm2_5"]').inner_text()
    visitor.open(f"/ko/environment/stations/{asset}?property=pm2_5")
    assert "이웃" in page.get_by_role("row", name=re.compile("^초미세먼지")).first.inner_text()
    assert visitor.trouble == []


def refused(series: tuple[str, str], time_us: int) -> Revisions:
    """One reading that is found to be unlike its neighbours."""
    return Revisions(
        [series],
        np.zeros(1, np.int32),
        np.array([time_us], np.int64),
        np.array([Flag.FAIL], np.uint8),
        np.array([Check.UNLIKE_NEIGHBOURS], np.uint8),
    )


def test_the_navigation_of_the_operations_centre_fits_and_tells_where_one_is(keeper):
    keeper.open(f"{ENVIRONMENT}/calibration")
    navigation = keeper.page.get_by_role("navigation", name="운영센터")
    assert navigation.evaluate("nav => nav.scrollWidth <= nav.clientWidth && nav.clientHeight < 120")
    assert navigation.get_by_role("link", name="보정").get_attribute("aria-current") == "page"
    assert navigation.get_by_role("link", name="환경", exact=True).get_attribute("aria-current") == "true"
    assert navigation.get_by_role("link", name="감사 기록").count() == 0
    navigation.get_by_role("link", name="시스템", exact=True).click()
    keeper.page.wait_for_url("**/operations/health")
    assert navigation.get_by_role("link", name="감사 기록").is_visible()


def test_the_menu_of_a_phone_opens_by_keyboard_and_holds_every_page(browser, running):
    visit = Visit(browser, running, "phone")
    visit.sign_in()
    visit.open(ENVIRONMENT)
    page = visit.page
    link = page.get_by_role("link", name="감사 기록")
    assert not link.is_visible()
    page.get_by_role("button", name=re.compile("^환경 지도.*다른 화면 고르기")).focus()
    page.keyboard.press("Enter")
    assert link.is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "현황"
    page.keyboard.press("Escape")
    assert not link.is_visible()
    assert page.evaluate("document.activeElement.className") == "stops-open"
    page.keyboard.press("Enter")
    link.click()
    page.wait_for_url("**/operations/audit")
    visit.context.close()


def test_the_open_menu_of_a_phone_is_well(browser, running, axe):
    visit = Visit(browser, running, "phone")
    visit.sign_in()
    visit.open("/en/operations/environment/alerts")
    visit.page.locator(".stops-open").click()
    assert visit.axe(axe) == []
    visit.context.close()
