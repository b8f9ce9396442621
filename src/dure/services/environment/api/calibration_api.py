"""Routes of calibration: what is in force and what is proposed, fits beside a reference, putting in force and ending."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.identifiers import identifier
from dure.engines.records.audit import By
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import Method, Model, State
from dure.services.environment.calibrating.calibration_desk import CalibrationDesk, Proposal
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import ManagesDevices, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, instant, span, text

if TYPE_CHECKING:
    from datetime import datetime

    from dure.engines.records.paging import Page
    from dure.spine.house import House

USUAL = timedelta(days=56)
LONGEST = timedelta(days=400)


def _time(description: str) -> Any:
    return Field(None, description=description, json_schema_extra={"format": "date-time"})


class CalibrationQuery(Paged):
    """Which calibrations."""

    state: State | None = Field(None, description="Only in this state.")
    asset: str | None = Field(None, max_length=64, description="Only those of this asset.")


class Wanted(BaseModel):
    """A calibration to be tried."""

    model_config = ConfigDict(extra="forbid")

    asset: str = Field(max_length=64, description="The sensor's asset.", examples=["hs-0017"])
    property: str = Field("pm2_5", max_length=64, description="What it measures.", examples=["pm2_5"])
    method: Method = Field("co_location", description="co_location, humidity_us_epa (a starting model) or zero_span.")
    reference: str = Field("", max_length=64, description="The asset it stands beside, for a co-location.", examples=["ref-1"])
    start: str | None = _time("From here (RFC 3339); 56 days before the end.")
    end: str | None = _time("To here (RFC 3339); now.")
    gain: float = Field(1.0, gt=0, le=1_000, allow_inf_nan=False, description="For zero_span.")
    offset: float = Field(0.0, ge=-1e6, le=1e6, allow_inf_nan=False, description="For zero_span, in the property's unit.")
    sd: float = Field(0.0, ge=0, le=1e6, allow_inf_nan=False, description="For zero_span: one sd, in the property's unit.")


class From(BaseModel):
    """From which instant on."""

    model_config = ConfigDict(extra="forbid")

    at: str | None = _time("RFC 3339; now, when absent.")


class Calibrations:
    """The routes of calibration."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = CalibrationDesk(house)

    async def listing(self, request: Request, asked: Annotated[CalibrationQuery, Query()], _: SeesCityData) -> Response:
        """Calibrations, newest first, without their samples."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def one(self, model_id: str, _: SeesCityData) -> Response:
        """One calibration with its sample of held-out hours."""
        return answer(await run_in_threadpool(self._get, identifier(model_id, "calibration id")))

    async def propose(self, wanted: Wanted, actor: ManagesDevices) -> Response:
        """Fit beside a reference, or name a published or measured model. What comes of it is kept, not put in force."""
        at = self._house.clock.now()
        interval = span(wanted.start, wanted.end, at, usual=USUAL, longest=LONGEST)
        proposal = Proposal(
            asset=identifier(wanted.asset, "asset id"),
            property=identifier(wanted.property, "property id"),
            method=wanted.method,
            reference=identifier(wanted.reference, "asset id") if wanted.reference else "",
            interval=interval,
            gain=wanted.gain,
            offset=wanted.offset,
            sd=wanted.sd,
        )
        return answer(await run_in_threadpool(self._desk.propose, proposal, By(actor.id, at)), 201)

    async def activate(self, model_id: str, asked: From, actor: ManagesDevices) -> Response:
        """Put a candidate in force; the one before it ends at the same instant."""
        at, by = self._at(asked), By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(self._desk.activate, identifier(model_id, "calibration id"), at, by))

    async def retire(self, model_id: str, asked: From, actor: ManagesDevices) -> Response:
        """End the one in force, or turn a candidate down."""
        at, by = self._at(asked), By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(self._desk.retire, identifier(model_id, "calibration id"), at, by))

    def _at(self, asked: From) -> datetime:
        return self._house.clock.now() if asked.at is None else instant(asked.at, "at")

    def _listing(self, asked: CalibrationQuery) -> Page[Model]:
        asset = "" if asked.asset is None else identifier(asked.asset, "asset id")
        states: tuple[State, ...] = () if asked.state is None else (asked.state,)
        with self._house.records.read() as connection:
            found = calibrations.listing(
                connection, states=states, asset=asset, after=text(asked.after, "after"), limit=asked.limit
            )
        return msgspec.structs.replace(found, items=[without_sample(one) for one in found.items])

    def _get(self, model_id: str) -> Model:
        with self._house.records.read() as connection:
            return calibrations.get(connection, model_id)


def without_sample(model: Model) -> Model:
    """The calibration without the hours that are kept for its picture."""
    return msgspec.structs.replace(model, inputs=msgspec.structs.replace(model.inputs, sample=()))


def routes(house: House) -> APIRouter:
    """Calibrations."""
    router = APIRouter(prefix="/environment/calibrations", tags=["environment"], route_class=CheckedRoute)
    desk = Calibrations(house)
    one, refusals = schema_of(Model), (401, 403, 404, 503)
    router.get("", summary="Calibrations", response_class=Response, responses=told(page_schema(Model), 401, 403, 503))(
        desk.listing
    )
    router.get("/{model_id}", summary="One calibration", response_class=Response, responses=told(one, *refusals))(desk.one)
    router.post(
        "",
        summary="Propose a calibration",
        status_code=201,
        response_class=Response,
        responses=told(one, 400, 401, 403, 409, 503, status=201, description="Kept as a candidate, or rejected with reasons."),
    )(desk.propose)
    for verb, summary, handler in (
        ("activate", "Put a calibration in force", desk.activate),
        ("retire", "End a calibration", desk.retire),
    ):
        responses = told(one, 400, 409, *refusals)
        router.post(f"/{{model_id}}/{verb}", summary=summary, response_class=Response, responses=responses)(handler)
    return router
