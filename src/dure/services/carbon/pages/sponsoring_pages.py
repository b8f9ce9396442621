"""Sponsoring: what a company's money achieved, its offers, and the city's desk that decides on them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.companies import company_records, funding_desk, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.company_desk import written_by
from dure.services.carbon.companies.fundable import Fundable, fundable
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship, TargetKind
from dure.services.carbon.companies.suggesting import Wish
from dure.services.carbon.model import Tier
from dure.services.carbon.pages import claim_names, company_words, figure_paths
from dure.services.carbon.pages.company_view import BASE, back, day, number, show, write
from dure.services.carbon.programmes import programmes
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from dure.services.carbon.companies.company import Company
    from dure.spine.house import House

DESK = "/operations/carbon/sponsoring"
YEAR = timedelta(days=365)
SEES = Depends(require("read", "company"))
ACTS = Depends(require("act", "company"))
DECIDES = Depends(require("manage", "programme"))


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The routes of this part."""
    router = APIRouter()
    router.add_api_route(f"{BASE}/{{company}}/sponsoring", sponsoring, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/sponsoring", offer, methods=["POST"])
    router.add_api_route(f"{BASE}/{{company}}/sponsoring/{{ident}}", one, methods=["GET"])
    router.add_api_route(DESK, desk, methods=["GET"], dependencies=[Depends(require("read", "ledger"))])
    router.add_api_route(DESK, decide, methods=["POST"])
    return router


async def sponsoring(request: Request, company: str, actor: Actor = SEES) -> Response:
    """What the money achieved, the company's offers, and where more would do most."""
    return await _page(request, company, actor)


async def _page(request: Request, company: str, actor: Actor, **more: Any) -> Response:
    house, asked = house_of(request), request.query_params
    ceiling = asked.get("most", "").replace(",", "")
    wish = Wish(
        theme=asked.get("theme", "")[:40],
        district=asked.get("district", "")[:64],
        won_per_tonne_max=int(ceiling) if ceiling.isdecimal() and len(ceiling) < 13 else 0,
    )

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        suggestions = funding_desk.suggested(house, connection, wish, YEAR)
        there = fundable(house, connection)
        return {
            "achieved": funding_desk.achieved_by(connection, mine.id),
            "available": funding_desk.available_won(connection, mine.id),
            "suggestions": suggestions,
            "fundable": there,
            "places": _places(connection, there, [one.option.target for one in suggestions]),
        }

    today = day_of(house.clock.now(), house.city.zone)
    return await show(
        request, actor, company, "carbon/company_sponsoring.html", read,
        wish=wish, themes=funding_desk.rules_of(house).themes, zones=house.city.zones, tiers=claim_names.TIERS,
        programmes=programmes(today, house.city.folder), **more,
    )  # fmt: skip


async def one(request: Request, company: str, ident: str, actor: Actor = SEES) -> Response:
    """One sponsorship: how it came so far, and the claims behind its result."""

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        held = sponsor_records.get(connection, ident[:80])
        if held.sponsorship.company != mine.id:
            raise NotFound("sponsor.unknown", f"There is no sponsorship {ident[:80]!r}.")
        results = sponsor_records.results_of(connection, sponsorship=ident, limit=200)
        claims = [one.claim for one in claim_records.claims_of(connection, [one.claim for one in results])]
        return {
            "told_of": funding_desk.achieved_by_one(connection, held),
            "escrow": funding_desk.in_escrow_won(connection, ident),
            "steps": sponsor_records.steps_of(connection, ident),
            "results": results,
            "places": _places(connection, fundable(house_of(request), connection), [held.sponsorship.target]),
            "names": names_of(house_of(request), connection, claims),
        }

    return await show(request, actor, company, "carbon/sponsorship.html", read, tiers=claim_names.TIERS, paths=figure_paths)


def _places(connection: Connection, there: Iterable[Fundable], targets: Iterable[str]) -> dict[str, Text]:
    """What targets are called: those that can be sponsored now, and assets that could once."""
    found = {one.target: one.name for one in there}
    ids = {target: target.rpartition("/")[2] for target in targets if target not in found}
    named = assets.find(connection, ids.values())
    return found | {target: named[ident].name for target, ident in ids.items() if ident in named}


async def offer(request: Request, company: str, actor: Actor = ACTS) -> Response:
    """Offer a sponsorship, or take an offer back."""
    house, fields = house_of(request), await own_form(request)

    def deed(connection: Connection, mine: Company, by: By) -> None:
        if fields.get("withdraw"):
            held = sponsor_records.get(connection, fields["withdraw"][:80])
            written_by(connection, actor, held.sponsorship.company)
            sponsoring_desk.turn_down(connection, held.sponsorship.id, "withdrawn", by)
        else:
            ident = funding_desk.new_id(connection, mine.id)
            funding_desk.offer(house, connection, _sponsorship(house, ident, mine.id, fields), by)

    try:
        await write(request, actor, company, deed)
    except (InputError, NotFound) as error:
        trouble = company_words.why(error, layout_of(request).speech(request))
        return await _page(request, company, actor, trouble=trouble, fields=fields)
    return back(request, company, "/sponsoring", "withdrawn" if fields.get("withdraw") else "offered")


def _sponsorship(house: House, ident: str, company: str, fields: dict[str, str]) -> Sponsorship:
    kind: TargetKind = next((each for each in get_args(TargetKind) if each == fields.get("target_kind")), "source")
    tier: Tier = next((each for each in get_args(Tier) if each == fields.get("tier")), "A")
    per_tonne, zone = int(number(fields, "won_per_tonne")), house.city.zone
    goal, step = int(number(fields, "milestone")), int(number(fields, "milestone_won"))
    kg = tier == "A"
    milestones = () if not step else (Milestone(won=step, grams=goal * 1_000 if kg else 0, claims=0 if kg else goal),)
    return Sponsorship(
        id=ident,
        company=company,
        title=Text(fields.get("title_ko", "").strip(), fields.get("title_en", "").strip()),
        target_kind=kind,
        target=fields.get("target", "").strip(),
        start=day_interval(day(fields, "start"), zone).start,
        end=day_interval(day(fields, "end"), zone).end,
        budget_won=int(number(fields, "budget_won")),
        programme=fields.get("programme", "")[:60],
        tier=tier,
        won_per_tonne=per_tonne,
        milestones=milestones,
        transfers=fields.get("transfers") == "yes",
        contract=fields.get("contract", "").strip(),
    )


async def desk(request: Request) -> Response:
    """Offers that wait for the city, those that run, and money that arrived."""
    return await _desk(request, "")


async def _desk(request: Request, trouble: str) -> Response:
    house = house_of(request)

    def read() -> tuple[Any, Any, Any, dict[str, Text]]:
        with house.records.read() as connection:
            offered = sponsor_records.listing(connection, states=("offered",))
            running = sponsor_records.listing(connection, states=("running",))
            places = _places(connection, fundable(house, connection), [one.sponsorship.target for one in (*offered, *running)])
            return offered, running, company_records.listing(connection, limit=1_000).items, places

    offered, running, companies, places = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "carbon/sponsoring_desk.html",
        status=422 if trouble else 200,
        offered=offered,
        running=running,
        places=places,
        companies={each.id: each for each in companies},
        trouble=trouble,
        told=request.query_params.get("told", "")[:40],
        base=BASE,
        words=company_words,
        here=DESK,
    )


async def decide(request: Request, actor: Actor = DECIDES) -> Response:
    """Accept or decline an offer, or note money that arrived."""
    house, fields = house_of(request), await own_form(request)
    by = By(actor.id, house.clock.now())

    def work() -> None:
        with house.records.begin() as connection:
            if fields.get("do") == "money":
                won = int(number(fields, "won"))
                sponsoring_desk.pay_in(connection, fields.get("company", "")[:64], won, fields.get("receipt", ""), by)
            elif fields.get("do") == "accept":
                sponsoring_desk.accept(connection, fields.get("sponsorship", "")[:80], by)
            else:
                sponsoring_desk.turn_down(connection, fields.get("sponsorship", "")[:80], "declined", by)

    try:
        await run_in_threadpool(work)
    except (InputError, NotFound) as error:
        return await _desk(request, company_words.why(error, layout_of(request).speech(request)))
    return RedirectResponse(f"/{language_of(request)}{DESK}?told=kept", 303)
