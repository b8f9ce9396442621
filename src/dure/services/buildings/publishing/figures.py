"""What one building, or several together, used in a span of months: energy by fuel, carbon, won, and what it rests on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from dure.services.buildings.comparing.spans import shifted
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.publishing.publishing_rules import PublishingRules
from dure.services.buildings.publishing.spans import Span, twelve
from dure.services.buildings.reads.model import Book


class Shares(NamedTuple):
    """What an amount of energy rests on; the four parts are shares of it, `coverage` is of time [1]."""

    measured: float
    estimated: float
    substituted: float
    filled: float
    coverage: float


class FuelSum(msgspec.Struct, frozen=True):
    """One fuel in one book unit over the span. `energy_wh` None: no energy, or no calorific value is known."""

    fuel: Fuel
    book: Book
    amount: int
    energy_wh: int | None
    co2e_g: int | None
    won: int | None


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """A span of months in figures.

    Attributes
    ----------
    fuels : energy used, what was generated and water, in the order of `SUPPLIES`
    energy_wh : final energy of all fuels used, gas on gross calorific value [Wh]
    co2e_g : of all that has a factor [gCO2e]; `refused` are the codes of what has none
    won : as billed; None: no bill says it
    months_n, complete_n : months of which something is known, and everything
    whole : every month is known, of every fuel that the span holds
    unconverted : fuels whose energy is not known
    """

    span: Span
    fuels: tuple[FuelSum, ...]
    energy_wh: int
    co2e_g: int
    won: int | None
    months_n: int
    complete_n: int
    whole: bool
    shares: Shares
    provisional: bool
    refused: tuple[str, ...]
    unconverted: tuple[Fuel, ...]
    factors: tuple[str, ...]

    @property
    def energy_kwh(self) -> float:
        """Final energy [kWh]."""
        return self.energy_wh / 1_000

    @property
    def co2e_t(self) -> float:
        """Carbon [tCO2e]."""
        return self.co2e_g / 1e6


def figures(rows: Iterable[BuildingMonth], span: Span, coverage_min: float) -> Figures:
    """Sum rows of one building, or of several, over a span."""
    listed = [row for row in rows if span.holds(row.month)]
    used = _used(listed, span)
    complete = _complete(used, coverage_min)
    return Figures(
        span=span,
        fuels=_fuels(listed),
        energy_wh=sum(row.energy_wh or 0 for row in used),
        co2e_g=sum(row.co2e_g or 0 for row in listed),
        won=_won(listed),
        months_n=len({row.month for row in used}),
        complete_n=complete,
        whole=complete == len(span.months),
        shares=_shares(used),
        provisional=any(row.provisional for row in listed),
        refused=tuple(sorted({row.refused for row in listed if row.refused})),
        unconverted=tuple(sorted({row.fuel for row in used if row.energy_wh is None})),
        factors=tuple(sorted({factor for row in listed for factor in row.factors})),
    )


def newest_span(rows: Mapping[str, Sequence[BuildingMonth]], this_month: str, rules: PublishingRules) -> Span:
    """The twelve months, of those that ended up to `lag_months` ago, that are whole for the most buildings; the newest of equals.

    All buildings are shown over one span, so that they may be compared.
    """
    spans = [twelve(shifted(this_month, -1 - back)) for back in range(rules.lag_months + 1)]
    whole = [sum(_complete(_used(listed, span), rules.coverage_min) == 12 for listed in rows.values()) for span in spans]
    return spans[whole.index(max(whole))]


def change(now: Figures, before: Figures) -> float | None:
    """Relative change of energy between two spans [1]; None unless both are whole."""
    if not (now.whole and before.whole) or before.energy_wh <= 0:
        return None
    return now.energy_wh / before.energy_wh - 1


def _used(rows: Iterable[BuildingMonth], span: Span) -> list[BuildingMonth]:
    return [row for row in rows if span.holds(row.month) and SUPPLIES[row.fuel].energy]


def _fuels(rows: Sequence[BuildingMonth]) -> tuple[FuelSum, ...]:
    parts: dict[tuple[Fuel, Book], list[BuildingMonth]] = {}
    for row in rows:
        parts.setdefault((row.fuel, row.book), []).append(row)
    order = list(SUPPLIES)
    return tuple(
        FuelSum(
            fuel,
            book,
            sum(row.amount for row in part),
            None if any(row.energy_wh is None for row in part) else sum(row.energy_wh or 0 for row in part),
            None if any(row.co2e_g is None for row in part) else sum(row.co2e_g or 0 for row in part),
            _won(part),
        )
        for (fuel, book), part in sorted(parts.items(), key=lambda one: (order.index(one[0][0]), one[0][1]))
    )


def _won(rows: Sequence[BuildingMonth]) -> int | None:
    billed = [row.won for row in rows if row.won is not None]
    return sum(billed) if billed else None


def _complete(rows: Sequence[BuildingMonth], coverage_min: float) -> int:
    """Months of which each building and fuel that occurs is known."""
    needed = len({(row.building, row.fuel) for row in rows})
    known: dict[str, set[tuple[str, str]]] = {}
    for row in rows:
        if row.coverage >= coverage_min:
            known.setdefault(row.month, set()).add((row.building, row.fuel))
    return sum(len(found) == needed for found in known.values())


def _shares(rows: Sequence[BuildingMonth]) -> Shares:
    """Shares by energy, so that fuels of different units add up; coverage is the mean over rows."""
    parts = [0.0, 0.0, 0.0, 0.0]
    for row in rows:
        weight = (row.energy_wh or 0) / row.amount if row.amount else 0.0
        for place, part in enumerate((row.measured, row.estimated, row.substituted, row.filled)):
            parts[place] += part * weight
    total = sum(parts)
    coverage = sum(row.coverage for row in rows) / len(rows) if rows else 0.0
    shares = [part / total for part in parts] if total > 0 else [0.0, 0.0, 0.0, 0.0]
    return Shares(shares[0], shares[1], shares[2], shares[3], coverage)
