"""What a company's money achieved: won in, tonnes out by tier (never summed), won per tonne, and the claims behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dure.core.text import Text
from dure.services.carbon.companies.sponsor_records import Held
from dure.services.carbon.companies.sponsoring import G_PER_T
from dure.services.carbon.model import Tier

CONTRIBUTED = Text(
    "감축은 청구를 가진 쪽(도시)의 것입니다. 회사는 '기여'로만 밝힐 수 있습니다.",
    "The reductions belong to who holds the claims (the city). The company may state what it contributed to, not own reductions.",
)
TRANSFERRED = Text("계약에 따라 감축이 회사로 넘어갔습니다.", "By contract the reductions are the company's.")


class Achieved(msgspec.Struct, frozen=True, kw_only=True):
    """Of one sponsorship.

    Attributes
    ----------
    paid_won : put into escrow [KRW]; released_won : paid for results
    grams : by tier [gCO2e], never summed
    claims : by tier, by number
    won_per_tonne : released for each verified tonne; None without one
    """

    held: Held
    paid_won: int
    released_won: int
    grams: dict[Tier, int]
    claims: dict[Tier, int]
    won_per_tonne: int | None
    may_say: Text


def achieved(held: Sequence[Held], sums: Mapping[tuple[str, Tier], tuple[int, int]]) -> list[Achieved]:
    """One for each sponsorship, in the order given."""
    found = []
    for one in held:
        mine = {tier: value for (ident, tier), value in sorted(sums.items()) if ident == one.sponsorship.id}
        verified = mine.get("A", (0, 0))[0]
        found.append(
            Achieved(
                held=one,
                paid_won=one.sponsorship.budget_won if one.state in {"running", "ended"} else 0,
                released_won=one.released_won,
                grams={tier: grams for tier, (grams, _) in mine.items()},
                claims={tier: number for tier, (_, number) in mine.items()},
                won_per_tonne=one.released_won * G_PER_T // verified if verified else None,
                may_say=TRANSFERRED if one.sponsorship.transfers else CONTRIBUTED,
            )
        )
    return found
