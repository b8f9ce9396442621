"""What is behind a figure of the board, for everybody: no person, no small group, only what the board itself tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.claiming.explanation import Explanation, Link, Part
from dure.services.carbon.governing import board_desk
from dure.services.carbon.model import CITY

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.governing.board import Board
    from dure.spine.house import House

OPEN = ("board", "programme", "inventory")
CLAIM = "carbon/claim/"


def public_figure(house: House, figure: str) -> Explanation:
    """The explanation of a figure that stands on the board or in the public inventory. Blocks.

    Parts are claims that the city holds, each with its entry in the log; what persons or companies hold is in the sum only.

    Raises
    ------
    NotFound : ``figure.unknown``, also where a figure is not told to everybody
    """
    words = figure.split("/")
    if len(words) < 3 or words[1] not in OPEN:  # carbon, kind, of what
        raise NotFound("figure.unknown", f"{figure[:80]!r} names no figure that is told to everybody.")
    with house.records.read() as connection:
        if not _told(house, connection, words):
            raise NotFound("figure.unknown", f"{figure[:80]!r} rests on too few persons to be told.")
    found = explain(house, figure)
    with house.records.read() as connection:
        parts = tuple(one for one in found.parts if _is_open(connection, one))
    links = tuple(one for one in found.links if not one.path.startswith("/operations/"))
    return msgspec.structs.replace(found, parts=parts, links=links, versions={})


def entry_of(part: Part) -> Link | None:
    """Where the log has the entry of a part."""
    ident = part.figure.removeprefix(CLAIM)
    return Link(name=part.name, path=f"/carbon/log/entries/claim/{ident}") if ident != part.figure else None


def _told(house: House, connection: Connection, words: list[str]) -> bool:
    try:
        year = int(words[3 if words[1] == "programme" else 2][:4])
    except (ValueError, IndexError):
        return False
    if year not in board_desk.years(house):
        return False
    if words[1] == "inventory":
        rows = board_desk.inventory_of(house, connection, year, whole=False)
        return any(one.figure == "/".join(words[3:]) for one in rows)
    found = board_desk.board_of(house, connection, year)
    if words[1] == "programme":
        return words[2] not in found.hidden
    return _on_board(found, words[2:])


def _on_board(found: Board, words: list[str]) -> bool:
    """Whether the board tells a figure ``SPAN/WHAT/OF``."""
    span, what, of = words[0], words[1] if len(words) > 1 else "", words[2] if len(words) > 2 else ""
    if what == "rewards":
        return of not in found.hidden and len(span) == len("2026")
    return what != "tonnes" or not any(one.hidden and one.tier == of for one in found.programmes)


def _is_open(connection: Connection, part: Part) -> bool:
    """Parts that are claims of the city's own."""
    if not part.figure.startswith(CLAIM):
        return False
    return claim_records.get(connection, part.figure.removeprefix(CLAIM)).claim.holder == CITY
