"""Files people bring, over the API of a running city: what is taken, what is named, and that nothing is written in part."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from reads_running import BuildingsCity
from sqlalchemy import func, select

from dure.engines.records.tables_buildings import building_bills, building_imports, building_months, building_parcels
from dure.services.buildings.intervals import import_records

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)
IMPORTS = "/buildings/imports"
BILLS = """계량기번호,사용량(kWh),청구금액,사용시작일,종료일
0100-1,1200,150000,2026-02-01,2026-03-01
0100-1,"1,310",163000,2026-03-01,2026-04-01
"""
BROKEN = BILLS + "9999,10,1,2026-02-01,2026-03-01\n0100-1,-5,1,2026-01-01,2026-02-01\n합계,2510,,2026-02-01,2026-04-01\n"
ITEM = "<item><sigunguCd>41590</sigunguCd><bjdongCd>10100</bjdongCd><bun>0001</bun><ji>0000</ji>{}</item>"
ITEMS = [
    ITEM.format("<useYm>202603</useYm><useQty>6500</useQty>"),
    ITEM.format("<useYm>2026-3</useYm><useQty>1</useQty>"),
]
PARCEL = f"<response><header><resultCode>00</resultCode></header><body><items>{''.join(ITEMS)}</items></body></response>"
SAMPLES = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "buildings" / "greenbutton"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("imports"), NOON).begun()
    yield one
    one.stop()


def brought(city, body, status=201, *, preview=False, **how):
    path = f"{IMPORTS}/preview" if preview else IMPORTS
    content = body.encode() if isinstance(body, str) else body
    return city.asked("operator", "POST", path, status=status, content=content, params=how)


def written(city):
    """How much stands in the records and on the bus."""
    with city.house.records.read() as connection:
        tables = (building_imports, building_bills, building_months, building_parcels)
        rows = [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]
    return (*rows, city.call(city.house.bus.state()).last_seq)


def test_a_preview_names_every_row_that_is_not_taken_and_writes_nothing(city):
    before = written(city)
    found = brought(city, BROKEN, 200, preview=True, name="청구서.csv")
    assert (found["kind"], found["accepted_n"], found["rejected_n"]) == ("bills", 2, 3)
    assert {(one["row"], one["code"]) for one in found["rejected"]} == {
        (4, "bill.meter_unknown"),
        (5, "bill.negative"),
        (6, "bill.total"),
    }
    assert found["bills"][1]["amount"] == 1_310_000
    assert all(one["why"]["ko"] and one["why"]["en"] for one in found["rejected"])
    assert written(city) == before


def test_a_file_with_a_rejected_row_is_refused_whole_unless_the_person_takes_the_rest(city):
    before = written(city)
    assert brought(city, BROKEN, 422)["code"] == "import.rejected_rows"
    assert written(city) == before
    done = brought(city, BROKEN, take="accepted", name="청구서.csv")
    assert (done["state"], done["bills_n"], done["rejected_n"]) == ("taken", 2, 3)
    city.look()
    month = city.month("e-main", "2026-03")
    assert (month.amount, month.won, month.source, month.measured) == (1_310_000, 163_000, "bills", 1_310_000)
    listed = city.asked("officer", "GET", IMPORTS)["items"]
    report = city.asked("officer", "GET", f"{IMPORTS}/{listed[0]['id']}")["report"]
    assert len(report["rejected"]) == 3


def test_the_same_file_again_adds_nothing_and_one_that_was_cut_off_is_completed(city):
    before = written(city)
    assert brought(city, BROKEN, 200, take="accepted")["state"] == "known"
    assert written(city) == before
    body = "일시,사용량(kWh)\n" + "".join(f"2026-04-01 {n:02}:00,{n}\n" for n in range(24))
    done = brought(city, body, meter="e-sub")
    assert (done["kind"], done["entries_n"]) == ("intervals", 24)
    with city.house.records.begin() as connection:
        one = import_records.get(connection, done["id"])
        connection.execute(
            building_imports.update().where(building_imports.c.id == one.id).values(report=one.report | {"booked": False})
        )
    city.recorded()
    again = brought(city, body, 200, meter="e-sub")
    assert (again["state"], again["entries_n"]) == ("completed", 0)
    assert city.intervals("e-sub").amount.sum() == sum(range(24)) * 1_000


def test_a_corrected_bill_takes_the_place_of_the_old_one_which_is_still_answered_for_then(city):
    then = city.clock.at
    city.later(hours=1)
    corrected = BILLS.replace("1200,150000", "1250,156000")
    assert brought(city, corrected)["bills_n"] == 1
    city.look()
    assert city.month("e-main", "2026-02").amount == 1_250_000
    params = {"first": "2026-02", "last": "2026-02", "as_of": then.isoformat()}
    assert city.asked("officer", "GET", "/buildings/meters/e-main/months", params=params)["items"][0]["amount"] == 1_200_000


def test_a_bill_that_shares_days_with_one_that_stands_is_named(city):
    body = "계량기번호,사용량(kWh),사용시작일,종료일\n0100-1,9,2026-02-15,2026-03-15\n"
    found = brought(city, body, 200, preview=True)
    assert [one["code"] for one in found["rejected"]] == ["bill.overlap_kept"]


def test_a_bill_across_two_months_is_an_estimate_of_each_and_sums_to_itself(city):
    body = '건물,에너지원,사용량,단위,기간\n시청,도시가스,"3.000,5",MJ,2026.01.10~2026.02.09\n'
    found = brought(city, body)
    assert found["bills_n"] == 1
    city.look()
    months = [city.month("g-main", one) for one in ("2026-01", "2026-02")]
    assert sum(one.amount for one in months) == 3_000_500
    assert [one.measured for one in months] == [0, 0]
    assert [one.amount for one in months] == [2_129_387, 871_113]


def test_cp949_and_merged_cells_are_read(city):
    found = brought(city, BILLS.replace("2026-0", "2025-0").encode("cp949"), 200, preview=True)
    assert (found["encoding"], found["accepted_n"]) == ("cp949", 2)
    book = Workbook()
    sheet = book.active
    sheet.append(["2025년 전기 사용량"])
    sheet.merge_cells("A1:D1")
    sheet.append(["계량기번호", "사용월", "사용량(kWh)", "요금"])
    sheet.append(["0100-2", "2025-01", 100, 12_000])
    sheet.append([None, "2025-02", 110, 13_000])
    sheet.merge_cells("A3:A4")
    out = io.BytesIO()
    book.save(out)
    found = brought(city, out.getvalue(), 200, preview=True)
    assert (found["kind"], found["accepted_n"], found["rejected_n"]) == ("bills", 2, 0)


def test_gas_billed_by_volume_goes_through_a_dated_row_and_water_billed_in_kwh_goes_nowhere(city):
    gas = brought(city, "계량기번호,사용량(㎥),사용월\n77-1,100,2026-03\n", 200, preview=True)
    assert gas["bills"][0]["amount"] == pytest.approx(100 * 273.15 / 288.15 * 42_700, abs=1)
    water = brought(city, "계량기번호,사용량(kWh),사용월\n55-1,100,2026-03\n", 200, preview=True)
    assert water["rejected"][0]["code"] == "bill.unit_wrong"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\x00\x01\x02 nothing of use", "bill.no_columns"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><feed>&x;</feed>', "xml.doctype"),
        (b"<feed><entry>", "xml.broken"),
        (b"<feed/>", "green_button.no_series"),
        (b"PK\x03\x04 no zip", "archive.broken"),
        (b" \n ", "import.empty"),
    ],
)
def test_what_cannot_be_read_says_so_and_writes_nothing(city, body, code):
    before = written(city)
    for preview in (True, False):
        answer = city.signed_in("operator").post(f"{IMPORTS}/preview" if preview else IMPORTS, content=body)
        assert answer.status_code in (413, 422)
        assert answer.json()["code"] == code
    assert written(city) == before


def test_a_large_xml_is_refused_by_its_size_packed_or_not_and_writes_nothing(city):
    before = written(city)
    large = b"<feed>" + b" " * 53_000_000 + b"</feed>"
    headers = {"Content-Encoding": "gzip"}
    answer = city.signed_in("operator").post(IMPORTS, content=gzip.compress(large, 1), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    answer = city.signed_in("operator").post(IMPORTS, content=large[:9_000_000])
    assert (answer.status_code, answer.json()["code"]) == (413, "http.too_large")
    assert written(city) == before


def test_a_zip_bomb_is_refused_within_its_limit_and_writes_nothing(city):
    before = written(city)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.xml", b"<feed>" + b" " * 120_000_000)
    assert brought(city, out.getvalue(), 413)["code"] == "archive.too_large"
    assert written(city) == before


def test_intervals_that_cannot_be_are_named_one_by_one(city):
    rows = ["2026-04-02 00:00,1", "2026-04-02 01:00,999999", "2026-04-02 02:00,-3", "2026-04-02 03:00,2", "2026-04-02 03:00,2"]
    found = brought(city, "일시,사용량(kWh)\n" + "\n".join(rows) + "\n", 200, preview=True, meter="0100-2")
    assert sorted(one["code"] for one in found["rejected"]) == ["bill.negative", "interval.impossible", "read.duplicate"]
    assert found["series"][0]["hours"] == 2


def test_a_green_button_file_round_trips_through_import_and_export(city):
    if not SAMPLES.is_dir():
        pytest.skip("the Green Button samples are not here")
    body = (SAMPLES / "TestGBDataHourlyNineDaysBinnedDaily.xml").read_bytes()
    done = brought(city, body, meter="e-main")
    assert done["kind"] == "green_button"
    city.recorded()
    start, end = "2013-12-31T00:00:00Z", "2014-02-01T00:00:00Z"
    params = {"start": start, "end": end, "format": "green_button"}
    sent = city.signed_in("officer").get("/buildings/meters/e-main/intervals", params=params)
    assert sent.headers["content-type"].startswith("application/atom+xml")
    again = brought(city, sent.content, meter="e-main")
    assert (again["accepted_n"], again["entries_n"], again["flags_n"]) == (done["accepted_n"], 0, 0)
    rows = city.signed_in("officer").get(
        "/buildings/meters/e-main/intervals", params={"start": start, "end": end}, headers={"Accept": "text/csv"}
    )
    assert rows.text.count("\r\n") == done["accepted_n"] + 1


def test_parcel_months_are_shared_out_by_area_to_buildings_without_a_meter_of_their_own(city):
    assert brought(city, PARCEL, 422)["code"] == "import.fuel_needed"
    done = brought(city, PARCEL, fuel="electricity", take="accepted")
    assert (done["parcels_n"], done["rejected_n"]) == (1, 1)
    months = city.asked("officer", "GET", "/buildings/annex/months", params={"first": "2026-03", "last": "2026-03"})["items"]
    assert [(one["source"], one["amount"], one["estimated"]) for one in months] == [("parcel", 1_300_000, 1_300_000)]
    assert months[0]["facts"]["share"] == "1/5"
    main = city.asked("officer", "GET", "/buildings/hall/months", params={"first": "2026-03", "last": "2026-03"})["items"]
    assert [one["source"] for one in main if one["meter"] == "e-main"] == ["bills"]


def test_only_who_manages_meters_brings_files(city):
    assert city.signed_in("officer").post(IMPORTS, content=BILLS).status_code == 403
    assert city.signed_in("citizen").get(IMPORTS).status_code == 403


def test_a_corrected_interval_file_changes_what_it_says_and_nothing_else(city):
    before = city.intervals("e-sub")
    body = "일시,사용량(kWh)\n" + "".join(f"2026-04-01 {n:02}:00,{n + (n == 5)}\n" for n in range(24))
    assert brought(city, body, meter="e-sub")["entries_n"] == 1
    city.recorded()
    after = city.intervals("e-sub")
    assert after.amount.sum() - before.amount.sum() == 1_000
    then = int((datetime(2026, 4, 1, tzinfo=UTC) - timedelta(hours=9)).timestamp() * 1_000_000)
    assert after.entries[after.start_us == then + 5 * 3_600_000_000].tolist() == [2]
