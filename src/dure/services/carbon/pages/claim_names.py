"""Words of claims for people: states, tiers, attributes, reasons, codes of parked events. Rows of data."""

from __future__ import annotations

from dure.core.text import Text
from dure.services.carbon.claiming.verifying import REASONS
from dure.web.words import Word

NONE = Text("")
STATES: dict[str, Word] = {
    "waiting": Word(Text("대기", "Waiting"), "gray", "clock", NONE),
    "reserved": Word(Text("검증 대기", "Waits for verification"), "warning", "clock", NONE),
    "awarded": Word(Text("인정", "Awarded"), "success", "check", NONE),
    "refused": Word(Text("거절", "Refused"), "danger", "cross", NONE),
    "retired": Word(Text("소멸(사용함)", "Retired"), "information", "diamond", NONE),
    "cancelled": Word(Text("취소", "Withdrawn"), "gray", "dash", NONE),
}
_A = Text("검증된 톤. 소멸시킬 수 있습니다.", "Verified tonnes; may be retired.")
_B = Text("추정된 톤. 통계로만 씁니다.", "Estimated tonnes; statistics only.")
_C = Text("참여. 톤이 없습니다.", "Participation; no tonnes.")
TIERS: dict[str, Word] = {
    "A": Word(Text("A 검증", "A verified"), "success", "check", _A),
    "B": Word(Text("B 추정", "B estimated"), "information", "circle", _B),
    "C": Word(Text("C 참여", "C participation"), "gray", "ring", _C),
}
HOLDERS: dict[str, Text] = {
    "city": Text("도시", "The city"),
    "person": Text("시민", "A citizen"),
    "company": Text("기업", "A company"),
}
ATTRIBUTES: dict[str, Text] = {
    "energy_saving": Text("에너지 절감", "Energy saving"),
    "renewable": Text("재생에너지 속성", "Renewable attribute"),
    "avoided_fuel": Text("대신한 연료", "Avoided fuel"),
    "generation": Text("발전", "Generation"),
    "recycled_mass": Text("재활용 무게", "Recycled mass"),
    "practice": Text("실천", "Practice"),
}
MARKS: dict[str, Text] = {
    "verified source": Text("출처 확인됨", "Verified source"),
    "secondary source": Text("2차 자료", "Secondary source"),
    "to be confirmed": Text("확인 필요", "To be confirmed"),
    "own choice": Text("두레가 정함", "Own choice"),
}
CODES: dict[str, Text] = {
    **REASONS,
    "claim.overlap": Text("이미 다른 청구가 가져간 것과 겹침", "Overlaps with what another claim has taken"),
    "claim.replaced": Text("정정된 사건이 대신함", "Replaced by a corrected event"),
    "claim.expired": Text("기한까지 결정되지 않음", "Not decided in time"),
    "claim.negative": Text("음수인 양", "A quantity below 0"),
    "claim.absurd": Text("있을 수 없는 양", "A quantity that cannot be"),
    "claim.excluded": Text("다른 제도에서 셈", "Counted in another scheme"),
    "claim.not_shown": Text("0보다 확실히 크지 않음", "Not surely above 0"),
    "claim.factor_missing": Text("그날의 배출계수가 없음", "No emission factor for the day"),
    "claim.method_missing": Text("그날의 방법이 없음", "No method for the day"),
    "claim.confidence_unknown": Text("모르는 신뢰수준", "Unknown confidence level"),
    "claim.evidence_missing": Text("사건에 증거가 없음", "The event has no evidence"),
    "claim.evidence_unreadable": Text("증거를 읽을 수 없음", "The evidence cannot be read"),
    "claim.not_judged": Text("판정하기에 자료가 모자람", "Too little to judge"),
    "claim.time_future": Text("미래의 시각", "A time that has not come"),
    "claim.time_past": Text("너무 오래된 시각", "A time too long ago"),
    "claim.time_reversed": Text("기간이 끝나기 전에 알림", "Told before its interval was over"),
}
VERDICTS: dict[str, Text] = {
    "award": Text("인정", "Award"),
    "refuse": Text("거절", "Refuse"),
    "withdraw": Text("취소", "Withdraw"),
}
EVENTS: dict[str, Text] = {
    "buildings.saving.verified": Text("건물 절감 확인", "Saving of a building"),
    "charging.energy.renewable": Text("충전소의 하루", "Day of a charging site"),
    "charging.generation.measured": Text("충전소의 발전", "Generation of a charging site"),
    "waste.saving.assessed": Text("수거 절감 판정", "Savings of collection"),
    "carbon.weighing.recorded": Text("재활용품 무게", "Weighing of recyclables"),
    "carbon.weighing.undone": Text("무게 재기 취소", "Weighing taken back"),
}
