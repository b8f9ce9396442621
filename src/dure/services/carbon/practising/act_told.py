"""An act as it is told to the person it is of, or to a partner: what became of it, why, and what to do. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dure.core.text import Text
from dure.services.carbon.practising.acts import Act, ActState
from dure.services.carbon.practising.catalogue import Catalogue
from dure.services.carbon.practising.reasons import REASONS

NOTHING = Text("")


class ActTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of something somebody did.

    Attributes
    ----------
    quantity : in base units (pieces, g, m); won, grams : as claimed [KRW, gCO2e]
    code, says, todo : why it stands so, and what to do now
    answered_s : time from the proof to the decision [s]; None until then
    """

    id: str
    practice: str
    name: Text
    state: ActState
    code: str
    says: Text
    todo: Text
    quantity: int
    won: int
    grams: int
    claim: str
    started_at: datetime
    done_at: datetime | None
    proved_at: datetime | None
    decided_at: datetime | None
    answered_s: float | None


def told(act: Act, rules: Catalogue) -> ActTold:
    """The same without what is not to be told."""
    reason, one = REASONS.get(act.code), rules.practices.get(act.practice)
    both = act.proved_at is not None and act.decided_at is not None
    return ActTold(
        id=act.id,
        practice=act.practice,
        name=one.name if one else Text(act.practice),
        state=act.state,
        code=act.code,
        says=reason.says if reason else NOTHING,
        todo=reason.todo if reason else NOTHING,
        quantity=act.quantity,
        won=act.won,
        grams=act.grams,
        claim=act.claim or "",
        started_at=act.started_at,
        done_at=act.done_at,
        proved_at=act.proved_at,
        decided_at=act.decided_at,
        answered_s=(act.decided_at - act.proved_at).total_seconds() if both and act.decided_at and act.proved_at else None,
    )
