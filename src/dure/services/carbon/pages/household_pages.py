"""A person's own energy at home, month by month beside its expectation, with the weather taken out; nobody else's."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import DureError, InputError
from dure.core.text import Text
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.carbon.households import household_view, judgement_records
from dure.services.carbon.households.bill_file import BillFile, billed_unit, read_bills
from dure.services.carbon.households.energy_rules import UTILITIES, Utility
from dure.services.carbon.households.household import with_people
from dure.services.carbon.households.household_desk import BillAnswer, HouseholdDesk, Joining
from dure.services.carbon.households.household_words import LEFT_OUT, SOURCES, UNIT_NAMES, UTILITY_NAMES
from dure.services.carbon.households.model import MILLI, Home, People
from dure.services.carbon.households.periods import Month
from dure.services.carbon.model import Refused
from dure.web.access import require
from dure.web.bar_charts import Line, LineChart
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form, own_form_with_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from dure.services.carbon.households.household_view import JudgementTold, Mine
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/carbon/household"
FILE_BYTES_MAX = 2 * 1024 * 1024
PRACTISES = require("act", "practice")


class Outcome(NamedTuple):
    """What the page says of what was just done."""

    trouble: Text | None = None
    answers: Sequence[BillAnswer] = ()
    file: BillFile | None = None


NOTHING = Outcome()


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The pages of this part."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(PRACTISES)])
    for name, work in {"join": join, "number": bind, "release": release, "bills": bring_file, "leave": leave}.items():
        router.add_api_route(f"{HERE}/{name}", work, methods=["POST"])
    return router


async def page(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # FastAPI's way
    """My energy."""
    return await _page(request, actor)


async def _page(request: Request, actor: Actor, outcome: Outcome = NOTHING) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)

    def read(connection: Connection) -> tuple[Mine | None, dict[str, Text]]:
        known = judgement_records.stations(connection)
        named = assets.find(connection, known)
        return household_view.mine(connection, actor.id), {one: named[one].name if one in named else Text(one) for one in known}

    mine, stations = await run_in_threadpool(_read, house, read)
    judgements = mine.judgements if mine else []
    return await layout_of(request).page(
        request,
        "carbon/household.html",
        status=422 if outcome.trouble else 200,
        mine=mine,
        stations=stations,
        judgements=[(one, _chart(one, say)) for one in judgements],
        bills=[(one, str(Month(one.month)), one.milli / MILLI) for one in reversed(mine.bills)] if mine else [],
        utilities=UTILITIES,
        utility_names=UTILITY_NAMES,
        unit_names=UNIT_NAMES,
        left_out=LEFT_OUT,
        sources=SOURCES,
        claim_states=CLAIM_STATES,
        outcome=outcome,
        today=HouseholdDesk(house).today(house.clock.now()).isoformat(),
        here=HERE,
    )


async def join(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # as above
    """Join with a household, or change it."""
    fields = await own_form(request)

    def write(desk: HouseholdDesk, connection: Connection, by: By) -> None:
        before = household_view.mine(connection, by.actor)
        home = _home(fields, before.kept.household.home if before else None, desk.today(by.at))
        area = fields.get("area", "").strip()
        asked = Joining(
            station=fields.get("station", ""),
            home=home,
            place=fields.get("place", ""),
            area_m2=_decimal(area) if area else None,
            consent=fields.get("consent") == "yes",
        )
        desk.join(connection, asked, by)

    return await _done(request, actor, write)


async def bind(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # as above
    """Bind a customer number."""
    fields = await own_form(request)

    def write(desk: HouseholdDesk, connection: Connection, by: By) -> Refused | None:
        utility = _utility(fields)
        unit = billed_unit("MJ" if fields.get("unit") == "MJ" and utility == "gas" else "", utility)
        found = desk.bind(connection, utility, fields.get("number", ""), unit, by)
        return found if isinstance(found, Refused) else None

    return await _done(request, actor, write)


async def release(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # as above
    """Take a customer number off."""
    fields = await own_form(request)
    return await _done(request, actor, lambda desk, connection, by: desk.release(connection, _utility(fields), by))


async def leave(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # as above
    """Take consent back."""
    await own_form(request)
    return await _done(request, actor, lambda desk, connection, by: desk.leave(connection, by))


async def bring_file(request: Request, actor: Actor = Depends(PRACTISES)) -> Response:  # noqa: B008  # as above
    """Bills from a file, or one that was typed in."""
    fields, body = await own_form_with_file(request, "file", FILE_BYTES_MAX)
    house = house_of(request)
    desk, by = HouseholdDesk(house), By(actor.id, house.clock.now())
    try:
        if len(body) > FILE_BYTES_MAX:
            raise InputError("household.file_size", "The file is larger than 2 MB.")
        utility = _utility(fields) if fields.get("utility") else None
        found = read_bills(body or _typed(fields), utility)

        def write() -> list[BillAnswer]:
            with house.records.begin() as connection:
                bills = [one for _, one in found.bills]
                return desk.enter(connection, bills, by, replace=fields.get("replace") == "yes") if bills else []

        answers = await run_in_threadpool(write)
    except DureError as error:
        return await _page(request, actor, Outcome(trouble=_why(error)))
    return await _page(request, actor, Outcome(answers=answers, file=found))


async def _done(request: Request, actor: Actor, write: Callable[[HouseholdDesk, Connection, By], Refused | None]) -> Response:
    house = house_of(request)
    desk, by = HouseholdDesk(house), By(actor.id, house.clock.now())

    def work() -> Refused | None:
        with house.records.begin() as connection:
            return write(desk, connection, by)

    try:
        refused = await run_in_threadpool(work)
    except DureError as error:
        return await _page(request, actor, Outcome(trouble=_why(error)))
    if refused is not None:
        return await _page(request, actor, Outcome(trouble=refused.reason))
    return RedirectResponse(f"/{language_of(request)}{HERE}", 303)


def _read(house: House, read: Callable[[Connection], Any]) -> Any:
    with house.records.read() as connection:
        return read(connection)


def _chart(one: JudgementTold, say: Speech) -> LineChart:
    """Use and expectation by month, the last 18."""
    months = one.months[-18:]
    lines = [
        Line(say("사용량"), [each.used for each in months]),
        Line(say("날씨를 고려한 예상"), [each.expected for each in months], "broken"),
    ]
    name = f"{say.text(UTILITY_NAMES[one.utility])} {one.period}"
    labels = [each.month[2:7] for each in months]
    unit = UNIT_NAMES.get(one.unit, one.unit)
    return LineChart(id=f"{one.utility}-{one.period}", title=name, unit=unit, labels=labels, lines=lines, decimals=1)


def _home(fields: dict[str, str], before: Home | None, today: date) -> Home:
    """The home of the form; how many live there holds from the day said on."""
    since = _day(fields.get("since", ""))
    count = fields.get("people", "")
    if not count.isdecimal() or since is None:
        raise InputError("household.people", "Say since when you live there, and how many you are.")
    people_since = _day(fields.get("people_since", "")) or (since if before is None else today)
    kept = before if before is not None else Home(since=since, people=(People(since, int(count)),))
    home = with_people(kept, int(count), people_since)
    return Home(since=since, until=_day(fields.get("until", "")), people=home.people, solar_since=_day(fields.get("solar", "")))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError as error:
        raise InputError("household.days", f"{text[:20]!r} is no day.") from error


def _decimal(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError("household.area", f"{text[:20]!r} is no area.") from error


def _utility(fields: dict[str, str]) -> Utility:
    found = next((one for one in UTILITIES if one == fields.get("utility")), None)
    if found is None:
        raise InputError("household.utility", "Say whether it is electricity, gas or water.")
    return found


def _typed(fields: dict[str, str]) -> bytes:
    """A bill that was typed in, as the file of one row that says the same."""
    names = ("month", "amount", "unit", "read", "vacant", "exchanged")
    cells = [fields.get(name, "").replace('"', "")[:40] for name in names]
    quoted = ['"' + one + '"' for one in cells]
    return "\n".join([",".join(names), ",".join(quoted)]).encode()


def _why(error: DureError) -> Text:
    reason = error.detail.get("reason")
    return reason if isinstance(reason, Text) else WHY.get(error.code, Text(error.message))


CLAIM_STATES: dict[str, Text] = {
    "reserved": Text("예산을 잡아 두었고 담당자가 확인하고 있습니다.", "The money is set aside; an officer is checking."),
    "awarded": Text("인정되었습니다.", "Awarded."),
    "refused": Text("지급되지 않았습니다.", "Not paid."),
    "cancelled": Text("취소되었습니다.", "Withdrawn."),
}
WHY: dict[str, Text] = {
    "household.consent": Text("동의해 주셔야 에너지 사용량을 볼 수 있습니다.", "Energy is looked at only with your consent."),
    "household.customer_number": Text(
        "고객번호는 글자와 숫자 4~30자입니다.", "A customer number has 4 to 30 letters and digits."
    ),
    "household.number_exists": Text(
        "이 종류의 고객번호가 이미 있습니다. 먼저 빼 주세요.", "There is a number of that kind already. Take it off first."
    ),
    "household.people": Text("언제부터 살았는지, 몇 명인지 적어 주세요.", "Say since when you live there, and how many you are."),
    "household.days": Text("날짜를 2026-01-31처럼 적어 주세요.", "Write days as 2026-01-31."),
    "household.area": Text("면적은 숫자로 적어 주세요.", "Write the floor area as a number."),
    "household.utility": Text("전기, 가스, 수도 가운데 고르세요.", "Choose electricity, gas or water."),
    "household.unknown": Text("먼저 참여해 주세요.", "Join first."),
    "household.file_size": Text("파일이 2 MB보다 큽니다.", "The file is larger than 2 MB."),
    "household.file_rows": Text("고지서가 없거나 600줄을 넘습니다.", "There are no bills, or more than 600."),
    "bill.no_columns": Text("월과 사용량 제목이 있는 줄이 없습니다.", "No row has headings for month and use."),
}
