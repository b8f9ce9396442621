"""Direct supply of a month: what a generator supplied to a station without the power market, as all three parties see it.

Since 1 May 2024 the Electric Utility Act lets a renewable generator supply an EV charging business without the power market
(전기사업법, promulgated 31 October 2023; docs/en/charging.md has the sources and how sure they are). The three parties count the
same Wh: what the generator supplied is what the station received and what the city may claim. Matching is by the interval of the
books, and told by the hour as well, since contracts and meters are by the hour. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

Sums = Mapping[tuple[str, str, str], int]


class DirectSupply(msgspec.Struct, frozen=True, kw_only=True):
    """Wh of a month.

    What was generated is the sum of all its ways: ``generated_wh == direct_wh + through_storage_wh + lost_wh + other_use_wh +
    exported_wh + unmatched_wh + unexplained_wh + given_up_wh + stock_change_wh``.

    Attributes
    ----------
    generated_wh : by the registers of the generators
    direct_wh : supplied to vehicles in the interval it was generated in
    stored_wh : put into storage; lost_wh : lost there in both ways; released_wh : given out again, of lots from PV
    through_storage_wh : of it supplied to vehicles
    other_use_wh : used by the rest of the site, directly or through storage; exported_wh : given to the grid
    unmatched_wh : generated at a time not known to the hour, or not claimed; unexplained_wh : what no meter of a use explains
    given_up_wh : of lots from PV, what counts as grid since then: a meter was silent, or another storage took it
    stock_change_wh : lots from PV in storage at the end of the month, less those at its begin
    charged_wh : all that vehicles got; grid_wh : of it from the grid, or not claimed
    hours_matched : hours in which vehicles got anything and all of it was renewable; hours_charged : all such hours
    """

    generated_wh: int
    direct_wh: int
    stored_wh: int
    released_wh: int
    through_storage_wh: int
    lost_wh: int
    other_use_wh: int
    exported_wh: int
    unmatched_wh: int
    unexplained_wh: int
    given_up_wh: int
    stock_change_wh: int
    charged_wh: int
    grid_wh: int
    hours_matched: int
    hours_charged: int

    @property
    def supplied_wh(self) -> int:
        """What the generator supplied to the station for vehicles."""
        return self.direct_wh + self.through_storage_wh

    @property
    def renewable_share(self) -> float | None:
        """Of what vehicles got; None when they got nothing."""
        return None if self.charged_wh == 0 else self.supplied_wh / self.charged_wh


def direct_supply(intervals: Iterable[tuple[datetime, Sums]]) -> DirectSupply:
    """The month of a site from Wh by (source, sink, origin) of its intervals."""
    whole: dict[tuple[str, str, str], int] = {}
    hours: dict[datetime, list[int]] = {}
    for start, sums in intervals:
        for key, wh in sums.items():
            whole[key] = whole.get(key, 0) + wh
            if key[1] == "ev":
                hour = hours.setdefault(start.replace(minute=0, second=0, microsecond=0), [0, 0])
                hour[0] += wh
                hour[1] += wh if key[2] in {"pv", "ess_pv"} else 0
    return _of(whole, hours)


def _of(whole: Sums, hours: Mapping[datetime, list[int]]) -> DirectSupply:
    def wh(sources: Iterable[str], sinks: Iterable[str] = (), origin: str = "") -> int:
        total = 0
        for (source, sink, one), part in whole.items():
            if source in sources and (not sinks or sink in sinks) and origin in {"", one}:
                total += part
        return total

    claimed = {origin: wh(("pv", "ess_pv"), ("ev",), origin) for origin in ("pv", "ess_pv")}
    unclaimed = wh(("pv", "ess_pv"), ("ev",)) - sum(claimed.values())
    given_up = wh(("ess_pv",), ("ess", "ess_grid"))
    stored, lost = wh(("pv",), ("ess",)), wh(("ess_pv",), ("loss",))
    charged = [parts for parts in hours.values() if parts[0] > 0]
    return DirectSupply(
        generated_wh=wh(("pv", "untimed")),
        direct_wh=claimed["pv"],
        stored_wh=stored,
        released_wh=wh(("ess_pv",), ("ev", "ess", "load", "export", "unmetered")),
        through_storage_wh=claimed["ess_pv"],
        lost_wh=lost,
        other_use_wh=wh(("pv", "ess_pv"), ("load",)),
        exported_wh=wh(("pv", "ess_pv"), ("export",)),
        unmatched_wh=wh(("untimed",)) + unclaimed,
        unexplained_wh=wh(("pv", "ess_pv"), ("unmetered",)),
        given_up_wh=given_up,
        stock_change_wh=stored - lost - given_up - wh(("ess_pv",), ("ev", "load", "export", "unmetered")),
        charged_wh=wh(_SOURCES, ("ev",)),
        grid_wh=wh(_SOURCES, ("ev",)) - sum(claimed.values()),
        hours_matched=sum(1 for whole_wh, renewable_wh in charged if whole_wh == renewable_wh),
        hours_charged=len(charged),
    )


_SOURCES = ("pv", "untimed", "ess_pv", "ess_grid", "vehicle", "grid", "unmetered")
