"""Intensities of all buildings at once, from columns of months: `eui.eui` of every building, quick enough for a page.

Energy and grams are those of the rows to the last unit: each meter's month is rounded once (half to even), then added. A test
holds both ways together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui, Short, no_area, no_energy
from dure.services.buildings.comparing.spans import first_day, mean_area_m2, months_ending
from dure.services.buildings.factors.carbon import CarbonBook
from dure.services.buildings.factors.emission import Emission
from dure.services.buildings.fuels.conversion import Refused
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

    def add(self, run: Run) -> None:
        """One run of months that are alike."""
        places = np.array([self.index.get(name, -1) for name in run.buildings], np.intp)
        here = places >= 0
        at = places[here]
        month, fuel, _, _ = run.alike
        kept = self.fuels.setdefault(fuel, _Fuel(len(self.index), len(self.months)))
        like, on = _meter(run.alike), first_day(month)
        np.minimum.at(kept.coverage[:, self.months[month]], at, np.array(run.sums[COVERAGE], float)[here])
        self._energy(kept, run, here, at, final_energy(self.book, like, on))
        self._grams(run, here, at, self.book.emission(like, 1, on))

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
        np.add.at(self.estimated, at, per_unit * np.array(run.sums[ESTIMATED], float)[here])
        np.add.at(self.filled, at, per_unit * np.array(run.sums[FILLED], float)[here])

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
    known = {fuel: np.isfinite(one.coverage).any(axis=1) for fuel, one in sums.fuels.items()}
    short = {
        fuel: (np.where(np.isfinite(one.coverage), one.coverage, 0) < rules.coverage_min) for fuel, one in sums.fuels.items()
    }
    return {name: _one(i, buildings[name], sums, known, short) for i, name in enumerate(names)}


def _one(
    i: int,
    building: Building,
    sums: _Sums,
    known: Mapping[str, NDArray[np.bool_]],
    short: Mapping[str, NDArray[np.bool_]],
) -> Eui | Refused:
    months = tuple(sums.months)
    area = mean_area_m2(building, months)
    if not area > 0:
        return no_area()
    fuels = [fuel for fuel in sums.fuels if known[fuel][i]]
    if not fuels:
        return no_energy(months[0], months[-1])
    by_fuel = {fuel: int(sums.fuels[fuel].energy_wh[i]) for fuel in fuels}
    energy_wh = sum(by_fuel.values())
    return Eui(
        building=building.id,
        first=months[0],
        last=months[-1],
        energy_wh=energy_wh,
        by_fuel=by_fuel,
        area_m2=area,
        short=_short(i, sums, sorted(fuels), short),
        unknown=tuple(fuel for fuel in sorted(fuels) if sums.fuels[fuel].unknown[i]),
        estimated_share=float(sums.estimated[i]) / energy_wh if energy_wh > 0 else 0.0,
        filled_share=float(sums.filled[i]) / energy_wh if energy_wh > 0 else 0.0,
        co2e_g=None if sums.no_grams[i] else int(sums.grams[i]),
        factors=tuple(sorted(name for name, has in sums.factors.items() if has[i])),
        provisional=bool(sums.provisional[i]),
    )


def _short(i: int, sums: _Sums, fuels: Sequence[str], short: Mapping[str, NDArray[np.bool_]]) -> tuple[Short, ...]:
    found = []
    for fuel in fuels:
        if short[fuel][i].any():
            coverage = sums.fuels[fuel].coverage[i]
            found += [
                Short(fuel, month, float(coverage[m]) if np.isfinite(coverage[m]) else 0.0)
                for month, m in sums.months.items()
                if short[fuel][i, m]
            ]
    return tuple(found)


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
