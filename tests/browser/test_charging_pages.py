"""Every page of charging in both languages on desktop and phone: axe 0, nothing from outside; a driver's story."""

from __future__ import annotations

import re

import pytest
from demo_charging import STORY_EVSE, plugged
from visiting import STRANGE, Visit, is_well

pytestmark = pytest.mark.browser
PUBLIC = (
    "/charging",
    "/charging?power=fast",
    "/charging?words=nothing-like-it",
    "/charging/sites/{site}",
    "/charging/sites/{hub}",
    "/charging/evse/{free}",
    "/charging/evse/{evse}",
    "/charging/evse/{held}",
    "/charging/evse/{faulted}",
    "/charging/evse/{unknown}",
    "/charging/receipts/{receipt}",
)
STAFF = (
    "/operations/charging",
    "/operations/charging/sites",
    "/operations/charging/sites/{site}",
    "/operations/charging/sites/{site}?span=today",
    "/operations/charging/sites/{site}?span=month",
    "/operations/charging/sites/{hub}",
    "/operations/charging/labels",
    "/operations/charging/tokens",
    "/operations/charging/stations/{charger}",
    "/operations/charging/stations/{silent}",
    "/operations/charging/sessions",
    "/operations/charging/sessions/{session}",
    "/operations/charging/sessions/{running}",
    "/operations/charging/origin",
    "/operations/charging/origin/{site}",
    "/operations/charging/origin/{site}/month",
    "/operations/charging/origin/{site}/check",
    "/operations/charging/studies",
    "/operations/charging/plans",
    "/operations/charging/plans/{site}",
    "/operations/charging/rules",
)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_of_charging_for_drivers_is_well(visitor, language, path, axe):
    is_well(visitor, language, path.format(**visitor.running.made), axe)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", STAFF)
def test_a_page_of_charging_for_staff_is_well(operator, language, path, axe):
    is_well(operator, language, path.format(**operator.running.made), axe)


@pytest.mark.parametrize("path", [*PUBLIC, *STAFF])
def test_the_english_page_of_charging_says_nothing_in_korean(operator, path):
    operator.open(f"/en{path.format(**operator.running.made)}")
    assert operator.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("path", ["/charging", "/charging/evse/{free}", "/operations/charging/sites/{site}"])
def test_high_contrast_is_well_on_pages_of_charging(operator, path, axe):
    operator.context.add_cookies([{"name": "dure_contrast", "value": "high", "url": operator.running.url}])
    try:
        operator.open(f"/ko{path.format(**operator.running.made)}")
        assert operator.axe(axe) == []
    finally:
        operator.context.clear_cookies(name="dure_contrast")


def test_diagrams_and_lists_are_there_without_script(browser, running):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/ko/charging")
    assert page.locator("tbody tr").count() == 3
    page.goto(f"{running.url}/ko/charging/sites/{running.made['site']}")
    assert page.locator("svg.sankey").count() == 2  # one for a wide page, one for a narrow one
    assert page.locator("svg.origin-bar").count() == 1
    context.close()


def test_a_driver_starts_by_the_code_watches_and_stops_and_another_phone_cannot(browser, running):
    with plugged(running):
        driver, other = Visit(browser, running, "phone"), Visit(browser, running, "phone")
        page = driver.page
        driver.open(f"/ko/charging/evse/{STORY_EVSE}")
        page.get_by_label("정한 양만큼").check()
        page.fill("#f-kwh", "10")
        page.get_by_role("button", name="충전 시작하기").click()
        page.wait_for_url(f"**/ko/charging/evse/{STORY_EVSE}")
        _until(page, "충전하고 있습니다")
        _until(page, "0.10")
        assert page.locator("progress").get_attribute("max") == "10000"

        other.open(f"/en/charging/evse/{STORY_EVSE}")
        assert "Taken" in other.page.locator("main").inner_text()
        assert "0.10" not in other.page.locator("main").inner_text()
        assert other.page.get_by_role("button", name="Stop charging").count() == 0

        page.get_by_role("button", name="충전 멈추기").click()
        _until(page, "충전이 끝났습니다")
        assert "0.20" in page.locator("#state").inner_text()
        assert driver.trouble == other.trouble == []
        driver.context.close()
        other.context.close()


def _until(page, words: str) -> None:
    """Reload as the page itself does every quarter of a minute, until it says so."""
    for _ in range(60):
        if re.search(re.escape(words), page.locator("#state").inner_text()):
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"the page never said {words!r}: {page.locator('#state').inner_text()}")
