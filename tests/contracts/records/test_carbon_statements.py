"""Statements on both engines: versions and pages of them, and what the books said at an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from dure.core.errors import Conflict, NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Deed, Kept
from dure.services.carbon.companies import company_records, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.sponsoring import Sponsorship
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.programmes import programmes
from dure.services.carbon.statements import books, statement_records
from dure.services.carbon.statements.books import Span
from dure.services.carbon.statements.changes import Change
from dure.services.carbon.statements.statement import FORM, Figure, Question, Statement, canonical, sha256
from dure.services.carbon.statements.statement_records import Issued

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
BY = By("person-1", NOW)
ASKED = Question(subject="city", first=date(2026, 1, 1), after=date(2027, 1, 1), as_of=NOW)
YEAR = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), LATER)


def statement(asked=ASKED, amount=5):
    figure = Figure(row="scope1", group="emissions", name=Text("직접"), amount=amount, unit="gCO2e")
    return Statement(
        form=FORM, id=asked.ident, question=asked, name=Text("도시 =1"), zone="Asia/Seoul", facts=(), figures=(figure,),
        standards=(), disclosures=(), gaps=(), grounds={"claims": "0"},
    )  # fmt: skip


def issued(said, version=1, at=NOW, **more):
    words = {
        "replaces": "",
        "public": False,
        "files": {"statement.csv": "0" * 64},
        "changes": (Change(what="scope1", name=Text("x")),),
    }
    return Issued(
        id=said.id,
        question=said.question,
        version=version,
        issued_at=at,
        person="p",
        sha256=sha256(canonical(said)),
        **words | more,
    )


def claim(number, tier="A", grams=1_000_000):
    start = NOW - timedelta(days=number)
    stretch = Stretch(source="building/hall", attribute="energy_saving", start=start, end=start + timedelta(days=1))
    return Claim(
        id=f"clm-{number}", event="e", stretches=(stretch,), programme="city-verified", holder="city", tier=tier, quantity=1,
        unit="Wh", grams=grams, point_grams=grams, won=0, method="m@1", factors=(), readings_sha256="", made_at=NOW,
        state="awarded",
    )  # fmt: skip


def keep(connection, one, *deeds):
    kept = Kept(claim=one, working=None, why=Text(""), decided_at=NOW, expires_at=None)
    assert claim_records.insert(connection, kept)
    for state, at in deeds:
        claim_records.add_deed(connection, Deed(claim=one.id, n=0, state=state, at=at))


def move(connection, ident, debit, credit, amount, at=NOW, **more):
    """One transfer of grams."""
    grams = Transfer(id=ident, debit=debit.id, credit=credit.id, amount=amount, unit="gCO2e", **more)
    assert posting.post(connection, [[grams]], at, posting.named(debit, credit)) == [None]


def test_a_statement_is_kept_as_it_was_issued(records):
    said = statement()
    with records.begin() as connection:
        statement_records.add(connection, issued(said), canonical(said))
    with records.read() as connection:
        assert statement_records.get(connection, said.id) == issued(said)
        assert statement_records.statement(connection, said.id) == said
        assert statement_records.content(connection, said.id) == canonical(said)
        assert statement_records.last(connection, "city", ASKED.first, ASKED.after) == issued(said)
        assert statement_records.last(connection, "city", ASKED.first, date(2026, 7, 1)) is None
        with pytest.raises(NotFound):
            statement_records.get(connection, "stm-0")


def test_a_version_is_issued_once(records):
    one, two = statement(), statement(msgspec.structs.replace(ASKED, as_of=LATER))
    with records.begin() as connection:
        statement_records.add(connection, issued(one), canonical(one))
    with pytest.raises(Conflict) as caught, records.begin() as connection:
        statement_records.add(connection, issued(two), canonical(two))

    assert caught.value.code == "statement.raced"


def test_statements_are_listed_newest_first_and_the_public_sees_public_ones(records):
    said = [statement(msgspec.structs.replace(ASKED, as_of=NOW + timedelta(seconds=n))) for n in range(5)]
    with records.begin() as connection:
        for n, one in enumerate(said):
            statement_records.add(connection, issued(one, n + 1, NOW + timedelta(seconds=n), public=n == 2), canonical(one))
        first = statement_records.listing(connection, limit=2)
        rest = statement_records.listing(connection, after=first.next, limit=10)
        assert [one.version for one in (*first.items, *rest.items)] == [5, 4, 3, 2, 1]
        assert [one.version for one in statement_records.listing(connection, public=True).items] == [3]
        assert statement_records.listing(connection, subject="company/x").items == []
        statement_records.show(connection, said[2].id, public=False)
        assert statement_records.listing(connection, public=True).items == []


def test_the_books_are_told_as_they_stood_at_an_instant(records):
    world, held, own = accounts.world("city-verified"), accounts.held("city"), accounts.held("company/acme")
    with records.begin() as connection:
        move(connection, "t1", world, held, 100, NOW, ref="clm-1", why="award")
        move(connection, "t2", held, own, 30, LATER)
        move(connection, "t3", held, accounts.held("company/acme-2"), 5, LATER)
    early = msgspec.structs.replace(YEAR, as_of=NOW)
    with records.read() as connection:
        assert books.moved(connection, YEAR, ["world/"], ["held/"], "gCO2e").refs == (("clm-1", 100),)
        assert books.moved(connection, YEAR, ["held/"], ["held/company/acme"], "gCO2e").amount == 30
        assert books.moved(connection, early, ["held/"], ["held/company/acme"], "gCO2e").amount == 0
        assert books.moved(connection, YEAR, ["held/"], [], "gCO2e").amount == 0
        assert books.balance_at(connection, "held/city", NOW) == 100
        assert books.balance_at(connection, "held/city", LATER) == 65 == posting.balance(connection, "held/city").available


def test_claims_are_told_as_they_stood_at_an_instant(records):
    with records.begin() as connection:
        keep(connection, claim(1), ("awarded", NOW))
        keep(connection, claim(2), ("reserved", NOW), ("awarded", LATER))
        keep(connection, claim(3), ("awarded", NOW), ("cancelled", LATER))
        keep(connection, claim(400), ("awarded", NOW))  # of the year before
        world, held = accounts.world("city-verified"), accounts.held("city")
        for number in (1, 3):
            move(connection, f"clm-{number}/grams", world, held, 1_000_000, NOW, ref=f"clm-{number}", why="award")
        move(
            connection, "clm-3/cancel", held, accounts.cancelled("city-verified"), 1_000_000, LATER, ref="clm-3",
            why="correction", corrects="clm-3/grams",
        )  # fmt: skip
    with records.read() as connection:
        then = books.booked_claims(connection, msgspec.structs.replace(YEAR, as_of=NOW))
        now = books.booked_claims(connection, YEAR)

    assert {one.claim: one.on_books_g for one in then} == {"clm-1": 1_000_000, "clm-3": 1_000_000}
    assert {one.claim: one.on_books_g for one in now} == {"clm-1": 1_000_000, "clm-2": 0}


def test_results_of_sponsorships_are_told_as_they_stood_at_an_instant(records):
    offer = Sponsorship(
        id="spn-1", company="acme", title=Text("단열"), target_kind="source", target="building/hall",
        start=NOW - timedelta(days=9), end=NOW + timedelta(days=100), budget_won=1_000_000, programme="city-verified",
        won_per_tonne=100_000,
    )  # fmt: skip
    with records.begin() as connection:
        company_records.put(connection, Company(id="acme", name=Text("에이크미"), business_number="1248100998"), BY)
        sponsoring_desk.pay_in(connection, "acme", 3_000_000, "R-1", BY)
        sponsoring_desk.offer(connection, offer, sponsoring_rules(NOW.date()), BY, programmes(NOW.date()))
        sponsoring_desk.accept(connection, "spn-1", BY)
        keep(connection, claim(1), ("awarded", NOW))
        sponsoring_desk.count(connection, [claim(1), claim(2, grams=7)], {}, NOW)
        sponsoring_desk.take_back(connection, "clm-2", LATER)
    with records.read() as connection:
        then = books.shared_with(connection, "acme", msgspec.structs.replace(YEAR, as_of=NOW))
        now = books.shared_with(connection, "acme", YEAR)
        assert len(sponsor_records.results_of(connection, company="acme")) == len(now)

    assert [(one.claim, one.grams) for one in then] == [("clm-1", 1_000_000), ("clm-2", 7)]
    assert [(one.claim, one.grams, one.transfers) for one in now] == [("clm-1", 1_000_000, False)]
