"""Groups of transfers made at random, good and bad: for laws that hold whatever is asked of the books."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from dure.services.carbon.ledger import accounts
from dure.services.carbon.ledger.model import Transfer
from dure.services.carbon.ledger.posting import named

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRAMS = (accounts.world("p"), accounts.held("city"), accounts.held("company/1"), accounts.retired("city"))
WON = (accounts.treasury(), accounts.budget("p"), accounts.escrow("s"), accounts.wallet("ab" * 16))
ALL = named(*GRAMS, *WON)
IDS = [f"t{n}" for n in range(14)]


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    """Mostly sound transfers between few accounts, with ids that come again."""
    pool = draw(st.sampled_from([GRAMS, WON]))
    deed = draw(st.sampled_from(["transfer", "transfer", "transfer", "pending", "pending", "post", "post", "void"]))
    debit, credit = draw(st.sampled_from([(0, 1), (0, 1), (0, 2), (1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (1, 1)]))
    ends = deed in ("post", "void")
    given = draw(st.booleans()) if ends else True
    return Transfer(
        id=draw(st.sampled_from(IDS)),
        debit=pool[debit].id if given else "",
        credit=pool[credit].id if given else "",
        amount=0 if deed == "void" else draw(st.integers(0, 60)),
        unit=pool[0].unit,
        deed=deed,
        of=draw(st.sampled_from(IDS)) if ends else "",
        expires_at=NOON + draw(st.integers(-2, 9)) * MINUTE if deed == "pending" and draw(st.booleans()) else None,
        corrects=draw(st.sampled_from(IDS)) if deed == "transfer" and draw(st.integers(0, 4)) == 0 else "",
    )


groups = st.lists(transfers(), min_size=1, max_size=3)
# Each step: what is posted in one call, and at which minute; clocks may run backwards.
steps = st.lists(st.tuples(st.lists(groups, min_size=1, max_size=3), st.integers(0, 6)), min_size=1, max_size=5)
