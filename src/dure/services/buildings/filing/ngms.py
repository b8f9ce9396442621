"""공공부문 온실가스·에너지 목표관리 (NGMS): the workbook of a body, facility by facility, month by month.

Activity stands in its filing unit beside the factor row and the tonnes; tonnes are grams over a million, so that every sum of
the workbook is that of the books. Months without a factor are counted and told, never taken for zero. Pure.
"""

from __future__ import annotations

from dure.core.text import Text
from dure.services.buildings.comparing.spans import mean_area_m2
from dure.services.buildings.comparing.targets import planned
from dure.services.buildings.filing.activity import Activity, Cell, Worked
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.sheets import Column, Sheet, Value, Workbook
from dure.services.buildings.filing.source_sheets import basis_sheet, factor_sheet, preface, subject_name, uncertain_sheet
from dure.services.buildings.model import SUPPLIES

G_PER_T = 1_000_000
WH_PER_KWH = 1_000


def ngms(dossier: Dossier) -> Workbook:
    """The workbook."""
    language = dossier.question.language
    worked = dossier.worked()
    title = dossier.rules.forms["ngms"].name(language)
    bases = [dossier.rules.basis("forms", dossier.rules.forms["ngms"])]
    bases += [dossier.rules.basis("filing_units", one) for one in dossier.rules.units.values()]
    return Workbook(
        title=f"{title} · {subject_name(dossier)} · {dossier.question.period}",
        language=language,
        created_at=dossier.question.as_of,
        sheets=(
            summary(dossier, worked, title),
            facilities(dossier, worked),
            monthly(dossier, worked),
            emissions(dossier, worked),
            factor_sheet(dossier, worked),
            uncertain_sheet(dossier),
            basis_sheet(dossier, bases),
        ),
    )


def summary(dossier: Dossier, worked: Worked, title: str) -> Sheet:
    """The sheet in front: totals, the base and the change against it."""
    language = dossier.question.language
    before = dossier.worked(year_before=True)
    energy = [one.energy_wh for one in worked.series]
    lines: list[tuple[Text, float | None, str]] = [
        (Text("온실가스 배출량", "Greenhouse gas emissions"), worked.co2e_g / G_PER_T, "tCO2e"),
        (Text("지난해 같은 달들의 배출량", "Emissions of the same months a year before"), before.co2e_g / G_PER_T, "tCO2e"),
        (Text("에너지 사용량 (최종에너지)", "Energy used (final)"), sum(one or 0 for one in energy) / WH_PER_KWH, "kWh"),
        (Text("시설 수", "Facilities"), float(len({one.building for one in worked.series})), ""),
        (Text("계수가 없어 빠진 달 수", "Months left out for want of a factor"), float(worked.refused_n), ""),
        (Text("확인이 필요한 값이 든 달 수", "Months with a value to be confirmed"), float(_provisional(worked)), ""),
    ]
    if not before.series:
        lines[1] = (lines[1][0], None, "tCO2e")
    for target in dossier.targets:
        if target.kind == "emissions_g" and target.programme == dossier.question.programme:
            base = f"{target.base_from}-{target.base_to}"
            lines += [
                (Text(f"기준배출량 ({base})", f"Base emissions ({base})"), target.base / G_PER_T, "tCO2e"),
                (Text("기준에 견준 변화", "Change against the base"), (worked.co2e_g / target.base - 1) * 100, "%"),
                (
                    Text(f"{target.year}년 목표로 가는 올해의 선", f"This year on the line to {target.year}"),
                    planned(target, dossier.question.year) / G_PER_T,
                    "tCO2e",
                ),
            ]
    return Sheet(
        name=Text("요약", "Summary")(language),
        title=title,
        columns=(
            Column(Text("무엇", "What")(language), 48),
            Column(Text("값", "Value")(language), 18, 3),
            Column(Text("단위", "Unit")(language), 10),
        ),
        rows=tuple((name(language), value, unit) for name, value, unit in lines),
        notes=(*preface(dossier), *based_on(dossier)),
    )


def based_on(dossier: Dossier) -> tuple[str, ...]:
    """Where each base comes from: it was entered, and may rest on the factors of its own time."""
    found = []
    for target in dossier.targets:
        if target.kind == "emissions_g" and target.programme == dossier.question.programme:
            words = Text(
                "기준배출량은 사람이 넣은 값이며 그때의 배출계수로 셈한 것일 수 있습니다.",
                "The base was entered by a person and may rest on the factors of its own time.",
            )
            found.append(f"{words(dossier.question.language)} {target.base_note}".strip())
    return tuple(found)


def facilities(dossier: Dossier, worked: Worked) -> Sheet:
    """One row for each facility."""
    language = dossier.question.language
    rows: list[tuple[Value, ...]] = []
    for building in dossier.chosen:
        series = [one for one in worked.series if one.building == building.id]
        energy = [one.energy_wh for one in series]
        grams = sum(cell.co2e_g or 0 for one in series for cell in one.cells)
        use = dossier.compare.uses.get(building.use)
        rows.append(
            (
                building.name(language), building.id, use.name(language) if use else building.use,
                mean_area_m2(building, dossier.months), sum(one or 0 for one in energy) / WH_PER_KWH, grams / G_PER_T,
                min((cell.coverage for one in series for cell in one.cells), default=None), _uncertain_share(series),
                sum(bool(cell.refused) for one in series for cell in one.cells),
            )
        )  # fmt: skip
    rows.append(
        (Text("합계", "Total")(language), "", "", *(sum(float(row[i] or 0) for row in rows) for i in (3, 4, 5)), None, None, None)
    )
    heads = (
        (Text("시설", "Facility"), 28, None), (Text("번호", "Id"), 22, None), (Text("용도", "Use"), 16, None),
        (Text("연면적 (m²)", "Floor area (m²)"), 14, 1), (Text("에너지 (kWh)", "Energy (kWh)"), 16, 1),
        (Text("배출량 (tCO2e)", "Emissions (tCO2e)"), 16, 3),
        (Text("가장 적게 아는 달의 비율", "Least known share of a month"), 14, 3),
        (Text("재지 않은 비율", "Share not measured"), 12, 3), (Text("계수 없는 달", "Months without factor"), 12, 0),
    )  # fmt: skip
    return Sheet(
        name=Text("시설", "Facilities")(language),
        title=Text("시설별 에너지와 배출량", "Energy and emissions of each facility")(language),
        columns=tuple(Column(name(language), width, decimals) for name, width, decimals in heads),
        rows=tuple(rows),
        total=True,
    )


def monthly(dossier: Dossier, worked: Worked) -> Sheet:
    """Activity by month, in the filing unit."""
    language = dossier.question.language
    rows: list[tuple[Value, ...]] = []
    for one in worked.series:
        by_month = {cell.month: cell for cell in one.cells}
        known = one.filed is not None
        values = [_filed(by_month.get(month), known=known) for month in dossier.months]
        total = None if all(value is None for value in values) else sum(value or 0.0 for value in values)
        rows.append((*_of(dossier, one), one.unit if known else one.book, *values, total))
    heads = [
        (Text("시설", "Facility"), 28),
        (Text("연료", "Fuel"), 14),
        (Text("공급자·지사", "Supplier, branch"), 18),
        (Text("단위", "Unit"), 8),
    ]
    return Sheet(
        name=Text("월별 활동자료", "Monthly activity")(language),
        title=Text("달마다의 활동자료 (빈칸: 모름)", "Activity by month (blank: not known)")(language),
        columns=(
            *(Column(name(language), width) for name, width in heads),
            *(Column(month, 12, 3) for month in dossier.months),
            Column(Text("합계", "Total")(language), 14, 3),
        ),
        rows=tuple(rows),
    )


def emissions(dossier: Dossier, worked: Worked) -> Sheet:
    """Activity of the period beside factor and tonnes."""
    language = dossier.question.language
    rows: list[tuple[Value, ...]] = []
    for one in worked.series:
        grams = sum(cell.co2e_g or 0 for cell in one.cells)
        refused = sorted({cell.refused for cell in one.cells if cell.refused})
        provisional = any(cell.provisional for cell in one.cells)
        filed = one.filed
        amount = float(filed) if filed is not None else float(sum(cell.amount for cell in one.cells))
        rows.append(
            (
                *_of(dossier, one), amount, one.unit if filed is not None else one.book, (one.energy_wh or 0) / WH_PER_KWH,
                ", ".join(one.factors), grams / G_PER_T, Text("확인 필요", "to be confirmed")(language) if provisional else "",
                ", ".join(refused),
            )
        )  # fmt: skip
    rows.append(
        (
            Text("합계", "Total")(language),
            "",
            "",
            None,
            "",
            sum(float(row[5] or 0) for row in rows),
            "",
            worked.co2e_g / G_PER_T,
            "",
            "",
        )
    )
    heads = (
        (Text("시설", "Facility"), 28, None), (Text("연료", "Fuel"), 14, None),
        (Text("공급자·지사", "Supplier, branch"), 18, None),
        (Text("활동량", "Activity"), 16, 3), (Text("단위", "Unit"), 8, None), (Text("에너지 (kWh)", "Energy (kWh)"), 16, 1),
        (Text("배출계수", "Factor"), 34, None), (Text("배출량 (tCO2e)", "Emissions (tCO2e)"), 16, 3),
        (Text("확실한가", "How sure"), 14, None), (Text("계수가 없는 까닭", "Why there is no factor"), 24, None),
    )  # fmt: skip
    return Sheet(
        name=Text("배출량", "Emissions")(language),
        title=Text("시설과 연료별 배출량", "Emissions by facility and fuel")(language),
        columns=tuple(Column(name(language), width, decimals) for name, width, decimals in heads),
        rows=tuple(rows),
        total=True,
    )


def _of(dossier: Dossier, one: Activity) -> tuple[str, str, str]:
    language = dossier.question.language
    building = dossier.sites.buildings.get(one.building)
    name = building.name(language) if building else one.building
    return name, SUPPLIES[one.fuel].name(language), f"{one.supplier} {one.branch}".strip()


def _filed(cell: Cell | None, *, known: bool) -> float | None:
    if cell is None:
        return None
    value = cell.filed if known else cell.amount
    return None if value is None else float(value)


def _uncertain_share(series: list[Activity]) -> float | None:
    """How much of the energy was estimated, put in or filled [1]."""
    energy = sum(cell.energy_wh or 0 for one in series for cell in one.cells)
    if energy <= 0:
        return None
    parts = ((cell.energy_wh or 0) * cell.uncertain / cell.amount for one in series for cell in one.cells if cell.amount)
    return sum(parts) / energy


def _provisional(worked: Worked) -> int:
    return sum(cell.provisional for one in worked.series for cell in one.cells)
