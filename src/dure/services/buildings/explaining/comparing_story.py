"""Energy use intensity and grade of a building, and sums over many buildings, unfolded."""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.comparison_desk import Asked, compared
from dure.services.buildings.comparing.eui import Eui, eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.spans import months_ending
from dure.services.buildings.comparing.standings import Standing, rules_day
from dure.services.buildings.explaining.building_story import NAMES, UNITS, basis_row, counts, explain_sum, meter_of
from dure.services.buildings.explaining.explanation import RuleRow, Step
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.months import month_records
from dure.services.buildings.months.portfolio import NOW, BuildingMonth, final_energy, portfolio
from dure.services.buildings.rules import load_pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.buildings.factors.carbon import CarbonBook
    from dure.services.buildings.model import Building
    from dure.services.buildings.months.month_use import MonthUse
    from dure.services.buildings.rules import Basis

MANY = 200  # buildings of a sum that are told one by one; the rest together


def explain_eui(reading: Reading, asked: Figure) -> Step:
    """The intensity of the months that end with the last one asked for."""
    building = reading.building(asked.id)
    rules = compare_rules(rules_day(asked.last), reading.books.folder)
    if (asked.first, asked.last) != (months_ending(asked.last, rules.months_n)[0], asked.last):
        raise NotFound("figure.unknown", f"An intensity is of {rules.months_n} months.")
    return _eui_step(reading, building, eui(building, _own_rows(reading, asked), asked.last, rules), asked)


def _own_rows(reading: Reading, asked: Figure) -> list[BuildingMonth]:
    """Months of one building as `months.portfolio` has them, a row for each main meter: only these are read."""
    rows = month_records.find(reading.connection, asked.first, asked.last, buildings=[asked.id], as_of=asked.as_of)
    as_of = NOW if asked.as_of is None else asked.as_of.astimezone(UTC).date()
    book = carbon_book(reading.books.folder, as_of, asked.programme)
    return [_own_row(reading, book, row) for row in rows if row.part == "main"]


def _own_row(reading: Reading, book: CarbonBook, row: MonthUse) -> BuildingMonth:
    meter, on = meter_of(reading, row), date(int(row.month[:4]), int(row.month[5:]), 1)
    energy, emitted = final_energy(book, meter, on), book.emission(meter, row.amount, on)
    known = energy if isinstance(energy, tuple) else None
    grams = emitted.co2e_g if isinstance(emitted, Emission) else 0 if emitted is None else None
    return BuildingMonth(
        building=row.building,
        month=row.month,
        fuel=row.fuel,
        book=row.book,
        amount=row.amount,
        energy_wh=None if known is None else round(row.amount * known[0]),
        co2e_g=grams,
        won=row.won,
        measured=row.measured,
        estimated=row.estimated,
        substituted=row.substituted,
        filled=row.filled,
        half_width=row.half_width,
        coverage=row.coverage,
        provisional=bool(known and known[1]) or (isinstance(emitted, Emission) and emitted.provisional),
        refused=emitted.code if isinstance(emitted, Refused) else "",
        factors=(emitted.factor.id,) if isinstance(emitted, Emission) else (),
        meters=1,
    )


def _portfolio(reading: Reading, asked: Figure) -> tuple[BuildingMonth, ...]:
    books = reading.books
    return portfolio(
        books.folder,
        reading.connection,
        reading.sites,
        asked.first,
        asked.last,
        as_of=asked.as_of,
        programme=asked.programme,
    )


def _eui_step(reading: Reading, building: Building, found: Eui | Refused, asked: Figure) -> Step:
    name = Text(f"{building.name.ko} 에너지원단위", f"{building.name('en')}: energy use intensity")
    own = asked.also(what="eui", first=asked.first, last=asked.last)
    if isinstance(found, Refused):
        return Step(name=name, figure=str(own), value=None, unit="kWh/m2", formula=found.why)
    energy = explain_sum(reading, asked.also(what="energy", fuel=""))
    again = None if not isinstance(energy.value, int) else energy.value / 1_000 / found.area_m2
    area = Step(
        name=Text("연면적", "Floor area"),
        value=round(found.area_m2, 2),
        unit="m2",
        formula=Text(
            "등록부의 연면적을 달마다 그날 유효한 값으로 보아 낸 평균",
            "The mean over the months of the floor area in force, from the register",
        ),
        notes=tuple(Text(f"{day}부터 {value:,g} m²", f"{value:,g} m² from {day}") for day, value in building.areas),
    )
    short = tuple(
        Text(
            f"{one.fuel} {one.month}: {one.coverage:.0%}만 압니다.", f"{one.fuel} {one.month}: only {one.coverage:.0%} is known."
        )
        for one in found.short
    )
    return Step(
        name=name,
        figure=str(own),
        value=None if again is None else round(again, 6),
        unit="kWh/m2",
        formula=Text("열두 달의 최종에너지 ÷ 평균 연면적", "Final energy of twelve months / mean floor area"),
        stored=round(found.kwh_m2, 6),
        agrees=again is not None and abs(again - found.kwh_m2) < 1e-6,
        parts=(energy, area),
        notes=short,
    )


def explain_grade(reading: Reading, asked: Figure) -> Step:
    """The grade of the twelve months that end with the last one asked for."""
    building, books = reading.building(asked.id), reading.books
    question = Asked(last=asked.last, as_of=asked.as_of, programme=asked.programme)
    today = day_of(asked.as_of or books.now, books.zone)
    found = compared(books.folder, reading.connection, question, today, reading.sites).standings.get(building.id)
    if found is None:
        raise NotFound("figure.unknown", f"{building.id} is not compared.")
    return _grade_step(reading, building, found, asked)


def _grade_step(reading: Reading, building: Building, standing: Standing, asked: Figure) -> Step:
    name = Text(f"{building.name.ko} 등급", f"{building.name('en')}: grade")
    intensity = _eui_step(reading, building, standing.eui, asked.also(what="eui"))
    grade = standing.grade
    if not isinstance(grade, Grade):
        why = grade.why if isinstance(grade, Refused) else Text("견줄 수 없습니다.", "It cannot be compared.")
        return Step(name=name, figure=str(asked), value=None, formula=why, parts=(intensity,))
    return Step(
        name=name,
        figure=str(asked),
        value=grade.letter,
        formula=Text(
            f"에너지원단위 ÷ 기준 {grade.against_kwh_m2:,.1f} kWh/m² = {grade.ratio:.3f}: {grade.meaning.ko}",
            f"Intensity / reference {grade.against_kwh_m2:,.1f} kWh/m2 = {grade.ratio:.3f}: {grade.meaning('en')}",
        ),
        parts=(intensity, _reference(standing, grade)),
        rows=_bases(reading, grade.bases, asked),
        notes=(Text("확인이 필요한 행이 쓰였습니다.", "A row behind it is to be confirmed."),) if grade.provisional else (),
    )


def _reference(standing: Standing, grade: Grade) -> Step:
    if grade.against == "legal" and isinstance(standing.legal, Legal):
        name = Text("법정 목표", "Legal target")
        formula = Text("연면적 급의 목표 × 지역 가중치", "The target of its area class x the weight of its region")
    else:
        place = standing.place if isinstance(standing.place, Place) else None
        shared = " · ".join(filter(None, (place.use, place.size, place.region))) if place else ""
        count = place.others_n if place else 0
        name = Text("비슷한 건물의 중앙값", "Median of its peers")
        formula = Text(
            f"이 건물과 비슷한 {count}곳({shared})의 중앙값", f"The median of it and {count} others like it ({shared})"
        )
    return Step(name=name, value=round(grade.against_kwh_m2, 3), unit="kWh/m2", formula=formula)


def _bases(reading: Reading, bases: Sequence[Basis], asked: Figure) -> tuple[RuleRow, ...]:
    pack = load_pack("comparing", reading.books.folder)
    found = (basis_row(pack, one.rule, rules_day(asked.last)) for one in bases)
    return tuple(row for row in found if row is not None)


def explain_many(reading: Reading, asked: Figure) -> Step:
    """Energy, carbon or won of the buildings of a body, or of all; each is a figure of its own."""
    names = {one.id: one for one in reading.sites.buildings.values() if asked.subject == "portfolio" or one.body == asked.id}
    if not names:
        raise NotFound("figure.unknown", f"No building is of {asked.id[:80]!r}.")
    sums: dict[str, int] = {}
    refused: dict[str, str] = {}
    for row in _portfolio(reading, asked):
        value = {"energy": row.energy_wh, "carbon": row.co2e_g, "won": row.won}[asked.what]
        if row.building not in names or not counts(asked, row.fuel):
            continue
        if value is None and asked.what != "won":
            refused[row.building] = row.refused or "factor.missing"
        sums[row.building] = sums.get(row.building, 0) + (value or 0)
    order = sorted(sums, key=lambda one: (-sums[one], one))
    parts = [_building_part(names[one], sums[one], asked) for one in order[:MANY]]
    if order[MANY:]:
        rest = sum(sums[one] for one in order[MANY:])
        words = Text(f"그 밖의 {len(order) - MANY}곳", f"{len(order) - MANY} others")
        parts.append(Step(name=words, value=rest, unit=UNITS[asked.what]))
    lacking = tuple(
        Text(
            f"{names[one].name.ko}: 합에 없는 것이 있습니다 ({code}).",
            f"{names[one].name('en')}: not all is in the sum ({code}).",
        )
        for one, code in sorted(refused.items())
    )
    whose = Text("도시 전체", "The whole city") if asked.subject == "portfolio" else Text(asked.id, asked.id)
    return Step(
        name=Text(f"{whose.ko} {NAMES[asked.what].ko}", f"{whose('en')}: {NAMES[asked.what].en}"),
        figure=str(asked),
        value=sum(sums.values()),
        unit=UNITS[asked.what],
        formula=Text(f"건물 {len(order)}곳의 합", f"The sum over {len(order)} buildings"),
        parts=tuple(parts),
        notes=lacking,
    )


def _building_part(building: Building, value: int, asked: Figure) -> Step:
    own = asked.also(subject="building", id=building.id)
    return Step(name=building.name, figure=str(own), value=value, unit=UNITS[asked.what])
