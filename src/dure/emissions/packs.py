"""The rule packs of emissions: ``rules/*.toml`` here, and a city's own, which win (see `dure.core.rules`).

``factors`` holds the emission factors, ``energy`` what fuels hold and what energy counts as.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dure.core import rules
from dure.core.rules import Pack
from dure.emissions.table import FactorTable, factor_table

SHIPPED = Path(__file__).with_name("rules")


def places(folder: Path | None = None) -> tuple[Path, ...]:
    """Where packs are looked for: a city's ``rules/emissions``, then Dure's."""
    return (*([folder / "rules" / "emissions"] if folder else []), SHIPPED)


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """The rule pack of that name: a city's own from ``folder/rules/emissions/NAME.toml`` if there is one, else Dure's."""
    return rules.load_pack(name, places(folder))


@cache
def load_factors(folder: Path | None = None) -> FactorTable:
    """All emission factors of a city, read once."""
    return factor_table(load_pack("factors", folder))
