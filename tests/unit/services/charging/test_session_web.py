"""Sessions, receipts and prices as pages and API: who sees what, and what wrong input is answered."""

from __future__ import annotations

import hashlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stations_house import BY, CARD, NOW, NOW_US, digest_in, house_in

from dure.core.time import day_of
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.charging import sites
from dure.services.charging.central.words import Sample, TransactionSaid
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.settle_watch import settle_now
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = "/api/v1/charging"
LIST = "/ko/operations/charging/sessions"
MIN = 60_000_000
SETTLED, DISPUTED, RUNNING = (session_id("cp-16", one) for one in ("1", "2", "3"))


def said(house: Any, name: str, *reads: tuple[str, int, int]) -> list[TransactionSaid]:
    token = digest_in(house, CARD)
    return [
        TransactionSaid(
            "cp-16", name, step, NOW_US + minute * MIN, NOW_US + minute * MIN, evse=1, token=token,  # type: ignore[arg-type]
            samples=(Sample(NOW_US + minute * MIN, "Energy.Active.Import.Register", wh),),
        )
        for step, minute, wh in reads
    ]  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sessions")
    house = house_in(folder)
    house.telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    for role in ("crew", "operator", "citizen"):
        house.people.add(role, role, PASSWORD, [role], BY)
    words = [
        *said(house, "1", ("started", -90, 1_000), ("updated", -60, 4_000), ("ended", -30, 7_000)),
        *said(house, "2", ("started", -25, 7_000), ("ended", -20, 6_000)),
        *said(house, "3", ("started", -10, 7_000), ("updated", -5, 7_300)),
    ]
    rules = session_rules(day_of(NOW, house.city.zone), house.city.folder)
    with house.records.begin() as connection:
        fold(connection, words, Places(sites.registered(connection)), rules, NOW)
    settle_now(house, SETTLED, "a test", BY)
    with house.records.read() as connection:
        kept = settlement_records.get(connection, SETTLED)
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house, "seal": kept.sha256} | {
        role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("crew", "operator", "citizen")
    }
    house.telemetry.close()
    house.records.close()


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_only_staff_see_sessions(city) -> None:
    paths = (f"{API}/sessions", f"{API}/sessions/{SETTLED}", f"{API}/sessions/{SETTLED}/receipts", f"{API}/tariffs", LIST)
    for path in paths:
        assert city["citizen"].get(path).status_code == 403, path
        assert city["operator"].get(path).status_code == 200, path


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("sessions/nobody", (404, "session.unknown")),
        ("sessions/nobody/receipts", (404, "session.unknown")),
        ("sessions?limit=0", (422, "request.invalid")),
        ("sessions?after=x", (422, "page.mark")),
        ("prices/nobody", (404, "price.missing")),
        ("prices?day=2001-01-01", (404, "price.undated")),
        ("factor?day=0001-01-01", (404, "price.undated")),
        ("tariffs/nobody", (404, "tariff.missing")),
        ("tariffs/flat?start=9999-12-31T00:00:00Z", (404, "tariff.missing")),
    ],
)
def test_questions_without_an_answer(city, path: str, wanted: tuple[int, str]) -> None:
    assert code(city["operator"].get(f"{API}/{path}")) == wanted


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        ({}, "wish.empty"),
        ({"need_wh": -1}, "wish.energy"),
        ({"target_soc": 1.5}, "wish.target"),
        ({"departs_at": (NOW - timedelta(hours=1)).isoformat()}, "wish.departure"),
        ({"departs_at": (NOW + timedelta(days=30)).isoformat()}, "wish.departure"),
    ],
)
def test_a_wish_no_driver_can_mean_is_refused(city, wish: dict[str, Any], wanted: str) -> None:
    assert code(city["operator"].post(f"{API}/sessions/{RUNNING}/wish", wish)) == (422, wanted)


def test_wishes_are_kept_where_they_can_be(city) -> None:
    operator = city["operator"]
    assert operator.post(f"{API}/sessions/{RUNNING}/wish", {"need_wh": 20_000}).json()["need_wh"] == 20_000
    assert operator.post(f"{API}/evses/cp-16-1/wish", {"target_soc": 0.8}).json()["session"] == RUNNING
    assert code(operator.post(f"{API}/sessions/{SETTLED}/wish", {"need_wh": 1})) == (409, "session.ended")
    assert code(operator.post(f"{API}/evses/nobody/wish", {"need_wh": 1})) == (404, "evse.unknown")
    assert city["citizen"].post(f"{API}/sessions/{RUNNING}/wish", {"need_wh": 1}).status_code == 403


def test_a_running_and_a_settled_session_are_not_settled_by_hand(city) -> None:
    operator = city["operator"]
    assert code(operator.post(f"{API}/sessions/{RUNNING}/settlement", {"note": "x"})) == (409, "session.running")
    assert code(operator.post(f"{API}/sessions/{SETTLED}/settlement", {"note": "x"})) == (409, "session.settled")
    assert city["crew"].post(f"{API}/sessions/{DISPUTED}/settlement", {"note": "x"}).status_code == 403


def test_sessions_are_told_without_the_token(city) -> None:
    listed = city["operator"].get(f"{API}/sessions?site=lot").json()["items"]
    one = city["operator"].get(f"{API}/sessions/{SETTLED}").json()
    assert [each["id"] for each in listed] == [RUNNING, DISPUTED, SETTLED]
    assert {each["token"] for each in (*listed, one["session"])} == {""}
    assert [each["total_wh"] for each in one["samples"]] == [0, 3_000, 6_000]
    assert one["cost"]["won"] == 1_946


def test_receipts_are_told_with_their_seals(city) -> None:
    told = city["operator"].get(f"{API}/sessions/{SETTLED}/receipts").json()
    assert (told["faults"], told["items"][0]["sha256"]) == ([], city["seal"])
    assert told["items"][0]["receipt"]["member"] == "member"


def test_whoever_has_the_seal_sees_the_receipt_and_can_check_it(city) -> None:
    for language, title in (("ko", "충전 영수증"), ("en", "Charging receipt")):
        page = city["nobody"].get(f"/{language}/charging/receipts/{city['seal']}")
        assert (page.status_code, title in page.text, digest_in(city["house"], CARD) in page.text) == (200, True, False)
    text = city["nobody"].get(f"/ko/charging/receipts/{city['seal']}.json").content
    assert hashlib.sha256(text).hexdigest() == city["seal"]
    assert city["nobody"].get(f"/ko/charging/receipts/{'0' * 64}").status_code == 404


def test_pages_tell_sessions_in_both_languages(city) -> None:
    for language, disputed in (("ko", "지침이 거꾸로 갔습니다"), ("en", "The register ran backwards")):
        here = f"/{language}/operations/charging/sessions"
        assert city["operator"].get(here).text.count(f"{here}/cs-") == 3
        assert city["operator"].get(f"{here}?trust=disputed").text.count(f"{here}/cs-") == 1
        assert disputed in city["operator"].get(f"{here}/{DISPUTED}").text
        assert city["operator"].get(f"{here}/{RUNNING}").status_code == 200
        assert city["seal"] in city["operator"].get(f"{here}/{SETTLED}").text


def test_a_disputed_session_is_settled_by_a_person_on_its_page(city) -> None:
    here, form = f"{LIST}/{DISPUTED}", "/ko/operations/charging/session"
    assert city["operator"].form(here, form, session=DISPUTED, note=" ").status_code == 422
    done = city["operator"].form(here, form, session=DISPUTED, note="the meter was exchanged")
    assert (done.status_code, done.headers["location"]) == (303, f"{here}?told=settled")
    assert "정산했습니다" in city["operator"].get(f"{here}?told=settled").text
    again = city["operator"].form(here, form, session=DISPUTED, note="again")
    assert (again.status_code, "이미 정산했고" in again.text) == (422, True)


def test_prices_and_tariffs_are_told_with_their_sources(city) -> None:
    nobody, operator = city["nobody"], city["operator"]
    assert "public" in nobody.get(f"{API}/prices").json()["items"]
    assert nobody.get(f"{API}/prices/public").json()["energy"][0]["won_kwh"] == 324.4
    assert nobody.get(f"{API}/factor").json()["g_per_kwh"] == 417.3
    hours = operator.get(f"{API}/tariffs/ev_self_lv?start=2026-11-24T00:00:00%2B09:00&hours=24").json()["hours"]
    assert [one["buy_won_kwh"] for one in hours[7:10]] == [107.4, 154.9, 217.5]


def test_a_file_of_prices_is_checked_before_it_is_used(city) -> None:
    folder = Path(sites.__file__).parent / "rules"
    text = (folder / "prices.toml").read_text("utf-8")

    def check(body: str, kind: str = "prices") -> Any:
        return city["operator"].ask("POST", f"{API}/prices/check?kind={kind}", content=body.encode()).json()

    assert check(text) == {"usable": True, "code": "", "why": ""}
    assert check((folder / "tariffs.toml").read_text("utf-8"), "tariffs")["usable"]
    assert check(text.replace("won_kwh = 324.4", "won_kwh = -324.4", 1))["code"] == "price.negative"
    assert check("no toml [")["code"] == "rules.unreadable"
    assert city["crew"].ask("POST", f"{API}/prices/check?kind=prices", content=b"").status_code == 403
