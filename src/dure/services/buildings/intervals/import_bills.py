"""Rows of bills to amounts in the books of their meters. Pure.

Gas is billed in MJ of gross calorific value and booked in kJ as billed; a bill in cubic metres of a meter that is booked in
energy goes through the dated rows of ``rules/energy.toml`` and says so. What has no way is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.emissions.conversion import Conditions, Reference, Refused, energy_of, normal_volume
from dure.emissions.quantity import UNITS, Quantity
from dure.services.buildings.importing.bills import Bill, Ground, RefusedRow, read_bills
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.reads.model import Quality
from dure.services.buildings.rules import Pack, load_pack

if TYPE_CHECKING:
    from dure.services.buildings.intervals.import_files import Names
    from dure.services.buildings.model import Meter

AMOUNT_MAX = 9_000_000_000_000_000
WON_MAX = 9_000_000_000_000


class BookedBills(msgspec.Struct, frozen=True, kw_only=True):
    """Bills in the books of their meters, and rows that are not taken."""

    bills: tuple[KeptBill, ...]
    rejected: tuple[RefusedRow, ...]
    columns: Mapping[str, str]
    encoding: str


class _KnownMeters(dict[str, Fuel]):
    """Fuels of meters by what people call them; a row may also go by its building, or name one where its meter stands."""

    def __init__(self, names: Names) -> None:
        super().__init__(names.fuels())
        self._names = names

    def __contains__(self, name: object) -> bool:
        return not name or super().__contains__(name) or self._names.has(str(name))


def bills_of(
    body: bytes,
    fuel: Fuel | Literal[""],
    unit: str,
    sheet: str,
    names: Names,
    where: tuple[Path | None, datetime],
) -> BookedBills:
    """The bills of a table; `where` is the city's folder and the instant they become known."""
    ground = Ground(burnt="GCV", fuel=fuel, unit=unit, meters=_KnownMeters(names))
    held = read_bills(body, ground, sheet)
    pack = load_pack("energy", where[0])
    kept: list[KeptBill] = []
    rejected = list(held.rejected)
    for one in held.accepted:
        found = _kept(one, names, pack, where[1])
        if isinstance(found, KeptBill):
            kept.append(found)
        else:
            rejected.append(RefusedRow(one.row, found.code, found.why, _content(one)))
    apart, doubled = _apart(kept)
    rejected += doubled
    return BookedBills(
        bills=tuple(apart),
        rejected=tuple(sorted(rejected, key=lambda one: one.row)),
        columns=held.columns,
        encoding=held.encoding,
    )


def _kept(bill: Bill, names: Names, pack: Pack, known_at: datetime) -> KeptBill | Refused:
    meter = names.meter(bill.meter, bill.fuel) or names.meter(bill.building, bill.fuel)
    if meter is None or meter.fuel != bill.fuel:
        name = bill.meter[:40]
        return Refused(
            "bill.meter_unknown", Text(f"{name!r}: 등록되지 않은 계량기입니다.", f"{name!r} is no meter we know. Enter it first.")
        )
    amount = booked_amount(bill.amount, meter, pack, bill.start)
    if isinstance(amount, Refused):
        return amount
    value, facts = amount
    if value > AMOUNT_MAX or abs(bill.won or 0) > WON_MAX:
        return Refused("bill.too_large", Text("책에 적을 수 있는 수보다 큽니다.", "The number is larger than the books hold."))
    return KeptBill(
        id="",
        meter=meter.id,
        start_day=bill.start.isoformat(),
        end_day=bill.end.isoformat(),
        amount=value,
        book=meter.supply.book,
        won=bill.won,
        quality=(Quality.ESTIMATED if bill.estimated else Quality.MEASURED).value,
        row=bill.row,
        known_at=known_at,
        facts=facts | {"as_billed": f"{_number(bill.amount.value)} {bill.amount.unit}"},
    )


def booked_amount(amount: Quantity, meter: Meter, pack: Pack, on: date) -> tuple[int, dict[str, Any]] | Refused:
    """A billed amount in a meter's book, and the rules it came by."""
    book = meter.supply.book
    if UNITS[amount.unit].dimension == UNITS[book].dimension:
        return Quantity(amount.value, amount.unit).book(book), {}
    if meter.fuel != "city_gas" or book != "kJ":
        return Refused(
            "import.unit_of_meter",
            Text(
                f"이 계량기는 {book} 단위로 적습니다. {amount.unit}로는 바꿀 수 없습니다.",
                f"This meter is booked in {book}; {amount.unit} does not lead there.",
            ),
        )
    try:
        row = pack.row("meter_conditions", "gas", Reference, on)
    except ConfigError:
        return Refused(
            "factor.missing", Text("가스 조건이 없습니다.", "The conditions of the gas meter are not known on that day.")
        )
    normal = amount
    bases: tuple[Any, ...] = ()
    if amount.dimension == "volume":
        converted = normal_volume(amount, Conditions(row.temperature_c, row.pressure_kpa), pack, on)
        if isinstance(converted, Refused):
            return converted
        normal, bases = converted.quantity, (pack.basis("meter_conditions", row), *converted.bases)
    energy = energy_of(normal, meter.supply.factor, "GCV", pack, on)
    if isinstance(energy, Refused):
        return energy
    value = Quantity(energy.quantity.value, energy.quantity.unit).book("kJ")
    grounds = (*bases, *energy.bases)
    return value, {"rules": [one.rule for one in grounds], "provisional": any(one.provisional for one in grounds)}


def _apart(bills: list[KeptBill]) -> tuple[list[KeptBill], list[RefusedRow]]:
    """Bills without those that share days with an earlier row of their meter, under whatever name."""
    kept: list[KeptBill] = []
    refused: list[RefusedRow] = []
    by_meter: dict[str, list[KeptBill]] = {}
    for bill in bills:
        own = by_meter.setdefault(bill.meter, [])
        other = next((one for one in own if one.start_day < bill.end_day and bill.start_day < one.end_day), None)
        if other is None:
            own.append(bill)
            kept.append(bill)
            continue
        why = Text(
            f"{bill.meter}의 같은 기간이 {other.row}번째 줄에 있습니다.",
            f"The period of {bill.meter} is in row {other.row} already. Keep one.",
        )
        refused.append(RefusedRow(bill.row, "bill.overlap", why, f"{bill.meter}, {bill.start_day}, {bill.end_day}"))
    return kept, refused


def _content(bill: Bill) -> str:
    return f"{bill.meter}, {bill.fuel}, {bill.start}, {bill.end}, {_number(bill.amount.value)} {bill.amount.unit}"


def _number(value: Fraction) -> str:
    return str(int(value)) if value.denominator == 1 else f"{float(value):g}"
