"""Who asks: the actor of a request, and the one door every page passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from dure.core.access import ANONYMOUS, Actor, Subject, Verb, may
from dure.core.errors import NotAllowed, NotSignedIn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dure.spine.house import House

SESSION_COOKIE = "dure_session"


def house_of(request: Request) -> House:
    """The house behind a request."""
    house: House = request.app.state.house
    return house


async def actor_of(request: Request) -> Actor:
    """The actor of a request, looked up once: session cookie, else bearer token, else nobody."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is None:
        known = await _look_up(request)
        request.state.actor = known
    return known


async def _look_up(request: Request) -> Actor:
    token = request.cookies.get(SESSION_COOKIE, "")
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and bearer:
        token = bearer.strip()
    if not token:
        return ANONYMOUS
    house = house_of(request)
    return await run_in_threadpool(house.people.actor, token, house.clock.now())


def demand(actor: Actor, verb: Verb, subject: Subject) -> None:
    """Raise unless the actor may."""
    if may(actor, verb, subject):
        return
    if not actor.id:
        raise NotSignedIn("access.sign_in", "Sign in to see this.")
    raise NotAllowed("access.denied", f"Your roles do not let you {verb} {subject}. Ask an admin.")


def require(verb: Verb, subject: Subject) -> Callable[[Request], Awaitable[Actor]]:
    """A FastAPI dependency that gives the actor, or refuses."""

    async def gate(request: Request) -> Actor:
        actor = await actor_of(request)
        demand(actor, verb, subject)
        return actor

    return gate
