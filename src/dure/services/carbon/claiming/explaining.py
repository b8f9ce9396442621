"""Any figure of the carbon service explains itself: one place that knows who can tell what.

A part of the service adds a line to `EXPLAINERS`: the word behind ``carbon/`` and the function that tells such figures. It gets
the house, a connection that reads one state of everything, and the other words of the figure's id.

================================================  ================================================================
``carbon/claim/ID``                               grams of a claim
``carbon/programme/ID/2026/A``                    grams of a programme in a local year, of one tier
``carbon/board/2026/…``, ``carbon/inventory/…``   see `dure.services.carbon.governing.board_figure`
``carbon/company/ID/…``                           see `companies.company_figure`
``carbon/statement/ID/ROW``                       a row of an issued statement
``carbon/household/REF/2026H1``                   grams a household saved in a half-year
``carbon/practice/ID``                            won for each tonne of a practice; ``/DAY`` behind it: on that day
================================================  ================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from dure.core.errors import NotFound
from dure.services.carbon.claiming.claim_figure import claim_figure
from dure.services.carbon.claiming.explanation import FIGURE_CHARS_MAX, Explanation
from dure.services.carbon.claiming.programme_figure import programme_figure
from dure.services.carbon.companies.company_figure import company_figure
from dure.services.carbon.governing.board_figure import board_figure, inventory_figure
from dure.services.carbon.households.household_figure import household_figure
from dure.services.carbon.model import SERVICE
from dure.services.carbon.practising.practice_figure import practice_figure
from dure.services.carbon.statements.statement_figure import statement_figure

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

Explainer = Callable[["House", "Connection", tuple[str, ...]], Explanation]


def explain(house: House, figure: str) -> Explanation:
    """Where a figure comes from, worked out again just now. Blocks.

    Raises
    ------
    NotFound : ``figure.unknown`` when the id reads like none, or what the part says of a thing that is not there
    """
    words = figure.strip().split("/")
    explainer = EXPLAINERS.get(words[1]) if len(words) > 2 and words[0] == SERVICE else None  # carbon, kind, id
    if explainer is None or len(figure) > FIGURE_CHARS_MAX:
        raise NotFound("figure.unknown", f"{figure[:80]!r} names no figure of the carbon service.")
    with house.records.read() as connection:
        return explainer(house, connection, tuple(unquote(one) for one in words[2:]))


def _claim(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    if len(words) != 1:
        raise NotFound("figure.unknown", "A claim is named carbon/claim/ID.")
    return claim_figure(house, connection, words[0])


def _programme(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    if len(words) != 3:  # programme, year, tier
        raise NotFound("figure.unknown", "A programme's grams are named carbon/programme/ID/YEAR/TIER.")
    return programme_figure(house, connection, (words[0], words[1], words[2]))


def _practice(house: House, _: Connection, words: tuple[str, ...]) -> Explanation:
    if not 1 <= len(words) <= 2:  # practice, day
        raise NotFound(
            "figure.unknown", "What a practice costs for each tonne is named carbon/practice/ID or carbon/practice/ID/DAY."
        )
    return practice_figure(house, words)


EXPLAINERS: dict[str, Explainer] = {
    "claim": _claim,
    "programme": _programme,
    "board": board_figure,
    "inventory": inventory_figure,
    "company": company_figure,
    "statement": statement_figure,
    "household": household_figure,
    "practice": _practice,
}
