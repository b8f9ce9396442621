"""The whole ledger in a running city: what services measure becomes claims, tonnes, money and a proof anyone can check."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from city_running import until
from measured_city import AFTERNOON, BEFORE, SINCE, MeasuredCity

from dure.running import carbon_desk
from dure.services.carbon.households import judgement_records

BAGS = 4
METHODS = {
    "building-saving@1": "A",
    "pv-generation@1": "A",
    "collection-avoided@1": "A",
    "charging-renewable@1": "B",
    "charging-avoided-fuel@1": "B",
    "recycled-mass@1": "B",
}
BUDGET_WON, PER_TONNE_WON = 2_000_000, 150_000
COMPANY = {"id": "acme", "name_ko": "가나정밀", "name_en": "Acme", "business_number": "124-81-00998"}


class Ledger(MeasuredCity):
    """As people and outsiders see its ledger."""

    def claims(self, **wanted: str) -> list[dict[str, Any]]:
        items = self.asked("officer", "GET", "/carbon/claims", params={"limit": 1_000} | wanted)["items"]
        return list(items)

    def by_method(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self.claims():
            found.setdefault(one["method"], []).append(one)
        return found

    def public(self, path: str) -> httpx.Response:
        """What anyone is given, without an account."""
        return httpx.get(f"{self.url}/api/v1/carbon/{path}", timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = Ledger(tmp_path_factory.mktemp("ledger")).begun()
    yield one
    one.stop()


def test_1_what_five_services_measure_becomes_claims_by_itself(city):
    city.calendar()
    city.hall_until(SINCE, BEFORE)
    city.measure()
    city.clock.at = AFTERNOON
    city.hall_until(BEFORE, AFTERNOON)
    assert city.weather_told() > 400  # all that the station ever sent
    assert city.saved() == 2  # April and May
    assert city.collected() == 31
    city.charged()
    city.weighed(BAGS)
    found = until(lambda: one if set(one := city.by_method()) == set(METHODS) else None, 60)
    found = until(lambda: one if len((one := city.by_method())["recycled-mass@1"]) == BAGS else None)
    assert {name: {one["tier"] for one in rows} for name, rows in found.items()} == {
        name: {tier} for name, tier in METHODS.items()
    }
    assert {one["state"] for one in city.claims(tier="A")} == {"reserved"}  # a person has not looked yet
    assert all(one["grams"] > 0 and len(one["readings_sha256"]) == 64 for one in city.claims())
    assert city.asked("officer", "GET", "/carbon/intake")["items"] == []  # nothing waits


def test_2_days_of_weather_are_told_and_kept_for_homes(city):
    def kept():
        with city.house.records.read() as connection:
            return judgement_records.weather_days(
                connection, "sky", AFTERNOON.date() - timedelta(days=10), AFTERNOON.date() - timedelta(days=1)
            )

    days = until(kept, 75)
    assert len(days) == 9
    assert all(-30 < mean_c < 40 for mean_c, _ in days.values())


def test_3_money_comes_in_and_a_person_awards_tier_a(city):
    city.asked("officer", "POST", "/carbon/programmes/green-practice/deeds", status=201, json={"deed": "fund", "won": 5_000_000})
    city.asked("admin", "POST", "/carbon/companies", status=201, json=COMPANY)
    money = {"won": 3_000_000, "receipt": "2026-1"}
    city.asked("officer", "POST", "/carbon/companies/acme/money", status=201, json=money)
    offer = {
        "title_ko": "검증된 1톤마다", "target_kind": "programme", "target": "city-verified", "start": "2026-01-01T00:00:00Z",
        "end": "2027-01-01T00:00:00Z", "budget_won": BUDGET_WON, "programme": "green-practice", "won_per_tonne": PER_TONNE_WON,
    }  # fmt: skip
    held = city.asked("admin", "POST", "/carbon/companies/acme/sponsorships", status=201, json=offer)
    city.sponsorship = held["sponsorship"]["id"]
    city.asked("officer", "POST", f"/carbon/sponsorships/{city.sponsorship}/accept")
    waiting = [one["id"] for one in city.claims(tier="A")]
    done = city.asked("officer", "POST", "/carbon/decisions", json={"claims": waiting, "verdict": "award"})["items"]
    assert Counter(one["state"] for one in done) == {"awarded": len(waiting)}


def test_4_escrow_is_released_for_what_was_verified_and_the_board_shows_both(city):
    grams = sum(one["grams"] for one in city.claims(tier="A", state="awarded"))
    due = min(BUDGET_WON, grams * PER_TONNE_WON // 1_000_000)
    assert 0 < due < BUDGET_WON

    def released():
        told = city.asked("officer", "GET", f"/carbon/sponsorships/{city.sponsorship}")
        return told if told["held"]["released_won"] == due else None

    told = until(released, 60)
    assert {one["claim"] for one in told["results"]} == {one["id"] for one in city.claims(tier="A", state="awarded")}
    city.board_made()
    board = city.public("board").json()
    assert (board["in_city_won"], board["in_companies_won"], board["released_won"]) == (5_000_000, 3_000_000, due)
    assert board["escrow_won"] == BUDGET_WON - due
    assert board["grams_a"] == grams
    assert board["grams_b"] == sum(one["grams"] for one in city.claims(tier="B", state="awarded"))
    assert board["checkpoint"]["size"] > 0


def test_5_an_outsider_takes_a_bundle_and_checks_it_in_a_process_of_its_own_offline(city, tmp_path):
    keys = city.public("log/keys").json()
    size = int(city.public("log/checkpoint").text.splitlines()[1])
    assert size >= len(city.claims())
    verifier = tmp_path / "dure_verify.py"
    verifier.write_bytes(city.public("log/verifier").content)
    for one in city.claims():
        ident = one["id"]
        bundle = until(lambda ident=ident: sealed(city, ident))
        (tmp_path / "bundle.json").write_bytes(bundle)
        code, told = checked(verifier, tmp_path / "bundle.json", keys["keys"][-1]["vkey"])
        assert (code, told.count("NO ")) == (0, 0), told
        assert f"{one['grams']:,}" in told or str(one["grams"]) in told, (one["grams"], told)


def test_6_a_changed_digit_is_found(city, tmp_path):
    one = city.by_method()["building-saving@1"][0]
    verifier = tmp_path / "dure_verify.py"
    verifier.write_bytes(city.public("log/verifier").content)
    good = sealed(city, one["id"]).decode()
    grams = str(one["grams"])
    assert grams in good
    more = str(one["grams"] + 1)
    for wrong in (good.replace(grams, more), good.replace(grams, more, 1), swapped(good, one["readings_sha256"])):
        (tmp_path / "bundle.json").write_text(wrong, "utf-8")
        code, told = checked(verifier, tmp_path / "bundle.json")
        assert code == 1, told
        assert "NO " in told


def test_7_the_books_add_up(city):
    found = carbon_desk.check(city.settings)
    assert found.sound, found.problems
    held = carbon_desk.balance(city.settings, "held/city", "")
    awarded = sum(one["grams"] for one in city.claims(state="awarded"))
    assert held.credits_posted - held.debits_posted == awarded


def sealed(city, ident):
    """The bundle of a claim, once the log has it under a checkpoint."""
    answer = httpx.get(f"{city.url}/api/v1/carbon/log/bundles/claim/{ident}", timeout=60)
    return answer.content if answer.status_code == 200 else None


def checked(verifier: Path, bundle: Path, key: str = "") -> tuple[int, str]:
    """What the one-file verifier says: no packages of ours in reach, and no network asked for."""
    words = [sys.executable, "-I", "-S", str(verifier), str(bundle), *(["--key", key] if key else [])]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=bundle.parent, env={}, check=False)
    return done.returncode, done.stdout + done.stderr


def swapped(text: str, digest: str) -> str:
    """One digit of the readings' digest is another."""
    at = text.index(digest)
    other = "0" if text[at] != "0" else "1"
    return text[:at] + other + text[at + 1 :]
