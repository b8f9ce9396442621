"""What a claim moves on the books: grams from the world to its holder, won from the programme's budget to a wallet. Pure.

Each function gives one linked group: all of it holds or none. Ids follow from the claim, so that the same deed done twice is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Account, Transfer
from dure.services.carbon.model import Claim

PERSON = "person/"


def decided_at_once(claim: Claim) -> bool:
    """Whether nobody has to decide: nothing of it is verified and nothing of it is paid."""
    return claim.tier != "A" and claim.won == 0


def accounts_of(claim: Claim) -> Mapping[str, Account]:
    """Accounts a claim may move between, by id."""
    found = [accounts.world(claim.programme), accounts.held(claim.holder)]
    found += [accounts.retired(claim.holder), accounts.cancelled(claim.programme)]
    if claim.won:
        found += [accounts.budget(claim.programme), accounts.wallet(wallet_of(claim))]
    return {one.id: one for one in found}


def wallet_of(claim: Claim) -> str:
    """Whose wallet its reward goes to: the commitment of a person."""
    return claim.holder.removeprefix(PERSON)


def making(claim: Claim, expires_at: datetime | None) -> list[Transfer]:
    """Reserve until a decision, or award at once."""
    pending = not decided_at_once(claim)
    found = []
    if claim.grams:
        source, target = accounts.world(claim.programme).id, accounts.held(claim.holder).id
        found.append(_first(claim, "grams", (source, target), claim.grams, expires_at if pending else None, pending=pending))
    if claim.won:
        source, target = accounts.budget(claim.programme).id, accounts.wallet(wallet_of(claim)).id
        found.append(_first(claim, "won", (source, target), claim.won, expires_at, pending=pending))
    return found


def awarding(claim: Claim) -> list[Transfer]:
    """Post what was reserved."""
    return [_ending(claim, one, "post") for one in making(claim, None)]


def refusing(claim: Claim) -> list[Transfer]:
    """Release what was reserved."""
    return [_ending(claim, one, "void") for one in making(claim, None)]


def cancelling(claim: Claim, free_won: int) -> list[Transfer]:
    """Give back what was awarded or retired, by correcting transfers.

    Parameters
    ----------
    free_won : what is still in the wallet [KRW]; what was paid out is not taken back
    """
    retired = claim.state == "retired"
    found = []
    if claim.grams:
        source = accounts.retired(claim.holder) if retired else accounts.held(claim.holder)
        wrong = f"{claim.id}/retire" if retired else _kept_as(claim, "grams")
        found.append(_correction(claim, "grams", (source.id, accounts.cancelled(claim.programme).id), claim.grams, wrong))
    back = min(claim.won, free_won)
    if back > 0:
        ends = (accounts.wallet(wallet_of(claim)).id, accounts.budget(claim.programme).id)
        found.append(_correction(claim, "won", ends, back, _kept_as(claim, "won")))
    return found


def retiring(claim: Claim) -> list[Transfer]:
    """Use the grams up."""
    ends = (accounts.held(claim.holder).id, accounts.retired(claim.holder).id)
    return [
        Transfer(
            id=f"{claim.id}/retire",
            debit=ends[0],
            credit=ends[1],
            amount=claim.grams,
            unit="gCO2e",
            why="claim.retire",
            ref=claim.id,
        )
    ]


def _first(
    claim: Claim, what: str, ends: tuple[str, str], amount: int, expires_at: datetime | None, *, pending: bool
) -> Transfer:
    return Transfer(
        id=f"{claim.id}/{what}",
        debit=ends[0],
        credit=ends[1],
        amount=amount,
        unit="KRW" if what == "won" else "gCO2e",
        deed="pending" if pending else "transfer",
        expires_at=expires_at,
        why="reward" if what == "won" else "claim.award",
        ref=claim.id,
    )


def _ending(claim: Claim, first: Transfer, deed: str) -> Transfer:
    return Transfer(
        id=f"{first.id}/{deed}",
        debit=first.debit,
        credit=first.credit,
        amount=first.amount if deed == "post" else 0,
        unit=first.unit,
        deed="post" if deed == "post" else "void",
        of=first.id,
        why=first.why if deed == "post" else "claim.release",
        ref=claim.id,
    )


def _kept_as(claim: Claim, what: str) -> str:
    """Id of the transfer that gave it."""
    return f"{claim.id}/{what}" if decided_at_once(claim) else f"{claim.id}/{what}/post"


def _correction(claim: Claim, what: str, ends: tuple[str, str], amount: int, wrong: str) -> Transfer:
    return Transfer(
        id=f"{claim.id}/cancel-{what}",
        debit=ends[0],
        credit=ends[1],
        amount=amount,
        unit="KRW" if what == "won" else "gCO2e",
        corrects=wrong,
        why="correction",
        ref=claim.id,
    )
