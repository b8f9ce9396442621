"""Months that follow from others: of virtual meters, of parcels shared out; and main meters less their sub-meters. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, cast

import msgspec

from dure.core.time import Interval
from dure.emissions.conversion import Refused
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.reads.model import Book, Quality
from dure.services.buildings.virtual_meters import Amount, Part, Residual, Term, allocated, balance, resolved


def terms_of(meters: Mapping[str, Meter]) -> dict[str, tuple[Term, ...]]:
    """The formulas of virtual meters; a term that counts twice stands twice."""
    return {
        one.id: tuple(
            Term(name, 1 if sign > 0 else -1) for name, sign in sorted(one.formula.items()) for _ in range(min(abs(sign), 100))
        )
        for one in meters.values()
        if one.formula
    }


def physical_of(meters: Mapping[str, Meter]) -> tuple[dict[str, dict[str, int]], dict[str, Refused]]:
    """What each virtual meter sums, as multiples of physical ones; and those that cannot be resolved, with the reason."""
    virtuals = terms_of(meters)
    found: dict[str, dict[str, int]] = {}
    refused: dict[str, Refused] = {}
    for name in virtuals:
        counts = resolved(name, virtuals)
        if isinstance(counts, Refused):
            refused[name] = counts
        else:
            found[name] = counts
    return found, refused


def virtual_month(
    meter: Meter, counts: Mapping[str, int], rows: Mapping[str, MonthUse], month: str, known_at: datetime
) -> MonthUse | None:
    """A virtual meter's month; None where a physical one has no month, or counts in another unit."""
    parts = [(count, rows.get(name)) for name, count in sorted(counts.items())]
    usable = [(count, row) for count, row in parts if row is not None and row.source != "none" and row.book == meter.supply.book]
    if len(usable) < len(parts) or not usable:
        return None
    sums = {
        name: sum(count * getattr(row, name) for count, row in usable)
        for name in ("amount", "measured", "estimated", "substituted", "filled")
    }
    told = repr([(count, row.meter, row.sha256) for count, row in usable]).encode()
    return MonthUse(
        meter=meter.id,
        month=month,
        known_at=known_at,
        building=meter.building,
        fuel=meter.fuel,
        part=meter.part,
        book=meter.supply.book,
        **sums,
        half_width=sum(abs(count) * row.half_width for count, row in usable),
        coverage=min(row.coverage for _, row in usable),
        source="formula",
        sha256=hashlib.sha256(told).hexdigest(),
        facts={"of": dict(counts)} | ({"running": True} if any("running" in row.facts for _, row in usable) else {}),
    )


class Balance(msgspec.Struct, frozen=True):
    """Main meters of a building less their sub-meters in a month [book unit]; `code` as of `virtual_meters.Residual`."""

    building: str
    month: str
    fuel: Fuel
    book: Book
    main: int
    subs: int
    residual: int | None
    share: float | None
    code: str
    meters: tuple[str, ...]


def balances(rows: Sequence[MonthUse], over_share: Fraction, unmetered_share: Fraction) -> list[Balance]:
    """Balances of every building, month, fuel and unit that has main and sub-meters, in that order."""
    groups: dict[tuple[str, str, str, str], list[MonthUse]] = {}
    for row in rows:
        if row.source != "none":
            groups.setdefault((row.building, row.month, row.fuel, row.book), []).append(row)
    found = []
    for (building, month, fuel, book), group in sorted(groups.items()):
        mains, subs = [row for row in group if row.part == "main"], [row for row in group if row.part == "sub"]
        if not mains or not subs:
            continue
        main = sum(row.amount for row in mains)
        whole = all(row.coverage >= 1 for row in group)
        said: Residual = balance(
            [Amount(main if whole else None)], {row.meter: [Amount(row.amount)] for row in subs}, over_share, unmetered_share
        )
        found.append(
            Balance(
                building,
                month,
                cast("Fuel", fuel),
                cast("Book", book),
                main,
                sum(row.amount for row in subs),
                said.value,
                None if said.share is None else round(float(said.share), 6),
                said.code,
                tuple(row.meter for row in group),
            )
        )
    return found


class ParcelMonth(msgspec.Struct, frozen=True, kw_only=True):
    """What the national database says a parcel used in a month [book unit]."""

    parcel: str
    month: str
    fuel: Fuel
    amount: int
    book: Book
    known_at: datetime
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def parcel_meter(building: str, fuel: str) -> str:
    """In place of a meter: what a building is given of its parcel."""
    return f"parcel:{building}:{fuel}"


def parcel_months(
    row: ParcelMonth, buildings: Sequence[Building], span: Interval, known_at: datetime
) -> list[MonthUse] | Refused:
    """A parcel's month shared out to its buildings by floor area, as an estimate that says so."""
    parts = [Part(one.id, Fraction(str(one.area_m2))) for one in buildings]
    found = allocated(row.parcel, span, row.amount, parts)
    if isinstance(found, Refused):
        return found
    return [
        MonthUse(
            meter=parcel_meter(one.building, row.fuel),
            month=row.month,
            known_at=known_at,
            building=one.building,
            fuel=row.fuel,
            part="main",
            book=row.book,
            amount=one.amount,
            measured=0,
            estimated=one.amount,
            coverage=1.0,
            source="parcel",
            sha256=hashlib.sha256(repr((row.parcel, row.month, row.fuel, row.amount, str(one.share))).encode()).hexdigest(),
            facts={
                "parcel": row.parcel,
                "parcel_amount": row.amount,
                "share": f"{one.share.numerator}/{one.share.denominator}",
                "basis": one.basis,
                "quality": Quality.ESTIMATED.value,
            },
        )
        for one in found
    ]
