"""What uses of buildings are called: rows of rules/comparing.toml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.core.time import day_of
from dure.services.buildings.comparing.compare_rules import compare_rules

if TYPE_CHECKING:
    from dure.spine.house import House


def use_names(house: House) -> Mapping[str, Text]:
    """Names by id, as in force today."""
    rules = compare_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    return {id_: row.name for id_, row in rules.uses.items()}


def use_words(house: House) -> Callable[[str], Text]:
    """The name of a use; one that no row names is called by its id."""
    names = use_names(house)
    return lambda use: names.get(use, Text(use, use))
