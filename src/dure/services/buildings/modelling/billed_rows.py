"""Bills as rows a baseline is fitted to, so that savings of buildings without a daily meter are judged the same way.

A bill is its own block: bills, not weeks, are held out. Twelve bills say little about how far a model errs, and the interval is
wide accordingly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dure.services.buildings.modelling.change_points import (
    BILLING,
    CALTRACK_F,
    Bills,
    ChangePoint,
    Grid,
    Qualification,
    fit_billing,
)
from dure.services.buildings.modelling.outcome import Bools, Floats, Ints, Refused


@dataclass(frozen=True, eq=False)
class BilledRows:
    """Bills of one meter and the mean temperature of each day (n_days,) they count from.

    Attributes
    ----------
    number : (n,) running number of each bill
    """

    temperature: Floats
    bills: Bills
    number: Ints
    grid: Grid = CALTRACK_F
    rules: Qualification = BILLING

    @property
    def usage(self) -> Floats:
        """(n,) use of each bill, NaN where missing."""
        return self.bills.usage

    @property
    def week(self) -> Ints:
        """(n,) the block a row is in: its own."""
        return self.number

    @property
    def per_week(self) -> int:
        """One."""
        return 1

    def of(self, rows: Bools | Ints) -> BilledRows:
        """Some of them."""
        bills = Bills(self.bills.first[rows], self.bills.end[rows], self.bills.usage[rows])
        return replace(self, bills=bills, number=self.number[rows])

    def daily(self, per_day: Floats) -> Floats:
        """(n,) sums over each bill of what is known per day (n_days,), scaled to all its days; NaN where too few are known."""
        told = np.full(len(self.number), np.nan)
        for at, (first, end) in enumerate(zip(self.bills.first.tolist(), self.bills.end.tolist(), strict=True)):
            span = per_day[first:end]
            days = span[~np.isnan(span)]
            if len(days) and len(days) >= self.rules.coverage_min * (end - first):
                told[at] = days.mean() * (end - first)
        return told

    def known(self) -> Bools:
        """(n,) whether a bill has use and enough temperatures."""
        return ~(np.isnan(self.daily(self.temperature)) | np.isnan(self.usage))

    def fit(self) -> BilledModel | Refused:
        """The change-point model of these bills."""
        found = fit_billing(self.temperature, self.bills, self.grid, self.rules)
        return found if isinstance(found, Refused) else BilledModel(found)


@dataclass(frozen=True, eq=False)
class BilledModel:
    """A model of bills, of rows."""

    change_point: ChangePoint

    @property
    def coefficients(self) -> int:
        """Coefficients and balance points."""
        return self.change_point.parameters

    def of_rows(self, rows: BilledRows) -> Floats:
        """(n,) use of these bills; NaN where too few days have a temperature."""
        return rows.daily(self.change_point.predict(rows.temperature))
