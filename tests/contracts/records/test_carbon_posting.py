"""Posting to the carbon ledger on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from dure.core.errors import Conflict, NotFound
from dure.engines.records.store import Records
from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.expiring import void_expired
from dure.services.carbon.ledger.model import Account, Transfer
from dure.services.carbon.ledger.posting import balance, named, post

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORLD, HELD, RETIRED = accounts.world("city-verified"), accounts.held("city"), accounts.retired("city")
PURSE, BUDGET, WALLET = accounts.treasury(), accounts.budget("green-practice"), accounts.wallet("ab" * 16)
ALL = named(WORLD, HELD, RETIRED, PURSE, BUDGET, WALLET)


def moved(ident: str, debit: Account, credit: Account, amount: int, **more: object) -> Transfer:
    return Transfer(id=ident, debit=debit.id, credit=credit.id, amount=amount, unit=debit.unit, **more)  # type: ignore[arg-type]


def codes(records: Records, *groups: list[Transfer], at: datetime = NOON) -> list[str]:
    with records.begin() as connection:
        return [one.code if one else "" for one in post(connection, groups, at, ALL)]


def stands(records: Records, account: Account) -> tuple[int, int, int, int]:
    with records.read() as connection:
        found = balance(connection, account.id)
    return found.debits_pending, found.debits_posted, found.credits_pending, found.credits_posted


def test_a_transfer_moves_an_amount_once_however_often_it_is_posted(records: Records) -> None:
    award = moved("award-1", WORLD, HELD, 700, why="claim.award", ref="clm-1")

    assert codes(records, [award], [award]) == ["", ""]
    assert codes(records, [award], at=NOON + HOUR) == [""]

    assert stands(records, HELD) == (0, 0, 0, 700)
    assert stands(records, WORLD) == (0, 700, 0, 0)


def test_an_id_with_other_content_is_refused(records: Records) -> None:
    award = moved("award-1", WORLD, HELD, 700)
    codes(records, [award])

    assert codes(records, [replace(award, amount=701)], [replace(award, ref="other")]) == ["ledger.id_reused"] * 2
    assert stands(records, HELD) == (0, 0, 0, 700)


def test_a_reservation_is_posted_in_part_and_the_rest_is_released(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)])
    codes(records, [moved("hold", BUDGET, WALLET, 600, deed="pending", expires_at=NOON + HOUR)])
    assert stands(records, BUDGET) == (600, 0, 0, 1_000)
    assert stands(records, WALLET) == (0, 0, 600, 0)

    assert codes(records, [moved("pay", BUDGET, WALLET, 500, deed="post", of="hold")]) == [""]

    assert stands(records, BUDGET) == (0, 500, 0, 1_000)
    assert stands(records, WALLET) == (0, 0, 0, 500)
    again = [moved("more", BUDGET, WALLET, 100, deed="post", of="hold")]
    assert codes(records, again, [moved("back", BUDGET, WALLET, 0, deed="void", of="hold")]) == ["ledger.pending_ended"] * 2


def test_a_void_needs_no_accounts_and_releases_all(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)], [moved("hold", BUDGET, WALLET, 600, deed="pending")])
    back = Transfer(id="back", debit="", credit="", amount=0, unit="KRW", deed="void", of="hold")

    assert codes(records, [back], [back]) == ["", ""]
    assert codes(records, [back]) == [""]

    assert stands(records, BUDGET) == (0, 0, 0, 1_000)


def test_a_reservation_that_is_not_there_cannot_be_ended(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)])
    back = Transfer(id="back", debit="", credit="", amount=0, unit="KRW", deed="void", of="hold")

    assert codes(records, [back], [replace(back, of="fund")]) == ["ledger.pending_unknown"] * 2


def test_what_is_reserved_cannot_be_spent_again(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)], [moved("hold", BUDGET, WALLET, 600, deed="pending")])

    assert codes(records, [moved("second", BUDGET, WALLET, 401)], [moved("third", BUDGET, WALLET, 400)]) == [
        "ledger.overdrawn",
        "",
    ]


def test_a_group_is_posted_whole_or_not_at_all(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)])
    fits, too_much = moved("fits", BUDGET, WALLET, 900), moved("too-much", BUDGET, WALLET, 101)

    assert codes(records, [fits, too_much], [moved("after", BUDGET, WALLET, 1_000)]) == ["ledger.overdrawn", ""]
    assert codes(records, [moved("more", PURSE, BUDGET, 900), fits]) == [""]

    assert stands(records, BUDGET) == (0, 1_900, 0, 1_900)


def test_an_expired_reservation_is_not_posted_and_becomes_void(records: Records) -> None:
    codes(records, [moved("fund", PURSE, BUDGET, 1_000)])
    codes(records, [moved("hold", BUDGET, WALLET, 600, deed="pending", expires_at=NOON + HOUR)])
    pay = moved("pay", BUDGET, WALLET, 600, deed="post", of="hold")
    assert codes(records, [pay], at=NOON + HOUR) == ["ledger.pending_expired"]

    with records.begin() as connection:
        assert void_expired(connection, NOON + HOUR / 2, 10) == []
        assert [one.id for one in void_expired(connection, NOON + HOUR, 10)] == ["hold"]
        assert void_expired(connection, NOON + HOUR, 10) == []

    assert codes(records, [pay], at=NOON) == ["ledger.pending_ended"]
    assert stands(records, BUDGET) == (0, 0, 0, 1_000)


def test_a_correction_takes_back_no_more_than_was_moved(records: Records) -> None:
    codes(records, [moved("award", WORLD, HELD, 1_000)])
    codes(records, [moved("used", HELD, RETIRED, 700)], [moved("used-2", HELD, RETIRED, 300)])

    first = moved("back-1", RETIRED, HELD, 500, corrects="used", why="correction")
    assert codes(records, [first], [moved("back-2", RETIRED, HELD, 201, corrects="used")]) == ["", "ledger.corrects_too_much"]
    assert codes(records, [moved("back-3", RETIRED, HELD, 201, corrects="used")]) == ["ledger.corrects_too_much"]
    assert codes(records, [moved("back-4", RETIRED, HELD, 200, corrects="used")]) == [""]
    assert codes(records, [moved("loose", RETIRED, HELD, 1)]) == ["ledger.final_account"]
    assert codes(records, [moved("odd", WORLD, HELD, 1, corrects="nothing")]) == ["ledger.corrects_unknown"]


def test_an_account_that_nobody_described_is_refused(records: Records) -> None:
    with records.begin() as connection:
        (why,) = post(connection, [[moved("award", WORLD, HELD, 1)]], NOON, {})

    assert why is not None
    assert why.code == "ledger.account_unknown"


def test_text_that_a_database_cannot_keep_is_refused_like_other_bad_input(records: Records) -> None:
    bad = [moved("nul\0", WORLD, HELD, 1), moved("x", WORLD, HELD, 1, ref="\ud800"), moved("big", WORLD, HELD, 2**80)]

    assert codes(records, *([one] for one in bad)) == ["ledger.transfer_invalid", "ledger.transfer_invalid", "ledger.amount"]


def test_a_clock_that_is_behind_does_not_reorder_the_books(records: Records) -> None:
    codes(records, [moved("first", WORLD, HELD, 1)], at=NOON)
    codes(records, [moved("second", WORLD, HELD, 2)], at=NOON - HOUR)

    with records.read() as connection:
        rows = connection.execute(text("SELECT id, booked_at - at FROM carbon_transfers ORDER BY seq")).all()
    assert [tuple(row) for row in rows] == [("first", 0), ("second", 3_600_000_000)]


def test_the_balance_of_an_account_without_transfers_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound) as caught, records.read() as connection:
        balance(connection, "held/nobody")

    assert caught.value.code == "ledger.account_unknown"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE carbon_transfers SET amount = 1",
        "DELETE FROM carbon_transfers",
        "UPDATE carbon_entries SET credits_posted = 1",
        "DELETE FROM carbon_entries",
        "UPDATE carbon_accounts SET debits_posted = credits_posted + 1 WHERE id = 'held/city'",
        """INSERT INTO carbon_transfers (seq, id, debit, credit, amount, unit, deed, why, ref, at, booked_at)
           VALUES (10, 'x', 'world/city-verified', 'held/city', 0, 'gCO2e', 'transfer', '', '', 0, 0)""",
    ],
)
def test_the_database_itself_keeps_the_books(records: Records, statement: str) -> None:
    codes(records, [moved("award", WORLD, HELD, 700)])

    with pytest.raises(Conflict), records.begin() as connection:
        connection.execute(text(statement))

    assert stands(records, HELD) == (0, 0, 0, 700)
