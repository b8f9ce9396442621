"""Rows of the books: credits, contributions, money; of a company and of the city. Tiers are rows of their own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import msgspec

from dure.core.text import Text
from dure.services.carbon.model import Tier
from dure.services.carbon.statements.books import Booked, Moved, Shared
from dure.services.carbon.statements.making import Kind, Made, made, summed
from dure.services.carbon.statements.statement import FigureUnit, Part

LEDGER = "ledger@1"
TIERS: tuple[Tier, ...] = get_args(Tier)
CREDITS: dict[str, Text] = {
    "credits-received": Text("받은 검증 감축(A등급)", "Verified reductions received (tier A)"),
    "credits-returned": Text("되돌린 검증 감축(A등급)", "Verified reductions given back (tier A)"),
    "credits-retired": Text("소멸시킨 검증 감축(A등급)", "Verified reductions retired (tier A)"),
}
HELD = Text("기준 시각에 가진 검증 감축(A등급)", "Verified reductions held at the instant (tier A)")
CONTRIBUTED: dict[Tier, Text] = {
    "A": Text(
        "후원으로 기여한 검증 감축(A등급). 자체 감축이 아닙니다.",
        "Contributed to by sponsoring, verified (tier A); not own reductions",
    ),
    "B": Text("후원으로 기여한 추정 감축(B등급). 통계입니다.", "Contributed to by sponsoring, estimated (tier B); statistics"),
    "C": Text("후원으로 기여한 참여(C등급). 톤이 없습니다.", "Contributed to by sponsoring, participation (tier C); no tonnes"),
}
REDUCED: dict[Tier, Text] = {
    "A": Text("검증된 감축(A등급)", "Verified reductions (tier A)"),
    "B": Text("추정된 감축(B등급), 통계", "Estimated reductions (tier B), statistics"),
    "C": Text("참여(C등급), 톤이 없음", "Participation (tier C), no tonnes"),
}
MONEY: dict[str, Text] = {
    "sponsor-paid": Text("후원에 맡긴 돈", "Put into escrow for sponsorships"),
    "sponsor-released": Text("검증된 결과에 치른 돈", "Released for verified results"),
    "sponsor-returned": Text("돌려받은 돈", "Given back"),
    "sponsor-corrected": Text("취소된 결과로 되돌아온 돈", "Back in escrow for results that were withdrawn"),
    "city-funded": Text("시가 사업에 넣은 돈", "Put into programmes by the city"),
    "companies-paid": Text("회사가 맡긴 돈", "Put into escrow by companies"),
    "companies-released": Text("검증된 결과에 치른 회사 돈", "Companies' money released for results"),
    "rewards-paid": Text("시민에게 보낸 돈", "Rewards paid out to citizens"),
}


def credit_figures(moves: Mapping[str, Moved], held_g: int) -> list[Made]:
    """A company's own credits: what came, went and was retired in the period, and what it held at the instant."""
    rows = [_moved(row, CREDITS[row], moves[row], "gCO2e") for row in CREDITS]
    rows.append(made("credits-held", Kind(group="credits", unit="gCO2e", name=HELD, method=LEDGER), held_g))
    return [_tiered(one, "A") for one in rows]


def contribution_figures(found: Sequence[Shared]) -> list[Made]:
    """What a company's sponsorships contributed to, by tier; what went to the company by contract stands among its credits."""
    rows = []
    for tier in TIERS:
        mine = [one for one in found if one.tier == tier and not one.transfers]
        unit: FigureUnit = "1" if tier == "C" else "gCO2e"
        kind = Kind(group="contribution", unit=unit, name=CONTRIBUTED[tier], method=LEDGER)
        parts = [
            Part(
                figure=f"carbon/claim/{one.claim}", name=Text(one.sponsorship), unit=unit,
                amount=one.claims if tier == "C" else one.grams,
            )
            for one in mine
        ]  # fmt: skip
        rows.append(_tiered(summed(f"contribution-{tier}", kind, sum(one.amount for one in parts), parts), tier))
    return rows


def money_figures(moves: Mapping[str, Moved]) -> list[Made]:
    """Won moved in the period."""
    return [_moved(row, MONEY[row], one, "KRW") for row, one in moves.items()]


def reduction_figures(found: Sequence[Booked], names: Mapping[str, Text]) -> list[Made]:
    """The city's claims by tier, and by tier and programme; grams by the ledger."""
    rows = []
    for tier in TIERS:
        mine = [one for one in found if one.tier == tier]
        rows.append(_reduced(f"reduction-{tier}", REDUCED[tier], tier, mine))
        for programme in sorted({one.programme for one in mine}):
            name = names.get(programme, Text(programme))
            rows.append(
                _reduced(f"reduction-{tier}:{programme}", name, tier, [one for one in mine if one.programme == programme])
            )
    return rows


def _reduced(row: str, name: Text, tier: Tier, found: Sequence[Booked]) -> Made:
    unit: FigureUnit = "1" if tier == "C" else "gCO2e"
    parts = [
        Part(
            figure=f"carbon/claim/{one.claim}", name=Text(one.programme), amount=1 if tier == "C" else one.grams, unit=unit,
            note=one.readings_sha256[:16],
        )
        for one in found
    ]  # fmt: skip
    total = len(found) if tier == "C" else sum(one.on_books_g for one in found)
    return _tiered(summed(row, Kind(group="credits", unit=unit, name=name, method=LEDGER), total, parts), tier)


def _moved(row: str, name: Text, found: Moved, unit: FigureUnit) -> Made:
    parts = [
        Part(
            figure=f"carbon/claim/{ref}" if ref.startswith("clm-") else f"ledger:{ref}", name=Text(ref), amount=amount, unit=unit
        )
        for ref, amount in found.refs
    ]
    return summed(
        row, Kind(group="money" if unit == "KRW" else "credits", unit=unit, name=name, method=LEDGER), found.amount, parts
    )


def _tiered(one: Made, tier: Tier) -> Made:
    return msgspec.structs.replace(one, figure=msgspec.structs.replace(one.figure, tier=tier))
