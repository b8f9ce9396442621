"""The operator's desk and the tokens, as pages and API: who sees what, who may do what, and what wrong input is answered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from stations_house import BY, CARD, NOW, NOW_US, Station, digest_in, house_in

from dure.core.time import from_us
from dure.services.charging.central import desk, doors, journal_records, turned_away
from dure.services.charging.central.journal_records import Kept
from dure.services.charging.central.words import Happened, Linked
from dure.services.charging.pages import desk_words
from dure.services.charging.stations import certificate_records
from dure.services.charging.stations.answering import Stations
from dure.services.charging.stations.certificate_records import StationCertificate
from dure.services.charging.stations.folding import Fold
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = "/api/v1/charging"
DESK = "/ko/operations/charging"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("desk"))
    for role in ("crew", "operator", "citizen"):
        house.people.add(role, role, PASSWORD, [role], BY)
    station = Station(house, Stations(house), "cp-16")
    boot = {"chargePointVendor": "Maker", "chargePointModel": "One", "chargePointSerialNumber": "other"}
    fault = {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted"}
    security = {"type": "TamperDetectionActivated", "timestamp": "2026-11-24T03:00:00Z"}
    start = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": "2026-11-24T03:00:00Z"}
    settings = {
        "call": "c1", "action": "GetConfiguration", "payload": {}, "code": "", "why": "",
        "answer": {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
    }  # fmt: skip
    words = [
        Linked("cp-16", "ocpp1.6", NOW_US),
        *station.says("BootNotification", boot).words,
        *station.says("StatusNotification", fault).words,
        *station.says("StatusNotification", fault | {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}).words,
        *station.says("SecurityEventNotification", security).words,
        *station.says("StartTransaction", start).words,
        Happened("cp-16", "call", NOW_US, NOW_US, settings),
        Happened("cp-201", turned_away.TOPIC, NOW_US, NOW_US, {"code": "station.profile", "address": "10.0.0.9", "detail": "2"}),
        Happened("cp-201", desk.DUPLICATE, NOW_US, NOW_US, {"times": 3, "in_s": 60}),
        Happened("cp-201", desk.DRIFT, NOW_US, NOW_US, {"ahead_s": -3 * 365 * 86_400}),
        Linked("cp-21", "ocpp2.1", NOW_US - 3_600_000_000),
    ]
    with house.records.begin() as connection:
        journal_records.append(connection, Kept("w1", 1, NOW_US, len(words), journal_records.pack(words)))
        Fold(connection).take(words)
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house} | {
        role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("crew", "operator", "citizen")
    }
    house.records.close()


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("nobody", "/stations", 401),
        ("citizen", "/stations", 403),
        ("crew", "/stations", 200),
        ("crew", "/tokens", 403),
        ("operator", "/tokens", 200),
        ("crew", "/stations/nothing", 404),
        ("crew", "/stations/cp-16/calls", 200),
        ("crew", "/stations/cp-16/messages", 200),
        ("crew", "/stations/cp-16/messages/kept?limit=5", 200),
        ("citizen", "/stations/cp-16/messages/kept", 403),
        ("crew", "/stations/cp-16/certificates", 200),
        ("citizen", "/stations/cp-16/certificates", 403),
        ("crew", "/calls/nothing", 404),
    ],
)
def test_who_may_read_what(city, who, path, status):
    assert city[who].get(f"{API}{path}").status_code == status


def test_a_certificate_is_revoked_by_an_operator_for_good(city):
    with city["house"].records.begin() as connection:
        given = StationCertificate(
            serial="5f3a", charger="cp-201", use="ChargingStationCertificate", subject="CN=cp-201", pem="x", signed_at=NOW,
            expires_at=NOW,
        )  # fmt: skip
        certificate_records.add(connection, given)
    path = f"{API}/stations/cp-201/certificates"
    assert city["crew"].post(f"{path}/5f3a/revocation").status_code == 403
    assert city["operator"].post(f"{path}/5f3b/revocation").json()["code"] == "certificate.unknown"
    assert city["operator"].post(f"{path}/5f3a/revocation").json()["state"] == "revoked"
    with city["house"].records.begin() as connection:
        certificate_records.settle(connection, "cp-201", "x", "installed")  # a late answer of the station changes nothing
    assert [one["state"] for one in city["crew"].get(path).json()["items"]] == ["revoked"]


def test_chargers_that_need_a_person_come_first(city):
    found = city["crew"].get(f"{API}/stations").json()["items"]
    assert [(one["charger"], one["standing"]) for one in found] == [("cp-16", "faulted"), ("cp-21", "offline"), ("cp-201", "new")]
    one = city["crew"].get(f"{API}/stations/cp-16").json()
    assert (one["view"]["boot"]["vendor"], one["evses"], one["view"]["running"][0][1]) == ("Maker", [1, 2], 1)
    reported = city["crew"].get(f"{API}/stations/cp-16/happenings").json()["items"]
    assert {each["topic"] for each in reported} == {"security", "serial_differs"}
    known = city["crew"].get(f"{API}/stations/cp-16/reports?topic=configuration").json()["items"]
    assert known[0]["value"]["value"] == "300"


@pytest.mark.parametrize(
    ("station", "body", "code"),
    [
        ("cp-21", {"verb": "reset"}, "station.offline"),
        ("cp-201", {"verb": "reset"}, "station.offline"),
        ("cp-16", {"verb": "dance"}, "call.unknown"),
        ("cp-16", {}, "call.argument"),
        ("cp-16", {"verb": "unlock"}, "call.argument"),
        ("cp-16", {"verb": "show_message", "arguments": {"id": 1, "text": "x"}}, "call.unfit"),
        ("cp-16", {"action": "Reset", "payload": {"type": "Sideways"}}, "ocpp.payload"),
        ("cp-16", {"action": "Heartbeat"}, "ocpp.payload"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_code(city, station, body, code):
    assert city["operator"].post(f"{API}/stations/{station}/calls", body).json()["code"] == code
    assert city["crew"].post(f"{API}/stations/{station}/calls", body).status_code == 403


@pytest.mark.parametrize("path", [DESK, f"{DESK}/stations/cp-201"])
def test_who_was_turned_away_twins_and_wrong_clocks_are_told_in_plain_words(city, path):
    shown = city["crew"].get(path).text
    assert "등록된 보안 프로필과 다른 방식으로 연결하려 했습니다. 10.0.0.9" in shown
    assert "충전기 둘이 같은 OCPP 이름으로 번갈아 연결합니다" in shown
    assert "시계가 1,095일 느립니다" in shown


def test_every_reason_to_turn_a_known_charger_away_has_words():
    of_nobody_known_or_told_otherwise = {"station.path", "station.unknown", "station.attempts", "station.flapping"}
    assert (set(doors.STATUS) - of_nobody_known_or_told_otherwise) | {"station.version"} == set(desk_words.TURNED_AWAY)


def test_an_evse_where_a_vehicle_charges_is_not_started_again(city):
    assert city["operator"].post(f"{API}/evses/cp-16-1/start").json()["code"] == "evse.busy"
    assert city["operator"].post(f"{API}/evses/nowhere/start").json()["code"] == "evse.unknown"


def test_a_token_in_plain_words_does_not_pass_through_the_houses_commands(city):
    command = {"asset": "cp-16", "name": "ocpp", "key": "k1", "valid_s": 60}
    arguments = {"action": "RemoteStartTransaction", "payload": {"idTag": "04AA"}}
    found = city["operator"].post("/api/v1/commands", command | {"arguments": arguments})
    assert (found.status_code, found.json()["code"]) == (409, "call.unsealed")


def test_a_token_is_added_changed_and_never_told_again(city):
    sent = city["operator"].post(f"{API}/tokens", {"token": "  ab-99 ", "label": "car 9", "group": "FLEET"})
    assert sent.status_code == 201
    name = sent.json()["digest"]
    assert name == digest_in(city["house"], "AB-99")
    assert city["operator"].post(f"{API}/tokens", {"token": "AB-99"}).json()["code"] == "token.exists"
    changed = city["operator"].ask("PUT", f"{API}/tokens/{name}", json={"label": "car 9", "blocked": True})
    assert (changed.json()["blocked"], changed.json()["group"]) == (True, "")
    assert "ab-99" not in city["operator"].get(f"{API}/tokens").text.lower()
    assert city["operator"].post(f"{API}/tokens", {"token": "x", "group": "1234"}).json()["code"] == "token.group"
    assert city["operator"].get(f"{API}/tokens/nothing").json()["code"] == "token.unknown"


def test_a_file_of_tokens_is_taken_row_by_row(city):
    body = "token,label,expires_on\nc1,one,2026-12-31\nC1,again,\n,nothing,\nc2,number c2,\nc3,three,someday\n"
    found = city["operator"].ask("POST", f"{API}/tokens/import", content=body, headers={"content-type": "text/csv"})
    told = found.json()
    assert (told["added"], told["changed"]) == (1, 0)
    assert [(one["row"], one["code"]) for one in told["rejected"]] == [
        (3, "token.twice"), (4, "token.text"), (5, "token.label"), (6, "token.fields"),
    ]  # fmt: skip
    kept = city["operator"].get(f"{API}/tokens/{digest_in(city['house'], 'c1')}").json()
    assert kept["expires_at"] == from_us(NOW_US).replace(month=12, day=31, hour=15).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("path", ["", "/stations/cp-16", "/stations/cp-201", "/tokens", "?standing=faulted"])
def test_pages_open_in_both_languages(city, language, path):
    found = city["operator"].get(f"/{language}/operations/charging{path}")
    assert found.status_code == 200
    assert CARD not in found.text


def test_a_harsh_command_asks_first_and_an_offline_charger_is_told(city):
    desk, form = f"{DESK}/stations/cp-21", f"{DESK}/station"
    asked = city["operator"].form(desk, form, station="cp-21", do="reset_now")
    assert (asked.status_code, 'name="sure" value="yes"' in asked.text) == (200, True)
    sure = city["operator"].form(desk, form, station="cp-21", do="reset_now", sure="yes")
    assert sure.status_code == 422
    assert "연결되어 있지 않습니다" in sure.text
    assert city["crew"].form(desk, form, station="cp-21", do="reset_now", sure="yes").status_code == 403


def test_a_charger_is_held_and_let_in_by_the_desk(city):
    sent = city["operator"].form(f"{DESK}/stations/cp-201", f"{DESK}/station", station="cp-201", do="admit", answer="pending")
    assert sent.status_code == 303
    assert city["crew"].get(f"{API}/stations/cp-201").json()["view"]["admission"] == "pending"
    back = city["operator"].post(f"{API}/stations/cp-201/admission", {"answer": "accepted"})
    assert back.json()["admission"] == "accepted"


def test_a_card_is_added_and_blocked_by_the_page(city):
    page = f"{DESK}/tokens"
    assert city["operator"].form(page, f"{DESK}/token", do="add", token="page-card", label="page").status_code == 303
    name = digest_in(city["house"], "page-card")
    assert city["operator"].form(page, f"{DESK}/token", do="block", digest=name).status_code == 303
    assert city["operator"].get(f"{API}/tokens/{name}").json()["blocked"]
    wrong = city["operator"].form(page, f"{DESK}/token", do="add", token="zz", label="card ZZ")
    assert (wrong.status_code, "이름에 카드 번호" in wrong.text) == (422, True)
