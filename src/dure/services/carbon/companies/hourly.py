"""Scope 2 by the hour: each kWh used is matched with a renewable kWh of the same hour to which its company has a right. Pure.

Whole Wh only. A right is a share of what a source generates, in millionths; the shares of a source never exceed one whole, so no
kWh is given out twice, whoever asks and in whatever order. In an hour a company uses its rights by priority (lower first), then
by source, then by right; what of a right it cannot use in that hour is lost to it and stays in the grid's mix. What a company
got is divided among its meters in proportion to their load of that hour, by cumulative floors, so that the parts sum to the
whole exactly and no meter gets more than it used.

References
----------
GHG Protocol, Scope 2 standard, draft for consultation, October 2025: hourly matching and deliverability.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.text import Text
from dure.services.carbon.model import Refused

WhArray = NDArray[np.int64]
WHOLE_PPM = 1_000_000
HOUR_WH_MAX = 2_000_000_000  # 2 GWh in an hour: products of two such, and of one with a share, stay within 63 bits


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """What a company may count of a source in every hour of ``[first, after)``.

    Attributes
    ----------
    source, company : indices
    share_ppm : millionths of what the source generates
    priority : lower is used first
    first, after : hours it holds for, indices
    """

    id: str
    source: int
    company: int
    share_ppm: int
    priority: int = 1
    first: int = 0
    after: int = 1 << 60


class Matched(msgspec.Struct, frozen=True, eq=False):
    """What came of it.

    Attributes
    ----------
    by_right_wh : (n_rights, n_hours) of each right, in the order given [Wh]
    by_company_wh : (n_companies, n_hours) matched load [Wh]
    by_meter_wh : (n_meters, n_hours) the same by meter [Wh]
    """

    by_right_wh: WhArray
    by_company_wh: WhArray
    by_meter_wh: WhArray


def match(load_wh: WhArray, owner: NDArray[np.int64], supply_wh: WhArray, rights: Sequence[Right]) -> Matched | Refused:
    """Loads matched with supplies hour by hour.

    Parameters
    ----------
    load_wh : (n_meters, n_hours) used [Wh], 0 to `HOUR_WH_MAX`
    owner : (n_meters,) index of each meter's company
    supply_wh : (n_sources, n_hours) generated [Wh], 0 to `HOUR_WH_MAX`
    rights : over all companies; their order does not matter

    Returns
    -------
    Matched, or Refused: ``hours.shape``, ``hours.range``, ``contract.over_allocated``
    """
    load, supply = np.ascontiguousarray(load_wh, np.int64), np.ascontiguousarray(supply_wh, np.int64)
    refused = _refused(load, np.asarray(owner), supply, rights)
    if refused is not None:
        return refused
    n_hours = load.shape[1]
    n_companies = 1 + max([*(one.company for one in rights), int(np.max(owner, initial=-1))], default=-1)
    company_load = _sums(load, np.asarray(owner, np.int64), n_companies)
    if int(np.max(company_load, initial=0)) > HOUR_WH_MAX:
        return _out_of_range()
    left = company_load.copy()
    by_right = np.zeros((len(rights), n_hours), np.int64)
    order = sorted(range(len(rights)), key=lambda i: (rights[i].priority, rights[i].source, rights[i].id))
    for i in order:
        one = rights[i]
        hours = slice(max(0, one.first), max(0, min(one.after, n_hours)))
        due = supply[one.source, hours] * one.share_ppm // WHOLE_PPM
        got = np.minimum(due, left[one.company, hours])
        by_right[i, hours] = got
        left[one.company, hours] -= got
    matched = company_load - left
    return Matched(by_right, matched, _divided(load, np.asarray(owner, np.int64), matched, company_load))


def over_allocated(rights: Sequence[Right]) -> tuple[int, int] | None:
    """(source, hour) at which the shares of a source exceed one whole; None where none does."""
    for source in sorted({one.source for one in rights}):
        steps = sorted(
            step for one in rights if one.source == source for step in ((one.first, one.share_ppm), (one.after, -one.share_ppm))
        )
        total = 0
        for hour, change in steps:  # at one hour an end (negative) comes before a beginning
            total += change
            if total > WHOLE_PPM:
                return source, hour
    return None


def _refused(load: WhArray, owner: NDArray[Any], supply: WhArray, rights: Sequence[Right]) -> Refused | None:
    if load.ndim != 2 or supply.ndim != 2 or load.shape[1] != supply.shape[1] or owner.shape != load.shape[:1]:
        return Refused(
            "hours.shape", Text("부하와 발전의 시간이 맞지 않습니다.", "Loads and supplies do not have the same hours.")
        )
    if any(min(array.min(initial=0), 0) < 0 or array.max(initial=0) > HOUR_WH_MAX for array in (load, supply)):
        return _out_of_range()
    shares = [one for one in rights if not 0 <= one.share_ppm <= WHOLE_PPM or one.source >= len(supply) or one.company < 0]
    found = over_allocated(rights)
    if shares or found is not None:
        name = shares[0].id if shares else str(cast("tuple[int, int]", found)[0])
        words = Text(
            f"{name}: 발전량의 100%보다 많이 나누었습니다.", f"{name}: more than 100 % of what it generates is given out."
        )
        return Refused("contract.over_allocated", words)
    return None


def _out_of_range() -> Refused:
    words = Text("시간당 값이 0에서 2 GWh를 벗어났습니다.", "A value of an hour is outside 0 to 2 GWh.")
    return Refused("hours.range", words)


def _sums(load: WhArray, owner: WhArray, n_companies: int) -> WhArray:
    """(n_companies, n_hours) load of all meters of each."""
    found = np.zeros((n_companies, load.shape[1]), np.int64)
    for meter, company in enumerate(owner.tolist()):
        found[company] += load[meter]
    return found


def _divided(load: WhArray, owner: WhArray, matched: WhArray, total: WhArray) -> WhArray:
    """(n_meters, n_hours) what each meter got of its company's matched load."""
    found = np.zeros_like(load)
    divide = _compiled()
    divide(load, owner, matched, total, found)
    return found


@cache
def _compiled() -> Any:
    import numba  # noqa: PLC0415  # 0.4 s that only who matches hours should wait for

    njit = cast("Any", numba.njit)
    try:
        return njit(cache=True)(_divide)
    except RuntimeError:  # numba found no folder for its cache
        return njit(_divide)


def _divide(load: Any, owner: Any, matched: Any, total: Any, found: Any) -> None:
    """``floor(m c_i / L) - floor(m c_(i-1) / L)`` with the running load c_i of a company's meters, hour by hour."""
    running = np.zeros_like(total)
    given = np.zeros_like(total)
    for meter in range(load.shape[0]):
        company = owner[meter]
        for hour in range(load.shape[1]):
            whole = total[company, hour]
            if whole == 0:
                continue
            running[company, hour] += load[meter, hour]
            upto = matched[company, hour] * running[company, hour] // whole
            found[meter, hour] = upto - given[company, hour]
            given[company, hour] = upto
