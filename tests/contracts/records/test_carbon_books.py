"""The kept books equal the pure ones, at every instant, and their check finds what somebody touched; on both engines."""

from __future__ import annotations

import random
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dure.core.errors import InputError, NotFound
from dure.engines.records.store import Records
from dure.services.carbon.ledger import history
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.ledger.judging import Books, Posted, judge
from dure.services.carbon.ledger.model import Balance, Transfer
from dure.services.carbon.ledger.posting import balance, post

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "services" / "carbon"))
from ledger_made import ALL, GRAMS, NOON, WON

FUND = [
    Transfer(id=f"fund-{pool[0].unit}", debit=pool[0].id, credit=pool[1].id, amount=300, unit=pool[0].unit)
    for pool in (GRAMS, WON)
]
MINUTE = timedelta(minutes=1)


def _group(chance: random.Random, known: dict[str, Transfer]) -> list[Transfer]:
    """One or two transfers, some of them ending or correcting what was asked for before, some of them bad."""
    made = []
    for _ in range(chance.choice((1, 1, 1, 2))):
        pending = [one for one in known.values() if one.deed == "pending"]
        ends = chance.choice(pending) if pending and chance.random() < 0.3 else None
        made.append(_new(chance, known) if ends is None else _end(chance, ends))
        known[made[-1].id] = made[-1]
    return made


def _new(chance: random.Random, known: dict[str, Transfer]) -> Transfer:
    pool, (debit, credit) = chance.choice((GRAMS, WON)), chance.choice(((0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (3, 1)))
    corrects = chance.choice(list(known)) if known and chance.random() < 0.1 else ""
    return Transfer(
        id=f"t{chance.randrange(400)}",
        debit=pool[debit].id,
        credit=pool[credit].id,
        amount=chance.randrange(1, 40),
        unit=pool[0].unit,
        deed="transfer" if corrects or chance.random() < 0.6 else "pending",
        corrects=corrects,
        ref=f"clm-{chance.randrange(3)}",
    )


def _end(chance: random.Random, pending: Transfer) -> Transfer:
    post_it = chance.random() < 0.6
    return Transfer(
        id=f"{pending.id}/{chance.randrange(3)}",
        debit="",
        credit="",
        amount=chance.randrange(1, pending.amount + 2) if post_it else 0,
        unit=pending.unit,
        deed="post" if post_it else "void",
        of=pending.id,
        ref=pending.ref,
    )


def _fill(records: Records, seed: int) -> tuple[Books, list[Posted]]:
    """Post some 75 groups in calls of one to five, and the same to pure books; answers must be the same."""
    chance, books, posted, known = random.Random(seed), Books(), list[Posted](), dict[str, Transfer]()  # noqa: S311  # a test's choices
    for n in range(25):
        groups = [_group(chance, known) for _ in range(chance.randrange(1, 6))] if n else [FUND]
        at = NOON + chance.randrange(-3, 20) * MINUTE
        answers, more = judge(books, groups, at, ALL)
        posted += more
        with records.begin() as connection:
            assert post(connection, groups, at, ALL) == answers
    return books, posted


@pytest.mark.parametrize("seed", range(3))
def test_the_kept_books_equal_the_pure_ones_at_every_instant(records: Records, seed: int) -> None:
    books, posted = _fill(records, seed)
    assert len(posted) > 20

    with records.read() as connection:
        found = check(connection)
        now = {ident: balance(connection, ident) for ident in books.accounts}
        at = [NOON + minute * MINUTE for minute in range(-4, 21, 4)]
        then = {(ident, one): history.balance_as_of(connection, ident, one) for ident in books.accounts for one in at}

    assert found.sound
    assert (found.transfers, found.accounts) == (len(posted), len(books.accounts))
    assert now == books.balances
    assert then == {(ident, one): _replayed(posted, books, ident, one) for ident in books.accounts for one in at}


def _replayed(posted: list[Posted], books: Books, ident: str, at: datetime) -> Balance:
    sides = [side for one in posted if one.booked_at <= at for side in (one.debit, one.credit) if side.account == ident]
    return sides[-1] if sides else Balance(account=ident, unit=books.accounts[ident].unit)


def test_transfers_are_listed_by_account_claim_and_correction(records: Records) -> None:
    _, posted = _fill(records, 5)
    mine = [one for one in posted if "held/city" in (one.transfer.debit, one.transfer.credit)]

    with records.read() as connection:
        pages, after = [], ""
        while True:
            page = history.transfers_of(connection, "held/city", after=after, limit=7)
            pages += page.items
            after = page.next
            if not after:
                break
        listed = history.transfers_for(connection, "clm-1")
        kinds = {kind: n for kind, _, n, _, _ in history.kinds(connection)}
        standing = history.standings(connection, kind="held", limit=1)

    assert [one.seq for one in pages] == [one.seq for one in reversed(mine)]
    assert [one.transfer for one in listed] == [one.transfer for one in posted if one.transfer.ref == "clm-1"]
    assert kinds["held"] == 2
    assert (standing.items[0].account.id, standing.next) == ("held/city", "held/city")


def test_questions_about_nothing_are_answered_so(records: Records) -> None:
    _fill(records, 5)
    with records.read() as connection:
        with pytest.raises(NotFound, match=r"ledger\.account_unknown"):
            history.balance_as_of(connection, "held/nobody", NOON)
        with pytest.raises(NotFound, match=r"ledger\.transfer_unknown"):
            history.transfer(connection, "nothing")
        with pytest.raises(InputError, match=r"page\.mark"):
            history.transfers_of(connection, "held/city", after="-1")
        with pytest.raises(InputError, match=r"time\.naive"):
            post(connection, [], datetime(2026, 1, 1), ALL)  # noqa: DTZ001  # what it must refuse


@pytest.mark.parametrize(
    ("touch", "kinds"),
    [
        ("UPDATE carbon_accounts SET credits_posted = credits_posted + 1 WHERE id = 'held/city'", {"balance", "sides"}),
        ("INSERT INTO carbon_pending (id) VALUES ('nothing')", {"pending"}),
        ("DELETE FROM carbon_pending", {"pending"}),
        (
            """INSERT INTO carbon_transfers (seq, id, debit, credit, amount, unit, deed, why, ref, at, booked_at)
               VALUES (9999, 'x', 'world/p', 'held/city', 5, 'gCO2e', 'transfer', '', '', 0, 0)""",
            {"gap", "order", "entry"},
        ),
        (
            """INSERT INTO carbon_entries (account, seq, debits_pending, debits_posted, credits_pending, credits_posted)
               VALUES ('held/city', 9999, 0, 0, 0, 0)""",
            {"entry"},
        ),
    ],
)
def test_the_check_finds_what_somebody_touched(records: Records, touch: str, kinds: set[str]) -> None:
    _fill(records, 5)

    with records.begin() as connection:
        connection.execute(text(touch))
        found = check(connection)

    assert {one.kind for one in found.problems} == kinds


def test_a_dump_brings_the_books_to_another_engine(records: Records, tmp_path: Path) -> None:
    books, posted = _fill(records, 5)
    records.dump(tmp_path / "dump")
    other = Records(f"sqlite:///{tmp_path}/other.db")

    other.restore(tmp_path / "dump")

    with other.read() as connection:
        found = check(connection)
        now = {ident: balance(connection, ident) for ident in books.accounts}
    other.close()
    assert (found.sound, found.transfers, now) == (True, len(posted), books.balances)


def test_books_without_any_transfer_are_sound(records: Records) -> None:
    with records.read() as connection:
        found = check(connection)

    assert (found.sound, found.transfers, found.totals) == (True, 0, ())
