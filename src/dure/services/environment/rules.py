"""The rule packs of the environment: ``rules/*.toml`` here, and a city's own, which win (see `dure.core.rules`).

pack = load_pack("cai")                        # rules/cai.toml of Dure
pack = load_pack("cai", city.folder)           # the city's rules/cai.toml wins, when it has one
"""

from __future__ import annotations

from pathlib import Path

from dure.core import rules
from dure.core.rules import Basis, Choice, Mark, Pack, Rule, parse_pack, provisional

__all__ = ["SHIPPED", "UNIT_WORDS", "Basis", "Choice", "Mark", "Pack", "Rule", "load_pack", "parse_pack", "provisional"]

# How a unit reads in a sentence.
UNIT_WORDS = {
    "Cel": "°C",
    "ug/m3": "µg/m³",
    "[ppm]": "ppm",
    "[pH]": "",
    "{count}/100mL": "/100 mL",
    "ug/L": "µg/L",
    "dB[SPL]": "dB(A)",
}
SHIPPED = Path(__file__).with_name("rules")


def load_pack(name: str, folder: Path | None = None) -> Pack:
    """The rule pack of that name: a city's own from ``folder/rules/NAME.toml`` if there is one, else Dure's. Read once."""
    return rules.load_pack(name, (*([folder / "rules"] if folder else []), SHIPPED))
