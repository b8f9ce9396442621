"""Pages of calibration: what is in force, what was proposed and how it did, and one calibration with its lineage."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.core.time import Interval
from dure.engines.records.audit import By
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import CORRECTED, SUFFIX, Model
from dure.services.environment.calibrating.calibration_desk import CalibrationDesk, Proposal
from dure.services.environment.pages import calibration_words
from dure.services.environment.pages.calibration_charts import Scatter, axis_of, scatter_chart
from dure.web.access import require
from dure.web.charts import nice_step
from dure.web.i18n import unit_label
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dure.core.assets import Asset
    from dure.core.properties import Property
    from dure.spine.house import House
    from dure.web.i18n import Speech

HOME = "/operations/environment/calibration"
PAGE_ROWS = 50
IN_FORCE_MAX = 500
OFFERED_MAX = 300
WEEKS = (4, 8, 12, 26)


class Shown(NamedTuple):
    """A calibration as a page shows it; `decimals` and `unit` are of its property."""

    model: Model
    asset: Text
    known: Property | None
    reasons: list[tuple[calibration_words.Side, str]]

    @property
    def measured(self) -> Text:
        """Its property in words."""
        return self.known.name if self.known else Text(self.model.property)

    @property
    def unit(self) -> str:
        """Its unit."""
        return self.known.unit if self.known else "1"

    @property
    def decimals(self) -> int:
        """One more than its values have: differences are small."""
        return self.known.decimals + 1 if self.known else 2


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of calibration."""
    router = APIRouter()
    sees = Depends(require("read", "city_data"))
    router.add_api_route(HOME, listing, methods=["GET"], dependencies=[sees])
    router.add_api_route(HOME, propose, methods=["POST"])
    router.add_api_route(f"{HOME}/{{model_id}}", one, methods=["GET"], dependencies=[sees])
    router.add_api_route(f"{HOME}/{{model_id}}/activate", activate, methods=["POST"])
    router.add_api_route(f"{HOME}/{{model_id}}/retire", retire, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """First the candidates that wait for a person, then what is in force, then what is over."""
    return await _listing(request, {}, {})


async def _listing(request: Request, fields: dict[str, str], wrong: dict[str, Text], status: int = 200) -> Response:
    house, after = house_of(request), request.query_params.get("after", "")[:200]

    def read() -> tuple[list[Model], list[Model], list[Model], str]:
        with house.records.read() as connection:
            over = calibrations.listing(connection, states=["retired", "rejected"], after=after, limit=PAGE_ROWS)
            waiting = calibrations.listing(connection, states=["candidate"], limit=IN_FORCE_MAX)
            held = calibrations.listing(connection, states=["active"], limit=IN_FORCE_MAX)
            return waiting.items, held.items, over.items, over.next

    waiting, held, over, following = await run_in_threadpool(read)
    say, known_assets = layout_of(request).speech(request), await visible(request)
    measured = [one for one in house.properties if f"{one.id}{SUFFIX}" in CORRECTED]
    offered = sorted(known_assets.values(), key=lambda one: say.sort_key(say.text(one.name)))
    return await layout_of(request).page(
        request,
        "environment/calibrations.html",
        status=status,
        waiting=[_shown(house, one, known_assets, say) for one in waiting],
        held=[_shown(house, one, known_assets, say) for one in held],
        over=[_shown(house, one, known_assets, say) for one in over],
        following=following,
        after=after,
        spoken=calibration_words,
        measured=measured,
        offered=[one for one in offered if one.kind == "station"][:OFFERED_MAX],
        weeks=WEEKS,
        fields=fields,
        wrong={name: say.text(why) for name, why in wrong.items()},
        done=request.query_params.get("done", ""),
    )


async def one(request: Request, model_id: str) -> Response:
    """One calibration: how it did before and after, what it was made of, how sure it is, and its lineage."""
    house = house_of(request)

    def read() -> tuple[Model, list[Model]]:
        with house.records.read() as connection:
            found = calibrations.get(connection, model_id)
            return found, calibrations.lineage(connection, found.asset, found.property)

    model, line = await run_in_threadpool(read)
    say, known_assets = layout_of(request).speech(request), await visible(request)
    shown = _shown(house, model, known_assets, say)
    reference = known_assets.get(model.inputs.reference)
    return await layout_of(request).page(
        request,
        "environment/calibration.html",
        crumbs=[(HOME, say("보정"))],
        shown=shown,
        line=line,
        spoken=calibration_words,
        pictures=_pictures(shown, say),
        scatter=scatter_chart,
        reference=reference.name if reference else Text(model.inputs.reference or "–"),
        done=request.query_params.get("done", ""),
    )


async def propose(request: Request, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008  # FastAPI's way
    """Fit beside a reference; the reader is led to what came of it."""
    house, fields = house_of(request), await own_form(request)
    now = house.clock.now()
    weeks = fields.get("weeks", "")
    span = timedelta(weeks=int(weeks)) if weeks in {str(each) for each in WEEKS} else timedelta(weeks=WEEKS[1])

    def write() -> Model:
        proposal = Proposal(
            asset=identifier(fields.get("asset", "").strip(), "asset id"),
            property=fields.get("property", ""),
            reference=identifier(fields.get("reference", "").strip(), "asset id"),
            interval=Interval(now - span, now),
        )
        return CalibrationDesk(house).propose(proposal, By(actor.id, now))

    try:
        model = await run_in_threadpool(write)
    except (InputError, NotFound) as error:
        return await _listing(request, fields, {"asset": _WHY.get(error.code) or Text(error.message, error.message)}, 422)
    return _to(request, f"{HOME}/{model.id}?done=proposed")


_WHY: dict[str, Text] = {
    "asset.unknown": Text("이런 관측소가 없습니다. 목록에서 골라 주세요.", "There is no such station. Choose one of the list."),
    "id.malformed": Text("두 관측소의 식별자를 모두 적어 주세요.", "Enter the ids of both stations."),
    "calibration.reference": Text(
        "센서와 기준은 서로 다른 곳이어야 합니다.", "Sensor and reference must be two different stations."
    ),
    "calibration.property": Text("이 항목은 보정하지 않습니다.", "This property is not calibrated."),
}


async def activate(request: Request, model_id: str, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008
    """Put a candidate in force from now on."""
    return await _decide(request, model_id, actor, "activate")


async def retire(request: Request, model_id: str, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008
    """End the one in force now, or turn a candidate down."""
    return await _decide(request, model_id, actor, "retire")


async def _decide(request: Request, model_id: str, actor: Actor, verb: str) -> Response:
    house = house_of(request)
    await own_form(request)
    now, desk = house.clock.now(), CalibrationDesk(house)
    change = desk.activate if verb == "activate" else desk.retire
    model = await run_in_threadpool(change, model_id, now, By(actor.id, now))
    return _to(request, f"{HOME}/{model.id}?done={model.state}")


def _to(request: Request, path: str) -> Response:
    return RedirectResponse(f"/{language_of(request)}{path}", 303)


def _shown(house: House, model: Model, known: Mapping[str, Asset], say: Speech) -> Shown:
    asset = known.get(model.asset)
    reasons = [
        (calibration_words.side_of(one), say.text(calibration_words.reason_text(one, say.number))) for one in model.reasons
    ]
    return Shown(model, asset.name if asset else Text(model.asset), house.properties.get(model.property), reasons)


def _pictures(shown: Shown, say: Speech) -> list[Scatter]:
    """Held-out hours before and after, on one scale; nothing where no sample was kept."""
    sample = shown.model.inputs.sample
    if not sample:
        return []
    top, step = axis_of([value for row in sample for value in row], nice_step)
    columns = ((0, say("보정 전"), say("원값")), (1, say("보정 후"), say("보정값")))
    return [
        Scatter(
            title=title,
            summary=say(
                "{title}: 점 {n}개 가운데 {over}개가 기준보다 높습니다.",
                title=title,
                n=say.number(len(sample)),
                over=say.number(sum(row[column] > row[2] for row in sample)),
            ),
            across=say("기준 측정값"),
            upward=upward,
            unit=unit_label(shown.unit),
            top=top,
            step=step,
            points=[(row[2], row[column]) for row in sample],
        )
        for column, title, upward in columns
    ]
