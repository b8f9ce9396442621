"""Intensities of all buildings at once, from columns of months: `eui.eui` of every building, quick enough for a page.

Energy and grams are those of the rows to the last unit: each meter's month is rounded once (half to even), then added. A test
holds both ways together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui, Short, no_area, no_energy
from dure.services.buildings.comparing.spans import first_day, mean_area_m2, months_ending
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.model import SUPPLIES, Building, Meter
from dure.services.buildings.months.month_columns import Alike, Run
from dure.services.buildings.months.portfolio import final_energy

ESTIMATED, FILLED, COVERAGE = 1, 3, 5  # places in `Run.sums`
INT64_MAX = 2**63 - 1


class _Fuel:
    """What all buildings used of one fuel: (n_buildings,) and (n_buildings, n_months)."""

    def __init__(self, buildings_n: int, months_n: int) -> None:
        self.energy_wh = np.zeros(buildings_n, np.int64)
        self.coverage = np.full((buildings_n, months_n), np.inf)  # inf: no row
        self.unknown = np.zeros(buildings_n, bool)


class _Sums:
    """Sums over runs of months."""

    def __init__(self, buildings: Sequence[str], months: Sequence[str], book: CarbonBook) -> None:
        self.index = {name: i for i, name in enumerate(buildings)}
        self.months = {month: i for i, month in enumerate(months)}
        self.book = book
        n = len(buildings)
        self.fuels: dict[str, _Fuel] = {}
        self.grams, self.no_grams = np.zeros(n, np.int64), np.zeros(n, bool)
        self.estimated, self.filled = np.zeros(n), np.zeros(n)
        self.provisional = np.zeros(n, bool)
        self.factors: dict[str, NDArray[np.bool_]] = {}
        self._last: tuple[Sequence[str], NDArray[np.bool_], NDArray[np.intp]] | None = None

    def add(self, run: Run) -> None:
        """One run of months that are alike."""
        here, at = self._places(run.buildings)
        month, fuel, _, _ = run.alike
        kept = self.fuels.setdefault(fuel, _Fuel(len(self.index), len(self.months)))
        like, on = _meter(run.alike), first_day(month)
        np.minimum.at(kept.coverage[:, self.months[month]], at, np.array(run.sums[COVERAGE], float)[here])
        self._energy(kept, run, here, at, final_energy(self.book, like, on))
        self._grams(run, here, at, self.book.emission(like, 1, on))

    def _places(self, names: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Which rows are of known buildings, and where those stand; runs of other months mostly name the same ones."""
        if self._last is None or self._last[0] != names:
            places = np.array([self.index.get(name, -1) for name in names], np.intp)
            here = places >= 0
            self._last = (names, here, places[here])
        return self._last[1], self._last[2]

    def _energy(
        self, kept: _Fuel, run: Run, here: NDArray[np.bool_], at: NDArray[np.intp], rate: tuple[Fraction, bool] | Refused | None
    ) -> None:
        if rate is None or isinstance(rate, Refused):
            kept.unknown[at] = True
            return
        energy = shares(run, rate[0])[here]
        np.add.at(kept.energy_wh, at, energy)
        self.provisional[at] |= rate[1]
        amounts = run.array[here]
        per_unit = np.divide(energy, amounts, out=np.zeros(len(amounts)), where=amounts != 0)
        for sums, place in ((self.estimated, ESTIMATED), (self.filled, FILLED)):
            if any(run.sums[place]):
                np.add.at(sums, at, per_unit * np.array(run.sums[place], float)[here])

    def _grams(self, run: Run, here: NDArray[np.bool_], at: NDArray[np.intp], found: Emission | Refused | None) -> None:
        if not isinstance(found, Emission):
            self.no_grams[at] |= found is not None
            return
        np.add.at(self.grams, at, shares(run, found.exact_g)[here])
        self.provisional[at] |= found.provisional
        self.factors.setdefault(found.factor.id, np.zeros(len(self.index), bool))[at] = True


def euis(
    runs: Iterable[Run], buildings: Mapping[str, Building], last: str, rules: CompareRules, book: CarbonBook
) -> dict[str, Eui | Refused]:
    """Intensity of every building over the months that end with `last`, as `eui.eui`."""
    months = months_ending(last, rules.months_n)
    names = list(buildings)
    sums = _Sums(names, months, book)
    for run in runs:
        if run.alike.month in sums.months and SUPPLIES[run.alike.fuel].energy:
            sums.add(run)
    fuels = {fuel: _Told(one, rules.coverage_min) for fuel, one in sorted(sums.fuels.items())}
    return {name: _one(i, buildings[name], sums, fuels) for i, name in enumerate(names)}


class _Told:
    """A fuel's sums as lists, by building: reading one value of an array costs more than of a list."""

    def __init__(self, fuel: _Fuel, coverage_min: float) -> None:
        there = np.isfinite(fuel.coverage)
        self.coverage = np.where(there, fuel.coverage, 0.0)
        self.short = self.coverage < coverage_min
        self.has: list[bool] = np.asarray(there.any(axis=1)).tolist()
        self.is_short: list[bool] = np.asarray(self.short.any(axis=1)).tolist()
        self.energy_wh: list[int] = fuel.energy_wh.tolist()
        self.unknown: list[bool] = fuel.unknown.tolist()


def _one(i: int, building: Building, sums: _Sums, fuels: Mapping[str, _Told]) -> Eui | Refused:
    months = tuple(sums.months)
    area = mean_area_m2(building, months)
    if not area > 0:
        return no_area()
    used = {fuel: one for fuel, one in fuels.items() if one.has[i]}
    if not used:
        return no_energy(months[0], months[-1])
    by_fuel = {fuel: one.energy_wh[i] for fuel, one in used.items()}
    energy_wh = sum(by_fuel.values())
    return Eui(
        building=building.id,
        first=months[0],
        last=months[-1],
        energy_wh=energy_wh,
        by_fuel=by_fuel,
        area_m2=area,
        short=tuple(each for fuel, one in used.items() if one.is_short[i] for each in _short(fuel, one, i, months)),
        unknown=tuple(fuel for fuel, one in used.items() if one.unknown[i]),
        estimated_share=float(sums.estimated[i]) / energy_wh if energy_wh > 0 else 0.0,
        filled_share=float(sums.filled[i]) / energy_wh if energy_wh > 0 else 0.0,
        co2e_g=None if sums.no_grams[i] else int(sums.grams[i]),
        factors=tuple(sorted(name for name, has in sums.factors.items() if has[i])),
        provisional=bool(sums.provisional[i]),
    )


def _short(fuel: str, one: _Told, i: int, months: Sequence[str]) -> list[Short]:
    return [Short(fuel, month, float(one.coverage[i, m])) for m, month in enumerate(months) if one.short[i, m]]


def shares(run: Run, rate: Fraction) -> NDArray[np.int64]:
    """The whole numbers nearest to `rate` times each amount (n,), half to even, exactly."""
    top, below = rate.numerator, rate.denominator
    if int(np.abs(run.array).max(initial=0)) * max(top, 1) < INT64_MAX and below < INT64_MAX // 2:
        whole, rest = np.divmod(run.array * top, below)
        up = (2 * rest > below) | ((2 * rest == below) & (whole & 1 == 1))
        found: NDArray[np.int64] = whole + up
        return found
    return np.array([round(amount * rate) for amount in run.amounts], np.int64)


def _meter(alike: Alike) -> Meter:
    supplier, branch = alike.delivered
    volume = alike.fuel == "city_gas" and alike.book == "L"
    return Meter(id="", building="", fuel=alike.fuel, volume=volume, supplier=supplier, branch=branch)
