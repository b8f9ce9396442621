"""Accounts, for admins: who may sign in, with which roles; auditors look on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import ROLES, Actor, Role
from dure.core.errors import Conflict, InputError
from dure.engines.identity.people import PersonState
from dure.engines.records.audit import By
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.spine.house import House

PAGE_ROWS = 100


def router(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the accounts."""
    routes = APIRouter()
    sees = Depends(require("read", "user"))
    routes.add_api_route("/operations/users", listing, methods=["GET"], dependencies=[sees])
    routes.add_api_route("/operations/users", add, methods=["POST"])
    routes.add_api_route("/operations/users/{person_id}", change, methods=["POST"])
    return routes


async def listing(request: Request) -> Response:
    """All accounts, and the form for a new one."""
    return await _page(request)


async def _page(request: Request, fields: dict[str, str] | None = None, trouble: str = "", status: int = 200) -> Response:
    house, after = house_of(request), request.query_params.get("after", "")[:100]
    found = await run_in_threadpool(house.people.listing, after=after, limit=PAGE_ROWS)
    return await layout_of(request).page(
        request,
        "users.html",
        status=status,
        people=found.items,
        following=found.next,
        after=after,
        fields=fields or {},
        trouble=trouble,
        roles=ROLES,
    )


def _roles(fields: dict[str, str]) -> list[Role]:
    return [role for role in ROLES if fields.get(f"role-{role}") == "yes"]


async def add(request: Request, actor: Actor = Depends(require("manage", "user"))) -> Response:  # noqa: B008  # FastAPI's way
    """A new account."""
    house, fields = house_of(request), await own_form(request)
    by = By(actor.id, house.clock.now())
    login, name, password = fields.get("login", "").strip(), fields.get("name", "").strip(), fields.get("password", "")
    try:
        await run_in_threadpool(house.people.add, login, name or login, password, _roles(fields), by)
    except (InputError, Conflict) as error:
        return await _page(request, fields, error.message, 422)
    return RedirectResponse(f"/{language_of(request)}/operations/users", 303)


async def change(request: Request, person_id: str, actor: Actor = Depends(require("manage", "user"))) -> Response:  # noqa: B008
    """Other roles, or let in and shut out."""
    house, fields = house_of(request), await own_form(request)
    by = By(actor.id, house.clock.now())
    state: PersonState = "active" if fields.get("active") == "yes" else "disabled"
    try:
        await run_in_threadpool(lambda: house.people.change(person_id, by, roles=_roles(fields), state=state))
    except (InputError, Conflict) as error:
        return await _page(request, {}, error.message, 422)
    return RedirectResponse(f"/{language_of(request)}/operations/users", 303)
