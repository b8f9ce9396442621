"""Where a figure unfolds, for whoever looks: staff to all of it, a company to its own, everybody to what is public. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from dure.core.access import Subject, Verb, may

if TYPE_CHECKING:
    from dure.core.access import Actor
    from dure.services.carbon.claiming.explanation import Link

STAFF, BOARD, COMPANIES, STATEMENTS = (
    "/operations/carbon/explain",
    "/carbon/explain",
    "/partners/companies",
    "/partners/statements",
)
ENTRY = "/carbon/log/entries/claim"
# Beginning of a path -> what one must be allowed to see it; the first that fits counts, other paths are for everybody.
NEEDS: tuple[tuple[str, Verb, Subject], ...] = (
    ("/operations/carbon/", "read", "ledger"),
    ("/operations/explain", "read", "decision"),
    ("/operations/", "read", "city_data"),
    ("/partners/companies", "read", "company"),
    ("/partners/statements", "read", "company"),
)


def path_of(actor: Actor, figure: str) -> str:
    """The page that unfolds a figure; empty when this reader has none. A path without language."""
    words = figure.split("/")
    if len(words) < 3 or words[0] != "carbon":  # carbon, kind, id
        return ""
    if may(actor, "read", "ledger"):
        return f"{STAFF}?figure={quote(figure)}"
    public = words[1] in ("claim", "board", "programme", "inventory")
    return _of_all(words, figure) if public else _of_company(words, figure) if may(actor, "read", "company") else ""


def _of_all(words: list[str], figure: str) -> str:
    """Of a claim its sealed entry, of a figure of the board what the board itself tells."""
    return f"{ENTRY}/{quote(words[2])}" if words[1] == "claim" else f"{BOARD}?figure={quote(figure)}"


def _of_company(words: list[str], figure: str) -> str:
    """A company's own figure, or a row of a statement."""
    if words[1] == "company":
        return f"{COMPANIES}/{quote(words[2])}/explain?figure={quote(figure)}"
    if words[1] == "statement" and len(words) == 4:  # carbon, statement, its id, row
        return f"{STATEMENTS}/{quote(words[2])}/rows/{quote(words[3])}"
    return ""


def open_to(actor: Actor, links: Iterable[Link]) -> tuple[Link, ...]:
    """Those of the links this reader may follow."""
    return tuple(one for one in links if _may_follow(actor, one.path))


def _may_follow(actor: Actor, path: str) -> bool:
    found = next(((verb, subject) for start, verb, subject in NEEDS if path.startswith(start)), None)
    return found is None or may(actor, *found)
