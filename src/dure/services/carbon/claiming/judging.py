"""Why a claim cannot be: what it says of itself against its programme, before anything is taken or moved. Pure."""

from __future__ import annotations

import msgspec

from dure.core.text import Text
from dure.services.carbon.model import Claim, Refused
from dure.services.carbon.programmes import Programme

BOOK_MAX = 10**15  # a thousand million tonnes: no city saves it


NOTHING_SHOWN = Refused(
    "claim.not_shown",
    Text(
        "단측 90 % 구간의 아래 끝이 0을 넘지 않아 인정할 것이 없습니다.",
        "Nothing is credited: the lower bound of the one-sided 90 % interval is not above 0.",
    ),
)


def first_against(claim: Claim, programme: Programme) -> Refused | None:
    """The first reason against a claim; None when there is none."""
    if not claim.stretches or any(one.start >= one.end for one in claim.stretches):
        return Refused(
            "claim.stretch",
            Text(
                "차지할 원천과 기간이 없거나 거꾸로입니다.", "It names no stretch of a source, or one that ends before it begins."
            ),
        )
    return _numbers(claim) or _fit(claim, programme)


def booked_at_most(claim: Claim) -> Claim:
    """The same with numbers the books can hold: what is absurd stands in its event as it was said."""
    held = {name: max(-BOOK_MAX, min(BOOK_MAX, getattr(claim, name))) for name in ("quantity", "grams", "point_grams", "won")}
    return msgspec.structs.replace(claim, **held)


def _numbers(claim: Claim) -> Refused | None:
    if min(claim.quantity, claim.grams, claim.won) < 0:
        return Refused("claim.negative", Text("양이 음수입니다.", "A quantity is negative."))
    if max(claim.quantity, claim.grams, claim.won) > BOOK_MAX:
        return Refused("claim.absurd", Text("있을 수 없이 큰 양입니다.", "The quantity is larger than any city's."))
    if claim.tier == "C" and claim.grams:
        return Refused("claim.tier", Text("참여(C등급)에는 감축량이 없습니다.", "Participation (tier C) has no grams."))
    if claim.tier != "C" and not claim.grams and not claim.won:
        return NOTHING_SHOWN
    return None


def _fit(claim: Claim, programme: Programme) -> Refused | None:
    if claim.tier != programme.tier:
        words = Text(f"이 사업의 등급은 {programme.tier}입니다.", f"The programme is of tier {programme.tier}.")
        return Refused("claim.tier", words)
    foreign = sorted({one.attribute for one in claim.stretches} - set(programme.attributes))
    if foreign:
        words = Text(
            f"이 사업에서는 {', '.join(foreign)}을(를) 청구할 수 없습니다.", f"The programme does not count {', '.join(foreign)}."
        )
        return Refused("claim.programme", words)
    if claim.won and not claim.holder.startswith("person/"):
        return Refused("claim.holder", Text("보상은 사람의 지갑으로만 갑니다.", "A reward goes to a person's wallet only."))
    return None
