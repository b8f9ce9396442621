"""The rule pack ``sponsoring``: spans of time, bounds of money, themes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.core.rules import Choice, Rule
from dure.core.text import Text
from dure.services.carbon.model import Attribute
from dure.services.carbon.rules import load_pack


class Theme(Rule, frozen=True, kw_only=True):
    """A row of ``[[themes]]``: claims with one of these attributes are about it."""

    name: Text
    attributes: tuple[Attribute, ...]


class SponsoringRules(msgspec.Struct, frozen=True, kw_only=True):
    """All of them on a day."""

    offer_d: int
    grace_d: int
    least_won: int
    most_won: int
    themes: dict[str, Theme]

    def theme_of(self, attribute: Attribute) -> str:
        """The theme a claim is about; empty when none names its attribute."""
        return next((one.id for one in self.themes.values() if attribute in one.attributes), "")


def sponsoring_rules(on: date, folder: Path | None = None) -> SponsoringRules:
    """The rules in force on a day; `ConfigError` as `core.rules` tells."""
    pack = load_pack("sponsoring", folder)
    numbers = {name: int(pack.row("choices", name, Choice, on).value) for name in ("offer_d", "grace_d", "least_won", "most_won")}
    return SponsoringRules(**numbers, themes={one.id: one for one in pack.rows("themes", Theme, on)})
