"""A company with bills, contracts, hours, a target and a sponsorship, as statements of it are drawn up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from carbon_house import NOW, carbon_house

from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Deed, Kept
from dure.services.carbon.companies import activity_records, company_records, right_records, sponsoring_desk
from dure.services.carbon.companies.activity import Activity, keys
from dure.services.carbon.companies.company import Company, Site
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.sponsoring import Sponsorship
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.companies.targets import Target
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.programmes import programmes
from dure.services.carbon.statements.statement import Question

EARLY = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)
BY = By("person-1", EARLY)
OFFICER = By("officer-1", NOW)
ACME = Company(
    id="acme", name=Text("에이크미 <주>", "Acme & Sons"), business_number="1248100998",
    sites=(Site(id="hq", name=Text("본사"), address="", floor_area_m2="1250.5"),),
)  # fmt: skip
YEAR = Question(subject="company/acme", first=date(2025, 1, 1), after=date(2026, 1, 1), as_of=NOW - timedelta(hours=1))
CITY = Question(subject="city", first=date(2025, 1, 1), after=date(2026, 1, 1), as_of=NOW - timedelta(hours=1))


def bill(number, kind="electricity", value="31000", unit="kWh", month=1, **more):
    start, end = date(2025, month, 1), date(2025 + month // 12, month % 12 + 1, 1)
    words = {"id": f"act-{number}", "company": "acme", "kind": kind, "start": start, "end": end, "value": value, "unit": unit}
    return Activity(**words | {"site": "hq", "number": f"B{number}"} | more)


BILLS = [
    *(bill(month, month=month) for month in range(1, 13)),
    bill(21, "city_gas", "42700", "MJ", basis="GCV"), bill(22, "diesel", "100", "L"), bill(23, "r410a", "2", "kg"),
    bill(24, "travel_ktx", "412", "pkm"), bill(25, "waste_landfill", "1.5", "t"), bill(26, "waste_recycling", "0.5", "t"),
    bill(27, "spend_goods", "1000000", "KRW"),
]  # fmt: skip


def bring(house, *rows, at=EARLY, brought="imp-1"):
    with house.records.begin() as connection:
        assert activity_records.add(connection, [(one, keys(one)) for one in rows], brought, at) == {}


def claim(number, grams=1_000_000, tier="A", holder="city"):
    start = datetime(2025, 6, number, tzinfo=UTC)
    stretch = Stretch(source="building/hall", attribute="energy_saving", start=start, end=start + timedelta(days=1))
    return Claim(
        id=f"clm-{number:020x}", event="e", stretches=(stretch,), programme={"A": "city-verified", "B": "city-estimated"}[tier],
        holder=holder, tier=tier, quantity=1, unit="Wh", grams=grams, point_grams=grams, won=0, method="m@1", factors=(),
        readings_sha256="0" * 64, made_at=EARLY, state="awarded",
    )  # fmt: skip


def booked(house, *claims, post=True):
    """Awarded claims as they are kept, with their transfers unless the ledger is to lack them."""
    with house.records.begin() as connection:
        for one in claims:
            kept = Kept(claim=one, working=None, why=Text(""), decided_at=EARLY, expires_at=None)
            assert claim_records.insert(connection, kept)
            claim_records.add_deed(connection, Deed(claim=one.id, n=0, state="awarded", at=EARLY))
            if post:
                grams = Transfer(
                    id=f"{one.id}/grams", debit=f"world/{one.programme}", credit="held/city", amount=one.grams, unit="gCO2e",
                    why="award", ref=one.id,
                )  # fmt: skip
                known = posting.named(accounts.world(one.programme), accounts.held("city"))
                assert posting.post(connection, [[grams]], EARLY, known) == [None]


def stated_house(folder, *bills):
    """A house in which acme has a year behind it."""
    house = carbon_house(folder)
    with house.records.begin() as connection:
        company_records.put(connection, ACME, BY)
        company_records.join(connection, "acme", "person-1", BY)
        ppa = Contract(
            id="ctr-1",
            company="acme",
            kind="ppa",
            source="plant/1",
            start=date(2025, 1, 1),
            end=date(2026, 1, 1),
            share_ppm=500_000,
        )
        rec = Contract(
            id="ctr-2",
            company="acme",
            kind="rec",
            source="R-1..9",
            start=date(2025, 1, 1),
            end=date(2026, 1, 1),
            amount_wh=9_000_000,
        )
        for one in (ppa, rec):
            right_records.add_contract(connection, one, EARLY)
        first = datetime(2025, 5, 1, tzinfo=UTC)
        right_records.add_hours(
            connection, "load/acme/01", "acme", {first + timedelta(hours=h): 5_000 for h in range(240)}, EARLY
        )
        right_records.add_hours(
            connection, "supply/plant/1", "op", {first + timedelta(hours=h): 7_000 for h in range(240)}, EARLY
        )
        right_records.add_target(
            connection,
            Target(id="tgt-1", company="acme", covers="scope12-market", measure="absolute", base_year=2024, base_g=200_000_000,
                   year=2030, cut_ppm=400_000),
            EARLY,
        )  # fmt: skip
    bring(house, *(bills or BILLS))
    return house


def sponsored(house, transfers=False):
    """Acme pays for a tonne of tier A that the city holds, and by contract gets another."""
    offer = Sponsorship(
        id="spn-1", company="acme", title=Text("단열"), target_kind="source", target="building/hall",
        start=datetime(2025, 1, 1, tzinfo=UTC), end=datetime(2026, 12, 31, tzinfo=UTC), budget_won=1_000_000,
        programme="city-verified", won_per_tonne=100_000, transfers=transfers, contract="2026-1" if transfers else "",
    )  # fmt: skip
    one = claim(1)
    booked(house, one, post=False)
    grams = Transfer(id="g", debit="world/city-verified", credit="held/city", amount=5_000_000, unit="gCO2e", ref="other")
    with house.records.begin() as connection:
        sponsoring_desk.pay_in(connection, "acme", 3_000_000, "R-1", BY)
        sponsoring_desk.offer(connection, offer, sponsoring_rules(NOW.date()), BY, programmes(NOW.date()))
        sponsoring_desk.accept(connection, "spn-1", BY)
        posting.post(connection, [[grams]], EARLY, posting.named(accounts.world("city-verified"), accounts.held("city")))
        sponsoring_desk.count(connection, [one], {}, EARLY)
    return one
