"""What a sizing study is asked, and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.services.charging.planning.stays import Stay

State = Literal["running", "done", "failed"]
Source = Literal["site", "scenario", "file"]
POINTS_MAX = 36
CARS_MAX = 500
STAYS_MAX = 5_000
KW_MAX = 10_000.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A study as it was asked for.

    Attributes
    ----------
    site : asset id; its tariff, and with source "site" its sessions and its sun
    source : whose drivers: the site's own sessions, a scenario's (`scenario`, `cars` a day), or a file's (`stays`)
    solar_kw, storage_kwh, contract_kw : the sizes to compare; every combination is a point, at most `POINTS_MAX`
    """

    site: str
    source: Source
    solar_kw: tuple[float, ...]
    storage_kwh: tuple[float, ...]
    contract_kw: tuple[float, ...]
    scenario: str = ""
    cars: int = 0
    stays: tuple[Stay, ...] = ()
    seed: int = 1


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of sizes.

    Attributes
    ----------
    foresight_won, plan_won, edf_won : energy, wear and power of a year with perfect foresight, run as a live site is (plans,
        or earliest departure first after a week in which that was cheaper), and with earliest departure first
    built_won : a year's share of the equipment, with upkeep
    unmet_fraction, breaches : of the plan: a contract too small shows here
    sun_share : part of the year's sun that is not given to the grid, under the plan
    """

    solar_kw: float
    storage_kwh: float
    contract_kw: float
    foresight_won: float
    plan_won: float
    edf_won: float
    built_won: float
    peak_kw: float
    unmet_fraction: float
    breaches: int
    sun_share: float | None

    @property
    def reached_won(self) -> float:
        """All of a year, with plans as they are made live."""
        return self.plan_won + self.built_won

    @property
    def best_won(self) -> float:
        """All of a year, had everything been known before."""
        return self.foresight_won + self.built_won

    @property
    def sufficient(self) -> bool:
        """Whether every vehicle was served within the contract."""
        return self.breaches == 0 and self.unmet_fraction <= UNMET_MAX


UNMET_MAX = 0.001


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a study found: points in the order asked, over so many rehearsed days; `stays_n` vehicles in them."""

    points: tuple[Point, ...]
    days_n: int
    stays_n: int
    energy_kwh: float
    notes: tuple[str, ...] = ()


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A study, kept; `code` says why it failed."""

    id: str
    name: str
    site: str
    person: str
    state: State
    made_at: datetime
    asked: Asked
    done_at: datetime | None = None
    answer: Answer | None = None
    code: str = ""
