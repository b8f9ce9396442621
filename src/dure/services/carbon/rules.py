"""The rule packs of the carbon ledger: ``rules/*.toml`` here, and a city's own, which win (see `dure.core.rules`).

pack = load_pack("methods")                     # rules/methods.toml of Dure
pack = load_pack("methods", city.folder)        # the city's rules/carbon/methods.toml wins, when it has one
"""

from __future__ import annotations

from pathlib import Path

from dure.core import rules
from dure.core.rules import Basis, Choice, Mark, Pack, Rule, provisional

__all__ = ["SHIPPED", "Basis", "Choice", "Mark", "Pack", "Rule", "load_pack", "provisional"]

SHIPPED = Path(__file__).with_name("rules")


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """The rule pack of that name: a city's own from ``folder/rules/carbon/NAME.toml`` if there is one, else Dure's."""
    return rules.load_pack(name, (*([folder / "rules" / "carbon"] if folder else []), SHIPPED))
