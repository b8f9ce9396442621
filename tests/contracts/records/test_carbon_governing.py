"""Budgets, boards and districts on both engines: every won stays on the books, whatever the city does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dure.city import read_city
from dure.core.errors import Conflict, InputError
from dure.engines.clock import FixedClock
from dure.engines.records import assets, audit, events
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.governing import board_desk, board_records, budget_desk, budget_records, inventory_records
from dure.services.carbon.governing.board_figure import board_figure, inventory_figure
from dure.services.carbon.governing.board_watch import BoardWatch
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.model import Claim, Stretch
from dure.services.carbon.programmes import programme
from dure.spine.house import House

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BY = By("officer-1", NOW)
CITY = read_city(Path(__file__).parents[3] / "examples" / "hwaseong")
PROGRAMME = "green-practice"


@pytest.fixture
def house(records):
    parts = dict.fromkeys(House.__slots__) | {"city": CITY, "clock": FixedClock(NOW), "records": records, "services": ()}
    return House(**parts)


def move(house, deed, won=0):
    with house.records.begin() as connection:
        return budget_desk.move(house, connection, PROGRAMME, Asked(deed, won), BY)


def standing(house):
    with house.records.read() as connection:
        return budget_desk.standing(house, connection, PROGRAMME)


def practice(number, won=1_000, person=0):
    source = f"practice/tumbler/{person:032x}/{number}"
    stretch = Stretch(source=source, attribute="practice", start=NOW, end=datetime(2026, 11, 24, 4, 0, tzinfo=UTC))
    return Claim(
        id=f"clm-{number}", event=f"e-{number}", stretches=(stretch,), programme=PROGRAMME, holder=f"person/{person:032x}",
        tier="C", quantity=1, unit="1", grams=0, point_grams=0, won=won, method="practice@1", factors=(),
        readings_sha256="0" * 64, made_at=NOW,
    )  # fmt: skip


def building(number, grams=5_000):
    start = datetime(2026, 10, number, tzinfo=UTC)
    stretch = Stretch(source="building/bd-namyang-hall/m-1", attribute="energy_saving", start=start, end=start.replace(hour=12))
    return Claim(
        id=f"clm-b{number}", event=f"b-{number}", stretches=(stretch,), programme="city-estimated", holder="city", tier="B",
        quantity=10, unit="Wh", grams=grams, point_grams=grams, won=0, method="m@1", factors=(), readings_sha256="0" * 64,
        made_at=NOW,
    )  # fmt: skip


def make(house, *claims):
    with house.records.begin() as connection:
        return [claim_desk.make(connection, one, programme(one.programme, NOW.date()), NOW).state for one in claims]


def test_funding_moves_won_from_the_treasury_and_is_told_and_audited(house):
    done = move(house, "fund", 50_000)
    found = standing(house)
    assert (found.funded_won, found.left_won, found.state) == (50_000, 50_000, "open")
    with house.records.read() as connection:
        assert posting.balance(connection, accounts.treasury().id).debits_posted == 50_000
        told = events.listing(connection, prefix="carbon.budget.", limit=10).items
        kept = audit.listing(connection, limit=10).items
    assert [one.type for one in told] == ["carbon.budget.funded"]
    assert kept[-1].object == PROGRAMME or kept[0].object == PROGRAMME
    assert (done.n, done.won, done.year) == (1, 50_000, 2026)


def test_no_more_is_funded_than_the_rule_grants(house):
    rule = standing(house).rule_won
    move(house, "fund", rule)
    with pytest.raises(InputError, match="leaves 0 won") as refused:
        move(house, "fund", 1)
    assert refused.value.code == "budget.over_rule"
    assert standing(house).funded_won == rule


def test_a_document_funds_a_programme_once_whoever_sends_it_again(house):
    def fund(won, document="2026-0117"):
        with house.records.begin() as connection:
            return budget_desk.move(house, connection, PROGRAMME, Asked("fund", won, document=document), BY)

    first = fund(50_000)
    assert fund(50_000, " 2026-0117 ") == first
    assert standing(house).funded_won == 50_000
    with pytest.raises(Conflict) as refused:
        fund(60_000)
    assert refused.value.code == "budget.document_used"
    assert fund(60_000, "2026-0118").n == 2
    with pytest.raises(InputError) as long:
        fund(1, "x" * 61)
    assert long.value.code == "budget.document"
    assert standing(house).funded_won == 110_000


def test_a_frozen_programme_pays_nobody_new_keeps_what_it_promised_and_goes_on_when_thawed(house):
    move(house, "fund", 5_000)
    assert make(house, practice(1)) == ["reserved"]
    move(house, "freeze")
    found = standing(house)
    assert (found.held_won, found.promised_won, found.left_won, found.state) == (4_000, 1_000, 0, "frozen")
    assert make(house, practice(2)) == ["refused"]
    with house.records.begin() as connection:
        assert claim_desk.award(connection, "clm-1", "officer-2", NOW).state == "awarded"
    move(house, "thaw")
    found = standing(house)
    assert (found.held_won, found.given_won, found.left_won) == (0, 1_000, 4_000)
    assert make(house, practice(3)) == ["reserved"]


def test_money_that_comes_into_a_frozen_programme_is_held_back_too_and_one_thaw_frees_all(house):
    move(house, "fund", 5_000)
    move(house, "freeze")
    with house.records.begin() as connection:
        from_sponsor = Transfer(
            id="s-1", debit=accounts.treasury().id, credit=accounts.budget(PROGRAMME).id, amount=700, unit="KRW", why="t"
        )
        known = posting.named(accounts.treasury(), accounts.budget(PROGRAMME))
        assert posting.post(connection, [[from_sponsor]], NOW, known) == [None]
    assert standing(house).left_won == 700
    BoardWatch(house).look_once()
    assert (standing(house).left_won, standing(house).held_won) == (0, 5_700)
    move(house, "thaw")
    assert (standing(house).left_won, standing(house).held_won, standing(house).frozen) == (5_700, 0, False)


def test_closing_a_year_takes_back_what_is_left_of_the_citys_money(house):
    move(house, "fund", 5_000)
    make(house, practice(1))
    assert move(house, "close").won == 4_000
    found = standing(house)
    assert (found.funded_won, found.left_won, found.promised_won, found.state) == (1_000, 0, 1_000, "spent")


def test_an_empty_budget_refuses_in_the_middle_of_claims_and_conserves_every_won(house):
    move(house, "fund", 2_500)
    assert make(house, *(practice(n, person=n) for n in range(4))) == ["reserved", "reserved", "refused", "refused"]
    found = standing(house)
    assert found.left_won + found.promised_won + found.given_won == 2_500


def test_deeds_are_listed_newest_first_and_numbered(house):
    for deed, won in (("fund", 10), ("freeze", 0), ("thaw", 0)):
        move(house, deed, won)
    with house.records.read() as connection:
        assert [(one.n, one.deed) for one in budget_records.listing(connection)] == [(3, "thaw"), (2, "freeze"), (1, "fund")]


def test_claims_get_the_district_their_asset_stands_in_once_and_practices_none(house):
    with house.records.begin() as connection:
        for one in CITY.assets():
            if one.id == "bd-namyang-hall":
                assets.add(connection, one, BY)
    move(house, "fund", 50_000)
    make(house, building(1), building(2, 700), practice(1))
    watch = BoardWatch(house)
    assert (watch.look_once(), watch.look_once()) == (3, 0)
    with house.records.read() as connection:
        rows = board_desk.inventory_of(house, connection, 2026, whole=True)
        cell = inventory_figure(house, connection, ("2026", "namyang-dong", "buildings", "B"))
    assert [(one.district, one.service, one.tier, one.grams) for one in rows] == [("namyang-dong", "buildings", "B", 5_700)]
    assert (cell.amount, cell.again, cell.agrees, len(cell.parts)) == (5_700, 5_700, True, 2)


def test_the_board_is_made_anew_when_the_books_have_moved_and_its_figures_explain_themselves(house):
    watch = BoardWatch(house)
    move(house, "fund", 50_000)
    watch.look_once()
    make(house, *(practice(n, person=n) for n in range(6)), building(1))
    with house.records.begin() as connection:
        for n in range(6):
            claim_desk.award(connection, f"clm-{n}", "officer-2", NOW)
    watch.look_once()
    with house.records.read() as connection:
        found = board_records.find(connection, 2026)
        told = {
            what: board_figure(house, connection, ("2026", *what.split("/")))
            for what in ("in-treasury", f"rewards/{PROGRAMME}", "tonnes/B")
        }
        month = board_figure(house, connection, ("2026-10", "tonnes", "B"))
        assert inventory_records.credited(connection, budget_desk.year_bounds(house, 2026))
    assert found is not None
    assert (found.in_city_won, found.out_won, found.grams("B"), found.hidden) == (50_000, 6_000, 5_000, ())
    assert [one.amount for one in told.values()] == [50_000, 6_000, 5_000]
    assert all(one.agrees for one in told.values())
    assert (month.amount, month.agrees) == (5_000, True)
