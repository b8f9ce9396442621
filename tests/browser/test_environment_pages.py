"""Every page of the environment, with something on it, in both languages on desktop and phone: as `test_pages` asks of all.

The pages of onboarding are looked at in `test_enrolment_pages`.
"""

from __future__ import annotations

import pytest
from visiting import STRANGE, is_well

pytestmark = pytest.mark.browser
# A name after a colon is the address of something that the city was furnished with.
PUBLIC = (
    "/environment",
    "/environment?zone=namyang-dong",
    "/environment/map",
    "/environment/alerts",
    "/environment/stations/mini-seogu?property=pm10",
    "/environment/stations/river-baeyang",
    "/environment/stations/noise-baeyang",
)
STAFF = (
    "/environment/stations/air-bansong?property=o3",
    "/environment/subscriptions",
    "/operations/environment",
    "/operations/environment/network",
    ":unit_mixed",
    ":gaps",
    "/operations/environment/alerts",
    ":pm10",
    ":over",
    "/operations/environment/calibration",
    ":in_force",
    ":candidate",
    ":rejected",
    ":formula",
    "/operations/environment/rules",
    "/operations/environment/rules/air_warning",
)
SOURCES_IN_THEIR_OWN_LANGUAGE = ("/operations/environment/rules/",)


def address_of(visit, path: str) -> str:
    return visit.running.made[path[1:]] if path.startswith(":") else path


def is_in_one_language(visit, path: str) -> None:
    if not path.startswith(SOURCES_IN_THEIR_OWN_LANGUAGE):
        assert visit.page.evaluate(STRANGE) == []


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_of_the_environment_is_well(visitor, language, path, axe):
    is_well(visitor, language, address_of(visitor, path), axe)
    if language == "en":
        is_in_one_language(visitor, path)


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", STAFF)
def test_a_staff_page_of_the_environment_is_well(operator, language, path, axe):
    is_well(operator, language, address_of(operator, path), axe)
    if language == "en":
        is_in_one_language(operator, path)
