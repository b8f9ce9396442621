"""A company funds something and pays for results only: offer, escrow, verified result, release, rest back. Pure.

What is due grows with what was counted and is worked out anew from the whole each time, so that nothing is lost to rounding and
a result that is withdrawn later makes up against the next ones. Grams stay with who holds the claim (the city): a sponsor has
*contributed* to them, unless the contract says that they are transferred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.companies.sponsoring_rules import SponsoringRules
from dure.services.carbon.model import Claim, Refused, Tier

TargetKind = Literal["programme", "source", "district", "challenge"]
State = Literal["offered", "running", "declined", "withdrawn", "expired", "ended"]
TARGET_KINDS: tuple[TargetKind, ...] = ("programme", "source", "district", "challenge")
CHALLENGE = "challenge/"  # what the source of a deed for a challenge begins with
WORDS_MAX = 200
MILESTONES_MAX = 20
G_PER_T = 1_000_000


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """Won that are due once so much is reached: verified grams, or a number of awarded claims."""

    won: int
    grams: int = 0
    claims: int = 0


class Sponsorship(msgspec.Struct, frozen=True, kw_only=True):
    """What a company funds.

    Attributes
    ----------
    target_kind, target : a programme's id; the beginning of a claim's source (``building/hall``, ``charging/cs-1``), or the scale
    that weighed it (``recycled/scale-1``); a district's id; a challenge's id
    tier : of the claims that count; tonnes of tier A only are paid for, others count by number
    start, end : claims that begin and end within count
    won_per_tonne : paid for each verified tonne; 0 when milestones are paid instead
    programme : whose budget gets what is released
    transfers : whether the grams go to the company by contract
    """

    id: str
    company: str
    title: Text
    target_kind: TargetKind
    target: str
    start: datetime
    end: datetime
    budget_won: int
    programme: str
    tier: Tier = "A"
    won_per_tonne: int = 0
    milestones: tuple[Milestone, ...] = ()
    transfers: bool = False
    contract: str = ""


class Counted(msgspec.Struct, frozen=True):
    """What of a sponsorship is counted so far."""

    grams: int = 0
    claims: int = 0


def objection(one: Sponsorship, rules: SponsoringRules, at: datetime) -> Refused | None:
    """Why it cannot be offered."""
    if not one.title.ko.strip() or max(len(one.title.ko), len(one.title.en), len(one.contract)) > WORDS_MAX:
        return _refused("sponsor.title", "무엇을 후원하는지 적어 주세요.", "Write what is sponsored.")
    if one.target_kind not in TARGET_KINDS or not one.target.strip() or len(one.target) > WORDS_MAX:
        ko, en = "후원할 사업, 자산, 구역, 도전을 골라 주세요.", "Choose a programme, asset, district or challenge."
        return _refused("sponsor.target", ko, en)
    if one.end <= one.start or one.end <= at:
        return _refused(
            "sponsor.period", "기간을 확인해 주세요. 끝이 시작과 지금보다 뒤여야 합니다.", "Its end must come after its start."
        )
    if not rules.least_won <= one.budget_won <= rules.most_won:
        words = f"{rules.least_won:,} ~ {rules.most_won:,}"
        return _refused("sponsor.amount", f"금액은 {words}원입니다.", f"The amount is {words} won.")
    return _wrong_terms(one)


def _wrong_terms(one: Sponsorship) -> Refused | None:
    if one.transfers and (one.tier != "A" or not one.contract.strip()):
        ko, en = "검증된 감축만, 계약에 따라 넘길 수 있습니다.", "Only verified grams are transferred, by a named contract."
        return _refused("sponsor.transfer", ko, en)
    if (one.won_per_tonne > 0) == bool(one.milestones):
        ko, en = "톤당 금액이나 단계 가운데 하나를 적어 주세요.", "Write either won per tonne or milestones."
        return _refused("sponsor.terms", ko, en)
    if one.won_per_tonne and (one.tier != "A" or one.won_per_tonne > one.budget_won):
        ko, en = "톤당 지급은 검증된 감축(A)에만, 금액 안에서 합니다.", "Tonnes are paid for in tier A only, within the amount."
        return _refused("sponsor.terms", ko, en)
    return _wrong_milestones(one.milestones, one)


def _wrong_milestones(milestones: Sequence[Milestone], one: Sponsorship) -> Refused | None:
    bad = [
        step
        for step in milestones
        if step.won <= 0
        or (step.grams > 0) == (step.claims > 0)
        or min(step.grams, step.claims) < 0
        or (step.grams and one.tier != "A")
    ]
    if bad or len(milestones) > MILESTONES_MAX or (milestones and sum(step.won for step in milestones) > one.budget_won):
        ko, en = "단계의 금액과 조건을 확인해 주세요.", "Check the milestones: amounts within the budget, one condition each."
        return _refused("sponsor.milestones", ko, en)
    return None


def due_won(one: Sponsorship, counted: Counted) -> int:
    """What is due in all for what is counted [KRW], at most the budget."""
    if one.won_per_tonne:
        return min(one.budget_won, counted.grams * one.won_per_tonne // G_PER_T)
    reached = [step.won for step in one.milestones if _reached(step, counted)]
    return min(one.budget_won, sum(reached))


def room_g(one: Sponsorship, counted: Counted) -> int | None:
    """Grams the budget still pays for, rounded up so that the last won is spent; None where milestones are still ahead."""
    if not one.won_per_tonne:
        return None if due_won(one, counted) < sum(step.won for step in one.milestones) else 0
    return max(0, -(-one.budget_won * G_PER_T // one.won_per_tonne) - counted.grams)


def fits(one: Sponsorship, claim: Claim, district: str, measured_at: str = "") -> bool:
    """Whether a claim counts for it.

    Parameters
    ----------
    district : where the claim's source stands, empty when it is not known
    measured_at : the asset that measured it, where its source names another thing: ``recycled/scale-1`` of a bag
    """
    inside = all(one.start <= each.start and each.end <= one.end for each in claim.stretches)
    if claim.tier != one.tier or claim.state not in {"awarded", "retired"} or not inside:
        return False
    if one.target_kind == "programme":
        return claim.programme == one.target
    if one.target_kind == "district":
        return bool(district) and district == one.target
    wanted = f"{CHALLENGE}{one.target}" if one.target_kind == "challenge" else one.target
    sources = (measured_at, *(each.source for each in claim.stretches))
    return any(each == wanted or each.startswith(f"{wanted}/") for each in sources)


def share_out(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole parts of a total in proportion to weights, by largest remainder; of equal ones the id that sorts first.

    They sum to the total exactly. Without any weight nobody gets anything.
    """
    whole = sum(weights.values())
    if whole <= 0:
        return dict.fromkeys(weights, 0)
    exact = {key: Fraction(total * weight, whole) for key, weight in weights.items()}
    parts = {key: value.numerator // value.denominator for key, value in exact.items()}
    order = sorted(weights, key=lambda key: (parts[key] - exact[key], key))
    for key in order[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def by_number(weights: Mapping[str, int], so_far: Mapping[str, int]) -> str:
    """The one sponsorship a claim counts for by number: the one with most money for each claim it would then have (D'Hondt)."""
    return max(sorted(weights), key=lambda key: Fraction(weights[key], so_far.get(key, 0) + 1))


def _reached(step: Milestone, counted: Counted) -> bool:
    return counted.grams >= step.grams > 0 or counted.claims >= step.claims > 0


def _refused(code: str, ko: str, en: str) -> Refused:
    return Refused(code, Text(ko, en))
