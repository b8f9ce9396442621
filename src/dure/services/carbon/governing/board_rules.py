"""The rule pack ``board``: how few persons are too few to show, how many months are shown, under which licence data are given."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.rules import Choice
from dure.core.text import Text
from dure.services.carbon.rules import load_pack


class Licence(Choice, frozen=True, kw_only=True):
    """Under which licence open data are given away."""

    name: Text
    url: str


class BoardRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a day.

    Attributes
    ----------
    people_min : a figure that rests on fewer persons is not shown, and not in any sum beside it
    years_shown : how many calendar years can be chosen
    """

    people_min: int
    years_shown: int
    licence: Licence


def board_rules(on: date, folder: Path | None = None) -> BoardRules:
    """The rules in force on a day; a city's own file wins. `ConfigError` as `core.rules` tells."""
    pack = load_pack("board", folder)

    def whole(name: str) -> int:
        return round(float(pack.row("choices", name, Choice, on).value))

    return BoardRules(
        people_min=max(2, whole("people_min")),  # one person is never a group, whatever a city writes
        years_shown=max(1, whole("years_shown")),
        licence=pack.row("licences", "open_data", Licence, on),
    )
