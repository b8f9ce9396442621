"""The last parts of a report: how much of it was measured, and what it rests on. Pure."""

from __future__ import annotations

from dure.core.text import Language, Text
from dure.emissions.emission import co2e_kg
from dure.services.buildings.filing.activity import Worked
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.report_model import Fact, Grid, Part
from dure.services.buildings.filing.source_sheets import MARKS, missing_months, rule_name
from dure.services.buildings.model import SUPPLIES

ROWS_MAX = 40
ENERGY_FUELS = tuple(fuel for fuel, supply in SUPPLIES.items() if supply.energy)


def quality(dossier: Dossier, worked: Worked) -> Part:
    """How much was measured, estimated, put in or filled; which months are missing."""
    language = dossier.question.language
    months = set(dossier.months)
    energy = {(one.building, one.fuel): _wh_per_unit(worked, one.building, one.fuel) for one in worked.series}
    parts = dict.fromkeys(("measured", "estimated", "substituted", "filled"), 0.0)
    for use in dossier.uses:
        if use.month in months and use.part == "main" and SUPPLIES[use.fuel].energy:
            rate = energy.get((use.building, use.fuel), 0.0)
            for name in parts:
                parts[name] += getattr(use, name) * rate
    whole = sum(parts.values())
    facts = tuple(
        Fact(NAMES[name](language), "–" if whole <= 0 else f"{100 * value / whole:.1f}", "" if whole <= 0 else "%")
        for name, value in parts.items()
    )
    missing = missing_months(dossier, language)
    short = [
        (one.building, SUPPLIES[one.fuel].name(language), cell.month, f"{cell.coverage:.0%}")
        for one in worked.series
        for cell in one.cells
        if cell.coverage < dossier.compare.coverage_min
    ]
    rows = [(name, fuel, month, "0%") for name, _, fuel, month in missing] + short
    head = tuple(
        one(language) for one in (Text("건물", "Building"), Text("연료", "Fuel"), Text("달", "Month"), Text("아는 비율", "Known"))
    )
    text = () if rows else (Text("빠지거나 모자란 달이 없습니다.", "No month is missing or short.")(language),)
    return Part(
        heading=Text("얼마나 잰 값인가", "How much of it was measured")(language),
        facts=facts,
        text=(*text, *_left_out(len(rows), language)),
        grids=(Grid(Text("다 알지 못하는 달", "Months not known in full")(language), head, tuple(rows[:ROWS_MAX]), (3,)),)
        if rows
        else (),
    )


NAMES = {
    "measured": Text("잰 값", "Measured"),
    "estimated": Text("추정", "Estimated"),
    "substituted": Text("대체", "Put in"),
    "filled": Text("모델로 채움", "Filled by model"),
}


def _left_out(rows_n: int, language: Language) -> tuple[str, ...]:
    if rows_n <= ROWS_MAX:
        return ()
    return (
        Text(f"모두 {rows_n}건이며 처음 {ROWS_MAX}건을 적습니다.", f"{rows_n} in all; the first {ROWS_MAX} are listed.")(
            language
        ),
    )


def _wh_per_unit(worked: Worked, building: str, fuel: str) -> float:
    """Final energy of one book unit of a fuel of a building, over the period [Wh]; 0 where it is not known."""
    cells = [cell for one in worked.series if (one.building, one.fuel) == (building, fuel) for cell in one.cells]
    amount = sum(cell.amount for cell in cells)
    return sum(cell.energy_wh or 0 for cell in cells) / amount if amount else 0.0


def sources(dossier: Dossier, worked: Worked) -> Part:
    """Factor rows, rules and digests."""
    language = dossier.question.language
    rows = []
    for one in worked.factors.values():
        potentials = dossier.book.table.potentials.get(one.gwp)
        value = float(co2e_kg(one, potentials if one.total_kg is None else None))
        rows.append(
            (one.id, f"{value:,.6g} kgCO2e/{one.per}", one.published_at.isoformat(), MARKS[one.mark](language), one.source)
        )
    heads = (
        Text("계수", "Factor"),
        Text("값", "Value"),
        Text("공표", "Published"),
        Text("확실한가", "How sure"),
        Text("출처", "Source"),
    )
    rules = [dossier.compare.basis("grades", one) for one in dossier.compare.grades]
    rules += list(dossier.compare.choices.values())
    named = tuple((rule_name(one), MARKS[one.mark](language), one.source) for one in rules)
    kinds = tuple(one(language) for one in (Text("규칙", "Rule"), Text("확실한가", "How sure"), Text("출처", "Source")))
    grounds = tuple(dossier.printed_grounds.items())
    return Part(
        heading=Text("무엇에 근거했나", "What it rests on")(language),
        grids=(
            Grid(Text("배출계수", "Emission factors")(language), tuple(one(language) for one in heads), tuple(rows)),
            Grid(Text("기준", "Rules")(language), kinds, named),
            Grid(Text("지문", "Digests")(language), ("", ""), grounds),
        ),
    )
