"""A person with all a person can have is erased: every table, and on SQLite every byte of the file, is searched for them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from carbon_practice_world import BY, NOW, available, conserved, fund, photo, proof, setting
from sqlalchemy import Connection, delete, select, text

from dure.core.errors import NotFound
from dure.engines.identity.people import People
from dure.engines.records.audit import By
from dure.engines.records.tables import metadata
from dure.engines.records.tables_carbon_ledger import carbon_pending
from dure.engines.records.tables_carbon_transparency import carbon_commitments
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.households import judgement_records
from dure.services.carbon.households.household_desk import HouseholdDesk, Joining
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.practising import (
    bag_desk,
    elsewhere_records,
    erasing,
    group_records,
    photo_desk,
    photo_index,
    practice_desk,
    practice_records,
)
from dure.services.carbon.practising.photo_index import PhotoIndex
from dure.services.carbon.practising.signing import compared, comparing_key
from dure.services.carbon.transparency import commitments

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "services" / "carbon"))
from carbon_house import carbon_house
from household_cases import HOME, bills_of, temperatures

JOINED = datetime(2025, 12, 1, tzinfo=UTC)
LOGIN, NAME = "erased-login-kim", "김지움"
ADDRESS, CUSTOMER, THEIR_NUMBER = "반송동 시범한빛마을 77-1", "09-8765-4321", "GG-55501234"
GROUP, BAG = "지움이네 가족", "bag-of-erased-1"
ACCOUNT_TABLES = {"people", "sessions"}  # the account itself: it is closed by whoever administers accounts


@pytest.fixture
def house(records, tmp_path):
    """A house on the engine's own records, with weather and money."""
    (tmp_path / "house").mkdir()
    made = carbon_house(tmp_path / "house", NOW)
    made.records.close()
    made.records, made.people = records, People(records, made.clock)
    fund(records)
    fund(records, programme="home-energy", receipt="D-2")
    with records.begin() as connection:
        days = temperatures(date(2023, 12, 1), date(2026, 7, 20))
        judgement_records.put_weather(connection, ((("st-1", day, mean_c, "a" * 64)) for day, mean_c in days.items()))
    return made


def a_life(house) -> tuple[str, dict[str, str]]:
    """Somebody who does all there is; their person id, and every word that could lead to them."""
    person = house.people.add(LOGIN, NAME, "a rather long one 42", ["citizen"], BY).id
    desk, index, seen = HouseholdDesk(house), PhotoIndex(), photo(3, NOW + timedelta(minutes=1))
    with house.records.begin() as connection:
        home = desk.join(connection, Joining(station="st-1", home=HOME, place=ADDRESS, consent=True), By(person, JOINED))
        meter = desk.bind(connection, "electricity", CUSTOMER, "kWh", By(person, JOINED))
        desk.enter(connection, bills_of(cut=0.33), By(person, NOW))
        practice_desk.join(connection, person, "green-life", setting())
        practice_desk.start(connection, person, "refill", setting())
        practice_desk.prove(connection, person, "tumbler", proof(once="partner/cafe/R-erased-1"), setting())
        their_hash = compared(comparing_key(bytes(32), "gg-pass"), THEIR_NUMBER)
        elsewhere_records.consent(connection, person, "gg-pass", their_hash, NOW)
        bag_desk.take(connection, person, BAG, setting())
        group = group_records.make_group(connection, person, GROUP, NOW)
    at = setting(NOW + timedelta(minutes=5))
    with house.records.begin() as connection:
        sent = photo_desk.Sent("refill", seen, "carbon/practice/erased.jpg")
        act = photo_desk.prove(connection, person, sent, at, index)
        assert act.state in ("awarded", "doubtful")
    assert HouseholdWatch(house).look_once() == 1
    with house.records.read() as connection:
        (told,) = judgement_records.of_household(connection, home.id)
        assert claim_desk.claim(connection, told.claim).state == "reserved"
        member = practice_records.member(connection, person)
        salt = connection.execute(select(carbon_commitments.c.salt).where(carbon_commitments.c.person == person)).scalar_one()
        hashes = connection.execute(text("SELECT across, down FROM carbon_practice_photos")).one()
    assert all(hashes)
    return person, {
        "login": LOGIN, "name": NAME, "address": ADDRESS, "customer number": CUSTOMER, "plain number": "0987654321",
        "number elsewhere": THEIR_NUMBER, "hash of it": their_hash, "member code": member.code, "salt": bytes(salt).hex(),
        "group": GROUP, "group code": group.code, "photo": seen.pixels_sha256, "photo across": str(hashes.across),
        "photo down": str(hashes.down), "blob": "carbon/practice/erased.jpg", "reference": "R-erased-1",
        "digest of the meter": meter.digest, "household": home.id, "ref": home.ref, "act": act.id,
    }  # fmt: skip


def dump(connection: Connection) -> dict[str, str]:
    """Every table, whole, as text: bytes as hex, Korean as Korean."""
    found = {}
    for table in metadata.sorted_tables:
        rows = connection.execute(select(table)).all()
        plain = [[one.hex() if isinstance(one, bytes) else one for one in row] for row in rows]
        found[table.name] = json.dumps(plain, ensure_ascii=False, default=str)
    return found


def where(house, needle: str) -> set[str]:
    with house.records.read() as connection:
        return {name for name, content in dump(connection).items() if needle in content}


def erased(house, person) -> None:
    with house.records.begin() as connection:
        erasing.erase(connection, person, setting(), waive=True)
        for one in photo_index.gone(connection):  # as the watch does once the bytes are deleted
            photo_index.settled(connection, one)


def test_before_erasure_the_search_finds_every_word_it_looks_for(house):
    _, words = a_life(house)
    hidden = {"customer number", "plain number", "number elsewhere"}  # only their digests were ever kept
    assert {what for what, needle in words.items() if not where(house, needle)} == hidden


def test_after_erasure_no_table_holds_anything_that_leads_to_the_person(house):
    person, words = a_life(house)
    erased(house, person)
    kept = {what: where(house, needle) for what, needle in words.items()}
    books = {"ref", "act"}  # what a claim stands in the name of, and rests on: random numbers now
    of_account = {"login": {"people", "audit"}, "name": {"people", "audit"}, "household": {"audit"}}
    assert {what: found for what, found in kept.items() if found - of_account.get(what, set()) and what not in books} == {
        "digest of the meter": {"carbon_household_spent"}  # keyed; so that one meter is not paid twice for a half-year
    }
    assert where(house, person) <= ACCOUNT_TABLES | {"audit"}
    assert kept["ref"] >= {"carbon_claims", "carbon_transfers"}
    for table in kept["ref"]:
        with house.records.read() as connection:
            assert person not in dump(connection)[table]


def test_erasure_releases_what_waits_for_a_home_and_conserves_the_books(house):
    person, words = a_life(house)
    with house.records.read() as connection:
        home_claim = next(claim_desk.claims(connection, programme="home-energy"))
    erased(house, person)
    with house.records.read() as connection:
        assert claim_desk.claim(connection, home_claim.id).state == "cancelled"
        assert connection.execute(select(carbon_pending)).all() == []
        assert check(connection).sound
        assert commitments.ref_of(connection, person) is None
    assert conserved(house.records)
    spent = available(house.records, accounts.budget("home-energy"))
    assert (spent, available(house.records, accounts.wallet(words["ref"]))) == (1_000_000, 0)
    with pytest.raises(NotFound):
        explain(house, f"carbon/household/{words['ref']}/2026H1")


def test_what_a_person_takes_along_holds_their_home_too(house):
    person, words = a_life(house)
    with house.records.read() as connection:
        found = erasing.export(connection, person)
        assert erasing.export(connection, "person-nobody")["household"] is None
    home = found["household"]
    assert (home["household"]["household"]["place"], len(home["bills"]), len(home["judgements"])) == (ADDRESS, 30, 1)
    assert [one["utility"] for one in home["meters"]] == ["electricity"]
    assert words["digest of the meter"] not in msgspec.json.encode(found).decode()


def test_a_group_others_are_in_stays_without_the_erased(house):
    person, words = a_life(house)
    with house.records.begin() as connection:
        group_records.join(connection, "person-other", words["group code"], NOW)
    erased(house, person)
    with house.records.read() as connection:
        assert [one.name for one in group_records.groups_of(connection, "person-other")] == [GROUP]


def test_a_bag_of_the_erased_is_nobody_elses_and_leads_to_nobody(house):
    person, words = a_life(house)
    erased(house, person)
    with house.records.read() as connection:
        assert words["ref"] not in dump(connection)["carbon_bags"]
    with house.records.begin() as connection, pytest.raises(Exception, match=r"weighing\.bag_taken"):
        bag_desk.take(connection, "person-other", BAG, setting())


def test_on_sqlite_not_even_the_bytes_of_the_file_tell_of_the_person(house):
    if not house.records.sqlite:
        pytest.skip("the pages of PostgreSQL are its own until it vacuums them")
    person, words = a_life(house)
    erased(house, person)
    with house.records.begin() as connection:  # close the account too, as an admin would
        for table in (metadata.tables["sessions"], metadata.tables["people"]):
            connection.execute(delete(table))
    file = Path(house.records.url.database)
    house.records.close()
    everything = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    for what in ("address", "member code", "group", "photo", "blob", "reference", "hash of it", "customer number"):
        assert words[what].encode() not in everything, what
    assert bytes.fromhex(words["salt"]) not in everything


def test_a_partner_that_was_told_the_code_of_the_erased_finds_nobody(house):
    person, words = a_life(house)
    erased(house, person)
    with house.records.read() as connection:
        assert practice_records.member_by_code(connection, words["member code"]) is None
