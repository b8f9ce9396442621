"""Which bins need a person, and for what: the list of bins begins with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dure.core.text import Text
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Container

    from dure.services.waste.pages.bin_rows import BinRow

Need = Literal["alarm", "over", "missed", "full", "sensor"]
NEEDS: dict[Need, Word] = {
    "alarm": Word(Text("경보", "Alarm"), "danger", "diamond", Text("")),
    "over": Word(Text("넘침", "Overflowing"), "danger", "cross", Text("")),
    "missed": Word(Text("수거를 놓침", "Pick-up missed"), "danger", "cross", Text("")),
    "full": Word(Text("가득 참", "Full"), "warning", "triangle", Text("")),
    "sensor": Word(Text("센서 고장", "Faulty sensor"), "warning", "triangle", Text("")),
}
"""The most pressing first."""
RANK = {name: number for number, name in enumerate(NEEDS)}


def need_of(row: BinRow, missed: Container[str]) -> Need | None:
    """What a bin most needs a person for; None for nothing.

    Parameters
    ----------
    missed : ids of bins whose visit was missed lately; one emptied since needs nobody
    """
    if row.alarmed:
        return "alarm"
    if row.answer.word == "over":
        return "over"
    if row.asset.id in missed:
        return "missed"
    if row.answer.word == "full":
        return "full"
    return None if row.outlook.health in ("healthy", "no_sensor") else "sensor"
