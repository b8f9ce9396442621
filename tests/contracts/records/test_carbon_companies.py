"""Companies and sponsorships on both engines: what is kept once, and where every won is."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.carbon.companies import activity_records, company_records, right_records, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.activity import Activity, keys
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.programmes import programmes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BY = By("person-1", NOW)
ACME = Company(id="acme", name=Text("에이크미"), business_number="1248100998")
BETA = Company(id="beta", name=Text("베타"), business_number="2208162517")
BILL = Activity(
    id="act-1", company="acme", kind="electricity", start=date(2026, 1, 1), end=date(2026, 2, 1), value="10", unit="kWh",
    meter="01", number="B1",
)  # fmt: skip
RULES = sponsoring_rules(NOW.date())
OFFER = Sponsorship(
    id="spn-1", company="acme", title=Text("단열"), target_kind="source", target="building/hall", start=NOW,
    end=NOW + timedelta(days=100), budget_won=1_000_000, programme="city-verified", won_per_tonne=100_000,
)  # fmt: skip


def two_companies(records):
    with records.begin() as connection:
        company_records.put(connection, ACME, BY)
        company_records.put(connection, BETA, BY)


def claim(number, grams=1_000_000, tier="A", source="building/hall"):
    start = NOW + timedelta(days=number)
    stretch = Stretch(source=source, attribute="energy_saving", start=start, end=start + timedelta(days=1))
    return Claim(
        id=f"clm-{number}", event="e", stretches=(stretch,), programme="city-verified", holder="city", tier=tier, quantity=1,
        unit="Wh", grams=grams, point_grams=grams, won=0, method="m@1", factors=(), readings_sha256="0" * 64, made_at=NOW,
        state="awarded",
    )  # fmt: skip


def won(connection, account):
    try:
        return posting.balance(connection, account.id).available
    except NotFound:
        return 0


def where(connection):
    """Won in company, escrow and budget of the sponsorship."""
    return tuple(
        won(connection, one) for one in (accounts.company("acme"), accounts.escrow("spn-1"), accounts.budget("city-verified"))
    )


def running(records, **change):
    two_companies(records)
    with records.begin() as connection:
        sponsoring_desk.pay_in(connection, "acme", 3_000_000, "R-1", BY)
        sponsoring_desk.offer(connection, msgspec.structs.replace(OFFER, **change), RULES, BY, programmes(NOW.date()))
        sponsoring_desk.accept(connection, "spn-1", BY)


def counted(records, *claims):
    with records.begin() as connection:
        return sponsoring_desk.count(connection, claims, {}, LATER)


def test_a_profile_is_kept_beside_those_before_it(records):
    two_companies(records)
    renamed = msgspec.structs.replace(ACME, name=Text("새 이름"))
    with records.begin() as connection:
        assert company_records.put(connection, renamed, By("person-1", LATER)) == 2
        assert company_records.get(connection, "acme") == renamed
        assert company_records.get(connection, "acme", NOW) == ACME
        assert [one.id for one in company_records.listing(connection).items] == ["acme", "beta"]


def test_a_business_number_belongs_to_one_company(records):
    two_companies(records)
    with records.begin() as connection, pytest.raises(Conflict) as caught:
        company_records.put(connection, msgspec.structs.replace(ACME, id="other"), BY)

    assert caught.value.code == "company.number_taken"


def test_a_person_and_a_customer_number_belong_to_one_company(records):
    two_companies(records)
    with records.begin() as connection:
        company_records.join(connection, "acme", "person-1", BY)
        company_records.join(connection, "acme", "person-1", BY)
        assert company_records.bind(connection, "electricity:01", "acme", "", BY) == "acme"
        assert company_records.bind(connection, "electricity:01", "beta", "", BY) == "acme"
        assert company_records.owners(connection, ["electricity:01", "electricity:02"]).keys() == {"electricity:01"}
        with pytest.raises(Conflict):
            company_records.join(connection, "beta", "person-1", BY)
        assert company_records.release(connection, "electricity:01", "acme")
        assert company_records.bind(connection, "electricity:01", "beta", "", BY) == "beta"


def test_a_bill_is_kept_once_over_all_companies_until_it_is_undone(records):
    other = msgspec.structs.replace(BILL, id="act-2", company="beta")
    with records.begin() as connection:
        assert activity_records.add(connection, [(BILL, keys(BILL))], "imp-1", NOW) == {}
    with records.begin() as connection:
        assert set(activity_records.add(connection, [(other, keys(other))], "imp-2", NOW).values()) == {"acme"}
        connection.rollback()
    with records.begin() as connection:
        assert activity_records.end(connection, "beta", ["act-1"], LATER) == 0
        assert activity_records.end(connection, "acme", ["act-1"], LATER) == 1
        assert activity_records.add(connection, [(other, keys(other))], "imp-2", LATER) == {}
        assert activity_records.standing(connection, "acme") == []
        assert activity_records.standing(connection, "acme", as_of=NOW) == [BILL]


def test_of_many_who_bring_one_bill_at_once_one_has_it(records):
    def bring(number: int) -> bool:
        one = msgspec.structs.replace(BILL, id=f"act-{number}", company=f"c{number}")
        with records.begin() as connection:
            taken = activity_records.add(connection, [(one, keys(one))], f"imp-{number}", NOW)
            if taken:
                connection.rollback()
            return not taken

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(bring, range(24))) == 1
    with records.read() as connection:
        assert len(activity_records.holders(connection, keys(BILL))) == 2


def test_hours_are_kept_as_they_were_known(records):
    first = datetime(2026, 1, 1, 15, tzinfo=UTC)
    hours = {first + timedelta(hours=i): 100 + i for i in range(30)}
    with records.begin() as connection:
        right_records.add_hours(connection, "load/acme/01", "acme", hours, NOW)
        right_records.add_hours(connection, "load/acme/01", "acme", {first: 7}, LATER)
        after = first + timedelta(hours=31)

        assert right_records.hours_of(connection, "load/acme/01", first, after) == ([7, *range(101, 130), 0], 1)
        assert right_records.hours_of(connection, "load/acme/01", first, after, NOW)[0][0] == 100
        assert right_records.series_of(connection, company="acme") == [("load/acme/01", "2026-01-01", "2026-01-02")]
        assert right_records.owner_of_series(connection, "load/acme/01") == "acme"


def test_contracts_are_ended_not_lost(records):
    one = Contract(
        id="ctr-1", company="acme", kind="ppa", source="plant/1", start=date(2026, 1, 1), end=date(2027, 1, 1), share_ppm=5
    )
    with records.begin() as connection:
        right_records.add_contract(connection, one, NOW)
        assert right_records.contracts_of(connection, source="plant/1") == [one]
        right_records.end_contract(connection, "acme", "ctr-1", LATER)
        assert right_records.contracts_of(connection, company="acme") == []
        assert right_records.contracts_of(connection, company="acme", as_of=NOW) == [one]
        with pytest.raises(NotFound):
            right_records.end_contract(connection, "acme", "ctr-1", LATER)


def test_an_offer_reserves_money_that_must_be_there(records):
    two_companies(records)
    with records.begin() as connection:
        sponsoring_desk.pay_in(connection, "acme", 1_500_000, "R-1", BY)
        sponsoring_desk.pay_in(connection, "acme", 1_500_000, "R-1", BY)
        sponsoring_desk.offer(connection, OFFER, RULES, BY, programmes(NOW.date()))
        assert where(connection) == (500_000, 0, 0)
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        sponsoring_desk.offer(connection, msgspec.structs.replace(OFFER, id="spn-2"), RULES, BY, programmes(NOW.date()))
    assert caught.value.code == "sponsor.funds"
    with records.begin() as connection:
        sponsoring_desk.turn_down(connection, "spn-1", "declined", BY)
        assert where(connection) == (1_500_000, 0, 0)
        with pytest.raises(Conflict):
            sponsoring_desk.accept(connection, "spn-1", BY)


@pytest.mark.parametrize(("amount", "receipt"), [(0, "R"), (-5, "R"), (10**13, "R"), (5, " "), (5, "R" * 61)])
def test_money_that_cannot_have_come_is_refused(records, amount, receipt):
    two_companies(records)
    with records.begin() as connection, pytest.raises(InputError) as caught:
        sponsoring_desk.pay_in(connection, "acme", amount, receipt, BY)

    assert caught.value.code == "sponsor.amount"


def test_verified_tonnes_release_their_money_and_the_rest_goes_back(records):
    running(records)

    assert counted(records, claim(1), claim(2, 500_000)) == ["spn-1"]
    assert counted(records, claim(1), claim(2, 500_000)) == []  # each claim once
    with records.begin() as connection:
        assert where(connection) == (2_000_000, 850_000, 150_000)
        held = sponsoring_desk.close(connection, "spn-1", LATER)
        assert where(connection) == (2_850_000, 0, 150_000)
        assert (held.state, held.released_won, held.counted_g) == ("ended", 150_000, 1_500_000)
        assert [one.state for one in sponsor_records.steps_of(connection, "spn-1")] == ["offered", "running", "running", "ended"]


def test_money_that_runs_out_is_spent_to_the_last_won_and_no_further(records):
    running(records)

    counted(records, claim(1, 7_000_000), claim(2, 7_000_000), claim(3, 7_000_000))

    with records.read() as connection:
        assert where(connection) == (2_000_000, 0, 1_000_000)
        assert sponsor_records.get(connection, "spn-1").counted_g == 10_000_000


def test_a_claim_is_shared_by_money_and_never_counted_twice(records):
    running(records)
    with records.begin() as connection:
        sponsoring_desk.pay_in(connection, "beta", 3_000_000, "R-9", BY)
        sponsoring_desk.offer(
            connection,
            msgspec.structs.replace(OFFER, id="spn-2", company="beta", budget_won=3_000_000),
            RULES,
            BY,
            programmes(NOW.date()),
        )
        sponsoring_desk.accept(connection, "spn-2", BY)

    counted(records, claim(1, 1_000_001))

    with records.read() as connection:
        results = {one.sponsorship: (one.grams, one.claims) for one in sponsor_records.results_of(connection)}
        assert results == {"spn-1": (250_000, 0), "spn-2": (750_001, 1)}


def test_a_withdrawn_claim_counts_no_longer_and_makes_up_against_later_ones(records):
    running(records)
    counted(records, claim(1), claim(2))
    with records.begin() as connection:
        assert sponsoring_desk.take_back(connection, "clm-1", LATER) == ["spn-1"]
        assert sponsoring_desk.take_back(connection, "clm-1", LATER) == []
        assert where(connection) == (2_000_000, 800_000, 200_000)

    counted(records, claim(3, 500_000))
    with records.begin() as connection:
        assert where(connection) == (2_000_000, 800_000, 200_000)
        sponsoring_desk.close(connection, "spn-1", LATER)
        assert where(connection) == (2_850_000, 0, 150_000)


def test_what_the_programme_has_spent_already_does_not_come_back_and_is_said(records):
    running(records)
    counted(records, claim(1))
    spend = Transfer(id="spend", debit="budget/city-verified", credit="wallet/x", amount=100_000, unit="KRW")
    with records.begin() as connection:
        posting.post(connection, [[spend]], LATER, posting.named(accounts.wallet("x")))
        sponsoring_desk.take_back(connection, "clm-1", LATER)
        sponsoring_desk.close(connection, "spn-1", LATER)
        assert where(connection) == (2_900_000, 0, 0)
        assert sponsor_records.steps_of(connection, "spn-1")[-1].facts["not_returned"] == "ledger.overdrawn"


def test_grams_go_to_the_company_by_contract_only(records):
    running(records, transfers=True, contract="2026-17")
    grams = Transfer(id="g", debit="world/city-verified", credit="held/city", amount=5_000_000, unit="gCO2e")
    known = posting.named(accounts.world("city-verified"), accounts.held("city"))
    with records.begin() as connection:
        posting.post(connection, [[grams]], LATER, known)

    counted(records, claim(1))
    with records.begin() as connection:
        assert posting.balance(connection, "held/company/acme").available == 1_000_000
        sponsoring_desk.take_back(connection, "clm-1", LATER)
        assert posting.balance(connection, "held/company/acme").available == 0
        assert posting.balance(connection, "held/city").available == 5_000_000


def test_milestones_pay_for_tiers_without_tonnes_by_number(records):
    running(records, tier="C", won_per_tonne=0, milestones=(Milestone(won=300_000, claims=2), Milestone(won=600_000, claims=9)))

    counted(records, claim(1, 0, "C"))
    assert counted(records, claim(2, 0, "C")) == ["spn-1"]

    with records.read() as connection:
        assert where(connection) == (2_000_000, 700_000, 300_000)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A file of records with a running sponsorship, copied for each example."""
    file = tmp_path_factory.mktemp("sponsor") / "records.db"
    store = Records(f"sqlite:///{file}")
    store.migrate()
    running(store)
    store.close()
    return file


def done(connection, deed, number, grams):
    """One deed; what is closed is not closed again."""
    if deed == "count":
        sponsoring_desk.count(connection, [claim(number, grams)], {}, LATER)
    elif deed == "back":
        sponsoring_desk.take_back(connection, f"clm-{number}", LATER)
    elif sponsor_records.get(connection, "spn-1").state == "running":
        sponsoring_desk.close(connection, "spn-1", LATER)


DEEDS = st.tuples(st.sampled_from(("count", "back", "close")), st.integers(1, 6), st.integers(0, 4_000_000))


@given(st.lists(DEEDS, max_size=12))
@settings(max_examples=12, deadline=None)
def test_whatever_happens_every_won_is_somewhere(migrated, deeds):
    file = migrated.with_name("example.db")
    for old in migrated.parent.glob("example.db*"):
        old.unlink()
    shutil.copy(migrated, file)
    records = Records(f"sqlite:///{file}")
    for deed in deeds:
        with records.begin() as connection:
            done(connection, *deed)
    with records.read() as connection:
        assert sum(where(connection)) == 3_000_000
        assert min(where(connection)) >= 0
    records.close()
