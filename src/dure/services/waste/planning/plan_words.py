"""Words for the codes of plans: why a bin is in or out, why a truck stays at home, what the checker found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from dure.core.text import Text
from dure.routing.model import Violation
from dure.services.waste.planning.plan import DayPlan
from dure.services.waste.planning.verdicts import Verdict

VERDICTS: Mapping[str, Text] = {
    "risk": Text("넘칠 것이 거의 확실함", "almost sure to overflow"),
    "interval": Text("정해진 수거 주기가 됨", "its agreed interval is due"),
    "locked": Text("담당자가 넣음", "put in by the dispatcher"),
    "moved": Text("담당자가 차량을 정함", "given to a truck by the dispatcher"),
    "fire": Text("화재 경보가 있었음", "it had a fire alarm"),
    "wet": Text("젖은 쓰레기", "wet waste"),
    "reported": Text("시민이 넘침을 신고함", "a citizen reports that it overflows"),
    "worth_it": Text("돌아가는 거리보다 비우는 값이 큼", "emptying it is worth more than the detour"),
    "done": Text("오늘 이미 비움", "emptied today already"),
    "banned": Text("담당자가 뺌", "taken out by the dispatcher"),
    "low_risk": Text("넘칠 위험이 거의 없고 아직 비울 값이 없음", "hardly any risk of overflow, and not yet worth a detour"),
    "not_worth_it": Text("비우는 값보다 돌아가는 거리가 김", "the detour is longer than emptying it is worth"),
    "no_room": Text("차량의 시간이나 적재량이 모자람", "no truck has the time or the room"),
    "no_truck": Text("일하는 차량이 없음", "no truck works"),
    "no_truck_for": Text("이 쓰레기를 싣는 차량이 없음", "no truck takes this waste"),
    "too_big": Text("어느 차량보다도 양이 많음", "more than any truck holds"),
    "unreachable": Text("차량이 갈 수 있는 길이 없음", "no road leads there for a truck"),
    "window_missed": Text("수거 가능 시간에 갈 수 없음", "no truck gets there in its hours"),
    "dump_closed": Text("그 시간에 여는 처리장이 없음", "no disposal site is open then"),
    "no_dump": Text("받아 주는 처리장이 없음", "no disposal site takes it"),
    "shift_short": Text("근무 시간 안에 돌아올 수 없음", "no truck would be back within its shift"),
}
IDLE: Mapping[str, Text] = {
    "broken": Text("고장", "broken down"),
    "over": Text("근무가 끝남", "its shift is over"),
    "no_dump": Text("쓸 수 있는 처리장이 없음", "no disposal site it may use"),
    "no_profile": Text("차량 종류를 알 수 없음", "its kind of vehicle is not known"),
}
VIOLATIONS: Mapping[str, Text] = {
    "plan.vehicle_unknown": Text("모르는 차량", "a truck nobody knows"),
    "plan.vehicle_twice": Text("한 차량에 경로가 둘", "two routes of one truck"),
    "plan.profile_unknown": Text("이동 시간을 모르는 차량", "a truck without travel times"),
    "plan.stop_unknown": Text("모르는 쓰레기통", "a bin nobody knows"),
    "plan.stop_twice": Text("두 번 들르는 쓰레기통", "a bin visited twice"),
    "plan.stop_lost": Text("계획에 없는 쓰레기통", "a bin the plan forgot"),
    "plan.must_missing": Text("반드시 비워야 할 쓰레기통이 빠짐", "a bin that must be emptied is missing"),
    "plan.cost": Text("비용이 맞지 않음", "its cost does not add up"),
    "route.malformed": Text("읽을 수 없는 경로", "a route that cannot be read"),
    "route.place": Text("다른 곳에 있는 방문", "a visit at another place"),
    "route.dump_unknown": Text("이 차량이 쓰지 않는 처리장", "a disposal site the truck may not use"),
    "route.dump_stream": Text("처리장이 받지 않는 쓰레기", "waste the disposal site does not take"),
    "route.dump_hours": Text("처리장이 닫힌 시간", "the disposal site is closed"),
    "route.travel_time": Text("길보다 빠른 도착", "sooner than the road allows"),
    "route.service_time": Text("비우는 시간이 모자람", "too little time to empty it"),
    "route.window": Text("수거 가능 시간이 아님", "outside the hours of a bin"),
    "route.release": Text("아직 준비되지 않은 방문", "a visit before its release"),
    "route.shift": Text("근무 시간을 넘음", "outside the shift"),
    "route.distance": Text("거리가 맞지 않음", "its metres do not add up"),
    "route.distance_max": Text("하루 주행거리를 넘음", "further than the truck may drive"),
    "route.duration_max": Text("하루 운행시간을 넘음", "longer than the truck may drive"),
    "route.stops_max": Text("하루 방문 수를 넘음", "more stops than allowed"),
    "route.capacity": Text("적재량을 넘음", "more than the truck holds"),
    "route.day_capacity": Text("하루 수거량을 넘음", "more than the truck may collect in a day"),
    "route.skill": Text("차량이 싣지 않는 쓰레기", "waste the truck does not take"),
    "route.streams_mixed": Text("서로 다른 쓰레기가 섞임", "streams are mixed"),
    "route.not_empty": Text("비우지 않고 복귀함", "the truck comes back laden"),
    "route.reloads": Text("처리장에 너무 자주 감", "too many visits to disposal sites"),
    "route.break_missing": Text("정해진 쉬는 시간이 없음", "a break is missing"),
    "route.rest_missing": Text("법정 휴게시간이 모자람", "less rest than the law asks"),
}


def verdict_words(verdict: Verdict) -> Text:
    """Why a bin is in or out, with the numbers it rests on."""
    why = VERDICTS[verdict.code]
    ko, en = [f"넘칠 확률 {verdict.risk:.0%}"], [f"risk of overflow {verdict.risk:.0%}"]
    if verdict.code in {"worth_it", "not_worth_it", "no_room"}:
        ko.append(f"비우는 값 {verdict.prize_m:,} m")
        en.append(f"worth {verdict.prize_m:,} m")
        if verdict.later_m > 0:
            ko.append(f"그중 나중에 따로 올 일을 더는 값 {verdict.later_m:,} m")
            en.append(f"of which {verdict.later_m:,} m for a later trip it saves")
    if verdict.added_m is not None:
        ko.append(f"돌아가는 거리 {verdict.added_m:,} m")
        en.append(f"detour {verdict.added_m:,} m")
    if verdict.other and verdict.other_m is not None:
        ko.append(f"다음으로 가까운 차량 {verdict.other} {verdict.other_m:,} m")
        en.append(f"next best {verdict.other} {verdict.other_m:,} m")
    return Text(f"{why.ko} ({', '.join(ko)})", f"{why.en} ({', '.join(en)})")


def violation_words(violation: Violation) -> Text:
    """What the checker found, of whom."""
    what = VIOLATIONS.get(violation.code, Text(violation.code, violation.code))
    of = " ".join(one for one in (violation.vehicle, violation.subject) if one)
    return Text(f"{what.ko}: {of}", f"{what.en}: {of}") if of else what


def summary(plan: DayPlan) -> Iterator[str]:
    """The plan in a few English sentences, for ``dure explain``."""
    figures = plan.figures
    yield (
        f"{figures.served_n} of {figures.bins_n} bins by {figures.trucks_n} trucks over {figures.distance_m / 1000:.1f} km, at"
        f" {plan.dial_m / 1000:g} km for an avoided overflow; {figures.overflow:.2f} overflows expected among the rest."
    )
    if plan.unsearched:
        yield "Nothing was searched: the search hung and was ended. This is the plan before, made drivable, or a quick one."
    for served, word in ((True, "In"), (False, "Out")):
        counts = Counter(one.code for one in plan.verdicts if one.served is served)
        for code, n in counts.most_common():
            yield f"{word}: {n} - {VERDICTS[code].en}."
    for idle in plan.idle:
        yield f"{idle.truck} stays at home: {IDLE[idle.code].en}."
    for violation in plan.violations[:20]:
        yield f"The checker: {violation_words(violation).en}."
