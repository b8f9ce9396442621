"""What an account and a transfer must look like before the books are asked."""

from __future__ import annotations

from typing import get_args

from dure.services.carbon.ledger.model import Account, AccountKind, Deed, Transfer
from dure.services.carbon.ledger.refusals import refused
from dure.services.carbon.model import Refused, Unit

AMOUNT_MAX = 10**15  # a milliard tonnes, or a thousand billion won: more is a mistake of units
ID_CHARS_MAX = 200
EXPIRED = "/expired"  # what the id of a transfer that voids an expired reservation ends with
UNIT_OF: dict[str, Unit] = {
    kind: "gCO2e" if kind in {"world", "held", "retired", "cancelled"} else "KRW" for kind in get_args(AccountKind)
}
UNCOVERED = frozenset({"world", "treasury"})
_DEEDS = frozenset(get_args(Deed))
_TEXTS = ("debit", "credit", "of", "corrects", "why", "ref")


def account_fits(account: Account) -> bool:
    """Whether name, kind, unit and cover of an account belong together (see `accounts`)."""
    return (
        account.kind in UNIT_OF
        and UNIT_OF[account.kind] == account.unit
        and account.covered == (account.kind not in UNCOVERED)
        and (account.id == account.kind if account.kind == "treasury" else account.id.startswith(f"{account.kind}/"))
        and is_name(account.id)
        and account.id != f"{account.kind}/"
    )


def misshapen(one: Transfer) -> Refused | None:
    """What is wrong with a transfer by itself."""
    if one.deed not in _DEEDS:
        return refused("ledger.transfer_invalid", id=one.id[:80], why="deed")
    wrong = _wrong_field(one)
    if wrong:
        return refused("ledger.transfer_invalid", id=one.id[:80], why=wrong)
    if one.deed == "void":
        return None if one.amount == 0 else refused("ledger.transfer_invalid", id=one.id, why="amount")
    if type(one.amount) is not int or not 1 <= one.amount <= AMOUNT_MAX:
        return refused("ledger.amount", amount=one.amount, most=AMOUNT_MAX)
    return None


def _wrong_field(one: Transfer) -> str:
    ends = one.deed in ("post", "void")
    wrong = {
        "id": not is_name(one.id) or (one.deed == "pending" and len(one.id) > ID_CHARS_MAX - len(EXPIRED)),
        "of": ends != bool(one.of),
        "corrects": bool(one.corrects) and one.deed != "transfer",
        "expires_at": one.expires_at is not None and (one.deed != "pending" or one.expires_at.tzinfo is None),
        "debit, credit": not ends and not (one.debit and one.credit),
    }
    if any(wrong.values()):
        return next(name for name, is_wrong in wrong.items() if is_wrong)
    texts = (one.debit, one.credit, one.of, one.corrects, one.why, one.ref)
    if "".join(texts).isprintable() and max(map(len, texts)) <= ID_CHARS_MAX:
        return ""
    return next(name for name, text in zip(_TEXTS, texts, strict=True) if text and not is_name(text))


def is_name(text: str) -> bool:
    """Whether a text can be an id: printable, and not too long."""
    return 0 < len(text) <= ID_CHARS_MAX and text.isprintable()
