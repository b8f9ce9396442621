"""Onboarding in a real browser: pages that are well, a list of scanned labels that is kept on the phone, sheets that print."""

from __future__ import annotations

import re

import pytest
from visiting import Visit, is_well

pytestmark = pytest.mark.browser
ENROL = "/operations/environment/enrol"
LABEL = "https://dure.example/ko/environment/enrol?d=box-{n}.."  # Dure's own, of a device that has a secret
PDF_PAGE = re.compile(rb"/Type\s*/Page\b")


@pytest.mark.parametrize("path", [ENROL, f"{ENROL}/scan", f"{ENROL}/scan?label=70B3D50000009999", f"{ENROL}/labels"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_page_of_onboarding_is_well(operator, language, path, axe):
    is_well(operator, language, path, axe)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_sheet_of_labels_is_well_and_lights_the_stop_of_onboarding(operator, language, axe):
    is_well(operator, language, f"{ENROL}/labels?device=dev-air-namyang", axe)
    lit = operator.page.locator(".stops [aria-current]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert f"/{language}{ENROL}" in lit


def put(page, label: str, name: str) -> None:
    page.fill("#label", label)
    page.fill("#f-name", name)
    page.click("[data-put]")


def test_labels_wait_on_the_phone_through_a_reload_and_a_lost_network_and_are_sent_together(browser, running, axe):
    visit = Visit(browser, running, "phone")
    visit.sign_in()
    visit.open(f"/ko{ENROL}/scan")
    page = visit.page
    put(page, LABEL.format(n=1), "상자 9호")
    assert page.input_value("#f-name") == "상자 10호"
    put(page, LABEL.format(n=1), "상자 10호")
    assert "이미 목록에" in page.inner_text("[data-put-told]")
    page.fill("#label", LABEL.format(n=2))
    page.click("[data-put]")
    put(page, "hello", "상자 11호")
    visit.open(f"/ko{ENROL}/scan")
    assert page.locator("[data-rows] li").count() == 3
    assert visit.axe(axe) == []
    visit.context.set_offline(True)
    page.click("[data-send]")
    page.get_by_text("보내지 못했습니다").first.wait_for()
    assert page.locator("[data-rows] li").count() == 3
    visit.context.set_offline(False)
    page.click("[data-send]")
    page.get_by_text("label.unreadable").wait_for()
    assert page.locator("[data-rows] li").count() == 1
    assert page.locator("[data-secret-rows] dt").all_inner_texts() == ["box-1", "box-2"]
    page.click("[data-remove]")
    visit.open(f"/ko{ENROL}/scan")
    assert page.locator("[data-rows] li").count() == 0
    visit.context.close()


@pytest.mark.parametrize(("n", "pages"), [(1, 1), (24, 1), (25, 2), (48, 2)])
def test_24_labels_print_on_a_sheet_and_no_sheet_is_empty(browser, running, n, pages):
    visit = Visit(browser, running, "desktop")
    visit.sign_in()
    visit.open(f"/ko{ENROL}")
    rows = "".join(f"print-{i:02},인쇄 {i}호,37.2,{126.8 + i / 1000}\n" for i in range(n))
    visit.page.fill("#csv", f"장치 이름,이름,위도,경도\n{rows}")
    visit.page.click("[data-enrolment] button[type=submit]")
    if visit.page.locator("button[name=step]").count():
        visit.page.click("button[name=step]")
    visit.open(f"/ko{ENROL}/labels?" + "&".join(f"device=print-{i:02}" for i in range(n)))
    assert visit.page.locator(".sticker").count() == n
    printed = visit.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(PDF_PAGE.findall(printed)) == pages
    visit.context.close()
