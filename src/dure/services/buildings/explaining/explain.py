"""`explain(figure)`: any number on a screen or in a filing, unfolded to readings, rows of factors and rules, models and versions.

The pure functions that made the number are run again with what was known then, and what they say is held against what is kept:
`agrees` is false, with both values, wherever the two differ. Only what the figure rests on is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from dure import __version__
from dure.services.buildings.explaining.building_story import explain_sum
from dure.services.buildings.explaining.comparing_story import explain_eui, explain_grade, explain_many
from dure.services.buildings.explaining.explanation import Explanation, Step
from dure.services.buildings.explaining.figures import Figure, parse
from dure.services.buildings.explaining.finding_story import explain_finding
from dure.services.buildings.explaining.gap_story import explain_gap
from dure.services.buildings.explaining.interval_story import explain_interval
from dure.services.buildings.explaining.month_story import explain_month
from dure.services.buildings.explaining.saving_story import explain_saving
from dure.services.buildings.explaining.sources import Books, Reading
from dure.services.buildings.rules import load_pack

PACKS = ("reads", "energy", "factors", "comparing", "finding")
Story = Callable[[Reading, Figure], Step]


def explain(books: Books, figure_id: str, as_of: datetime | None = None) -> Explanation:
    """Where a figure comes from. Blocks.

    Parameters
    ----------
    figure_id : as `explaining.figures` has them; `as_of` holds where the id says none

    Raises
    ------
    NotFound : ``figure.unknown``: it names no figure, or nothing is known of it
    """
    asked = parse(figure_id, as_of)
    with books.records.read() as connection:
        step = _story(asked)(Reading(books, connection), asked)
    return Explanation(figure=str(asked), as_of=asked.as_of, agrees=step.whole, step=step, versions=_versions(books))


def _story(asked: Figure) -> Story:
    if asked.subject in {"body", "portfolio"}:
        return explain_many
    return _STORIES[asked.what]


def _versions(books: Books) -> Mapping[str, str]:
    return {"dure": __version__} | {name: load_pack(name, books.folder).version for name in PACKS}


_STORIES: Mapping[str, Story] = {
    "month": explain_month,
    "interval": explain_interval,
    "energy": explain_sum,
    "carbon": explain_sum,
    "won": explain_sum,
    "eui": explain_eui,
    "grade": explain_grade,
    "gap": explain_gap,
    "saving": explain_saving,
    "finding": explain_finding,
}
