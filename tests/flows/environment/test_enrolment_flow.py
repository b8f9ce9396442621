"""Devices come into a running city: by a list, by a label, on the pages; what waited for them is read again, nothing is lost."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

import httpx
import pytest
from city_running import CityRunning, reading, settings_of, until, write_city

from dure.engines.records import parked
from dure.protocols.lorawan import Uplink
from dure.services.environment.enrolling.labels import label_address

HEAD = "장치 이름,DevEUI,코덱,설치 지점 이름,위도,경도\n"
PAYLOAD = base64.b64decode("A2cRAQRoWw==")  # temperature and humidity of a Milesight sensor


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("enrolment")
    write_city(folder / "city", ["st-01"])
    one = CityRunning(settings_of(folder)).start()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def operator(city):
    with city.operator() as one:
        yield one


def send(operator, body, **how):
    answer = operator.post("/environment/enrolments", content=body.encode(), headers={"Content-Type": "text/csv"}, params=how)
    return answer.status_code, answer.json()


def uplink(eui, count):
    return Uplink(
        network="chirpstack", dev_eui=eui, device_name="x", f_port=85, f_cnt=count, payload=PAYLOAD, decoded=None,
        received_at=datetime.now(UTC), dedup_key=f"{eui}-{count}",
    )  # fmt: skip


def waiting_of(city, eui):
    with city.house.records.read() as connection:
        return parked.listing(connection, device=eui).items


def test_a_list_is_looked_at_then_kept_and_the_device_may_send_at_once(city, operator):
    body = HEAD + "flow-1,,,동탄 하나,37.2,126.9\nflow-2,12,,나쁨,37.2,126.9\n"
    status, looked = send(operator, body, check="true")
    assert (status, looked["new"], looked["refused"]) == (200, 1, 1)
    assert operator.get("/devices/flow-1").status_code == 404
    status, kept = send(operator, body)
    assert (status, kept["new"], kept["items"][1]["code"]) == (200, 1, "device.dev_eui")
    secret = kept["items"][0]["secret"]
    sent = httpx.post(f"{city.url}/api/v1/readings", json={"readings": [reading(21.0)]}, auth=("flow-1", secret), timeout=30)
    assert sent.status_code == 202, sent.text
    assert city.until_rows("dongtan-hana", 1)[0] == (21.0, 2)  # quarantined: kept, not shown
    assert send(operator, body)[1]["unchanged"] == 1


def test_a_device_goes_live_after_enough_good_values(city, operator):
    _, kept = send(operator, HEAD + "flow-live,,,동탄 산,37.21,126.91\n")
    auth = ("flow-live", kept["items"][0]["secret"])
    rows = [reading(20 + n / 10, 60 * (20 - n)) for n in range(8)]
    httpx.post(f"{city.url}/api/v1/readings", json={"readings": rows}, auth=auth, timeout=30).raise_for_status()
    until(lambda: operator.get("/devices/flow-live").json()["state"] == "live")


def test_uplinks_that_came_before_their_device_are_read_again_and_accounted_for(city, operator):
    euis = [f"24e124136b5000{n:02x}" for n in range(20)]
    for count in range(3):
        for eui in euis:
            assert city.call(city.house.intake.accept_uplink(uplink(eui, count))).accepted == 0
    rows = "".join(f"lora-{n},{eui.upper()},milesight-am308,로라 {n},37.2{n:02},126.95\n" for n, eui in enumerate(euis))
    assert send(operator, HEAD + rows, check="true")[1]["uplinks"]["waiting"] == 60
    _, kept = send(operator, HEAD + rows)
    assert kept["uplinks"] == {"waiting": 60, "replayed": 60, "still_waiting": 0, "codes": {}}
    assert {one["replayed"] for one in kept["items"]} == {3}
    assert not any(one.get("secret") for one in kept["items"])
    assert not [one for eui in euis for one in waiting_of(city, eui)]
    assert len(city.until_rows("rora-0", 3)) == 3
    assert send(operator, HEAD + rows)[1]["uplinks"]["waiting"] == 0


def test_an_uplink_that_still_cannot_be_read_stays_and_its_code_is_told(city, operator):
    eui = "24e124136b5000ff"
    broken = Uplink(
        network="chirpstack", dev_eui=eui, device_name="x", f_port=85, f_cnt=1, payload=b"\xff\xff", decoded=None,
        received_at=datetime.now(UTC), dedup_key="broken-1",
    )  # fmt: skip
    city.call(city.house.intake.accept_uplink(broken))
    _, kept = send(operator, HEAD + f"lora-x,{eui},milesight-am308,로라 엑스,37.25,126.95\n")
    assert (kept["uplinks"]["waiting"], kept["uplinks"]["still_waiting"], sum(kept["uplinks"]["codes"].values())) == (1, 1, 1)
    assert len(waiting_of(city, eui)) == 1


def test_a_label_enrols_its_device(operator):
    scanned = {
        "label": "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122", "name": "라벨 하나", "codec": "milesight-am319",
        "lon": 126.85, "lat": 37.15,
    }  # fmt: skip
    answer = operator.post("/environment/enrolments/label", json=scanned)
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["items"]
    assert (one["state"], one["dev_eui"], one["device"]) == ("new", "aabbccddeeff0011", "rabel-hana")
    again = operator.post("/environment/enrolments/label", json=scanned | {"name": "다른 이름"})
    assert again.json()["items"][0]["state"] == "differs"


def test_labels_come_in_batches_and_a_bad_one_is_its_own_rows_refusal(operator):
    boxes = [
        {"label": f"LW:D0:1122334455667788:00112233447{n:05X}:AABB1122", "name": f"상자 {n}호", "codec": "milesight-am308"}
        for n in range(3)
    ]
    boxes[1]["label"] = "hello"
    kept = operator.post("/environment/enrolments", json={"devices": boxes}).json()
    assert [one["state"] for one in kept["items"]] == ["new", "refused", "new"]
    assert (kept["items"][1]["code"], kept["items"][2]["dev_eui"]) == ("label.unreadable", "0011223344700002")
    body = "QR,이름\nLW:D0:1122334455667788:0011223344700003:AABB1122,상자 3호\n"
    (one,) = send(operator, body)[1]["items"]
    assert (one["state"], one["dev_eui"], one["noticed"][0]["code"]) == ("new", "0011223344700003", "enrolment.codec_usual")
    assert operator.get(f"/devices/{one['device']}").json()["codec"] == "milesight-am308"


@pytest.mark.parametrize(
    ("label", "code"), [("hello", "label.unreadable"), ("LW:D0:1:2:3", "label.unreadable"), ("LW:D1:1", "label.schema")]
)
def test_what_is_no_label_is_refused(operator, label, code):
    answer = operator.post("/environment/enrolments/label", json={"label": label})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_json_is_a_list_too_and_other_content_is_refused(operator):
    many = {"devices": [{"device": "json-1", "name": "제이슨", "position": "37.22, 126.93"}]}
    assert operator.post("/environment/enrolments", json=many).json()["new"] == 1
    for body, kind, code in ((b"[1]", "application/json", "enrolment.unreadable"), (b"x", "image/png", "request.media_type")):
        answer = operator.post("/environment/enrolments", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_who_may_not_manage_devices_is_refused(city):
    for path in ("/environment/enrolments", "/environment/enrolments/label"):
        assert httpx.post(f"{city.url}/api/v1{path}", json={"label": "x"}, timeout=30).status_code == 401
    for path in ("enrol", "enrol/scan", "enrol/labels", "enrol/template.csv"):
        answer = httpx.get(f"{city.url}/ko/operations/environment/{path}", timeout=30)
        assert (answer.status_code, "/sign-in" in answer.headers["location"]) == (303, True)


def test_a_thousand_devices_come_in_at_once(operator):
    rows = "".join(f"many-{n},,,많음 {n},{37.1 + n / 5_000:.5f},{126.8 + n % 37 / 200:.5f}\n" for n in range(1_000))
    _, kept = send(operator, HEAD + rows)
    assert (kept["new"], kept["refused"]) == (1_000, 0)


# Pages


@pytest.fixture(scope="module")
def browser(city, operator):
    """A signed-in person's browser, without script."""
    token = operator.headers["authorization"].split()[1]
    with httpx.Client(base_url=f"{city.url}/ko/operations/environment", cookies={"dure_session": token}, timeout=60) as one:
        yield one


def form(browser, path, **fields):
    page = browser.get(path).text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    return browser.post(path, data={"csrf": csrf} | fields)


def test_a_pasted_list_is_shown_row_by_row_before_anything_is_kept(browser, operator):
    text = HEAD + "page-1,,,쪽 하나,37.23,126.94\npage-2,12,,쪽 둘,37.23,126.96\n"
    looked = form(browser, "/enrol", csv=text)
    assert looked.status_code == 200
    assert "1줄은 고쳐야 합니다" in looked.text
    assert "device.dev_eui" in looked.text
    assert operator.get("/devices/page-1").status_code == 404
    kept = form(browser, "/enrol", csv=text, step="keep")
    assert "등록을 마쳤습니다" in kept.text
    assert operator.get("/devices/page-1").status_code == 200
    secrets = base64.b64decode(re.search(r"data:text/csv;base64,([^\"]+)", kept.text)[1]).decode()
    assert secrets.splitlines()[1].startswith("page-1,")
    assert kept.headers["cache-control"] == "no-store"


def test_a_list_that_cannot_be_read_is_refused_beside_the_list(browser):
    answer = form(browser, "/enrol", csv="비고\n가")
    assert (answer.status_code, "enrolment.no_columns" in answer.text, "비고" in answer.text) == (422, True, True)


def test_the_empty_list_can_be_filled_in_and_its_example_is_no_device(browser):
    template = browser.get("/enrol/template.csv")
    assert template.content.startswith(b"\xef\xbb\xbf")
    assert "장치 이름,DevEUI" in template.text
    answer = form(browser, "/enrol", csv=template.text.lstrip("\ufeff"))
    assert "enrolment.empty" in answer.text


def test_a_label_is_enrolled_in_two_steps_on_the_phone(browser, operator):
    label = "LW:D0:1122334455667788:AABBCCDDEEFF0099:AABB1122"
    first = form(browser, "/enrol/scan", label=label)
    assert "aabbccddeeff0099" in first.text
    second = form(
        browser, "/enrol/scan", label=label, step="keep", name="전화 하나", codec="milesight-am308", lat="37.24", lon="126.97"
    )
    assert "등록했습니다" in second.text
    assert operator.get("/devices/jeonhwa-hana").json()["dev_eui"] == "aabbccddeeff0099"
    known = form(browser, "/enrol/scan", label=label)
    assert "이미 등록된 장치입니다" in known.text
    changed = form(browser, "/enrol/scan", label=label, step="keep", update="yes", photo="IMG_7")
    assert "고쳤습니다" in changed.text
    refused = form(browser, "/enrol/scan", label="hello")
    assert (refused.status_code, "label.unreadable" in refused.text) == (422, True)


def test_only_the_scanning_page_may_use_camera_and_place(browser):
    assert "camera=(self)" in browser.get("/enrol/scan").headers["permissions-policy"]
    assert "geolocation=(self)" in browser.get("/enrol/scan").headers["permissions-policy"]
    for path in ("/enrol", "/enrol/labels"):
        assert "camera=()" in browser.get(path).headers["permissions-policy"]


def test_labels_are_printed_and_lead_back_to_their_device(city, browser):
    assert "dev-st-01" in browser.get("/enrol/labels", params={"q": "st-01"}).text
    sheet = browser.get("/enrol/labels", params={"device": "dev-st-01"}).text
    assert sheet.count('class="sticker"') == 1
    assert "<svg" in sheet
    address = label_address(city.url, device="dev-st-01", asset="st-01")
    opened = browser.get(address, follow_redirects=True)
    assert str(opened.url).startswith(f"{city.url}/ko/operations/environment/enrol/scan?label=")
    assert "st-01 측정소" in opened.text
