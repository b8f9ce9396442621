"""Meters that are sums of meters, what a main meter shows beyond its sub-meters, and parcels shared out to buildings.

A virtual meter is a signed sum of others, physical or virtual, and together they form a graph without cycles. It is resolved to
whole multiples of physical meters first, so that a meter that comes in twice and cancels out is neither needed nor missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.core.time import Interval
from dure.emissions.conversion import Refused
from dure.services.buildings.reads.model import QUALITY_RANK, Quality
from dure.services.buildings.reads.spreading import shares

DEPTH_MAX = 50


class Term(msgspec.Struct, frozen=True):
    """One meter in a sum, added or taken away."""

    meter: str
    sign: Literal[1, -1] = 1


class Amount(msgspec.Struct, frozen=True):
    """What passed in one interval [book unit], None where it is not known; `missing` names the meters that lack it."""

    value: int | None
    quality: Quality = Quality.MEASURED
    missing: tuple[str, ...] = ()


Virtuals = Mapping[str, Sequence[Term]]


def cycle_of(virtuals: Virtuals) -> tuple[str, ...]:
    """The meters of one cycle, in order, the first again at the end; empty when there is none."""
    done: set[str] = set()
    for first in virtuals:
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(first, False)]
        while stack:
            meter, leaving = stack.pop()
            if leaving:
                done.add(path.pop())
            elif meter in path:
                return (*path[path.index(meter) :], meter)
            elif meter not in done and meter in virtuals:
                path.append(meter)
                stack.append((meter, True))
                stack.extend((term.meter, False) for term in virtuals[meter])
    return ()


def resolved(meter: str, virtuals: Virtuals) -> dict[str, int] | Refused:
    """The physical meters a meter stands for and how often each counts; those that cancel out are left out.

    Refused with ``virtual.cycle``, ``virtual.empty`` (a sum of nothing) or ``virtual.too_deep``.
    """
    cycle = cycle_of(virtuals)
    if cycle:
        names = " → ".join(cycle)
        return Refused(
            "virtual.cycle", Text(f"가상 계량기가 서로를 더합니다: {names}.", f"Virtual meters sum each other: {names}.")
        )
    empty = next((name for name, terms in virtuals.items() if not terms), None)
    if empty is not None:
        return Refused(
            "virtual.empty", Text(f"가상 계량기 {empty}에 항목이 없습니다.", f"The virtual meter {empty} sums nothing.")
        )
    counts: dict[str, int] = {meter: 1}
    for _ in range(DEPTH_MAX):
        if not counts.keys() & virtuals.keys():
            return {name: count for name, count in counts.items() if count}
        below: dict[str, int] = {}
        for name, count in counts.items():
            for term in virtuals.get(name, (Term(name),)):
                below[term.meter] = below.get(term.meter, 0) + count * term.sign
        counts = below
    return Refused(
        "virtual.too_deep",
        Text(f"가상 계량기가 {DEPTH_MAX}단계보다 깊습니다.", f"Virtual meters are nested more than {DEPTH_MAX} deep."),
    )


def summed(counts: Mapping[str, int], amounts: Mapping[str, Sequence[Amount]]) -> tuple[Amount, ...]:
    """The sum of physical meters interval by interval; not known where one of them is not, of the least quality among them.

    Parameters
    ----------
    counts : how often each physical meter counts, as `resolved` gives
    amounts : (n,) of each meter, on the same intervals
    """
    lengths = {len(rows) for name, rows in amounts.items() if name in counts}
    length = max(lengths, default=0)
    found: list[Amount] = []
    for place in range(length):
        rows = {name: _at(amounts.get(name, ()), place) for name in counts}
        missing = tuple(sorted(name for name, row in rows.items() if row.value is None))
        worst = max((row.quality for row in rows.values()), key=QUALITY_RANK.__getitem__)
        if missing:
            found.append(Amount(None, worst, missing))
        else:
            found.append(Amount(sum(counts[name] * (row.value or 0) for name, row in rows.items()), worst))
    return tuple(found)


def _at(rows: Sequence[Amount], place: int) -> Amount:
    return rows[place] if place < len(rows) else Amount(None)


class Residual(msgspec.Struct, frozen=True):
    """A main meter less its sub-meters over a span [book unit], the share of the main it is, and what to make of it.

    `code` is "" when the balance is plausible, ``balance.over`` when the subs say more than the main (a wrong sign, factor or
    wiring), ``balance.under`` when more is unmetered than was agreed, ``balance.unknown`` when intervals lack.
    """

    value: int | None
    share: Fraction | None
    code: Literal["", "balance.over", "balance.under", "balance.unknown"]
    known_share: Fraction


def balance(
    main: Sequence[Amount], subs: Mapping[str, Sequence[Amount]], over_share: Fraction, unmetered_share: Fraction
) -> Residual:
    """Whether sub-meters add up to their main, over the intervals in which all are known.

    Parameters
    ----------
    main : (n,) of the main meter
    subs : (n,) of each sub-meter, on the same intervals
    over_share : how much more than the main the subs may say, for the errors of meters [1]
    unmetered_share : how much of the main may be unmetered [1]
    """
    own = "main meter"
    rows = summed({own: 1, **dict.fromkeys(subs, -1)}, {own: main, **subs})
    known = [n for n, row in enumerate(rows) if row.value is not None]
    known_share = Fraction(len(known), len(rows)) if rows else Fraction(0)
    if not known:
        return Residual(None, None, "balance.unknown", known_share)
    value = sum(rows[n].value or 0 for n in known)
    total = sum(main[n].value or 0 for n in known)
    if total == 0:
        return Residual(value, None, "balance.over" if value < 0 else "", known_share)
    share = Fraction(value, total)
    over, under = share < -over_share, share > unmetered_share
    return Residual(value, share, "balance.over" if over else "balance.under" if under else "", known_share)


class Part(msgspec.Struct, frozen=True):
    """A building on a parcel: its floor area [m2], and how intensely its use takes energy, relative to the others [1]."""

    building: str
    area_m2: Fraction
    weight: Fraction = Fraction(1)


class Allocation(msgspec.Struct, frozen=True):
    """A building's share of what a parcel used [book unit], never measured, with all that it was made from."""

    building: str
    parcel: str
    span: Interval
    amount: int
    parcel_amount: int
    share: Fraction
    basis: Literal["area", "area and use"]
    quality: Quality = Quality.ESTIMATED


def allocated(parcel: str, span: Interval, amount: int, parts: Sequence[Part]) -> tuple[Allocation, ...] | Refused:
    """A parcel's use shared out to its buildings by floor area times use weight; the shares sum to it exactly.

    A parcel with one building passes on its whole use; that, too, is an estimate: a parcel is no meter of the building.
    """
    if amount < 0 or not parts or any(part.area_m2 <= 0 or part.weight <= 0 for part in parts):
        words = Text(
            f"필지 {parcel}: 사용량은 0 이상, 건물마다 연면적과 가중치는 0보다 커야 합니다.",
            f"Parcel {parcel}: the amount must be 0 or more, floor area and weight of each building above 0.",
        )
        return Refused("allocation.no_base", words)
    names = [part.building for part in parts]
    if len(set(names)) < len(names):
        return Refused(
            "allocation.twice", Text(f"필지 {parcel}에 같은 건물이 두 번 있습니다.", f"Parcel {parcel} names a building twice.")
        )
    bases = [part.area_m2 * part.weight for part in parts]
    whole = sum(bases, Fraction(0))
    scale = lcm(*(base.denominator for base in bases))
    amounts = shares(amount, [int(base * scale) for base in bases])
    basis: Literal["area", "area and use"] = "area" if len({part.weight for part in parts}) == 1 else "area and use"
    return tuple(
        Allocation(part.building, parcel, span, own, amount, base / whole, basis)
        for part, own, base in zip(parts, amounts, bases, strict=True)
    )
