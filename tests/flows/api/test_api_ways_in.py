"""Ways in by HTTP, through a real server."""

from __future__ import annotations

import gzip
import json

import pytest

T = "2026-11-24T02:00:00Z"
NDJSON = b"""{"property":"air_temperature","value":1.0,"time":"2026-11-24T01:00:00Z"}
{"property":"air_temperature","value":2.0,"time":"2026-11-24T10:10:00+09:00"}
"""
BOMB = gzip.compress(b" " * 60_000_000)


def reading(value=21.5, time=T, **more):
    return {"property": "air_temperature", "value": value, "time": time} | more


def stored(send, asset, body, **options):
    answer = send(asset, body, params={"wait": "stored"}, **options)
    assert answer.status_code == 202, answer.text
    assert answer.json()["stored"] is True
    return answer.json()


def history(client, asset, start="2026-11-24T00:00:00Z", **more):
    params = {"asset": asset, "start": start, "end": "2026-11-24T02:35:00Z"} | more
    answer = client.get("/observations", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_reading_is_accepted_stored_and_can_be_queried(send, public):
    kept = stored(send, "st-01", {"readings": [reading()]})
    assert kept["accepted"] == 1
    assert [(row["value"], row["flag"]) for row in history(public, "st-01")] == [(21.5, 1)]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (json.dumps([reading(1.0, "2026-11-24T01:00:00Z"), reading(2.0, "2026-11-24T01:10:00Z")]).encode(), "application/json"),
        (NDJSON, "application/x-ndjson"),
        (b"time,air_temperature\n2026-11-24T01:00:00Z,1.0\n2026-11-24T01:10:00Z,2.0\n", "text/csv; charset=utf-8"),
    ],
    ids=["json", "ndjson", "csv"],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_each_form_of_body_brings_the_same_rows(send, public, body, media_type, packed):
    headers = {"Content-Type": media_type} | ({"Content-Encoding": "gzip"} if packed else {})
    kept = stored(send, "st-02", gzip.compress(body) if packed else body, headers=headers)
    assert kept["accepted"] == 2
    assert [row["value"] for row in history(public, "st-02")] == [1.0, 2.0]


def test_a_replayed_request_is_kept_once(send, public):
    body = {"readings": [reading(7.0), reading(8.0, "2026-11-24T02:10:00Z")]}
    first, second = stored(send, "st-03", body), stored(send, "st-03", body)
    assert first["accepted"] == second["accepted"] == 2
    assert [row["value"] for row in history(public, "st-03")] == [7.0, 8.0]


def test_good_rows_of_a_mixed_request_are_kept_and_each_bad_one_is_named(send, public, operator):
    body = {"readings": [reading(5.0), reading("hot"), {"property": "no_such", "value": 1, "time": T}]}
    kept = stored(send, "st-04", body)
    assert (kept["accepted"], kept["parked"]) == (1, 2)
    assert {one["code"] for one in kept["rejected"]} == {"reading.value_not_a_number", "property.unknown"}
    assert all(one["why"] and one["row"] >= 1 for one in kept["rejected"])
    waiting = operator.get("/parked", params={"device": "dev-st-04"}).json()["items"]
    assert {one["code"] for one in waiting} == {"reading.value_not_a_number", "property.unknown"}
    assert [row["value"] for row in history(public, "st-04")] == [5.0]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"readings": [', "reading.json_broken"),
        (b'{"property":"air_temperature","value":"\xff\xfe"}', "reading.utf8_broken"),
        (b'{"property":"air_temperature","value":NaN}', "reading.value_not_finite"),
        (b'{"property":"air_temperature","value":Infinity}', "reading.value_not_finite"),
        (b'{"property":"air_temperature","value":1e999}', "reading.value_not_finite"),
        (b'{"property":"air_temperature","value":"NaN"}', "reading.value_not_a_number"),
        (b'{"property":"air_temperature","value":"21.5"}', "reading.value_not_a_number"),
        (b'{"property":"air_temperature","value":true}', "reading.value_not_a_number"),
        (b'{"property":"no_such_property","value":1}', "property.unknown"),
        (b'{"property":"air_temperature","value":1,"unit":"furlong"}', "unit.unknown"),
        (b'{"property":"air_temperature","value":1,"unit":"kWh"}', "unit.mismatch"),
        (b'{"property":"air_temperature","value":1,"time":"1970-01-01T00:00:00Z"}', "reading.time_too_old"),
        (b'{"property":"air_temperature","value":1,"time":"2099-01-01T00:00:00Z"}', "reading.time_in_future"),
        (b'{"property":"air_temperature","value":1,"time":"yesterday"}', "reading.time_unreadable"),
        (b'{"property":"air_temperature","value":1,"time":"2026-11-24T00:00:00"}', "reading.time_naive"),
        (b'{"property":"air_temperature","value":1,"asset":"st-02"}', "asset.not_yours"),
        (b'{"property":"air_temperature","value":1,"asset":"no-such-asset"}', "asset.unknown"),
        (b'"hello"', "reading.not_an_object"),
        (b"\x00", "reading.json_broken"),
        (b"[" * 100_000, "reading.json_broken"),
    ],
)
def test_a_request_with_nothing_usable_is_422_with_the_code_of_each_row(send, body, code):
    answer = send("st-05", body)
    assert answer.status_code == 422, answer.text
    told = answer.json()
    assert told["accepted"] == 0
    assert [one["code"] for one in told["rejected"]] == [code]
    assert told["parked"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"time,air_temperature\n2026-11-24T01:00:00Z,hot\n", "reading.value_not_a_number"),
        (b"time,air_temperature\n2026-11-24T01:00:00Z,1,2,3\n", "table.row_width"),
        (b"time,air_temperature\n2026-11-24T01:00:00Z,inf\n", "reading.value_not_finite"),
    ],
)
def test_a_broken_csv_row_is_named(send, body, code):
    answer = send("st-05", body, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 422, answer.text
    assert [one["code"] for one in answer.json()["rejected"]] == [code]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b" " * 10_485_760, {}, 413, "http.too_large"),
        (BOMB, {"Content-Encoding": "gzip"}, 413, "request.too_large"),
        (b"no gzip at all", {"Content-Encoding": "gzip"}, 422, "request.gzip"),
        (gzip.compress(b"[]" * 1000)[:-9], {"Content-Encoding": "gzip"}, 422, "request.gzip"),
        (b"{}", {"Content-Encoding": "br"}, 422, "request.encoding"),
        (b"<readings/>", {"Content-Type": "application/xml"}, 422, "request.media_type"),
        (b"[]", {}, 422, "request.empty"),
    ],
    ids=["10 MB", "gzip bomb", "no gzip", "cut gzip", "brotli", "xml", "empty"],
)
def test_a_body_that_cannot_be_read_is_refused(send, body, headers, status, code):
    answer = send("st-05", body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_large_body_sent_in_chunks_is_refused_too(running, public):
    headers = {"Authorization": f"Bearer dev-st-05:{running.secrets['st-05']}"}
    answer = public.post("/readings", headers=headers, content=(b" " * 65_536 for _ in range(40)))
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "credential",
    [
        "",
        "Bearer dev-st-05:wrong",
        "Bearer nobody:secret",
        "Bearer dev-st-05",
        "Basic !!!",
        "Basic ZGV2LXN0LTA1Ondyb25n",
        "Digest x",
    ],
)
def test_a_wrong_credential_is_401_and_says_nothing_more(public, credential):
    answer = public.post("/readings", json=[reading()], headers={"Authorization": credential})
    assert answer.status_code == 401
    assert answer.json()["code"] in ("device.sign_in", "device.credential")
    assert "www-authenticate" in answer.headers


def test_basic_credentials_work(running, public):
    answer = public.post("/readings", json=[reading(3.0)], auth=("dev-st-06", running.secrets["st-06"]))
    assert answer.status_code == 202


def test_a_person_cannot_post_readings_with_a_session_token(operator):
    assert operator.post("/readings", json=[reading()]).status_code == 401


def test_a_revoked_device_is_refused_at_once(admin, public):
    made = admin.post("/devices", json={"id": "short-lived", "asset": "st-06"})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer short-lived:{made.json()['secret']}"}
    assert public.post("/readings", json=[reading(1.0, "2026-11-24T02:20:00Z")], headers=headers).status_code == 202
    assert admin.delete("/devices/short-lived").status_code == 204
    refused = public.post("/readings", json=[reading()], headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "device.credential")


def test_a_rotated_secret_overlaps_and_one_without_overlap_does_not(admin, public):
    old = admin.post("/devices", json={"id": "rotating", "asset": "st-06"}).json()["secret"]
    new = admin.post("/devices/rotating/rotate", json={"overlap_s": 3600}).json()["secret"]
    for secret in (old, new):
        headers = {"Authorization": f"Bearer rotating:{secret}"}
        assert public.post("/readings", json=[reading(1.0, "2026-11-24T02:30:00Z")], headers=headers).status_code == 202
    newest = admin.post("/devices/rotating/rotate", json={"overlap_s": 0}).json()["secret"]
    answers = [
        public.post("/readings", json=[reading(1.0)], headers={"Authorization": f"Bearer rotating:{secret}"}).status_code
        for secret in (old, new, newest)
    ]
    assert answers == [401, 401, 202]


def test_a_device_that_sends_too_much_is_told_when_to_come_back(send):
    many = [reading(1.0, f"2026-11-23T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z") for n in range(3_000)]
    assert send("st-07", many).status_code == 202
    refused = send("st-07", many)
    assert (refused.status_code, refused.json()["code"]) == (429, "device.too_fast")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    too_many = send("st-07", many * 2)
    assert (too_many.status_code, too_many.json()["code"]) == (413, "request.too_many_readings")


def test_values_that_cannot_be_true_are_kept_with_flag_4_and_hidden_from_the_public(send, public, operator):
    stored(send, "st-08", [reading(-300.0), reading(20.0, "2026-11-24T02:10:00Z")])
    assert [row["value"] for row in history(public, "st-08")] == [20.0]
    assert [(row["flag"], row["check"]) for row in history(operator, "st-08")] == [(4, "below_possible"), (1, "none")]


def test_an_unknown_query_parameter_is_refused(send):
    answer = send("st-05", [reading()], params={"wiat": "stored"})
    assert (answer.status_code, answer.json()["code"]) == (422, "query.unknown")


CHIRPSTACK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-11-24T02:00:00Z",
    "deviceInfo": {"devEui": "a84041000181c0ff", "deviceName": "unknown-one"},
    "fPort": 85,
    "data": "A2cRAQ==",
}


@pytest.mark.parametrize(
    ("path", "body", "eui"),
    [
        ("/hooks/chirpstack", CHIRPSTACK, "a84041000181c0ff"),
        (
            "/hooks/the-things-stack",
            {
                "end_device_ids": {"device_id": "x", "dev_eui": "A84041000181C0FE"},
                "uplink_message": {"frm_payload": "A2cRAQ==", "received_at": "2026-11-24T02:00:00.123456789Z"},
            },
            "a84041000181c0fe",
        ),
    ],
)
def test_an_uplink_of_an_unknown_device_is_parked_and_answered_202(running, public, operator, path, body, eui):
    answer = public.post(path, json=body, auth=("dev-st-09", running.secrets["st-09"]))
    assert answer.status_code == 202, answer.text
    assert [one["code"] for one in answer.json()["rejected"]] == ["device.unknown"]
    waiting = operator.get("/parked", params={"device": eui}).json()["items"]
    assert [one["code"] for one in waiting] == ["device.unknown"]


@pytest.mark.parametrize("event", ["join", "status", "txack"])
def test_other_events_of_chirpstack_are_taken_note_of(running, public, event):
    answer = public.post(
        "/hooks/chirpstack", params={"event": event}, json=CHIRPSTACK, auth=("dev-st-09", running.secrets["st-09"])
    )
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)


def test_a_webhook_without_the_credential_is_refused(public):
    assert public.post("/hooks/chirpstack", json=CHIRPSTACK).status_code == 401


def test_a_webhook_that_is_no_message_of_the_network_is_422(running, public):
    answer = public.post("/hooks/chirpstack", content=b"{", auth=("dev-st-09", running.secrets["st-09"]))
    assert (answer.status_code, answer.json()["code"]) == (422, "lorawan.json_broken")
