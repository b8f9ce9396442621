"""Ways out: the register, newest values, history, roll-ups, downloads, explanations."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

DAY = {"start": "2026-11-23T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
BEGIN = datetime(2026, 11, 23, tzinfo=UTC)


def rows_at(seconds, value=1.0, name="air_temperature"):
    return [
        {"property": name, "value": value, "time": (BEGIN + timedelta(seconds=s)).isoformat().replace("+00:00", "Z")}
        for s in seconds
    ]


def store(send, asset, readings):
    answer = send(asset, {"readings": readings}, params={"wait": "stored"})
    assert (answer.status_code, answer.json()["stored"]) == (202, True), answer.text


@pytest.fixture(scope="module")
def filled(running, operator):
    """A quarantined station and a hidden vault with a value each, and one public station with two properties."""
    for asset, value in (("st-new", 11.0), ("st-hidden", 12.0), ("st-12", 13.0)):
        body = {"readings": [*rows_at([60, 3600 * 5], value), *rows_at([60], 40.0, "relative_humidity")]}
        headers = {"Authorization": f"Bearer dev-{asset}:{running.secrets[asset]}"}
        answer = operator.post("/readings", json=body, params={"wait": "stored"}, headers=headers)
        assert answer.status_code == 202, answer.text
    return running


def test_the_city_its_kinds_and_properties_are_public(public):
    assert public.get("/city").json()["time_zone"] == "Asia/Seoul"
    temperature = public.get("/properties/air_temperature").json()
    assert (temperature["unit"], temperature["name"]["ko"]) == ("Cel", "기온")
    assert temperature in public.get("/properties").json()["items"]
    assert "vault" not in {kind["id"] for kind in public.get("/kinds").json()["items"]}


def test_zones_are_geojson_that_a_browser_may_keep(public):
    first = public.get("/zones")
    assert first.headers["content-type"] == "application/geo+json"
    assert first.json()["features"][0]["geometry"]["type"] == "Polygon"
    again = public.get("/zones", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_assets_follow_each_other_page_by_page_without_gap_or_double(public):
    found, after = [], None
    while True:
        answer = public.get("/assets", params={"limit": 5} | ({"after": after} if after else {}))
        found += [asset["id"] for asset in answer.json()["items"]]
        after = answer.json()["next"]
        if after is None:
            break
        assert answer.links["next"]["url"].endswith(f"after={after}")
    assert found == [f"st-{n:02}" for n in range(1, 13)]


def test_staff_see_quarantined_and_hidden_assets_the_public_does_not(public, operator):
    assert {"st-new", "st-hidden"} <= {one["id"] for one in operator.get("/assets").json()["items"]}
    for asset in ("st-new", "st-hidden"):
        assert operator.get(f"/assets/{asset}").status_code == 200
        refused = public.get(f"/assets/{asset}")
        assert (refused.status_code, refused.json()["code"]) == (404, "asset.unknown")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "st-01"}, ["st-01"]),
        ({"q": "관측소 st-02"}, ["st-02"]),
        ({"bbox": "126.815,37.1,126.835,37.3"}, ["st-01", "st-02"]),
        ({"zone": "z1", "limit": 2}, ["st-01", "st-02"]),
        ({"zone": "nowhere"}, []),
        ({"state": "quarantined"}, []),
        ({"kind": "vault"}, []),
    ],
)
def test_assets_can_be_filtered(public, query, expected):
    assert [one["id"] for one in public.get("/assets", params=query).json()["items"]] == expected


def test_attributes_that_are_not_for_the_public_stay_with_staff(public, operator):
    assert "SN-SECRET" not in public.get("/assets").text + public.get("/assets", params={"format": "geojson"}).text
    assert operator.get("/assets/st-01").json()["attributes"]["serial"] == "SN-SECRET"


@pytest.mark.parametrize("how", [{"params": {"format": "geojson"}}, {"headers": {"Accept": "application/geo+json"}}])
def test_assets_come_as_geojson_too(public, how):
    answer = public.get("/assets", **how)
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.json()["features"][0]["geometry"]["coordinates"] == pytest.approx([126.82, 37.2])


@pytest.mark.usefixtures("filled")
def test_newest_values_of_all_stations_hide_what_is_not_public(public, operator):
    seen = {one["asset"]: one["value"] for one in public.get("/latest", params={"property": "air_temperature"}).json()["items"]}
    assert seen["st-12"] == 13.0
    assert not seen.keys() & {"st-new", "st-hidden"}
    staff = {one["asset"]: one["flag"] for one in operator.get("/latest", params={"property": "air_temperature"}).json()["items"]}
    assert (staff["st-new"], staff["st-hidden"]) == (2, 1)


@pytest.mark.usefixtures("filled")
def test_newest_values_of_one_asset(public):
    items = public.get("/assets/st-12/latest").json()["items"]
    assert {one["property"]: one["time"] for one in items} == {
        "air_temperature": "2026-11-23T05:00:00Z",
        "relative_humidity": "2026-11-23T00:01:00Z",
    }


@pytest.mark.parametrize("path", ["/observations", "/export.csv", "/export.geojson", "/latest"])
@pytest.mark.usefixtures("filled")
def test_no_way_out_shows_the_public_what_is_quarantined_or_hidden(public, path):
    for asset in ("st-new", "st-hidden"):
        answer = public.get(path, params={"asset": asset} | (DAY if path != "/latest" else {}))
        assert "11.0" not in answer.text
        assert "12.0" not in answer.text
        assert "air_temperature" not in answer.text


def test_pages_of_history_are_exact_while_rows_arrive(send, public):
    original = [n * 10 for n in range(1, 500)]
    store(send, "st-10", rows_at(original))
    seen, after, turn = [], None, 0
    while True:
        answer = public.get("/observations", params={"asset": "st-10", "limit": 97} | DAY | ({"after": after} if after else {}))
        seen += [row["time"] for row in answer.json()["items"]]
        after = answer.json()["next"]
        if after is None:
            break
        turn += 1
        store(send, "st-10", rows_at([turn, 5_000 + turn, 3 + 10 * turn]))
    wanted = [row["time"] for row in rows_at(original)]
    assert [time for time in seen if time in set(wanted)] == wanted
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen)


def test_history_as_of_leaves_out_what_arrived_later(running, send, public):
    store(send, "st-11", rows_at([100]))
    known_at = running.clock.now() + timedelta(seconds=1)
    running.clock.advance(timedelta(seconds=10))
    store(send, "st-11", rows_at([50]))
    params = {"asset": "st-11"} | DAY
    assert len(public.get("/observations", params=params).json()["items"]) == 2
    then = public.get("/observations", params=params | {"as_of": known_at.isoformat()}).json()["items"]
    assert [row["time"] for row in then] == ["2026-11-23T00:01:40Z"]
    lines = public.get("/export.csv", params=params | {"as_of": known_at.isoformat()}).text.splitlines()
    assert len(lines) == 2


@pytest.mark.usefixtures("filled")
def test_roll_ups_count_and_average_by_hour_and_day(public):
    params = {"property": "air_temperature", "asset": "st-12"} | DAY
    hours = public.get("/rollups", params=params).json()["items"]
    assert [(row["start"], row["n_good"], row["mean"]) for row in hours] == [
        ("2026-11-23T00:00:00Z", 1, 13.0),
        ("2026-11-23T05:00:00Z", 1, 13.0),
    ]
    days = public.get("/rollups", params=params | {"period": "day"}).json()["items"]
    assert [(row["start"], row["n_good"], row["total"]) for row in days] == [("2026-11-23T00:00:00Z", 2, 26.0)]


@pytest.mark.usefixtures("filled")
def test_roll_ups_of_all_stations_come_asset_by_asset_in_pages(public):
    params = {"property": "air_temperature", "period": "day", "limit": 5} | DAY
    whole = public.get("/rollups", params=params | {"limit": 10_000}).json()["items"]
    found, after = [], None
    while True:
        answer = public.get("/rollups", params=params | ({"after": after} if after else {})).json()
        found += answer["items"]
        after = answer["next"]
        if after is None:
            break
    assert found == whole
    assert "st-new" not in {row["asset"] for row in whole}


def test_csv_parquet_and_geojson_hold_the_same_rows(filled, public, tmp_path):
    params = {"asset": "st-12"} | DAY
    text = public.get("/export.csv", params=params)
    assert "attachment" in text.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert [(row["property"], row["value"], row["unit"]) for row in rows] == [
        ("air_temperature", "13.0", "Cel"),
        ("air_temperature", "13.0", "Cel"),
        ("relative_humidity", "40.0", "%"),
    ]
    file = tmp_path / "rows.parquet"
    file.write_bytes(public.get("/export.parquet", params=params).content)
    kept = duckdb.read_parquet(str(file)).project("property, value, unit").fetchall()
    assert kept == [(row["property"], float(row["value"]), row["unit"]) for row in rows]
    features = public.get("/export.geojson", params=params).json()["features"]
    assert [one["properties"]["value"] for one in features] == [13.0, 13.0, 40.0]
    assert features[0]["geometry"]["coordinates"] == pytest.approx([126.93, 37.2])
    assert not list((filled.folder / "downloads").iterdir())


def test_an_observation_is_explained_with_the_message_that_brought_it(send, operator, public):
    store(send, "st-09", rows_at([7], -400.0))
    path = "/explain/st-09:air_temperature:2026-11-23T00:00:07Z"
    assert public.get(path).status_code == 401
    story = operator.get(path).json()
    assert (story["flag"], story["check"], story["observation"]["value"]) == ("fail", "below_possible", -400.0)
    assert (story["message"]["device"], story["message"]["way"]) == ("dev-st-09", "http")
    assert story["reasons"] == ["below_possible: -400 Cel against -50 Cel"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/explain/st-09:air_temperature:2020-01-01T00:00:00Z", 404, "observation.unknown"),
        ("/explain/st-09:air_temperature", 422, "observation.id"),
        ("/explain/no-such-decision", 404, "decision.unknown"),
    ],
)
def test_what_cannot_be_explained_says_why(operator, path, status, code):
    answer = operator.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/assets", {"limit": "0"}, "request.invalid"),
        ("/assets", {"limit": "10001"}, "request.invalid"),
        ("/assets", {"bbox": "1,2,3"}, "query.bbox"),
        ("/assets", {"bbox": "nan,0,1,1"}, "query.bbox"),
        ("/assets", {"bbox": "9,9,1,1"}, "query.bbox"),
        ("/assets", {"colour": "red"}, "query.unknown"),
        ("/assets", {"after": "NOT AN ID"}, "id.malformed"),
        ("/observations", {}, "query.series_missing"),
        ("/observations", {"asset": "st-01", "start": "yesterday"}, "time.unreadable"),
        ("/observations", {"asset": "st-01", "start": "2026-11-24T00:00:00"}, "time.naive"),
        ("/observations", {"asset": "st-01", "start": DAY["end"], "end": DAY["start"]}, "time.interval_reversed"),
        ("/observations", {"asset": "st-01", "start": "1900-01-01T00:00:00Z"}, "query.span_too_long"),
        ("/observations", {"asset": "st-01", "end": "0001-01-01T00:00:00Z"}, "time.unreadable"),
        ("/observations", {"asset": "st-01", "after": "nothing"}, "observation.id"),
        ("/observations", {"property": "no_such"}, "property.unknown"),
        ("/observations", {"asset": ",".join(f"a{n}" for n in range(1_001))}, "query.too_many"),
        ("/rollups", {"property": "air_temperature", "period": "week"}, "request.invalid"),
        ("/rollups", {"property": "air_temperature", "start": "2020-01-01T00:00:00Z"}, "query.span_too_long"),
        ("/latest", {"property": "no_such"}, "property.unknown"),
        ("/stream", {"after": "-1"}, "request.invalid"),
        ("/readings", {}, "http.method"),
    ],
)  # fmt: skip
def test_a_bad_question_is_refused_with_its_code(public, path, query, code):
    answer = public.get(path, params=query)
    expected = 405 if code == "http.method" else 422
    assert answer.status_code == expected, answer.text
    assert expected == 405 or answer.json()["code"] == code


def test_a_plus_in_an_offset_need_not_be_escaped(public):
    assert public.get("/observations?asset=st-01&start=2026-11-24T00:00:00+09:00").status_code == 200
