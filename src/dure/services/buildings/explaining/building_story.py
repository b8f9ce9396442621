"""Energy, carbon and money of a building's months, unfolded to its meters, their months, and the rows of factors they came by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dure.core.errors import NotFound
from dure.core.text import LANGUAGES, Text
from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission, co2e_kg
from dure.services.buildings.explaining.explanation import RuleRow, Step, factor_row, rule_row
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.month_story import month_steps
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.factors.carbon import CarbonBook, carbon_book
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.portfolio import NOW, final_energy
from dure.services.buildings.rules import Pack, Rule

if TYPE_CHECKING:
    from dure.services.buildings.importing.columns import Fuel
    from dure.services.buildings.months.month_use import MonthUse

UNITS: Mapping[str, str] = {"energy": "Wh", "carbon": "gCO2e", "won": "won"}
NAMES: Mapping[str, Text] = {
    "energy": Text("에너지 사용량", "Energy used"),
    "carbon": Text("온실가스 배출량", "Greenhouse gas emissions"),
    "won": Text("에너지 요금", "Energy cost"),
}
SUMS: Mapping[str, Text] = {
    "energy": Text(
        "주 계량기마다의 최종에너지 합 (연료는 총발열량)",
        "The sum over main meters of final energy (fuels by gross calorific value)",
    ),
    "carbon": Text("주 계량기와 달마다 반올림한 배출량의 합", "The sum over main meters and months, each rounded to the gram"),
    "won": Text("고지서 금액의 합", "The sum of what the bills say"),
}


class Told(NamedTuple):
    """What one month of a meter comes to: the value, in words how, the rows it came by, and what is to be said of it."""

    value: int | None
    formula: Text
    rows: tuple[RuleRow, ...] = ()
    notes: tuple[Text, ...] = ()


Rate = Callable[[Meter, "MonthUse", date], Told]


def explain_sum(reading: Reading, asked: Figure) -> Step:
    """Energy, carbon or won of a building; raises NotFound ``figure.unknown``."""
    building = reading.building(asked.id)
    rows = month_records.find(reading.connection, asked.first, asked.last, buildings=[building.id], as_of=asked.as_of)
    counted = [row for row in rows if row.part == "main" and counts(asked, row.fuel)]
    if not counted:
        raise NotFound("figure.unknown", f"Nothing is known of {building.id} from {asked.first} to {asked.last}.")
    by_meter: dict[str, list[MonthUse]] = {}
    for row in counted:
        by_meter.setdefault(row.meter, []).append(row)
    parts = tuple(_meter_step(reading, listed, asked) for listed in by_meter.values())
    known = [part.value for part in parts if isinstance(part.value, int)]
    return Step(
        name=Text(f"{building.name.ko} {NAMES[asked.what].ko}", f"{building.name('en')}: {NAMES[asked.what].en}"),
        figure=str(asked),
        value=sum(known) if known else None,
        unit=UNITS[asked.what],
        formula=SUMS[asked.what],
        parts=parts,
        notes=() if len(known) == len(parts) else (_lacking(parts),),
    )


def counts(asked: Figure, fuel: str) -> bool:
    """Whether a supply belongs to what is asked."""
    supply = SUPPLIES[_fuel(fuel)]
    if asked.fuel:
        return asked.fuel == fuel
    return asked.what == "won" or (supply.energy if asked.what == "energy" else bool(supply.factor))


def _fuel(word: str) -> Fuel:
    return next(one for one in SUPPLIES if one == word)


def _lacking(parts: Sequence[Step]) -> Text:
    ko, en = (", ".join(part.name(language) for part in parts if part.value is None) for language in LANGUAGES)
    return Text(f"합에 없음: {ko}", f"Not in the sum: {en}")


def _meter_step(reading: Reading, rows: Sequence[MonthUse], asked: Figure) -> Step:
    """A meter: its months."""
    rate = _rates(reading, asked)
    meter = meter_of(reading, rows[0])
    steps = month_steps(reading, rows, asked)
    parts = tuple(_month_step(rate, meter, row, step, asked) for row, step in zip(rows, steps, strict=True))
    known = [part.value for part in parts if isinstance(part.value, int)]
    fuel = SUPPLIES[meter.fuel].name
    return Step(
        name=Text(f"{fuel.ko} ({meter.id})", f"{fuel.en} ({meter.id})"),
        value=sum(known) if known else None,
        unit=UNITS[asked.what],
        formula=Text("달의 합", "The sum of its months"),
        parts=parts,
    )


def meter_of(reading: Reading, row: MonthUse) -> Meter:
    """The meter of a month; one that is registered no longer, or stands for a parcel, is one of its fuel."""
    found = reading.sites.meters.get(row.meter)
    volume = row.fuel == "city_gas" and row.book == "L"
    return found or Meter(id=row.meter, building=row.building, fuel=row.fuel, volume=volume)


def _month_step(rate: Rate, meter: Meter, row: MonthUse, step: Step, asked: Figure) -> Step:
    """A month of a meter in the unit asked for: the remade amount, times a rate."""
    amount = step.value if isinstance(step.value, int) else 0
    on = date(int(row.month[:4]), int(row.month[5:]), 1)
    told = rate(meter, msgspec.structs.replace(row, amount=amount), on)
    kept = told if step.agrees else rate(meter, row, on)
    return Step(
        name=Text(row.month, row.month),
        figure=step.figure,
        value=told.value,
        unit=UNITS[asked.what],
        formula=told.formula,
        stored=kept.value,
        agrees=step.agrees,
        parts=(step,),
        rows=told.rows,
        notes=told.notes,
    )


def _rates(reading: Reading, asked: Figure) -> Rate:
    if asked.what == "won":
        return _won
    as_of = NOW if asked.as_of is None else asked.as_of.astimezone(UTC).date()
    book = carbon_book(reading.books.folder, as_of, asked.programme)
    return partial(_energy if asked.what == "energy" else _carbon, book)


def _won(_meter: Meter, row: MonthUse, _on: date) -> Told:
    return Told(row.won, Text("고지서에 적힌 금액의 그 달 몫", "The month's share of what the bills cost"))


def _energy(book: CarbonBook, meter: Meter, row: MonthUse, on: date) -> Told:
    """Final energy as `months.portfolio` makes it."""
    found = final_energy(book, meter, on)
    if found is None:
        return Told(None, Text("쓰는 에너지가 아닙니다.", "It is no energy used."))
    if isinstance(found, Refused):
        return Told(None, found.why, notes=(found.why,))
    wh, provisional = found
    exact = Fraction(row.amount) * wh
    formula = f"{row.amount:,} {row.book} × {_number(wh)} Wh/{row.book}"
    return Told(round(exact), Text(formula, formula), _energy_rows(book, meter, on), (_unsure(),) if provisional else ())


def _carbon(book: CarbonBook, meter: Meter, row: MonthUse, on: date) -> Told:
    """Grams as `factors.carbon` makes them."""
    found = book.emission(meter, row.amount, on)
    if found is None:
        return Told(0, Text("쓰는 곳에서 배출하지 않습니다.", "It emits nothing where it is used."))
    if isinstance(found, Refused):
        return Told(None, found.why, notes=(found.why,))
    kg = _kg_per_unit(book, found)
    ways = f" → {', '.join(found.rules)}" if found.rules else ""
    formula = f"{row.amount:,} {row.book}{ways} × {_number(kg)} kgCO2e/{found.factor.per}"
    bases = (basis_row(book.energy, one, on) for one in found.rules)
    rows = (factor_row(found.factor, float(kg)), *(row for row in bases if row is not None))
    return Told(found.co2e_g, Text(formula, formula), rows, (_unsure(),) if found.provisional else ())


def _kg_per_unit(book: CarbonBook, found: Emission) -> Fraction:
    factor = found.factor
    return co2e_kg(factor, book.table.potentials.get(factor.gwp) if factor.total_kg is None else None)


def _energy_rows(book: CarbonBook, meter: Meter, on: date) -> tuple[RuleRow, ...]:
    """Rows of the pack ``energy`` behind the final energy of a fuel that is counted by volume or mass."""
    supply = meter.supply
    if supply.book in {"Wh", "kJ"} or not supply.energy:
        return ()
    tables = [("calorific", supply.factor)] + ([("meter_conditions", "gas")] if meter.volume else [])
    found = [pack_row(book.energy, table, name, on) for table, name in tables]
    return tuple(row for row in found if row is not None)


def basis_row(pack: Pack, basis: str, on: date) -> RuleRow | None:
    """The row a result says it rests on: ``pack@version/table/id``."""
    name, _, rest = basis.partition("@")
    _, _, place = rest.partition("/")
    table, _, row_id = place.partition("/")
    return pack_row(pack, table, row_id, on) if name == pack.id else None


def pack_row(pack: Pack, table: str, row_id: str, on: date) -> RuleRow | None:
    """A row of a pack in force on a day, as it is told; None where there is none."""
    row = next((row for row in pack.as_of(on).get(table, ()) if row["id"] == row_id), None)
    if row is None:
        return None
    plain = {name: row[name] for name in Rule.__struct_fields__ if name in row}
    facts = {name: value for name, value in row.items() if name not in plain and isinstance(value, int | float | str)}
    value = facts.pop("value", None)
    told = rule_row(msgspec.convert(plain, Rule), value, facts)
    return msgspec.structs.replace(told, id=f"{pack.id}@{pack.version}/{table}/{row_id}")


def _number(value: Fraction) -> str:
    return f"{float(value):,.6g}"


def _unsure() -> Text:
    return Text("확인이 필요한 행이 쓰였습니다.", "A row behind it is to be confirmed.")
