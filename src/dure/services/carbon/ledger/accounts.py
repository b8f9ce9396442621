"""Names of accounts. An account comes to be when it is first used."""

from __future__ import annotations

from dure.services.carbon.ledger.model import Account, AccountKind


def world(programme: str) -> Account:
    """Where the grams of a programme come from; not covered: it owes what it gave."""
    return _grams("world", programme, covered=False)


def held(holder: str) -> Account:
    """Grams somebody holds: ``city``, ``company/ID``, ``person/REF``."""
    return _grams("held", holder)


def retired(holder: str) -> Account:
    """Grams used up for a statement of the holder; nothing leaves it but by a correction."""
    return _grams("retired", holder)


def cancelled(programme: str) -> Account:
    """Grams given back, their claim having been withdrawn."""
    return _grams("cancelled", programme)


def treasury() -> Account:
    """The city's purse outside the books; not covered."""
    return Account(id="treasury", kind="treasury", unit="KRW", covered=False)


def budget(programme: str) -> Account:
    """Won a programme may still award."""
    return _won("budget", programme)


def company(ident: str) -> Account:
    """Won a company has paid in and not yet given."""
    return _won("company", ident)


def escrow(sponsorship: str) -> Account:
    """Won that wait for a verified result."""
    return _won("escrow", sponsorship)


def wallet(ref: str) -> Account:
    """Won a person has earned; `ref` is the person's commitment."""
    return _won("wallet", ref)


def paid(programme: str) -> Account:
    """Won that have left the books for people's own accounts."""
    return _won("paid", programme)


def _grams(kind: AccountKind, of: str, *, covered: bool = True) -> Account:
    return Account(id=f"{kind}/{of}", kind=kind, unit="gCO2e", covered=covered)


def _won(kind: AccountKind, of: str) -> Account:
    return Account(id=f"{kind}/{of}", kind=kind, unit="KRW")
