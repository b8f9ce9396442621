"""Where a company's money would do most of what it wants: areas, themes, won per verified tonne, each with its reasons. Pure.

What a place has achieved is taken from claims that were awarded: nothing is promised. Those without any verified tonne say so
and come last; the order is by what the company asked for first, then by cost per verified tonne, then by verified tonnes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from dure.core.text import Text
from dure.services.carbon.companies.sponsoring import G_PER_T, TargetKind
from dure.services.carbon.companies.sponsoring_rules import SponsoringRules
from dure.services.carbon.governing.districts import Where
from dure.services.carbon.governing.places import PRIVATE, service_of
from dure.services.carbon.model import Claim, Tier

SHOWN_MAX = 20


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a company wants; empty and 0 are no wish."""

    theme: str = ""
    district: str = ""
    won_per_tonne_max: int = 0


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be funded, and what it has achieved.

    Attributes
    ----------
    verified_g : tier A [gCO2e]; estimated_g : tier B; never summed
    claims : awarded, of any tier
    won : rewards paid for them [KRW]
    """

    target_kind: TargetKind
    target: str
    theme: str
    district: str
    programme: str
    tier: Tier
    verified_g: int
    estimated_g: int
    claims: int
    won: int

    @property
    def won_per_tonne(self) -> int | None:
        """What a verified tonne has cost in rewards; None without one."""
        return self.won * G_PER_T // self.verified_g if self.verified_g else None


class Suggestion(msgspec.Struct, frozen=True):
    """An option with why it is named."""

    option: Option
    reasons: tuple[Text, ...]


def options(claims: Iterable[Claim], places: Mapping[str, Where], rules: SponsoringRules) -> list[Option]:
    """What awarded claims show of every programme, of every asset (a source's first two words) and of every district.

    Parameters
    ----------
    places : where each claim was measured, by its id
    """
    found: dict[tuple[TargetKind, str, Tier], Option] = {}
    for claim in claims:
        first = claim.stretches[0]
        place = places.get(claim.id, Where())
        district = place.district
        theme = rules.theme_of(first.attribute)
        keys: list[tuple[TargetKind, str]] = [("programme", claim.programme)]
        if service_of(claim) not in PRIVATE:  # the source of a practice or a home is a person's: never a thing to point at
            keys.append(("source", place.source or "/".join(first.source.split("/")[:2])))
        if district:
            keys.append(("district", district))
        for kind, target in keys:
            before = found.get((kind, target, claim.tier))
            found[kind, target, claim.tier] = _added(before, claim, (kind, target), theme, district)
    return [found[key] for key in sorted(found)]


def suggest(wish: Wish, choices: Iterable[Option]) -> list[Suggestion]:
    """The best first, at most `SHOWN_MAX`."""
    fitting = [one for one in choices if not _too_dear(wish, one)]
    ordered = sorted(fitting, key=lambda one: _rank(wish, one))
    return [Suggestion(one, _reasons(wish, one)) for one in ordered[:SHOWN_MAX]]


def _added(before: Option | None, claim: Claim, target: tuple[TargetKind, str], theme: str, district: str) -> Option:
    start = before or Option(
        target_kind=target[0], target=target[1], theme=theme, district=district, programme=claim.programme, tier=claim.tier,
        verified_g=0, estimated_g=0, claims=0, won=0,
    )  # fmt: skip
    return msgspec.structs.replace(
        start,
        theme=theme if start.theme == theme else "",
        district=district if start.district == district else "",
        verified_g=start.verified_g + (claim.grams if claim.tier == "A" else 0),
        estimated_g=start.estimated_g + (claim.grams if claim.tier == "B" else 0),
        claims=start.claims + 1,
        won=start.won + claim.won,
    )


def _too_dear(wish: Wish, one: Option) -> bool:
    cost = one.won_per_tonne
    return bool(wish.won_per_tonne_max) and cost is not None and cost > wish.won_per_tonne_max


def _rank(wish: Wish, one: Option) -> tuple[int, int, int, int, str, str]:
    hits = int(bool(wish.theme) and one.theme == wish.theme) + int(bool(wish.district) and one.district == wish.district)
    cost = one.won_per_tonne
    return (-hits, int(cost is None), cost or 0, -one.verified_g, one.target_kind, one.target)


def _reasons(wish: Wish, one: Option) -> tuple[Text, ...]:
    found = []
    if wish.theme and one.theme == wish.theme:
        found.append(Text("고른 주제입니다.", "It is the theme you chose."))
    if wish.district and one.district == wish.district:
        found.append(Text("고른 구역에 있습니다.", "It is in the district you chose."))
    cost = one.won_per_tonne
    if cost is None:
        found.append(
            Text("아직 검증된 톤이 없습니다. 단계별 후원만 할 수 있습니다.", "No verified tonne yet: only milestones fit.")
        )
    else:
        found.append(Text(f"검증된 톤당 보상 {cost:,}원이 들었습니다.", f"A verified tonne has taken {cost:,} won of rewards."))
        kg = one.verified_g // 1000
        found.append(Text(f"검증된 감축 {kg:,} kg", f"{kg:,} kg verified"))
    found.append(Text(f"인정된 청구 {one.claims:,}건", f"{one.claims:,} claims awarded"))
    return tuple(found)
