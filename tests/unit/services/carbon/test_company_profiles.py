"""Companies: business numbers, sites, reporting years."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from dure.core.text import Text
from dure.services.carbon.companies.company import Company, Site, business_number, checked, written_number
from dure.services.carbon.model import Refused

GOOD = Company(
    id="acme", name=Text("에이크미", "Acme"), business_number="124-81-00998",
    sites=(Site(id="hq", name=Text("본사", "Head office"), address="화성시 1", floor_area_m2="1200.5"),),
)  # fmt: skip


# Published on the companies' own pages.
@pytest.mark.parametrize("number", ["124-81-00998", "220-81-62517", "1248100998", " 220 81 62517 "])
def test_a_real_business_number_is_taken_however_it_is_written(number):
    found = business_number(number)

    assert isinstance(found, str)
    assert written_number(found).replace("-", "") == found


@pytest.mark.parametrize("number", ["124-81-00997", "1248100", "12481009981", "124-8a-00998", "", "１２４８１００９９８"])
def test_a_business_number_with_a_wrong_check_digit_is_refused(number):
    found = business_number(number)

    assert isinstance(found, Refused)
    assert found.code == "company.business_number"


def test_every_changed_digit_of_most_numbers_is_found():
    wrong = [f"{i:0>1}248100998" for i in range(10) if i != 1]

    assert all(isinstance(business_number(one), Refused) for one in wrong)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": Text("", "x")}, "company.name"),
        ({"business_number": "1"}, "company.business_number"),
        ({"year_starts": "02-29"}, "company.year"),
        ({"year_starts": "13-01"}, "company.year"),
        ({"year_starts": "x"}, "company.year"),
        ({"sites": (GOOD.sites[0], GOOD.sites[0])}, "company.site"),
        ({"sites": (msgspec.structs.replace(GOOD.sites[0], floor_area_m2="-1"),)}, "company.site"),
        ({"sites": (msgspec.structs.replace(GOOD.sites[0], floor_area_m2="wide"),)}, "company.site"),
        ({"sites": (msgspec.structs.replace(GOOD.sites[0], floor_area_m2="99999999999"),)}, "company.site"),
        ({"sites": (msgspec.structs.replace(GOOD.sites[0], id="Head Office"),)}, "company.site"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_with_a_code(change, code):
    found = checked(msgspec.structs.replace(GOOD, **change))

    assert isinstance(found, Refused)
    assert found.code == code


def test_a_reporting_year_may_begin_in_any_month():
    company = msgspec.structs.replace(GOOD, year_starts="04-01")

    assert company.year(2026) == (date(2026, 4, 1), date(2027, 4, 1))
    assert checked(company) == msgspec.structs.replace(company, business_number="1248100998")


def test_floor_area_is_known_only_when_every_site_states_it():
    more = Site(id="b", name=Text("공장"), address="")

    assert GOOD.area_m2 == pytest.approx(1200.5)
    assert msgspec.structs.replace(GOOD, sites=(*GOOD.sites, more)).area_m2 is None
