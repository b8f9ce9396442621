"""Events of the services become claims, each once, whatever order they come in; what cannot be says why and moves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from carbon_house import NOW, carbon_house, charging_day, folder_with, tell
from sqlalchemy import func, select
from told_events import building_saving, collection, evidence, generation, weighing

from dure.core.events import Event
from dure.engines.clock import FixedClock
from dure.engines.records import events
from dure.engines.records.tables_carbon_ledger import carbon_accounts, carbon_taken
from dure.services.carbon.claiming import claim_desk, claim_records, intake_records
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.rules import SHIPPED

FIRST, SECOND = "origin-cs-1-2026-11-22", "origin-cs-1-2026-11-22-1"
LESS = {"pv": 10_000, "ess_pv": 0, "ess_grid": 0, "grid": 90_000}


@pytest.fixture
def house(tmp_path):
    house = carbon_house(tmp_path)
    yield house
    house.records.close()


def looked(house, *told):
    """The watch after events were told and looked at."""
    tell(house, *told)
    watch = EventWatch(house)
    watch.look_once()
    return watch


def claims_of(house, method=""):
    with house.records.read() as connection:
        return [one for one in claim_desk.claims(connection) if one.method.startswith(method)]


def intake_of(house, ident):
    with house.records.read() as connection:
        return intake_records.find(connection, ident)


def on_books(house):
    """Grams credited and debited over all accounts, and what the city holds."""
    with house.records.read() as connection:
        rows = connection.execute(select(carbon_accounts)).all()
    sums = [sum(getattr(row, name) for row in rows) for name in ("credits_posted", "debits_posted")]
    held = sum(row.credits_posted - row.debits_posted for row in rows if row.id == "held/city")
    return (*sums, held)


def conserved(house):
    """Whether the books balance, and what is held is what claims say."""
    credited, debited, held = on_books(house)
    return credited == debited and held == sum(one.grams for one in claims_of(house) if one.state == "awarded")


def corrected(**more):
    return charging_day(SECOND, wh=LESS, data={"replaces": FIRST}, **more)


def test_a_charging_day_becomes_a_claim_with_grams_rounded_down(house):
    looked(house, charging_day())
    (claim,) = claims_of(house, "charging-renewable")
    assert (claim.quantity, claim.unit, claim.tier, claim.state) == (50_000, "Wh", "B", "awarded")
    assert claim.grams == 50 * 459_410 * 99 // 100 // 1_000
    assert claim.readings_sha256 == "a" * 64
    assert conserved(house)


@pytest.mark.parametrize(
    ("event", "method", "state", "grams"),
    [
        (building_saving(), "building-saving", "reserved", 1_000_000 - 155_840),
        (generation(), "pv-generation", "reserved", 42_000 * 45_941 * 99 // 10_000_000),
        (collection(), "collection-avoided", "reserved", None),
        (weighing(), "recycled-mass", "awarded", 8_712),
    ],
    ids=["building", "generation", "collection", "weighing"],
)
def test_each_kind_of_event_becomes_a_claim_of_its_tier(house, event, method, state, grams):
    looked(house, event)
    (claim,) = claims_of(house, method)
    assert claim.state == state
    assert 0 < claim.grams < claim.point_grams
    assert grams is None or claim.grams == grams
    assert intake_of(house, event.id).state == "taken"


def test_rules_begin_on_the_citys_own_day_not_on_that_of_greenwich(house, tmp_path):
    place = tmp_path / "city" / "rules" / "carbon"
    place.mkdir(parents=True)
    shipped = (SHIPPED / "programmes.toml").read_text("utf-8")
    (place / "programmes.toml").write_text(shipped.replace("2020-01-01", "2026-11-25"), "utf-8")
    house.city = carbon_house(tmp_path, city_folder=tmp_path / "city").city
    house.clock = FixedClock(datetime(2026, 11, 24, 14, 59, tzinfo=UTC))  # 23:59 in Seoul
    looked(house, building_saving())
    assert claims_of(house) == []

    house.clock = FixedClock(datetime(2026, 11, 24, 15, 30, tzinfo=UTC))  # 00:30 in Seoul
    EventWatch(house).look_once()

    (claim,) = claims_of(house, "building-saving")
    assert claim.state == "reserved"


def test_the_same_event_told_again_changes_nothing(house):
    watch = looked(house, charging_day())
    before = on_books(house)
    tell(house, charging_day())
    watch.look_once()
    assert on_books(house) == before


def test_two_watches_of_one_city_take_an_event_once(house):
    tell(house, charging_day())
    EventWatch(house).look_once()
    before = on_books(house)
    EventWatch(house).look_once()
    assert on_books(house) == before


def test_a_replacing_event_corrects_by_new_transfers(house):
    looked(house, charging_day())
    looked(house, corrected())
    old, new = sorted(claims_of(house, "charging-renewable"), key=lambda one: -one.quantity)
    assert (old.state, old.reason, new.state) == ("cancelled", "claim.replaced", "awarded")
    assert new.grams == 10 * 459_410 * 99 // 100 // 1_000
    assert conserved(house)


def test_a_replaced_event_that_comes_late_is_not_claimed(house):
    looked(house, corrected())
    looked(house, charging_day())
    (claim,) = claims_of(house, "charging-renewable")
    assert claim.event == SECOND
    assert intake_of(house, FIRST).state == "replaced"
    assert conserved(house)


def test_both_at_once_leave_the_newer_one_only(house):
    looked(house, corrected(time=datetime(2026, 11, 23, 15, 30, tzinfo=UTC)), charging_day())
    live = [one for one in claims_of(house, "charging-renewable") if one.state == "awarded"]
    assert [one.event for one in live] == [SECOND]
    assert conserved(house)


def test_a_correction_of_a_correction_leaves_the_last(house):
    third = charging_day("origin-cs-1-2026-11-22-2", wh=LESS | {"pv": 5_000}, data={"replaces": SECOND})
    for one in (charging_day(), corrected(), third):
        looked(house, one)
    live = [one for one in claims_of(house, "charging-renewable") if one.state == "awarded"]
    assert [one.event for one in live] == [third.id]
    assert conserved(house)


def test_a_retired_claim_that_is_replaced_is_corrected_from_where_it_lies(house):
    looked(house, building_saving())
    (claim,) = claims_of(house)
    with house.records.begin() as connection:
        claim_desk.award(connection, claim.id, "officer-1", NOW)
        claim_desk.retire(connection, claim.id, "officer-1", NOW)
    looked(house, building_saving("verified-again", grams=900_000, low_g=700_000, replaces=claim.event))
    states = {one.event: one.state for one in claims_of(house)}
    assert states == {claim.event: "cancelled", "verified-again": "reserved"}
    assert on_books(house)[0] == on_books(house)[1]


def test_a_factor_that_is_missing_parks_the_event_and_takes_it_up_when_it_comes(tmp_path):
    bare = folder_with(tmp_path / "city")
    text = bare / "rules" / "emissions" / "factors.toml"
    text.write_text(BARE, "utf-8")
    house = carbon_house(tmp_path, city_folder=bare)
    looked(house, charging_day())
    assert intake_of(house, FIRST).code == "claim.factor_missing"
    assert claims_of(house) == []
    whole = folder_with(tmp_path / "whole")
    house.city = carbon_house(tmp_path, city_folder=whole).city
    house.clock = FixedClock(NOW + timedelta(minutes=2))
    EventWatch(house).look_once()
    assert intake_of(house, FIRST).state == "taken"
    assert len(claims_of(house)) == 2
    house.records.close()


BARE = """id = "factors"
version = "bare"
name = { ko = "계수", en = "Factors" }

[[programmes]]
id = "NGMS"
effective_from = 2015-01-01
source = "test"
mark = "own choice"
order = ["NGMS"]
"""


def test_one_method_that_lacks_a_factor_does_not_hold_up_the_other(house, tmp_path):
    folder = folder_with(tmp_path / "city")
    pack = folder / "rules" / "emissions" / "factors.toml"
    pack.write_text(pack.read_text("utf-8").replace('kind = "gasoline"', 'kind = "another"'), "utf-8")
    house.city = carbon_house(tmp_path, city_folder=folder).city
    looked(house, charging_day())
    assert [one.method for one in claims_of(house)] == ["charging-renewable@1"]
    assert intake_of(house, FIRST).code == "claim.factor_missing"


FUTURE = {"interval": {"start": "2026-11-30T15:00:00Z", "end": "2026-12-01T15:00:00Z"}}
ANCIENT = {"interval": {"start": "2006-11-21T15:00:00Z", "end": "2006-11-22T15:00:00Z"}}


def with_evidence(event, **changes):
    rows = [one | changes for one in event.data["evidence"]]
    return msgspec.structs.replace(event, data=event.data | {"evidence": rows})


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (charging_day(time=NOW + timedelta(days=3)), "claim.time_future"),
        (with_evidence(charging_day(), **FUTURE), "claim.time_future"),
        (with_evidence(charging_day(), **ANCIENT), "claim.time_past"),
        (charging_day(time=datetime(2026, 11, 22, 12, 0, tzinfo=UTC)), "claim.time_reversed"),
        (charging_day(data={"evidence": []}), "claim.evidence_missing"),
        (charging_day(data={"evidence": [evidence(1, "Wh", {"start": "x", "end": "y"})]}), "claim.evidence_unreadable"),
        (charging_day(data={"wh": {"pv": "many", "ess_pv": 0, "ess_grid": 0, "grid": 0}}), "claim.evidence_unreadable"),
        (building_saving(confidence=0.5), "claim.confidence_unknown"),
        (building_saving(meters=[]), "claim.evidence_missing"),
        (building_saving(meters=["m-1", "../x y"]), "claim.evidence_unreadable"),
        (collection(savings={"km": {"mean": 1.0}, "fuel_l": {"mean": 1.0, "low": None}}), "claim.not_judged"),
        (weighing(material="uranium"), "claim.factor_missing"),
        (weighing(readings=["another reading"]), "claim.evidence_unreadable"),
        (charging_day(data={"readings": ["a" * 64, 5]}), "claim.evidence_unreadable"),
    ],
    ids=["told in the future", "of the future", "years ago", "told before it was over", "no evidence", "no interval", "no number",
         "odd confidence", "no meters", "odd meter", "too short", "unknown material",
         "other readings", "readings of no text"],
)  # fmt: skip
def test_what_cannot_be_decided_is_parked_with_a_code_and_moves_nothing(house, event, code):
    looked(house, event)
    found = intake_of(house, event.id)
    assert (found.state, found.code) == ("parked", code)
    assert claims_of(house) == []
    assert on_books(house) == (0, 0, 0)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (charging_day(wh={"pv": -5_000, "ess_pv": 0, "ess_grid": 0, "grid": 9_000}), "claim.negative"),
        (charging_day(wh={"pv": 10**12, "ess_pv": 0, "ess_grid": 0, "grid": 0}), "claim.absurd"),
        (weighing(mass_g=10**12), "claim.absurd"),
        (building_saving(low_g=1_500_000), "claim.absurd"),
        (building_saving(low_g=-900_000), "claim.not_shown"),
        (building_saving(grams=-100, low_g=-900_000), "claim.not_shown"),
    ],
    ids=["negative", "absurd charge", "absurd mass", "bound above the estimate", "crosses zero", "more than before"],
)
def test_what_cannot_be_true_is_refused_with_a_code_and_moves_nothing(house, event, code):
    looked(house, event)
    found = claims_of(house)
    assert found
    assert {(one.state, one.reason) for one in found} == {("refused", code)}
    assert on_books(house) == (0, 0, 0)
    with house.records.read() as connection:
        assert connection.execute(select(func.count()).select_from(carbon_taken)).scalar_one() == 0


def test_two_claims_of_one_kwh_are_refused_and_the_other_is_named(house):
    looked(house, charging_day())
    looked(house, charging_day("origin-cs-1-2026-11-22-told-twice"))
    first, second = sorted(claims_of(house, "charging-renewable"), key=lambda one: one.state)
    with house.records.read() as connection:
        why = claim_records.get(connection, second.id).why
    assert (second.state, second.reason) == ("refused", "claim.overlap")
    assert first.id in why.en
    assert conserved(house)


def test_solar_that_drove_vehicles_and_solar_that_was_exported_do_not_block_each_other(house):
    looked(house, charging_day(), generation())
    assert {one.method: one.state for one in claims_of(house)} == {
        "charging-renewable@1": "awarded", "charging-avoided-fuel@1": "awarded", "pv-generation@1": "reserved",
    }  # fmt: skip


def test_solar_behind_a_meter_is_not_claimed_beside_the_saving_of_that_meter(house):
    looked(house, building_saving())
    looked(house, generation(behind="bd-1/m-1"))
    states = {one.method: (one.state, one.reason) for one in claims_of(house)}
    assert states == {"building-saving@1": ("reserved", ""), "pv-generation@1": ("refused", "claim.overlap")}


def test_two_measures_on_different_meters_of_a_building_do_not_block_each_other(house):
    looked(house, building_saving(meters=["m-1"]), building_saving("verified-ms-2", measure="ms-2", meters=["m-2"]))
    assert [one.state for one in claims_of(house)] == ["reserved", "reserved"]


def test_a_source_that_is_counted_elsewhere_is_refused(house, tmp_path):
    folder = folder_with(tmp_path / "city")
    place = folder / "rules" / "carbon"
    place.mkdir(parents=True)
    (place / "exclusions.toml").write_text(EXCLUDED, "utf-8")
    house.city = carbon_house(tmp_path, city_folder=folder).city
    looked(house, generation())
    (claim,) = claims_of(house)
    assert (claim.state, claim.reason) == ("refused", "claim.excluded")
    assert on_books(house) == (0, 0, 0)


EXCLUDED = """id = "exclusions"
version = "test"
name = { ko = "제외", en = "Exclusions" }

[[exclusions]]
id = "rec-cs-1"
source_path = "charging/cs-1"
attributes = ["generation", "renewable"]
scheme = "REC"
effective_from = 2026-01-01
source = "contract"
mark = "verified source"
"""


def test_a_weighing_that_is_taken_back_withdraws_its_claim(house):
    looked(house, weighing())
    undone = Event(id="undone-wgh-1", type="carbon.weighing.undone", source="dure/carbon", time=NOW, data={"undoes": "wgh-1"})
    looked(house, undone)
    (claim,) = claims_of(house)
    assert (claim.state, claim.reason) == ("cancelled", "claim.replaced")
    assert on_books(house)[2] == 0


def test_a_claim_nobody_decides_about_in_time_is_released(house):
    looked(house, building_saving())
    house.clock = FixedClock(NOW + timedelta(days=31))
    EventWatch(house).look_once()
    (claim,) = claims_of(house)
    assert (claim.state, claim.reason) == ("refused", "claim.expired")
    with house.records.read() as connection:
        pending = connection.execute(select(func.sum(carbon_accounts.c.debits_pending))).scalar_one()
    assert (pending, on_books(house)[2]) == (0, 0)


def test_a_claim_is_told_as_an_event_and_stands_in_the_log(house):
    looked(house, charging_day())
    (claim,) = claims_of(house, "charging-renewable")
    with house.records.read() as connection:
        told = events.get(connection, f"{claim.id}-awarded")
    assert (told.type, told.data["grams"], told.subject) == ("carbon.claim.awarded", claim.grams, "cs-1")
