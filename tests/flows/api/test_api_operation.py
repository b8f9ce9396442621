"""Operation: devices, commands, what is parked, the audit log, health and metrics; and who may do what."""

from __future__ import annotations

import inspect
import json
import queue

import pytest
from fastapi.routing import iter_route_contexts

from dure.core.access import ROLES, Actor, may
from dure.engines.bus import subjects

OPEN_TO_DEVICES = {("POST", "/api/v1/readings"), ("POST", "/api/v1/hooks/chirpstack"), ("POST", "/api/v1/hooks/the-things-stack")}


def test_a_device_is_added_listed_and_its_secret_never_shown_again(admin, operator):
    made = admin.post("/devices", json={"id": "dev-seen-once", "asset": "st-01", "dev_eui": "A84041000181C0AA"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    secret = made.json()["secret"]
    listed = operator.get("/devices", params={"asset": "st-01"}).text + operator.get("/devices/dev-seen-once").text
    assert "dev-seen-once" in listed
    assert "a84041000181c0aa" in listed
    assert secret not in listed


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"id": "dev-st-01", "asset": "st-01"}, 409, "device.exists"),
        ({"id": "x1", "asset": "no-such"}, 422, "asset.unknown"),
        ({"id": "NOT OK", "asset": "st-01"}, 422, "id.malformed"),
        ({"id": "x2", "asset": "st-01", "dev_eui": "xyz"}, 422, "device.dev_eui"),
        ({"asset": "st-01"}, 422, "request.invalid"),
    ],
)
def test_a_device_that_cannot_be_added_says_why(admin, body, status, code):
    answer = admin.post("/devices", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_is_unknown_to_rotate_or_revoke_is_404(admin):
    assert admin.post("/devices/nobody/rotate", json={}).status_code == 404
    assert admin.delete("/devices/nobody").status_code == 404


def test_a_revoked_device_cannot_be_rotated(admin):
    admin.post("/devices", json={"id": "gone", "asset": "st-01"})
    assert admin.delete("/devices/gone").status_code == 204
    assert admin.post("/devices/gone/rotate", json={}).json()["code"] == "device.revoked"


def test_a_parked_reading_whose_cause_stands_stays_parked_when_replayed(running, operator, public):
    body = {
        "deviceInfo": {"devEui": "00000000000000aa"},
        "deduplicationId": "replay-1",
        "time": "2026-11-24T02:00:00Z",
        "fPort": 1,
        "data": "AQ==",
    }
    assert public.post("/hooks/chirpstack", json=body, auth=("dev-st-09", running.secrets["st-09"])).status_code == 202
    (item,) = operator.get("/parked", params={"device": "00000000000000aa"}).json()["items"]
    still = operator.post(f"/parked/{item['id']}/replay")
    assert [one["code"] for one in still.json()["rejected"]] == ["device.unknown"]
    assert operator.get("/parked", params={"device": "00000000000000aa"}).json()["items"] == [item]


def test_a_parked_reading_is_replayed_when_its_cause_is_mended(running, send, operator, admin):
    body = [{"property": "air_temperature", "value": 17.0, "time": "2026-11-22T01:00:00Z", "asset": "st-12"}]
    assert send("st-11", body).json()["rejected"][0]["code"] == "asset.not_yours"
    (item,) = operator.get("/parked", params={"device": "dev-st-11"}).json()["items"]
    running.adopt("st-12", parent="st-11")
    kept = operator.post(f"/parked/{item['id']}/replay").json()
    assert (kept["accepted"], kept["rejected"]) == (1, [])
    running.adopt("st-12", parent=None)
    assert operator.get("/parked", params={"device": "dev-st-11"}).json()["items"] == []
    assert operator.post(f"/parked/{item['id']}/replay").json()["code"] == "parked.settled"
    (entry,) = admin.get("/audit", params={"object": item["id"]}).json()["items"]
    assert entry["detail"]["replayed"]["accepted"] == 1


def test_a_parked_reading_is_dropped_once_and_the_audit_log_tells(running, send, operator, admin):
    send("st-02", [{"property": "no_such", "value": 1, "time": "2026-11-24T01:59:00Z"}])
    item = operator.get("/parked", params={"device": "dev-st-02"}).json()["items"][0]
    assert operator.delete(f"/parked/{item['id']}").status_code == 204
    again = operator.delete(f"/parked/{item['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "parked.settled")
    (entry,) = admin.get("/audit", params={"object": item["id"]}).json()["items"]
    assert (entry["actor"], entry["verb"], entry["detail"]["state"]) == (running.persons["operator"], "act", "dropped")
    assert operator.get("/parked/counts").json()["counts"].get("asset_kind.unknown") is None


def test_the_audit_log_verifies_and_a_foreign_head_does_not(admin):
    whole = admin.get("/audit/verify").json()
    assert (whole["whole"], whole["broken_at"]) == (True, None)
    noted = {"n": whole["head"]["n"], "hash": "0" * 64}
    assert admin.get("/audit/verify", params=noted).json()["whole"] is False
    assert admin.get("/audit/verify", params={"n": 1}).json()["code"] == "audit.head"


def test_pages_of_the_audit_log_join_without_gap(admin):
    first = admin.get("/audit", params={"limit": 3}).json()
    second = admin.get("/audit", params={"limit": 3, "after": first["next"]}).json()
    numbers = [one["n"] for one in first["items"] + second["items"]]
    assert numbers == list(range(numbers[0], numbers[0] - 6, -1))


def test_a_command_reaches_the_device_once_asked_and_the_same_key_is_the_same_command(running, operator):
    heard = queue.Queue()

    async def listen():
        async def hear(received):
            heard.put(json.loads(received.payload))

        return await running.house.bus.subscribe(subjects.command(running.house.city.id, "dev-st-03"), hear)

    stop = running.call(listen())
    body = {"asset": "st-03", "name": "report_now", "key": "k-1", "arguments": {"every_s": 60}}
    first, second = operator.post("/commands", json=body), operator.post("/commands", json=body)
    assert (first.status_code, first.json()["outcome"]) == (202, "pending")
    assert first.json()["id"] == second.json()["id"]
    assert heard.get(timeout=5)["arguments"] == {"every_s": 60}
    running.call(stop())
    assert operator.get(f"/commands/{first.json()['id']}").json()["name"] == "report_now"
    assert operator.get("/commands", params={"asset": "st-03"}).json()["items"][0]["id"] == first.json()["id"]
    other = operator.post("/commands", json=body | {"name": "sleep"})
    assert (other.status_code, other.json()["code"]) == (409, "command.key_reused")


@pytest.fixture
def recorded(send):
    """The recorder has recorded something."""
    body = [{"property": "air_temperature", "value": 1, "time": "2026-11-24T01:58:00Z"}]
    assert send("st-05", body, params={"wait": "stored"}).json()["stored"] is True


@pytest.mark.usefixtures("recorded")
def test_health_says_one_word_to_the_public_and_all_to_operators(public, operator):
    assert public.get("/health").json() == {"status": "ok"}
    told = operator.get("/health").json()
    assert {one["name"]: one["ok"] for one in told["engines"]} == {"bus": True, "records": True, "telemetry": True}
    assert told["stream"]["last_seq"] >= told["recorder"]["seq"] > 0
    assert told["disk"]["enough"] is True


@pytest.mark.usefixtures("recorded")
def test_metrics_are_in_prometheus_form(operator, public):
    text = operator.get("/metrics").text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    figures = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}
    assert figures["dure_up"] == 1
    assert figures['dure_engine_up{engine="bus"}'] == 1
    assert figures["dure_recorder_seq"] > 0
    assert public.get("/metrics").status_code == 401


def gates(dependant):
    """The permissions a route demands, found in what it depends on."""
    found = set()
    if getattr(dependant.call, "__qualname__", "") == "require.<locals>.gate":
        words = inspect.getclosurevars(dependant.call).nonlocals
        found.add((words["verb"], words["subject"]))
    for deeper in dependant.dependencies:
        found |= gates(deeper)
    return found


def routes(running):
    for context in iter_route_contexts(running.app.routes):
        if (context.path or "").startswith("/api/v1/") and getattr(context, "dependant", None) is not None:
            for method in sorted(context.methods or ()):
                yield method, context.path, gates(context.dependant)


def test_every_route_names_its_permission(running):
    without = {(method, path) for method, path, demanded in routes(running) if not demanded}
    assert without == OPEN_TO_DEVICES
    assert len(list(routes(running))) >= 30


@pytest.mark.parametrize("role", ["", *ROLES])
def test_each_role_is_let_through_or_refused_on_each_reading_route_as_the_table_says(running, public, role):
    token = running.tokens.get(role, "")
    actor = Actor(role, frozenset({role})) if role else Actor()
    for method, path, demanded in routes(running):
        if method != "GET" or not demanded or path == "/api/v1/stream":
            continue
        ((verb, subject),) = demanded
        address = path.removeprefix("/api/v1").replace("{property_id}", "air_temperature").replace("{explained_id}", "nothing")
        address = address.replace("{asset_id}", "st-01").replace("{device_id}", "dev-st-01").replace("{command_id}", "nothing")
        answer = public.get(address, headers={"Authorization": f"Bearer {token}"} if token else {})
        if may(actor, verb, subject):
            assert answer.status_code in (200, 404, 422), (path, answer.text)
        else:
            assert answer.status_code == (403 if role else 401), (path, answer.text)
