"""건축물의 에너지원단위 목표관리: what each building uses per m2 against its legal target. Final energy, never primary. Pure."""

from __future__ import annotations

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.eui import WH_PER_KWH, Eui
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.spans import mean_area_m2
from dure.services.buildings.comparing.standings import Standing
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.sheets import Column, Sheet, Value, Workbook
from dure.services.buildings.filing.source_sheets import basis_sheet, factor_sheet, preface, subject_name, uncertain_sheet
from dure.services.buildings.rules import Basis

FUELS = ("electricity", "city_gas", "heat")
HEADS = (
    (Text("시설", "Facility"), 28, None), (Text("번호", "Id"), 22, None), (Text("용도", "Use"), 16, None),
    (Text("지역", "Region"), 12, None), (Text("연면적 (m²)", "Floor area (m²)"), 14, 1),
    (Text("전기 (kWh)", "Electricity (kWh)"), 16, 1), (Text("도시가스 (kWh)", "City gas (kWh)"), 16, 1),
    (Text("지역난방 (kWh)", "District heat (kWh)"), 16, 1), (Text("그 밖 (kWh)", "Others (kWh)"), 16, 1),
    (Text("합계 (kWh)", "Total (kWh)"), 16, 1), (Text("원단위 (kWh/m²)", "Per area (kWh/m²)"), 14, 1),
    (Text("목표 (kWh/m²)", "Target (kWh/m²)"), 14, 1), (Text("지역 가중치", "Regional weight"), 10, 2),
    (Text("목표 대비 (%)", "Of the target (%)"), 12, 1), (Text("판정", "Verdict"), 16, None),
    (Text("빠진 달", "Short months"), 10, 0), (Text("확실한가", "How sure"), 16, None), (Text("메모", "Note"), 60, None),
)  # fmt: skip
MET, MISSED = Text("목표를 지킴", "Met"), Text("목표를 넘음", "Missed")
OPEN = Text("판정하지 않음", "Not judged")


def unit_target(dossier: Dossier) -> Workbook:
    """The workbook: buildings of the subject from the area the form asks for."""
    language = dossier.question.language
    form = dossier.rules.forms["unit_target"]
    standings = dossier.compared().standings
    chosen = [one for one in dossier.chosen if mean_area_m2(one, dossier.months) >= form.area_m2_min]
    bases: list[Basis] = [dossier.rules.basis("forms", form), dossier.compare.choices["coverage_min"]]
    rows = []
    for building in chosen:
        standing = standings[building.id]
        if isinstance(standing.legal, Legal):
            bases += standing.legal.bases
        rows.append(_row(dossier, building.id, standing))
    title = form.name(language)
    area = f"{form.area_m2_min:,.0f} m²"
    scope = Text(f"연면적 {area} 이상. 최종에너지이며 1차에너지가 아닙니다.", f"From {area}. Final energy, not primary energy.")
    return Workbook(
        title=f"{title} · {subject_name(dossier)} · {dossier.question.period}",
        language=language,
        created_at=dossier.question.as_of,
        sheets=(
            Sheet(
                name=Text("원단위", "Energy per area")(language),
                title=title,
                columns=tuple(Column(name(language), width, decimals) for name, width, decimals in HEADS),
                rows=tuple(rows),
                notes=(*preface(dossier), scope(language)),
            ),
            uncertain_sheet(dossier),
            factor_sheet(dossier, dossier.worked()),
            basis_sheet(dossier, bases),
        ),
    )


def _row(dossier: Dossier, building_id: str, standing: Standing) -> tuple[Value, ...]:
    language = dossier.question.language
    building = dossier.sites.buildings[building_id]
    use = dossier.compare.uses.get(building.use)
    head = (building.name(language), building.id, use.name(language) if use else building.use, building.region)
    found, legal = standing.eui, standing.legal
    if not isinstance(found, Eui):
        blank = (None,) * 9
        return (*head, mean_area_m2(building, dossier.months), *blank, OPEN(language), None, "", found.why(language))
    by_fuel = [found.by_fuel.get(fuel, 0) / WH_PER_KWH for fuel in FUELS]
    total = found.energy_wh / WH_PER_KWH
    target, weight, share = None, None, None
    verdict, notes = OPEN, [*_why(standing, language)]
    if isinstance(legal, Legal):
        target, weight, share = legal.kwh_m2, legal.weight, 100 * found.kwh_m2 / legal.kwh_m2
        if found.comparable:
            verdict = MET if found.kwh_m2 <= legal.kwh_m2 else MISSED
    sure = found.provisional or (isinstance(legal, Legal) and legal.provisional)
    marked = Text("확인 필요", "to be confirmed")(language) if sure else ""
    return (
        *head, found.area_m2, *by_fuel, total - sum(by_fuel), total, found.kwh_m2, target, weight, share, verdict(language),
        len(found.short), marked, " ".join(notes),
    )  # fmt: skip


def _why(standing: Standing, language: str) -> list[str]:
    """What keeps a building from being judged, and rows that say to check them."""
    found = []
    if isinstance(standing.legal, Refused):
        found.append(standing.legal.why("en" if language == "en" else "ko"))
    elif standing.legal is not None:
        found += [one.note for one in standing.legal.bases if one.note]
    if isinstance(standing.eui, Eui):
        found += [f"{one.fuel} {one.month}: {one.coverage:.0%}" for one in standing.eui.short]
    return found
