"""What was saved, for the officer: the sentence first, then every quantity with its interval, the baseline, and each day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.waste.accounting import account_records, savings_desk
from dure.services.waste.accounting.account_story import decision_id
from dure.services.waste.accounting.baseline_desk import BaselineDesk
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.waste.accounting.account_records import Frozen
    from dure.services.waste.accounting.accounts import DayAccount
    from dure.services.waste.accounting.period import Period
    from dure.spine.house import House

HERE = "/operations/waste/savings"
DAYS_SHOWN = 60
NONE = Text("")
VERDICTS: dict[str, Word] = {
    "saving": Word(Text("줄었음", "Saved"), "success", "check", NONE),
    "none_shown": Word(Text("절감이 확인되지 않음", "No saving shown"), "gray", "dash", NONE),
    "more": Word(Text("늘었음", "More than before"), "danger", "cross", NONE),
    "too_short": Word(Text("아직 짧음", "Too short to judge"), "gray", "clock", NONE),
}
SOURCES: dict[str, Text] = {
    "tracker": Text("차량 추적기", "vehicle tracker"),
    "planned": Text("확정된 계획", "published plan"),
    "taps": Text("수거원이 누른 순서", "order of the crews' taps"),
}
# What both sides come to: name in `Period.actual`, words, what it is divided by, unit, decimals.
LINES: tuple[tuple[str, Text, float, str, int], ...] = (
    ("distance_m", Text("주행 거리", "Distance"), 1000, "km", 1),
    ("duration_s", Text("작업 시간", "Hours"), 3600, "h", 1),
    ("fuel_l", Text("연료", "Fuel"), 1, "L", 1),
    ("energy_wh", Text("전력", "Electricity"), 1000, "kWh", 1),
    ("co2e_g", Text("온실가스", "Greenhouse gas"), 1000, "kg CO2e", 1),
    ("overflow_n", Text("넘친 통 × 날", "Overflow bin-days"), 1, "", 0),
    ("visits_n", Text("비운 횟수", "Emptyings"), 1, "", 0),
    ("wasted_n", Text("헛걸음 (30% 미만)", "Wasted visits (below 30%)"), 1, "", 0),
    ("collected_m3", Text("거둔 양", "Collected"), 1, "m³", 1),
)
WHY: dict[str, Text] = {
    "baseline.log_short": Text(
        "그 기간의 기록이 모자라 달력을 읽을 수 없습니다.", "The log of that time is too short to show a calendar."
    ),
    "baseline.frozen": Text("기준선은 한 번만 정할 수 있습니다.", "A baseline is frozen once."),
    "baseline.late": Text("시작한 뒤에는 기준선을 정할 수 없습니다.", "A baseline is frozen before the pilot begins."),
    "baseline.empty": Text("그 기록에는 비운 통이 없습니다.", "Nothing was emptied in that log."),
}


class Told(NamedTuple):
    """The baseline, what the period says, and its days."""

    frozen: Frozen | None
    period: Period | None
    days: Sequence[DayAccount]


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of savings."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    router.add_api_route(HERE, freeze, methods=["POST"])
    return router


async def page(request: Request, trouble: str = "", status: int = 200) -> Response:
    """The savings of a span, or of everything."""
    house, asked = house_of(request), request.query_params
    start, end = _day(asked.get("start", "")), _day(asked.get("end", ""))

    def read() -> Told:
        with house.records.read() as connection:
            frozen, period = savings_desk.savings(house, connection, start, end)
            days = account_records.accounts(connection, frozen.baseline.id, start, end) if frozen else []
            return Told(frozen, period, days[-DAYS_SHOWN:][::-1])

    told = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "waste/savings.html",
        status=status,
        told=told,
        lines=LINES,
        verdicts=VERDICTS,
        sources=SOURCES,
        decision_id=decision_id,
        start=start.isoformat() if start else "",
        end=end.isoformat() if end else "",
        tomorrow=(day_of(house.clock.now(), house.city.zone) + timedelta(days=1)).isoformat(),
        trouble=trouble,
        done=request.query_params.get("told", ""),
    )


async def freeze(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Freeze the calendar that the log of emptyings shows, once."""
    house, fields, say = house_of(request), await own_form(request), layout_of(request).speech(request)
    start, end, begin = (_day(fields.get(name, "")) for name in ("log_from", "log_to", "starts_on"))
    if start is None or end is None or begin is None or end <= start:
        return await page(request, say("날짜를 바르게 적어 주세요."), 422)
    by = By(actor.id, house.clock.now())
    try:
        await run_in_threadpool(BaselineDesk(house).from_log, start, end, begin, by, fields.get("note", "").strip()[:500])
    except InputError as error:
        return await page(request, say.text(WHY[error.code]) if error.code in WHY else error.message, 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}?told=frozen", 303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
