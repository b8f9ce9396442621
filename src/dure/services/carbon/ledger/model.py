"""Accounts and transfers, after the model of TigerBeetle: a balance is two sums, and nothing is ever changed."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.services.carbon.model import Unit

AccountKind = Literal["world", "held", "retired", "cancelled", "budget", "treasury", "company", "escrow", "wallet", "paid"]
Deed = Literal["transfer", "pending", "post", "void"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One side of transfers.

    Attributes
    ----------
    id : see `dure.services.carbon.ledger.accounts`
    covered : debits (posted and pending) may never exceed posted credits; only `world` and `treasury` are not covered
    """

    id: str
    kind: AccountKind
    unit: Unit
    covered: bool = True


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of an account [gCO2e or KRW], never negative."""

    account: str
    unit: Unit
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0

    @property
    def available(self) -> int:
        """What may still be debited of a covered account."""
        return self.credits_posted - self.debits_posted - self.debits_pending


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """An amount from one account to another, once. Who asks chooses `id`: the same transfer again is the same one.

    Attributes
    ----------
    debit, credit : account ids of one unit; the amount leaves `debit` and comes to `credit`
    amount : > 0; with `post` at most that of the pending transfer (the rest is released), with `void` 0
    deed : ``transfer`` at once; ``pending`` reserves; ``post`` and ``void`` end the pending transfer `of`
    of : the pending transfer that is ended, else empty
    expires_at : when a pending transfer becomes void by itself
    corrects : the transfer a correcting one answers to, else empty
    why : short code: ``claim.award``, ``reward``, ``sponsor.release``, ``correction``, …
    ref : claim, sponsorship or decision it belongs to
    """

    id: str
    debit: str
    credit: str
    amount: int
    unit: Unit
    deed: Deed = "transfer"
    of: str = ""
    expires_at: datetime | None = None
    corrects: str = ""
    why: str = ""
    ref: str = ""
