"""The pages of meters and imports in a running city: the wizard from file to month, a meter's page, the exchange form."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from city_running import PASSWORD
from reads_running import BuildingsCity, registers

from dure.engines.records.audit import By
from dure.web.access import SESSION_COOKIE

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)
BASE = "/operations/buildings"
BILLS = "계량기번호,사용량(kWh),청구금액,사용월\n0100-1,1200,150000,2026-03\n9999,1,1,2026-03\n"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("pages"), NOON).begun()
    hours = [1_000_000 + 1_000 * n for n in range(60)]
    with one.device("e-main") as device:
        device.send(registers("electricity_register", NOON - timedelta(hours=80), hours[:30]))
        device.send(registers("electricity_register", NOON - timedelta(hours=20), hours[30:50]))
    one.until_rows("e-main", 50, "electricity_register")
    one.look()
    one.recorded()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def people(city):
    found = {}
    for role in ("operator", "officer", "citizen"):
        city.house.people.add(f"web-{role}", role, PASSWORD, [role], By("test", NOON))
        token = city.house.people.sign_in(f"web-{role}", PASSWORD, NOON).token
        found[role] = httpx.Client(base_url=city.url, cookies={SESSION_COOKIE: token}, timeout=60, follow_redirects=True)
    yield found
    for one in found.values():
        one.close()


def token_of(page):
    return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]


def sent(person, path, fields, file=None):
    page = person.get(f"/ko{BASE}/imports")
    files = {"file": file} if file else None
    data = {"csrf": token_of(page)} | fields
    if files is None and "do" in fields:
        files = {"file": ("", b"")}
    return person.post(path, data=data, files=files)


@pytest.mark.parametrize("path", ["/meters", "/meters?fuel=city_gas&building=hall", "/meters?after=x", "/imports"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_lists_are_there_in_both_languages_for_who_may_see_them(people, path, language):
    assert people["officer"].get(f"/{language}{BASE}{path}").status_code == 200
    assert people["citizen"].get(f"/{language}{BASE}{path}").status_code == 403


def test_a_meters_page_shows_its_hours_its_gap_and_its_quality_in_words(people):
    page = people["officer"].get(f"/en{BASE}/meters/e-main?reach=7d")
    assert page.status_code == 200
    assert "<svg" in page.text
    for words in ("Measured", "Estimated", "Missing hours", "Use by the month"):
        assert words in page.text, words
    assert people["officer"].get(f"/ko{BASE}/meters/nowhere").status_code == 404
    assert people["officer"].get(f"/ko{BASE}/meters/e-main?until=x&reach=y").status_code == 200
    formula = people["officer"].get(f"/en{BASE}/meters/e-rest")
    assert "e-sub" in formula.text


def test_the_wizard_shows_every_row_before_anything_is_written_and_then_takes_the_rest(city, people):
    operator = people["operator"]
    looked = sent(operator, f"/ko{BASE}/imports", {"do": "preview", "name": "3월.csv"}, ("3월.csv", BILLS.encode("cp949")))
    assert looked.status_code == 200
    assert "bill.meter_unknown" in looked.text
    assert "9999" in looked.text
    assert city.asked("officer", "GET", "/buildings/imports")["items"] == []
    upload = re.search(r'name="upload" value="([^"]+)"', looked.text)[1]
    fields = {"do": "confirm", "upload": upload, "take": "accepted", "name": "3월.csv", "stamp": "start"}
    done = sent(operator, f"/ko{BASE}/imports", fields)
    assert done.status_code == 200
    assert "3월.csv" in done.text
    city.look()
    assert city.month("e-main", "2026-03").amount == 1_200_000
    again = sent(operator, f"/ko{BASE}/imports", fields)
    assert again.status_code == 404  # what was looked at is gone once it is taken


def test_a_file_that_cannot_be_read_says_why_in_the_persons_language(people):
    for language, words in (("ko", "파일을 읽지 못했습니다"), ("en", "The file cannot be read")):
        found = sent(people["operator"], f"/{language}{BASE}/imports", {"do": "preview"}, ("x.xml", b"<feed><entry>"))
        assert found.status_code == 422
        assert words in found.text
    empty = sent(people["operator"], f"/ko{BASE}/imports", {"do": "preview"}, ("x.csv", b""))
    assert "import.empty" in empty.text
    assert sent(people["officer"], f"/ko{BASE}/imports", {"do": "preview"}, ("x.csv", b"a")).status_code == 403


def test_an_exchange_is_noted_on_the_meters_page_in_local_time_and_shown_units(city, people):
    page = people["operator"].get(f"/ko{BASE}/meters/w-main")
    form = {"csrf": token_of(page), "meter": "w-main", "at": "2026-05-04T10:30", "last": "1,234.5", "first": "0"}
    assert people["operator"].post(f"/ko{BASE}/meters/exchange", data=form).status_code == 200
    noted = city.asked("officer", "GET", "/buildings/meters/w-main/exchanges")["items"]
    assert [(one["exchanged_at"], one["last"], one["first"]) for one in noted] == [("2026-05-04T01:30:00Z", 1_234_500, 0)]
    wrong = people["operator"].post(f"/ko{BASE}/meters/exchange", data=form | {"last": "-3"})
    assert (wrong.status_code, "exchange.value" in wrong.text) == (422, True)
    formula = people["operator"].post(f"/ko{BASE}/meters/exchange", data=form | {"meter": "g-main"})
    assert (formula.status_code, "exchange.no_register" in formula.text) == (422, True)
