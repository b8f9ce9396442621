"""A household joins, its bills come in, the watch judges, the books pay, the figure explains itself, and all is erased."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from carbon_house import carbon_house, tell
from household_cases import HOME, PERIOD, bills_of, temperatures

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.events import Event
from dure.engines.records.audit import SYSTEM, By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.households import erasing, household_records, judgement_records, judging_desk
from dure.services.carbon.households.household_desk import HouseholdDesk, Joining
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.households.judging_desk import period_over
from dure.services.carbon.households.weather_keeping import OBSERVED
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Refused
from dure.services.carbon.rules import SHIPPED
from dure.services.carbon.transparency import commitments
from dure.spine.house import House

JOINED = datetime(2025, 12, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 25, tzinfo=UTC)
MINE, YOURS = By("person-1", JOINED), By("person-2", JOINED)
NUMBER = "01-2345-6789"
ASKED = Joining(station="st-1", home=HOME, place="동탄", consent=True)


def weather_event(day, mean_c, **changes):
    data = {"station": "st-1", "day": day.isoformat(), "mean_c": mean_c, "readings_sha256": "a" * 64} | changes
    at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)
    return Event(id=f"weather-{day}", type=OBSERVED, source="dure/environment", time=at, subject="st-1", data=data)


@pytest.fixture
def house(tmp_path):
    return home_city(tmp_path)


def home_city(tmp_path):
    """A house whose station is known, with a funded programme."""
    made = carbon_house(tmp_path, NOW)
    fund = Transfer(id="fund", debit="treasury", credit="budget/home-energy", amount=1_000_000, unit="KRW")
    named = posting.named(accounts.treasury(), accounts.budget("home-energy"))
    with made.records.begin() as connection:
        posting.post(connection, [[fund]], JOINED, named)
        days = temperatures(date(2023, 12, 1), date(2026, 7, 20))
        judgement_records.put_weather(connection, ((("st-1", day, mean_c, "a" * 64)) for day, mean_c in days.items()))
    return made


def joined(house, by=MINE, cut=0.33, source="entered", number=NUMBER):
    desk = HouseholdDesk(house)
    bills = [msgspec.structs.replace(one, source=source) for one in bills_of(cut=cut)]
    with house.records.begin() as connection:
        mine = desk.join(connection, ASKED, by)
        desk.bind(connection, "electricity", number, "kWh", by)
        answers = desk.enter(connection, bills, By(by.actor, NOW))
    assert {one.state for one in answers} == {"kept"}
    return mine


def only_judgement(house, household):
    with house.records.read() as connection:
        (found,) = judgement_records.of_household(connection, household.id)
    return found


def wallet(house, ref):
    with house.records.read() as connection:
        return posting.balance(connection, accounts.wallet(ref).id)


def test_what_a_person_entered_is_reserved_until_an_officer_says_yes(house):
    mine = joined(house)
    assert HouseholdWatch(house).look_once() == 1

    kept = only_judgement(house, mine)
    assert (kept.judgement.code, kept.judgement.won) == ("household.band", 15_000)
    assert wallet(house, mine.ref).credits_pending == 15_000
    with house.records.begin() as connection:
        claim_desk.award(connection, kept.claim, SYSTEM, NOW)
    assert wallet(house, mine.ref).credits_posted == 15_000


def test_what_a_supplier_brought_is_paid_at_once_and_only_once(house):
    mine = joined(house, source="partner")
    watch = HouseholdWatch(house)

    assert [watch.look_once(), watch.look_once()] == [1, 0]
    assert wallet(house, mine.ref).credits_posted == 15_000
    claim = house.records
    with claim.read() as connection:
        found = claim_desk.claim(connection, only_judgement(house, mine).claim)
    assert (found.state, found.tier, found.unit, found.programme) == ("awarded", "B", "Wh", "home-energy")
    assert found.grams == int(found.quantity * 0.45941)


def test_the_figure_of_a_half_year_is_judged_anew_and_agrees(house):
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    told = explain(house, f"carbon/household/{mine.ref}/2026H1")

    assert told.agrees
    assert told.amount == told.again > 0
    assert explain(house, told.parts[0].figure).agrees


def test_a_figure_whose_bill_was_altered_behind_its_back_does_not_agree(house):
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    kept = only_judgement(house, mine)
    bills = [msgspec.structs.replace(one, milli=one.milli + 1) for one in kept.basis.bills]
    altered = msgspec.structs.replace(kept, basis=msgspec.structs.replace(kept.basis, bills=tuple(bills)))
    with house.records.begin() as connection:
        judgement_records.put(connection, altered)

    assert not explain(house, f"carbon/household/{mine.ref}/2026H1").agrees


def test_nothing_of_a_home_stands_in_claim_or_event(house):
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    with house.records.read() as connection:
        claim = claim_desk.claim(connection, only_judgement(house, mine).claim)
    text = msgspec.json.encode(claim).decode()

    assert mine.ref in text
    assert not [word for word in (mine.id, mine.person, "0123456789", "동탄") if word in text]


def test_erasing_leaves_no_bill_and_no_way_back_but_the_books_whole(house):
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    claim = only_judgement(house, mine).claim
    with house.records.begin() as connection:
        assert erasing.erase(connection, mine.person)
        commitments.forget(connection, mine.person)
        assert not erasing.erase(connection, mine.person)
        assert household_records.bills_of(connection, mine.id) == []
        assert household_records.meters_of(connection, mine.id) == []
        assert judgement_records.of_household(connection, mine.id) == []
        assert claim_desk.claim(connection, claim).state == "awarded"

    assert wallet(house, mine.ref).credits_posted == 15_000
    with pytest.raises(NotFound):
        explain(house, f"carbon/household/{mine.ref}/2026H1")


def test_who_comes_back_after_erasing_is_not_paid_twice_for_a_half_year(house):
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    with house.records.begin() as connection:
        erasing.erase(connection, mine.person)
        commitments.forget(connection, mine.person)
    again = joined(house, source="partner")
    HouseholdWatch(house).look_once()

    assert again.ref != mine.ref
    assert only_judgement(house, again).judgement.code == "household.spent"
    with pytest.raises(NotFound):
        wallet(house, again.ref)
    assert explain(house, f"carbon/household/{again.ref}/2026H1").agrees


def test_one_customer_number_serves_one_household(house):
    joined(house)
    desk = HouseholdDesk(house)
    with house.records.begin() as connection:
        yours = desk.join(connection, ASKED, YOURS)
        found = desk.bind(connection, "electricity", "0123456789", "kWh", YOURS)
        assert isinstance(found, Refused)
        assert found.code == "household.meter_taken"
        assert household_records.meters_of(connection, yours.id) == []


def test_a_second_number_of_one_utility_and_a_number_that_is_none_are_refused(house):
    joined(house)
    desk = HouseholdDesk(house)
    with house.records.begin() as connection:
        with pytest.raises(Conflict, match="another customer number"):
            desk.bind(connection, "electricity", "9999999999", "kWh", MINE)
        with pytest.raises(InputError, match="4 to 30"):
            desk.bind(connection, "gas", "1;drop", "Nm3", MINE)
        with pytest.raises(InputError, match="not in"):
            desk.bind(connection, "gas", "12345", "kWh", MINE)


def test_two_bills_of_one_month_and_what_was_judged_are_refused(house):
    joined(house, source="partner")
    desk, bills = HouseholdDesk(house), bills_of(cut=0.33)
    with house.records.begin() as connection:
        assert desk.enter(connection, [bills[0]], MINE)[0].state == "same"
        other = msgspec.structs.replace(bills[0], milli=1)
        assert desk.enter(connection, [other], MINE)[0].code == "household.month_taken"
        assert desk.enter(connection, [other], MINE, replace=True)[0].state == "kept"
        mixed = msgspec.structs.replace(bills[1], unit="MJ")
        assert desk.enter(connection, [mixed], MINE, replace=True)[0].code == "household.unit_mixed"
    HouseholdWatch(house).look_once()
    with house.records.begin() as connection:
        late = msgspec.structs.replace(bills[-1], milli=1)
        assert desk.enter(connection, [late], By("person-1", NOW), replace=True)[0].code == "household.judged_already"
        with pytest.raises(Conflict):
            desk.drop(connection, "electricity", PERIOD.months[0], By("person-1", NOW))


def test_without_consent_and_without_a_household_nothing_is_kept(house):
    desk = HouseholdDesk(house)
    with house.records.begin() as connection:
        with pytest.raises(InputError, match="consent"):
            desk.join(connection, msgspec.structs.replace(ASKED, consent=False), MINE)
        with pytest.raises(InputError, match="station"):
            desk.join(connection, msgspec.structs.replace(ASKED, station="nowhere"), MINE)
        with pytest.raises(NotFound):
            desk.enter(connection, bills_of(), MINE)
        with pytest.raises(NotFound):
            desk.bring(connection, "electricity", NUMBER, bills_of(), MINE)


def test_who_takes_consent_back_is_not_judged_and_gets_no_more_bills(house):
    mine = joined(house)
    desk = HouseholdDesk(house)
    with house.records.begin() as connection:
        desk.leave(connection, By("person-1", NOW))
        with pytest.raises(NotFound):
            desk.bring(connection, "electricity", NUMBER, bills_of(), MINE)
    assert HouseholdWatch(house).look_once() == 0
    with house.records.read() as connection:
        assert judgement_records.of_household(connection, mine.id) == []


def test_who_joined_after_the_half_year_began_waits_for_the_next(house):
    joined(house, By("person-3", datetime(2026, 4, 1, tzinfo=UTC)))

    assert HouseholdWatch(house).look_once() == 0


def test_a_budget_that_is_gone_refuses_the_claim_and_keeps_the_judgement(house):
    with house.records.begin() as connection:
        drain = Transfer(id="drain", debit="budget/home-energy", credit="paid/home-energy", amount=990_000, unit="KRW")
        posting.post(connection, [[drain]], JOINED, posting.named(accounts.paid("home-energy")))
    mine = joined(house, source="partner")
    HouseholdWatch(house).look_once()
    kept = only_judgement(house, mine)
    with house.records.read() as connection:
        claim = claim_desk.claim(connection, kept.claim)

    assert kept.judgement.code == "household.band"
    assert claim.state == "refused"
    assert claim.reason.startswith("ledger.")


def test_bills_that_come_late_are_judged_when_they_are_there(house):
    desk, bills = HouseholdDesk(house), bills_of(cut=0.33)
    with house.records.begin() as connection:
        mine = desk.join(connection, ASKED, MINE)
        desk.bind(connection, "electricity", NUMBER, "kWh", MINE)
        desk.enter(connection, bills[:-3], By("person-1", NOW))
    watch = HouseholdWatch(house)
    assert watch.look_once() == 1
    assert only_judgement(house, mine).judgement.code == "household.months_missing"
    with house.records.begin() as connection:
        desk.enter(connection, bills[-3:], By("person-1", NOW))
    assert watch.look_once() == 0  # it looks again after a day
    with house.records.read() as connection:
        due = judgement_records.due(connection, "2026H1", NOW, (("household.months_missing",), NOW), 9)
    assert due == [(mine.id, "electricity")]


def test_weather_days_are_kept_from_events_and_the_first_word_stands(house):
    day = date(2026, 7, 21)
    tell(house, weather_event(day, 25.5), weather_event(date(2026, 7, 22), 999.0), weather_event(date(2026, 7, 23), "x"))
    tell(house, msgspec.structs.replace(weather_event(day, 1.0), id="again"))
    HouseholdWatch(house).look_once()
    with house.records.read() as connection:
        found = judgement_records.weather_days(connection, "st-1", day, date(2026, 8, 1))

    assert list(found) == [day]
    assert found[day][1] == "a" * 64


def test_a_half_year_is_judged_when_its_bills_should_be_there(house):
    days = [datetime(2026, 7, 20, 14, tzinfo=UTC), datetime(2026, 7, 20, 15, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)]

    assert [str(period_over(house, one)) for one in days] == ["None", "2026H1", "2026H1"]


def test_what_chance_looks_like_is_measured_before_consent_alone(house):
    joined(house)

    assert judging_desk.measure_times(house, PERIOD, "electricity")[1] == 0  # consent came within the half-year before


def test_nobody_gets_more_in_a_year_than_the_programme_gives(house, tmp_path):
    shipped = (SHIPPED / "programmes.toml").read_text("utf-8")
    place = tmp_path / "city" / "rules" / "carbon"
    place.mkdir(parents=True)
    (place / "programmes.toml").write_text(shipped.replace("person_year_won = 60000", "person_year_won = 14999"), "utf-8")
    parts = {name: getattr(house, name) for name in House.__slots__}
    strict = House(**(parts | {"city": dataclasses.replace(house.city, folder=tmp_path / "city")}))
    mine = joined(strict, source="partner")
    HouseholdWatch(strict).look_once()

    assert only_judgement(strict, mine).judgement.code == "household.year_limit"
    assert explain(strict, f"carbon/household/{mine.ref}/2026H1").agrees
