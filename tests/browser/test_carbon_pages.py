"""Every page of carbon in both languages on desktop and phone: axe 0, nothing from outside; from a tonne to its readings."""

from __future__ import annotations

import pytest
from visiting import STRANGE, is_well

pytestmark = pytest.mark.browser
PUBLIC = (
    "/carbon",
    "/carbon?year=2025",
    "/carbon/explain?figure=carbon/board/2026/in-treasury",
    "/carbon/explain?figure=carbon/board/2026/tonnes/B",
    "/carbon/districts",
    "/carbon/districts?tier=B",
    "/carbon/practices",
    "/carbon/practices/tumbler",
    "/carbon/challenges",
    "/carbon/challenges/{challenge}",
    "/carbon/statements",
    "/carbon/log",
    "/carbon/log/how",
    "/carbon/log/check",
    "/carbon/log/days/{day}",
    "/carbon/log/entries/claim/{claim}",
)
STAFF = (
    "/carbon/wallet",
    "/carbon/household",
    "/operations/carbon/queue",
    "/operations/carbon/events",
    "/operations/carbon/practices",
    "/operations/carbon/practices/money",
    "/operations/carbon/claims",
    "/operations/carbon/claims/{claim}",
    "/operations/carbon/programmes",
    "/operations/carbon/sponsoring",
    "/operations/carbon/ledger",
    "/operations/carbon/ledger/account?id=treasury",
    "/operations/carbon/ledger/check",
    "/operations/carbon/inventory?tier=B",
    "/operations/carbon/explain",
    "/operations/carbon/explain?figure=carbon/claim/{claim}",
    "/operations/carbon/explain?figure=carbon/board/2026/rewards/green-practice",
    "/operations/carbon/rules",
    "/partners/companies",
    "/partners/companies/{company}",
    "/partners/companies/{company}/profile",
    "/partners/companies/{company}/data",
    "/partners/companies/{company}/data/{brought}",
    "/partners/companies/{company}/explain",
    "/partners/companies/{company}/hours",
    "/partners/companies/{company}/targets",
    "/partners/companies/{company}/sponsoring",
    "/partners/companies/{company}/sponsoring/{sponsorship}",
    "/partners/statements",
    "/partners/statements/{statement}",
)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_page_of_carbon_for_everybody_is_well(visitor, language, path, axe):
    is_well(visitor, language, path.format(**visitor.running.made), axe)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", STAFF)
def test_a_page_of_carbon_for_who_works_with_it_is_well(operator, language, path, axe):
    is_well(operator, language, path.format(**operator.running.made), axe)


# What a company or a group wrote itself stays in its language.
OWN_WORDS = {
    "/carbon/challenges",
    "/carbon/challenges/{challenge}",
    "/partners/companies/{company}/profile",
    "/partners/companies/{company}/data",
    "/partners/companies/{company}/data/{brought}",
}


@pytest.mark.parametrize("path", [one for one in (*PUBLIC, *STAFF) if one not in OWN_WORDS])
def test_the_english_page_of_carbon_says_nothing_in_korean(operator, path):
    operator.open(f"/en{path.format(**operator.running.made)}")
    assert operator.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("path", ["/carbon", "/carbon/districts?tier=B", "/operations/carbon/programmes"])
def test_high_contrast_is_well_on_pages_of_carbon(operator, path, axe):
    operator.context.add_cookies([{"name": "dure_contrast", "value": "high", "url": operator.running.url}])
    try:
        operator.open(f"/ko{path}")
        assert operator.axe(axe) == []
    finally:
        operator.context.clear_cookies(name="dure_contrast")


def test_board_and_trend_are_there_without_script(browser, running):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/ko/carbon")
    assert page.locator("svg.chart:visible").count() == 2
    assert page.locator("details table tbody tr").count() == 12
    context.close()


def test_from_a_tonne_on_the_board_to_what_it_rests_on_takes_three_clicks(operator):
    page = operator.page
    operator.open("/en/operations/carbon/inventory?tier=B")
    page.locator("main tbody a.told-by").first.click()  # 1: the claims of a district and service
    page.locator("section[aria-labelledby=parts] tbody a").first.click()  # 2: one claim, worked out again
    page.wait_for_selector("section[aria-labelledby=further]")
    links = page.locator("section[aria-labelledby=further] a")
    assert links.count() >= 1  # 3: the readings, in the service that measured
    assert page.locator(".answer-danger").count() == 0


def test_an_officer_freezes_a_programme_and_thaws_it(operator):
    page = operator.page
    operator.open("/en/operations/carbon/programmes")
    card = page.locator("section", has=page.locator("#p-home-energy"))
    card.locator("summary").click()
    card.get_by_role("button", name="Freeze new rewards").click()
    page.wait_for_url("**done=freeze")
    card = page.locator("section", has=page.locator("#p-home-energy"))
    assert "Frozen" in card.inner_text()
    card.locator("summary").click()
    card.get_by_role("button", name="Thaw").click()
    page.wait_for_url("**done=thaw")
    assert "Open" in page.locator("section", has=page.locator("#p-home-energy")).inner_text()
