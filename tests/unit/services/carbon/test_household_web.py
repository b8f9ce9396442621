"""A citizen's page and routes of energy at home: joining, a number, bills, the half-year; and nobody else's household."""

from __future__ import annotations

import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from carbon_house import carbon_house
from household_cases import bills_of, temperatures

from dure.engines.records.audit import By
from dure.services.carbon.households import judgement_records
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.households.model import MILLI
from dure.services.carbon.households.periods import Month
from dure.services.carbon.service import CarbonService
from dure.spine.house import House
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
NOW = datetime(2026, 7, 25, tzinfo=UTC)
API, PAGE = "/api/v1/carbon", "/en/carbon/household"
HOME = {"consent": True, "station": "st-1", "since": "2015-01-01", "people": [{"since": "2015-01-01", "count": 3}]}


def given(one):
    return {"utility": one.utility, "month": str(Month(one.month)), "amount": str(one.milli / MILLI)}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    plain = carbon_house(tmp_path_factory.mktemp("household-web"), NOW)
    parts = {name: getattr(plain, name) for name in House.__slots__}
    house = House(**(parts | {"services": (CarbonService(),)}))
    with house.records.begin() as connection:
        days = temperatures(date(2023, 12, 1), date(2026, 7, 20))
        judgement_records.put_weather(connection, [("st-1", day, mean_c, "a" * 64) for day, mean_c in days.items()])
    app, visitors = create_app(house), {"house": house}
    for name, role in {
        "mina": "citizen",
        "joon": "citizen",
        "sora": "citizen",
        "kepco": "admin",
        "shop": "partner",
        "city": "officer",
    }.items():
        house.people.add(name, name, PASSWORD, [role], By("test", NOW))
        visitors[name] = Visitor(app, house.people.sign_in(name, PASSWORD, NOW).token)
    yield visitors
    house.records.close()


def consent_earlier(house):
    """The household joined before the half-year began."""
    with house.records.begin() as connection:
        connection.exec_driver_sql("update carbon_households set consented_at = consented_at - 31536000000000")


def test_a_citizen_joins_brings_bills_and_sees_what_the_half_year_came_to(city):
    mina, house = city["mina"], city["house"]
    assert mina.get(f"{API}/household").json()["code"] == "household.unknown"
    assert "Join" in mina.get(PAGE).text
    assert mina.post(f"{API}/household", json=HOME).status_code == 200
    assert mina.post(f"{API}/household/numbers", json={"utility": "electricity", "number": "01-2345-6789"}).status_code == 200
    bills = [given(one) for one in bills_of(cut=0.33)]
    answers = city["kepco"].post(f"{API}/household-bills", json={"number": "0123456789", "bills": bills}).json()["items"]
    assert {one["state"] for one in answers} == {"kept"}
    consent_earlier(house)
    assert HouseholdWatch(house).look_once() == 1

    (told,) = mina.get(f"{API}/household/periods/2026H1").json()["items"]
    page = mina.get(PAGE)
    assert told["code"] == "household.band"
    assert "15,000 won" in page.text
    assert "<svg" in page.text
    assert "2026-03" in page.text
    assert not re.search(
        "[가-힣]{3}", re.sub(r"(?s)<head>.*?</head>|<header.*?</header>|<footer.*?</footer>|동탄", "", page.text)
    )
    assert mina.get("/ko/carbon/household").status_code == 200


def test_nobody_sees_or_takes_the_household_of_another(city):
    joon = city["joon"]

    assert joon.get(f"{API}/household").status_code == 404
    assert joon.post(f"{API}/household", json=HOME).status_code == 200
    taken = joon.post(f"{API}/household/numbers", json={"utility": "electricity", "number": "0123456789"})
    assert (taken.status_code, taken.json()["code"]) == (422, "household.meter_taken")
    assert joon.get(f"{API}/household").json()["bills"] == []
    assert city["city"].get(f"{API}/household").status_code == 404


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("household", HOME | {"consent": False}, "household.consent"),
        ("household", HOME | {"station": "nowhere"}, "household.station"),
        ("household/numbers", {"utility": "gas", "number": "1"}, "household.customer_number"),
        ("household/numbers", {"utility": "gas", "number": "12345", "unit": "kWh"}, "household.unit_mixed"),
        ("household/bills", {"bills": [{"utility": "gas", "month": "2026-13", "amount": "1"}]}, "household.month"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(city, path, asked, code):
    found = city["joon"].post(f"{API}/{path}", json=asked)

    assert (found.status_code, found.json()["code"]) == (422, code)


def test_each_bill_stands_alone(city):
    bills = [
        {"utility": "water", "month": "2026-05", "amount": "-1"},
        {"utility": "water", "month": "2026-05", "amount": "12"},
        {"utility": "water", "month": "2026-05", "amount": "13"},
        {"utility": "water", "month": "2026-04", "amount": "13", "unit": "kWh"},
    ]
    found = city["joon"].post(f"{API}/household/bills", json={"bills": bills}).json()["items"]

    assert [one["code"] for one in found] == ["household.negative", "", "household.month_taken", "household.unit_mixed"]


def test_a_citizen_cannot_bring_bills_as_a_supplier_and_a_stranger_sees_nothing(city):
    bills = {"number": "0123456789", "bills": [{"utility": "water", "month": "2026-05", "amount": "1"}]}

    assert city["joon"].post(f"{API}/household-bills", json=bills).status_code == 403
    assert city["shop"].post(f"{API}/household-bills", json=bills).json()["code"] == "household.supplier"
    assert city["kepco"].post(f"{API}/household-bills", json=bills).json()["code"] == "household.meter_unknown"


def test_the_page_takes_a_person_by_its_forms_and_says_what_is_wrong(city):
    sora = city["sora"]
    said = {"station": "st-1", "since": "2015-01-01", "people": "2", "place": "동탄"}
    refused = sora.form(PAGE, f"{PAGE}/join", **said)
    assert refused.status_code == 422
    assert "only with your consent" in refused.text
    assert sora.form(PAGE, f"{PAGE}/join", **said, consent="yes").status_code == 303
    assert sora.form(PAGE, f"{PAGE}/number", utility="water", number="W-9876").status_code == 303
    assert "belongs to another household" in sora.form(PAGE, f"{PAGE}/number", utility="electricity", number="0123456789").text
    typed = sora.form(PAGE, f"{PAGE}/bills", utility="water", month="2026-05", amount="12.5")
    assert "Water 2026-05" in typed.text
    wrong = sora.form(PAGE, f"{PAGE}/bills", utility="water", month="2026-06", amount="-3")
    assert "household.negative" in wrong.text
    assert sora.form(PAGE, f"{PAGE}/release", utility="water").status_code == 303
    assert sora.form(PAGE, f"{PAGE}/leave").status_code == 303
    assert "Nothing is judged any more" in sora.get(PAGE).text
