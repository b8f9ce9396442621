"""What citizens' practices keep when a city moves to another machine, and what its files keep of somebody who was erased."""

from __future__ import annotations

from datetime import date, timedelta

import httpx
import pytest
from city_running import PASSWORD, settings_of, until, write_city
from PIL import Image
from quiet_city import QuietCity
from test_practice_flow import NOON, partner_proof, photos_of, picture

from dure.core.text import Text
from dure.core.time import format_instant
from dure.engines.records.audit import By
from dure.running import backups, desk
from dure.services.carbon.governing import budget_desk
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.households import judgement_records
from dure.services.carbon.practising import partner_desk, place_desk, practice_records
from dure.services.carbon.practising.partner_desk import Partner
from dure.services.carbon.practising.photo import look
from dure.services.carbon.practising.place_desk import Place
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.practice_watch import PracticeWatch
from dure.services.carbon.transparency import commitments, signing_key
from dure.web.access import SESSION_COOKIE

BY = By("test", NOON)
BASE = "/api/v1/carbon"
CLIENTS: list[httpx.Client] = []
ADDRESS, CUSTOMER = "반송동 시범한빛마을 77-1", "09-8765-4321"


class Movable(QuietCity):
    """The same on a folder of its own, with the clock of another."""

    def __init__(self, folder, clock, data):
        super().__init__(folder, NOON)
        self.clock, self.settings = clock, settings_of(folder, data_dir=str(data))


def citizen_of(city, login="mover"):
    city.house.people.add(login, login, PASSWORD, ["citizen"], BY)
    return api_of(city, login)


def api_of(city, login="mover"):
    token = city.house.people.sign_in(login, PASSWORD, city.house.clock.now()).token
    one = httpx.Client(
        base_url=city.url, cookies={SESSION_COOKIE: token}, headers={"Authorization": f"Bearer {token}"}, timeout=120,
        follow_redirects=True,
    )  # fmt: skip
    CLIENTS.append(one)
    return one


@pytest.fixture(autouse=True)
def _closed():
    yield
    for one in CLIENTS:
        one.close()
    CLIENTS.clear()


@pytest.fixture
def folder(tmp_path):
    write_city(tmp_path / "city", ["st-01"])
    return tmp_path


@pytest.fixture
def city(folder):
    one = QuietCity(folder, NOON)
    one.start()
    yield one
    one.stop()


def opened(city):
    """Money, a partner with its key, a place; the partner's key."""
    house = city.house
    by, secret = setting_of(house), practice_key(house.settings.data)
    with house.records.begin() as connection:
        for programme, won in (("green-practice", 1_000_000), ("green-practice-estimated", 100_000)):
            budget_desk.move(house, connection, programme, Asked("fund", won, document=f"D-{programme}"), BY)
        place_desk.put(connection, Place(id="plaza", name=Text("광장"), practices=("tumbler",), turn_s=60), by, BY)
        one = Partner(id="cafe", name=Text("카페"), practices=partner_desk.known_practices(("tumbler", "e-receipt"), by))
        return partner_desk.put(connection, one, BY, secret)


def code_at(city):
    with city.house.records.read() as connection:
        place = place_desk.get(connection, "plaza")
    return str(place_desk.shown(place, practice_key(city.house.settings.data), city.house.clock.now()))


def receipt(city, person, reference):
    with city.house.records.read() as connection:
        code = practice_records.member(connection, person).code
    done_at = format_instant(city.house.clock.now())
    return {"practice": "e-receipt", "member": code, "quantity": 1, "done_at": done_at, "reference": reference}


def id_of(city, login="mover"):
    return next(one.id for one in city.house.people.listing().items if one.login == login)


def ref_of(city, person):
    with city.house.records.read() as connection:
        return commitments.ref_of(connection, person)


def test_a_restored_city_knows_partners_places_people_numbers_and_signs_as_before(city, tmp_path):
    key, api = opened(city), citizen_of(city)
    person = id_of(city)
    assert api.post(f"{BASE}/memberships/green-life").status_code == 200
    assert partner_proof(city, key, "before-the-move-1", receipt(city, person, "R-1")).json()["code"] == "practice.proved"
    before = code_at(city)
    assert api.post(f"{BASE}/acts/scan", json={"practice": "tumbler", "code": before}).json()["code"] == "practice.proved"
    numbers = {"utility": "electricity", "number": CUSTOMER}
    with city.house.records.begin() as connection:  # the station of a home has to be known
        judgement_records.put_weather(connection, [("st-01", date(2026, 1, 1), 0.0, "a" * 64)])
    home = {"consent": True, "station": "st-01", "since": "2015-01-01", "people": [{"since": "2015-01-01", "count": 3}]}
    assert api.post(f"{BASE}/household", json=home).status_code == 200
    assert api.post(f"{BASE}/household/numbers", json=numbers).status_code == 200
    ref, log_key = ref_of(city, person), signing_key.signing_key(city.house.settings.data).private_bytes_raw()
    city.call(backups.backup(city.house, tmp_path / "backup"))
    city.stop()

    moved = Movable(tmp_path, city.clock, tmp_path / "moved")
    desk.restore(moved.settings, tmp_path / "backup")
    moved.start()
    try:
        assert ref_of(moved, person) == ref
        assert signing_key.signing_key(moved.house.settings.data).private_bytes_raw() == log_key
        again = api_of(moved)
        scanned = again.post(f"{BASE}/acts/scan", json={"practice": "tumbler", "code": before}).json()
        assert scanned["code"] == "practice.replayed"  # the code of before is still a true one
        moved.clock.at += timedelta(minutes=40)
        assert partner_proof(moved, key, "after-the-move-01", receipt(moved, person, "R-2")).json()["code"] == "practice.proved"
        assert again.post(f"{BASE}/acts/scan", json={"practice": "tumbler", "code": code_at(moved)}).json()["won"] == 300
        assert again.get(f"{BASE}/wallet").json()["ref"] == ref
        other = citizen_of(moved, "neighbour")
        assert other.post(f"{BASE}/household", json=home).status_code == 200
        taken = other.post(f"{BASE}/household/numbers", json=numbers)
        assert taken.json()["code"] == "household.meter_taken"
    finally:
        moved.stop()


def test_no_file_of_the_city_keeps_anything_of_somebody_who_was_erased(city):
    key, api = opened(city), citizen_of(city)
    person, house = id_of(city), city.house
    api.post(f"{BASE}/memberships/green-life")
    partner_proof(city, key, "before-the-end-01", receipt(city, person, "R-of-the-erased"))
    with house.records.begin() as connection:
        judgement_records.put_weather(connection, [("st-01", date(2026, 1, 1), 0.0, "a" * 64)])
    home = {"consent": True, "station": "st-01", "since": "2015-01-01", "people": [{"since": "2015-01-01", "count": 3}]}
    assert api.post(f"{BASE}/household", json=home | {"place": ADDRESS}).status_code == 200
    page = "/ko/carbon/practices/refill"
    data = picture("2026:11:24 12:00:00", 5)
    csrf = api.get(page).text.partition('name="csrf" value="')[2].partition('"')[0]
    fields = {"csrf": csrf, "practice": "refill"}
    assert api.post("/ko/carbon/proof-photo", data=fields, files={"photo": ("a.jpg", data, "image/jpeg")}).status_code == 200
    assert len(city.call(photos_of(city))) == 1  # of a name that is chance, and that the store goes on knowing as deleted
    seen = look(data, house.city.zone)
    with house.records.read() as connection:
        code = practice_records.member(connection, person).code
    middle = len(seen.kept) // 2
    needles = {
        "address": ADDRESS.encode(), "member code": code.encode(), "photo": seen.pixels_sha256.encode(),
        "reference": b"R-of-the-erased", "bytes of the photo": seen.kept[middle : middle + 48],
    }  # fmt: skip
    assert Image.MIME["JPEG"] == "image/jpeg"
    found = files_with(house.settings.data, needles)
    assert {what for what, files in found.items() if not files} == set()  # the search finds what is there

    assert api.post(f"{BASE}/erasure", json={"waive": True}).json() == {"erased": True}
    watch = PracticeWatch(house)
    until(lambda: city.call(watch.look()) is None and city.call(photos_of(city)) == [])
    assert api.get(f"{BASE}/my-data").json()["household"] is None
    folder = house.settings.data
    city.stop()
    found = files_with(folder, needles)
    city.start()  # the fixture stops it
    assert found == {what: [] for what in needles}


def files_with(folder, needles):
    contents = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    return {what: sorted(name for name, content in contents.items() if needle in content) for what, needle in needles.items()}
