"""A plan in words, Korean and English: why it is so, what holds it back and at which price, who goes short. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from dure.core.text import Text
from dure.services.charging.planning.problem import Binding, Plan, Problem

LIMITS: dict[str, Text] = {
    "contract": Text("계약전력", "the contract power"),
    "phase": Text("상별 전류 한도", "the limit of a phase"),
    "feeder": Text("배전선로 공동 한도", "the shared line"),
    "evse": Text("충전구 출력", "the power of the EVSE"),
    "storage_power": Text("저장장치 출력", "the power of the storage"),
    "storage_energy": Text("저장장치 용량", "the capacity of the storage"),
    "grid_to_ess": Text("재생에너지만 저장 조건", "the rule that only sun is stored"),
    "demand": Text("기본요금(최대수요)", "the demand charge"),
}
POLICIES: dict[str, Text] = {
    "lp": Text("최적 계획", "Optimal plan"),
    "edf": Text("기본 계획(먼저 떠나는 차량부터)", "Baseline (earliest departure first)"),
    "conservative": Text("조심스러운 계획(계량 끊김)", "Conservative plan (a meter is lost)"),
}
CAUSES: dict[str, Text] = {
    "step": Text("15분이 지남", "A quarter of an hour passed"),
    "session": Text("차량이 오거나 떠남", "A vehicle came or left"),
    "wish": Text("운전자 요청이 바뀜", "A driver asked for something else"),
    "meter": Text("계량이 끊기거나 돌아옴", "A meter was lost or came back"),
    "drift": Text("햇빛이나 부하가 예상과 다름", "Sun or load is not as expected"),
    "link": Text("충전기 연결이 끊기거나 돌아옴", "A charger lost its link or came back"),
    "site": Text("충전소 정보가 바뀜", "The site changed"),
    "asked": Text("사람이 요청함", "Somebody asked for it"),
}
RECIPES: dict[str, Text] = {
    "edf": Text("기본 계획(먼저 떠나는 차량부터)", "Baseline (earliest departure first)"),
    "none": Text("예측 없이", "Without a forecast"),
    "even": Text("햇빛과 도착을 예측", "Sun and arrivals forecast"),
    "careful": Text("햇빛과 도착을 조심스럽게 예측", "Sun and arrivals forecast with caution"),
    "sun_only": Text("햇빛만 예측", "Only the sun forecast"),
}
REASONS: dict[str, Text] = {
    "shared": Text(
        "전력이 모자라 비율이 같도록 나눴습니다.",
        "There is not enough: everyone gets the same share of their need as far as can be.",
    ),
    "stopped": Text(
        "탐색 한도 안에서 찾은 가장 좋은 계획입니다.", "This is the best plan found within the limits of the search."
    ),
    "contract.exceeded": Text(
        "충전 밖의 부하만으로 계약전력을 넘습니다. 계약전력이나 부하를 바꾸어야 합니다.",
        "The other load alone goes above the contract power: change the contract or the load.",
    ),
    "no_solution": Text("계산이 답을 내지 못해 기본 계획을 씁니다.", "The solver gave no answer, so the baseline is used."),
}
LOST: dict[str, Text] = {
    "sun": Text("태양광 계량이 끊겨 햇빛이 없다고 보고 세웠습니다.", "The solar meter is lost: no sun is assumed."),
    "storage": Text("저장장치 계량이 끊겨 저장장치를 쓰지 않습니다.", "The storage meter is lost: the storage stands still."),
    "load": Text("부하 계량이 끊겨 계약전력의 일부를 남겨 둡니다.", "The load meter is lost: part of the contract is left free."),
}


GIVES_NOTHING: dict[str, Text] = {
    "v2g.version": Text(
        "OCPP 2.1을 말하지 않는 충전기의 차에서는 전력을 돌려받을 수 없습니다.",
        "A vehicle gives nothing back where its charger does not speak OCPP 2.1.",
    ),
    "v2g.departure": Text(
        "떠날 때와 필요한 양을 말하지 않은 차에서는 전력을 돌려받지 않습니다.",
        "A vehicle gives nothing back whose driver did not say when it leaves and what it needs.",
    ),
    "v2g.charge": Text(
        "충전율을 알리지 않는 차에서는 전력을 돌려받지 않습니다.",
        "A vehicle gives nothing back that does not tell its state of charge.",
    ),
}


def why_of(facts: Mapping[str, Any], plan: Plan) -> list[Text]:
    """Why a plan is as it is: meters that are lost, its reasons, and why vehicles that could do not give energy back."""
    lost = [LOST[one] for one in facts.get("lost", []) if one in LOST]
    codes = sorted({one for one in facts.get("gives_back", {}).values() if isinstance(one, str)})
    return lost + [reason_text(one) for one in plan.reasons] + [GIVES_NOTHING[one] for one in codes if one in GIVES_NOTHING]


class Held(NamedTuple):
    """One limit over steps ``[start, end)``: the dearest price of a kWh there [won]."""

    limit: str
    start: int
    end: int
    won_kwh: float


def held_back(bindings: Iterable[Binding]) -> list[Held]:
    """Bindings of one limit in neighbouring steps as one, dearest first."""
    by_limit: dict[str, dict[int, float]] = {}
    for one in bindings:
        steps = by_limit.setdefault(one.limit, {})
        steps[one.step] = max(steps.get(one.step, 0.0), one.won_kwh)
    found: list[Held] = []
    for limit, steps in by_limit.items():
        for step in sorted(steps):
            last = found[-1] if found else None
            if last is not None and last.limit == limit and last.end == step:
                found[-1] = Held(limit, last.start, step + 1, max(last.won_kwh, steps[step]))
            else:
                found.append(Held(limit, step, step + 1, steps[step]))
    return sorted(found, key=lambda one: (-one.won_kwh, one.start, one.limit))


def feeds_vehicles(problem: Problem, won_kwh: float) -> bool:
    """Whether a kWh more at a limit would go to a vehicle that goes short: its worth is then what the plan sets on need."""
    return won_kwh > problem.unmet_won_kwh / 2


class Cut(NamedTuple):
    """A vehicle that goes short [Wh], the fraction of its whole need it gets, and the limit that holds it back."""

    session: str
    unmet_wh: int
    served: float
    limit: str
    won_kwh: float


def cuts(problem: Problem, plan: Plan) -> list[Cut]:
    """Who that is there does not get all, each with the dearest limit of its own window."""
    found = []
    for i, one in enumerate(problem.needs):
        unmet = round(float(plan.unmet_wh[i]))
        if one.expected or unmet < 1:
            continue
        inside = [each for each in plan.bindings if one.arrive <= each.step < one.depart and each.limit != "demand"]
        dearest = max(inside, key=lambda each: each.won_kwh, default=None)
        whole = one.need_wh + one.given_wh
        limit, won = (dearest.limit, dearest.won_kwh) if dearest else ("contract", 0.0)
        found.append(Cut(one.id, unmet, max(0.0, 1 - unmet / whole) if whole else 1.0, limit, won))
    return found


def reason_text(reason: str) -> Text:
    """A reason's sentence; its code where there is none."""
    return REASONS.get(reason.split(":", 1)[0], Text(reason, reason))


def cut_text(cut: Cut) -> Text:
    """Why a vehicle goes short, as a sentence."""
    limit, percent = LIMITS[cut.limit], f"{cut.served * 100:.0f}"
    kwh = f"{cut.unmet_wh / 1_000:.1f}"
    return Text(
        f"{limit('ko')} 때문에 {kwh} kWh가 모자라 필요한 양의 {percent}%를 받습니다. 이 한도가 넓어지면 더 받습니다.",
        f"It gets {percent}% of its need; {kwh} kWh lack because of {limit('en')}. With a wider limit it would get more.",
    )
