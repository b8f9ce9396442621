"""A right to a source of the city's own: only where the city counts its kWh no longer."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from carbon_house import NOW, carbon_house

from dure.core.errors import InputError
from dure.engines.records.audit import By
from dure.services.carbon.companies import right_desk
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.contracts import Contract

BY = By("person-1", NOW)
RULES = activity_rules(NOW.date())
SUN = Contract(
    company="acme", kind="ppa", source="charging/cs-1/pv", start=date(2026, 1, 1), end=date(2027, 1, 1), share_ppm=500_000
)
GIVEN_UP = """id = "exclusions"
version = "1"
name = { ko = "제외", en = "Exclusions" }
[[exclusions]]
id = "ppa-cs-1"
source_path = "charging/cs-1"
attributes = ["generation", "renewable"]
scheme = "PPA"
effective_from = 2026-01-01
source = "contract no. 12"
mark = "verified source"
"""


@pytest.fixture
def house(tmp_path):
    made = carbon_house(tmp_path)
    yield made
    made.records.close()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "city" / "rules" / "carbon"
    place.mkdir(parents=True)
    (place / "exclusions.toml").write_text(GIVEN_UP, "utf-8")
    return tmp_path / "city"


def kept(house, one, folder=None):
    with house.records.begin() as connection:
        return right_desk.add_contract(connection, one, RULES, BY, folder)


@pytest.mark.parametrize("source", ["charging/cs-1/pv", " Charging/cs-1/pv", "building/hall/pv"])
def test_a_company_has_no_right_to_kwh_that_the_city_claims(house, source):
    with pytest.raises(InputError) as refused:
        kept(house, msgspec.structs.replace(SUN, source=source))

    assert refused.value.code == "contract.claimed"


def test_it_has_one_while_the_city_counts_the_site_elsewhere(house, folder):
    assert kept(house, SUN, folder).id
    for change in ({"source": "charging/cs-2/pv"}, {"start": date(2025, 12, 31)}):
        with pytest.raises(InputError) as refused:
            kept(house, msgspec.structs.replace(SUN, **change), folder)
        assert refused.value.code == "contract.claimed"


def test_a_plant_of_others_is_nobodys_claim(house):
    assert kept(house, msgspec.structs.replace(SUN, source="plant/1")).id
