"""Won and other integers of the books."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

import msgspec

from dure.core.errors import InputError


class Won(msgspec.Struct, frozen=True, order=True):
    """An amount of Korean won, always whole."""

    amount: int

    def __add__(self, other: Won) -> Won:
        return Won(self.amount + other.amount)

    def __sub__(self, other: Won) -> Won:
        return Won(self.amount - other.amount)

    def __neg__(self) -> Won:
        return Won(-self.amount)


def to_book(quantity: Decimal | str) -> int:
    """Whole units of the books (Wh, gCO2e, won) of an exact decimal, rounded half to even.

    Floats are refused: the caller states how many decimals it means.
    """
    if isinstance(quantity, float):
        raise InputError("money.float", "Books take decimals, not floats.")
    try:
        return int(Decimal(quantity).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise InputError("money.not_a_number", f"{str(quantity)[:40]!r} is no amount the books can hold.") from error
