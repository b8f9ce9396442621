"""The rule pack ``activities``: kinds of activity, their scopes and units, quality, instruments."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.rules import Choice, Rule
from dure.core.text import Text
from dure.emissions.quantity import Basis
from dure.services.carbon.rules import load_pack

Scope = Literal[1, 2, 3]


class Kind(Rule, frozen=True, kw_only=True):
    """A row of ``[[kinds]]``.

    Attributes
    ----------
    category : of scope 1 ``stationary``, ``mobile``, ``fugitive``; of scope 2 ``electricity``, ``heat``; of scope 3 its number
    factor_kind : `kind` of the emission factor
    units : in which it may be stated
    day_most : the most that can be true of a day, by unit of each dimension it may be stated in
    metered : bills of it carry a customer or meter number that belongs to one company
    quality : score of a measured row, 1 best to 5
    """

    name: Text
    scope: Scope
    category: str
    factor_kind: str
    units: tuple[str, ...]
    day_most: dict[str, int]
    metered: bool
    quality: int


class Quality(Rule, frozen=True, kw_only=True):
    """A row of ``[[qualities]]``."""

    name: Text
    score: int


class Order(Rule, frozen=True, kw_only=True):
    """A row of ``[[orders]]``: programmes of factors, first asked first."""

    order: tuple[str, ...]


class Instrument(Rule, frozen=True, kw_only=True):
    """A row of ``[[instruments]]``.

    Attributes
    ----------
    hourly : may be matched with a load of the same hour
    priority : 1 is used first
    g_per_kwh : what its energy emits [gCO2e/kWh]
    """

    name: Text
    hourly: bool
    priority: int
    g_per_kwh: int


class ActivityRules(msgspec.Struct, frozen=True, kw_only=True):
    """All of them on a day."""

    version: str
    kinds: dict[str, Kind]
    qualities: dict[int, Quality]
    order: tuple[str, ...]
    gas_basis: Basis
    instruments: dict[str, Instrument]


def activity_rules(on: date, folder: Path | None = None) -> ActivityRules:
    """The rules in force on a day; `ConfigError` as `core.rules` tells."""
    pack = load_pack("activities", folder)
    basis = str(pack.row("bases", "city_gas", Choice, on).value)
    return ActivityRules(
        version=pack.version,
        kinds={one.id: one for one in pack.rows("kinds", Kind, on)},
        qualities={one.score: one for one in pack.rows("qualities", Quality, on)},
        order=pack.row("orders", "factors", Order, on).order,
        gas_basis="NCV" if basis == "NCV" else "GCV",
        instruments={one.id: one for one in pack.rows("instruments", Instrument, on)},
    )
