"""Accounts by REST: what a span saved, each day's account, and the frozen baseline."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.waste.accounting import account_records, savings_desk
from dure.services.waste.accounting.account_story import decision_id
from dure.services.waste.accounting.accounts import Side
from dure.services.waste.accounting.baseline_desk import BaselineDesk
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesCityData
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from dure.services.waste.accounting.account_records import Frozen
    from dure.services.waste.accounting.accounts import DayAccount
    from dure.services.waste.accounting.period import Period
    from dure.spine.house import House

DAY = r"^\d{4}-\d{2}-\d{2}$"


class SpanQuery(BaseModel):
    """Which days."""

    start: str | None = Field(None, pattern=DAY, description="From this local day.", examples=["2026-11-01"])
    end: str | None = Field(None, pattern=DAY, description="Until this local day, not included.", examples=["2026-12-01"])


class NewBaseline(BaseModel):
    """The log a baseline is read from, and from when accounts are kept."""

    log_from: str = Field(pattern=DAY, description="First day of the log.", examples=["2026-09-01"])
    log_to: str = Field(pattern=DAY, description="Day after its last.", examples=["2026-11-01"])
    starts_on: str = Field(pattern=DAY, description="First day of the pilot: not before today.", examples=["2026-12-01"])
    note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="In words.")


class AccountForm(msgspec.Struct, frozen=True, kw_only=True):
    """A day's account. `source` says where the kilometres come from; `decision` tells the rest."""

    day: date
    baseline_id: str
    actual: Side
    baseline: Side
    source: str
    estimated: bool
    watched: float
    decision: str


class SavingForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a span saved: the sentence, every quantity with its 90 % interval, and the sums of both sides."""

    start: date
    end: date
    baseline_id: str
    headline: Text
    days: int
    sources: dict[str, int]
    savings: dict[str, Any]
    actual: dict[str, float]
    baseline: dict[str, float]


class BaselineForm(msgspec.Struct, frozen=True, kw_only=True):
    """The frozen baseline."""

    id: str
    starts_on: date
    origin: str
    bins: int
    frozen_at: datetime
    person: str
    sha256: str


class AccountRoutes:
    """The routes of accounts."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def savings(self, asked: Annotated[SpanQuery, Query()], _: SeesCityData) -> Response:
        """What a span saved against the frozen baseline."""
        _frozen, period = await run_in_threadpool(self._savings, *_span(asked))
        if period is None:
            raise NotFound("account.none", "There is no account of these days, or no baseline was frozen.")
        return answer(_saving(period))

    async def accounts(self, request: Request, asked: Annotated[SpanQuery, Query()], _: SeesCityData) -> Response:
        """Each day's account, in order."""
        return page(request, [_account(one) for one in await run_in_threadpool(self._accounts, *_span(asked))], None)

    async def baseline(self, _: SeesCityData) -> Response:
        """The baseline in force."""
        frozen, _period = await run_in_threadpool(self._savings, None, None)
        if frozen is None:
            raise NotFound("baseline.none", "No baseline was frozen yet.")
        return answer(_baseline(frozen))

    async def freeze(self, wanted: NewBaseline, actor: Commands) -> Response:
        """Freeze the calendar that the log of emptyings shows. It is never changed afterwards."""
        by = By(actor.id, self._house.clock.now())
        days = (_day(wanted.log_from), _day(wanted.log_to), _day(wanted.starts_on))
        return answer(_baseline(await run_in_threadpool(BaselineDesk(self._house).from_log, *days, by, wanted.note)), 201)

    def _savings(self, start: date | None, end: date | None) -> tuple[Frozen | None, Period | None]:
        with self._house.records.read() as connection:
            return savings_desk.savings(self._house, connection, start, end)

    def _accounts(self, start: date | None, end: date | None) -> list[DayAccount]:
        with self._house.records.read() as connection:
            frozen = account_records.newest_baseline(connection)
            return account_records.accounts(connection, frozen.baseline.id, start, end) if frozen else []


def _span(asked: SpanQuery) -> tuple[date | None, date | None]:
    return (_day(asked.start) if asked.start else None, _day(asked.end) if asked.end else None)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("time.unreadable", f"{text[:40]!r} is no day: it reads YYYY-MM-DD.") from error


def _account(one: DayAccount) -> AccountForm:
    return AccountForm(
        day=one.day,
        baseline_id=one.baseline_id,
        actual=one.actual,
        baseline=one.baseline,
        source=one.source,
        estimated=one.estimated,
        watched=one.watched,
        decision=decision_id(one),
    )


def _saving(period: Period) -> SavingForm:
    return SavingForm(
        start=period.start,
        end=period.end,
        baseline_id=period.baseline_id,
        headline=period.headline,
        days=period.days_n,
        sources=period.sources,
        savings={name: msgspec.to_builtins(one) for name, one in period.savings.items()},
        actual=period.actual,
        baseline=period.baseline,
    )


def _baseline(frozen: Frozen) -> BaselineForm:
    return BaselineForm(
        id=frozen.baseline.id,
        starts_on=frozen.baseline.starts_on,
        origin=frozen.baseline.origin,
        bins=len(frozen.baseline.due),
        frozen_at=frozen.frozen_at,
        person=frozen.person,
        sha256=frozen.sha256,
    )


def routes(house: House) -> APIRouter:
    """Savings, accounts, baseline."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    desk = AccountRoutes(house)
    baseline = schema_of(BaselineForm)
    router.get(
        "/savings",
        summary="What a span saved",
        response_class=Response,
        responses=told(schema_of(SavingForm), 401, 403, 404, 503),
    )(desk.savings)
    router.get(
        "/accounts", summary="Accounts of days", response_class=Response, responses=told(page_schema(AccountForm), 401, 403, 503)
    )(desk.accounts)
    router.get("/baseline", summary="The frozen baseline", response_class=Response, responses=told(baseline, 401, 403, 404, 503))(
        desk.baseline
    )
    router.post(
        "/baseline",
        summary="Freeze a baseline",
        status_code=201,
        response_class=Response,
        responses=told(baseline, 400, 401, 403, 409, 503, status=201, description="Frozen."),
    )(desk.freeze)
    return router
