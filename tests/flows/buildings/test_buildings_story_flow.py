"""The story of a building in a running city: meters, bills, months, model, measure, saving, filing, public page, explain."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime

import httpx
import msgspec
import numpy as np
import pytest
from reads_running import BuildingsCity

from dure.core.time import format_instant, from_us, to_us
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.services.buildings.finding.finding_watch import FindingWatch
from dure.services.buildings.months import touched_records
from dure.services.buildings.months.touched_records import Touched
from dure.services.buildings.simulate import meters_simulated
from dure.services.buildings.simulating.virtual_buildings import HOUR_US, uses

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,parent,state,device,dev_eui,codec,use,area_m2,body,people,fuel,part,number,"
    "rate_max_per_h,speaks,fault"
)
ROWS = [
    HEAD,
    "hall,building,시청사,City hall,126.9,37.2,,live,,,,office,4200,시험시,300,,,,,,",
    "shed,building,작은 창고,Small shed,126.91,37.2,,live,,,,other,90,시험시,2,,,,,,",
    "sky,station,하늘,Sky,126.9,37.2,,live,dev-sky,,,,,,,,,,,,",
    "m-el,meter,전기,Power,126.9,37.2,hall,live,dev-m-el,,,,,,,electricity,main,1001,400000,use,",
    "m-water,meter,수도,Water,126.9,37.2,hall,live,dev-m-water,,,,,,,water,main,4001,9000,use,leak",
    "m-gas,meter,가스,Gas,126.9,37.2,hall,live,,,,,,,,city_gas,main,2001,,bills,",
    "m-shed,meter,창고 전기,Shed power,126.91,37.2,shed,live,dev-m-shed,,,,,,,electricity,main,1002,40000,use,",
]
BILLS = "계량기번호,시작일,종료일,사용열량(MJ),사용요금\n" + "".join(
    f"2001,{year}-{month:02}-01,{year + month // 12}-{month % 12 + 1:02}-01,{4_000 + 100 * month},{90_000 + month}\n"
    for year, months in ((2025, range(1, 13)), (2026, (1, 2)))
    for month in months
)
BEFORE = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)  # midnight of 1 April in Korea
SINCE = datetime(2025, 2, 28, 15, 0, tzinfo=UTC)
BEGINS = datetime(2026, 4, 1, 15, 0, tzinfo=UTC)  # 2 April: the measure
AFTER = datetime(2026, 7, 6, 3, 0, tzinfo=UTC)
PLAIN = "building/hall/{}/2025-04..2026-03"


def warmth(hours):
    """Air temperature [°C] of each hour since 1970."""
    year, day = 2 * np.pi * (hours / 24 / 365.25), 2 * np.pi * ((hours + 9) % 24) / 24
    return 13 - 12 * np.cos(year - 0.4) - 4 * np.cos(day) + 2 * np.sin(hours / 61)


class StoryCity(BuildingsCity):
    """A city hall that saves from 2 April on, and a shed that is too small to be shown."""

    def __init__(self, folder):
        super().__init__(folder, BEFORE, meters=())
        (folder / "city" / "assets" / "buildings.csv").write_text("\n".join(ROWS) + "\n", "utf-8")

    def told_until(self, start, end):
        """What sky and meters say of the hours between two instants."""
        first, last = to_us(start) // HOUR_US, to_us(end) // HOUR_US
        hours = np.arange(first, last)
        self.sent("sky", "air_temperature", hours, np.round(warmth(hours), 1))
        for one in meters_simulated(self.house.city, AFTER):  # the leak began twenty days before
            if one.speech == "use":
                saving = msgspec.structs.replace(one, measure_at=BEGINS)
                self.sent(one.meter.id, one.meter.supply.use, hours, uses(7, saving, first, last - first, warmth(hours)))
        self.recorded()

    def sent(self, asset, name, hours, values):
        rows = [
            {"property": name, "value": float(value), "time": format_instant(from_us(int(hour) * HOUR_US))}
            for hour, value in zip(hours, values, strict=True)
        ]
        for at in range(0, len(rows), 4_000):
            part = rows[at : at + 4_000]
            assert self.post(asset, part)["accepted"] == len(part)

    def months_made(self):
        """All months of the meters that send their own uses, and what bills touched."""
        now, zone = self.clock.now(), self.house.city.zone
        hours = (hour * HOUR_US for hour in range(to_us(SINCE) // HOUR_US, to_us(now) // HOUR_US))
        months = touched_records.months_of(hours, zone)
        with self.house.records.begin() as connection:
            rows = [Touched(meter=one, month=month, touched_at=now) for one in ("m-el", "m-shed", "m-water") for month in months]
            touched_records.touch(connection, rows)
        return self.call(self.months.look())

    def patiently(self, work):
        """As `call`, for work that starts processes and fits models."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(200)

    def explained(self, figure, **more):
        return self.asked("officer", "GET", "/buildings/explain", params={"figure": figure} | more)

    def page(self, path):
        return httpx.get(f"{self.url}{path}", timeout=60)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = StoryCity(tmp_path_factory.mktemp("story")).begun()
    yield one
    one.stop()


def test_1_a_year_of_hours_and_bills_becomes_months_and_every_figure_agrees(city):
    city.told_until(SINCE, BEFORE)
    preview = city.asked(
        "admin", "POST", "/buildings/imports/preview", content=BILLS.encode("cp949"), params={"name": "가스.csv"}
    )
    assert (preview["accepted_n"], preview["rejected_n"]) == (14, 0)
    done = city.asked(
        "admin", "POST", "/buildings/imports", status=201, content=BILLS.encode("cp949"), params={"name": "가스.csv"}
    )
    assert done["bills_n"] == 14
    assert city.months_made() >= 3 * 13 + 14
    energy = city.explained(PLAIN.format("energy"))
    assert energy["agrees"]
    power, gas = energy["step"]["parts"]
    assert power["value"] == sum(value for value, _ in city.rows("m-el", "electricity_use")[31 * 24 :])
    assert gas["parts"][0]["parts"][0]["documents"][0]["row"] == 5
    assert city.explained(PLAIN.format("carbon"))["agrees"]


def test_2_the_meter_gets_a_model_and_the_measure_a_frozen_baseline(city):
    assert city.patiently(RefitWatch(city.house).look()) > 0
    judged = city.asked("officer", "GET", "/buildings/meters/m-el/models/hourly")["judged"]
    assert judged["state"] == "fitted"
    wanted = {
        "building": "hall", "name_ko": "LED", "name_en": "LED", "work": "led", "meters": ["m-el"], "begins_on": "2026-04-02",
        "baseline_start": "2025-03-31", "baseline_end": "2026-04-01", "kind": "hourly",
    }  # fmt: skip
    measure = city.asked("operator", "POST", "/buildings/measures", status=201, json=wanted)
    city.measure = measure["id"]
    assert measure["baselines"][0]["readings_sha256"]


def test_3_what_it_saved_is_verified_with_its_interval_and_unfolds_to_the_frozen_model(city):
    city.clock.at = AFTER
    city.told_until(BEFORE, AFTER)
    city.months_made()
    assert city.patiently(SavingWatch(city.house).look()) == 3
    kept = city.asked("officer", "GET", f"/buildings/measures/{city.measure}/savings")["items"]
    last = kept[-1]["saving"]
    assert last["verdict"] == "saving"
    assert 0 < last["energy_wh"]["low"] < last["energy_wh"]["value"] < last["energy_wh"]["high"]
    found = city.explained(f"saving/{city.measure}/2026-07-01")
    assert (found["agrees"], found["step"]["value"]) == (True, round(last["energy_wh"]["value"]))
    assert found["step"]["parts"][0]["model"]["id"].startswith(city.measure)


def test_4_the_leak_is_found_and_unfolds_to_the_test_that_found_it(city):
    city.patiently(FindingWatch(city.house).look())
    (found,) = [one for one in city.asked("operator", "GET", "/buildings/findings")["items"] if one["meter"] == "m-water"]
    assert found["finding"] == "leak"
    told = city.explained(f"finding/{found['id']}")
    assert told["agrees"]
    assert told["step"]["value"] == told["step"]["stored"] > 0
    assert told["step"]["rows"][0]["source"]


def test_5_a_filing_prints_again_byte_for_byte_after_a_later_bill(city):
    wanted = {"kind": "ngms", "subject": "body:시험시", "period": "2025", "as_of": "2026-07-05T00:00:00Z", "language": "ko"}
    given = city.asked("officer", "POST", "/buildings/filings", status=201, json=wanted)
    path = f"/buildings/filings/{given['id']}/file"
    first = city.signed_in("officer").get(path)
    assert hashlib.sha256(first.content).hexdigest() == given["sha256"]
    before = city.explained(PLAIN.format("carbon"))
    later = BILLS.replace("4500", "9900").encode()
    city.later(hours=30)
    done = city.asked("admin", "POST", "/buildings/imports", status=201, content=later, params={"name": "고침.csv"})
    assert done["bills_n"] == 1
    city.call(city.months.look())
    again = city.signed_in("officer").get(path)
    assert again.content == first.content
    after = city.explained(PLAIN.format("carbon"))
    assert after["agrees"]
    assert after["step"]["value"] > before["step"]["value"]
    then = city.explained(PLAIN.format("carbon"), as_of="2026-07-05T00:00:00Z")
    assert (then["agrees"], then["step"]["value"]) == (True, before["step"]["value"])


def test_6_citizens_see_the_hall_and_not_the_shed(city):
    page = city.page("/ko/buildings/hall")
    assert page.status_code == 200
    assert "시청사" in page.text
    assert "kWh" not in city.page("/ko/buildings/shed").text
    assert city.page("/api/v1/buildings/public/shed").json()["code"] == "buildings.kept_back"
    listed = city.page("/api/v1/buildings/public").json()["items"]
    assert [one["id"] for one in listed] == ["hall"]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_7_the_page_that_explains_shows_the_same_tree(city, language):
    token = city.signed_in("officer").headers["authorization"].removeprefix("Bearer ")
    figure = PLAIN.format("energy")
    page = httpx.get(
        f"{city.url}/{language}/operations/buildings/explain",
        params={"figure": figure},
        cookies={"dure_session": token},
        timeout=60,
    )
    assert page.status_code == 200
    assert page.text.count("export.csv") == 12
