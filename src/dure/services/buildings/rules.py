"""The rule packs of public buildings: ``rules/*.toml`` here, and a city's own, which win (see `dure.core.rules`)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dure.core import rules
from dure.core.rules import Basis, Choice, Mark, Pack, Rule, provisional
from dure.emissions import packs
from dure.services.buildings.reads.model import Trust

__all__ = ["SHIPPED", "Basis", "Choice", "Mark", "Pack", "Rule", "load_pack", "load_trust", "provisional"]

SHIPPED = Path(__file__).with_name("rules")


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """The rule pack of that name: a city's own from ``folder/rules/buildings/NAME.toml`` if there is one, else Dure's.

    Factors and the contents of fuels are those of all services (`dure.emissions`), unless the city has its own here.
    """
    return rules.load_pack(name, (*([folder / "rules" / "buildings"] if folder else []), SHIPPED, *packs.places(folder)))


def load_trust(day: date, folder: Path | None = None) -> Trust:
    """When a new level of a register is believed, by the rules in force on a day."""
    pack = load_pack("reads", folder)
    confirm, levels, remember = (
        pack.row("trust", name, Choice, day).value for name in ("confirm_reads", "levels_max", "remember_d")
    )
    return Trust(confirm_reads=int(confirm), levels_max=int(levels), remember_d=int(remember))
