"""What a check says of a value, in plain Korean and English with its numbers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.observations import Check, Flag
from dure.core.text import Text

if TYPE_CHECKING:
    from dure.services.environment.checks.quality_reasons import Bounds, Reason
    from dure.services.environment.faults.findings import Verdict

HOUR_S = 3600.0


def test_words(reason: Reason, unit: str) -> Text:
    """One streaming test in a sentence: what was measured, and the limit it passed. `unit` is what people write for it."""
    bounds = reason.fail if reason.flag == Flag.FAIL else reason.suspect
    low, high = bounds
    u = f" {unit}" if unit else ""
    measured = 0.0 if reason.statistic is None else reason.statistic
    hours = (reason.end_us - reason.start_us) / 1e6 / HOUR_S
    match Check(reason.check):
        case Check.FLAT_LINE:
            lasted, limit = measured / HOUR_S, (high or 0.0) / HOUR_S
            return Text(
                f"같은 값이 적어도 {lasted:.1f}시간 이어졌습니다. 한계는 {limit:.1f}시간입니다.",
                f"The same value for {lasted:.1f} h or more; the limit is {limit:.1f} h.",
            )
        case Check.ATTENUATED:
            return Text(
                f"{hours:.0f}시간 동안의 표준편차가 {measured:.3g}{u}입니다. 적어도 {low or 0:.3g}{u}이어야 합니다.",
                f"The standard deviation over {hours:.0f} h is {measured:.3g}{u}; it should be {low or 0:.3g} or more.",
            )
        case Check.SPIKE:
            return Text(
                f"앞뒤 값의 가운데에서 {measured:.3g}{u} 벗어났습니다. 한계는 {high or 0:.3g}{u}입니다.",
                f"{measured:.3g}{u} away from the middle of its neighbours in time; the limit is {high or 0:.3g}.",
            )
        case Check.RATE_OF_CHANGE:
            per_hour, limit = measured * HOUR_S, (high or 0.0) * HOUR_S
            return Text(
                f"시간당 {per_hour:.3g}{u}의 빠르기로 변했습니다. 한계는 시간당 {limit:.3g}{u}입니다.",
                f"Changed at {per_hour:.3g}{u} per hour; the limit is {limit:.3g} per hour.",
            )
        case Check.OUTSIDE_CLIMATE:
            return Text(
                f"{measured:.4g}{u}: 이 달의 보통 범위는 {_span(bounds)}{u}입니다.",
                f"{measured:.4g}{u}: usual in this month is {_span(bounds)}.",
            )
        case _:
            return Text(
                f"{measured:.4g}{u}: 가능한 범위는 {_span(bounds)}{u}입니다.",
                f"{measured:.4g}{u}: possible is {_span(bounds)}.",
            )


def verdict_words(one: Verdict, unit: str) -> Text:
    """What the neighbours say, in a sentence."""
    if one.check in (Check.HELD_BY_PERSON, Check.RELEASED_BY_PERSON):
        note = str(one.detail.get("note", ""))
        return Text(f"담당자의 메모: {note}", f"Note of the person: {note}")
    away, limit = abs(one.statistic or 0.0), one.threshold or 0.0
    u = f" {unit}" if unit else ""
    n = len(one.detail.get("neighbours", ()))
    return Text(
        f"이웃 {n}곳의 값에서 {away:.3g}{u} 벗어났습니다. 한계는 {limit:.3g}{u}입니다.",
        f"{away:.3g}{u} away from what {n} neighbours say; the limit is {limit:.3g}.",
    )


def _span(bounds: Bounds) -> str:
    low, high = bounds
    if low is None:
        return f"≤ {high or 0:.4g}"
    return f"≥ {low:.4g}" if high is None else f"{low:.4g} – {high:.4g}"
