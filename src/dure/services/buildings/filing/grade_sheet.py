"""The sheet of grades A to E, in the manner of Seoul's 건물 에너지 신고·등급제. It says what its boundaries rest on. Pure."""

from __future__ import annotations

from dure.core.text import Language, Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.eui import WH_PER_KWH, Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.peers import Level, Place
from dure.services.buildings.comparing.spans import mean_area_m2
from dure.services.buildings.comparing.standings import Standing
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.sheets import Column, Sheet, Value, Workbook
from dure.services.buildings.filing.source_sheets import basis_sheet, preface, subject_name, uncertain_sheet

HEADS = (
    (Text("시설", "Facility"), 28, None), (Text("번호", "Id"), 22, None), (Text("용도", "Use"), 16, None),
    (Text("크기", "Size"), 18, None), (Text("연면적 (m²)", "Floor area (m²)"), 14, 1),
    (Text("에너지 (kWh)", "Energy (kWh)"), 16, 1), (Text("원단위 (kWh/m²)", "Per area (kWh/m²)"), 14, 1),
    (Text("배출 (kgCO2e/m²)", "Emissions (kgCO2e/m²)"), 16, 2), (Text("견준 값 (kWh/m²)", "Judged by (kWh/m²)"), 14, 1),
    (Text("무엇에 견주었나", "Judged by what"), 20, None), (Text("비율", "Ratio"), 8, 2), (Text("등급", "Grade"), 8, None),
    (Text("더 적게 쓰는 건물 (%)", "Others that use less (%)"), 12, 0), (Text("견준 무리", "Group"), 26, None),
    (Text("무리의 다른 건물 수", "Others in the group"), 10, 0), (Text("확실한가", "How sure"), 16, None),
    (Text("메모", "Note"), 50, None),
)  # fmt: skip
AGAINST = {"legal": Text("법정 목표", "legal target"), "peers": Text("비슷한 건물의 중앙값", "median of similar buildings")}
LEVELS: dict[Level, Text] = {
    "use_size_region": Text("용도·크기·지역", "use, size and region"),
    "use_size": Text("용도·크기 (지역은 뺌)", "use and size (region dropped)"),
    "use": Text("용도만 (크기와 지역은 뺌)", "use only (size and region dropped)"),
}
MARK = Text("확인 필요", "to be confirmed")


def grade_sheet(dossier: Dossier) -> Workbook:
    """The workbook: buildings of the subject from the area the form asks for."""
    language = dossier.question.language
    form = dossier.rules.forms["grade_sheet"]
    standings = dossier.compared().standings
    chosen = [one for one in dossier.chosen if mean_area_m2(one, dossier.months) >= form.area_m2_min]
    bases = [dossier.rules.basis("forms", form), *dossier.compare.choices.values()]
    bases += [dossier.compare.basis("grades", one) for one in dossier.compare.grades]
    for one in chosen:
        found = standings[one.id].grade
        if isinstance(found, Grade):
            bases += found.bases
    title = form.name(language)
    return Workbook(
        title=f"{title} · {subject_name(dossier)} · {dossier.question.period}",
        language=language,
        created_at=dossier.question.as_of,
        sheets=(
            Sheet(
                name=Text("등급", "Grades")(language),
                title=title,
                columns=tuple(Column(name(language), width, decimals) for name, width, decimals in HEADS),
                rows=tuple(_row(dossier, standings[one.id]) for one in chosen),
                notes=(*preface(dossier), boundaries(dossier)),
            ),
            uncertain_sheet(dossier),
            basis_sheet(dossier, bases),
        ),
    )


def boundaries(dossier: Dossier) -> str:
    """Where the grades end, and how sure that is."""
    ends = ", ".join(f"{one.id} ≤ {one.ratio_max:g}" if one.ratio_max else one.id for one in dossier.compare.grades)
    return Text(
        f"등급의 경계(쓴 양 ÷ 견준 값): {ends}. B의 끝이 목표이고 나머지 경계는 두레의 선택입니다.",
        f"Boundaries (use over what it is judged by): {ends}. B ends at the target; the others are Dure's own choice.",
    )(dossier.question.language)


def _row(dossier: Dossier, standing: Standing) -> tuple[Value, ...]:
    language = dossier.question.language
    building = dossier.sites.buildings[standing.building]
    use = dossier.compare.uses.get(building.use)
    head = (building.name(language), building.id, use.name(language) if use else building.use)
    found = standing.eui
    if not isinstance(found, Eui):
        area = mean_area_m2(building, dossier.months)
        return (*head, "", area, None, None, None, None, "", None, "", None, "", None, "", found.why(language))
    size = dossier.compare.size_of(found.area_m2)
    graded, place = standing.grade, standing.place
    judged: tuple[Value, ...] = (None, "", None, "")
    if isinstance(graded, Grade):
        judged = (graded.against_kwh_m2, AGAINST[graded.against](language), graded.ratio, graded.letter)
    group: tuple[Value, ...] = (None, "", None)
    if isinstance(place, Place):
        group = (place.percentile, LEVELS[place.level](language), place.others_n)
    sure = graded.provisional if isinstance(graded, Grade) else found.provisional
    return (
        *head, size.name(language) if size else "", found.area_m2, found.energy_wh / WH_PER_KWH, found.kwh_m2, found.co2e_kg_m2,
        *judged, *group, MARK(language) if sure else "", " ".join(_notes(standing, language)),
    )  # fmt: skip


def _notes(standing: Standing, language: Language) -> list[str]:
    """Why there is no grade or no place."""
    return list(dict.fromkeys(one.why(language) for one in (standing.grade, standing.place) if isinstance(one, Refused)))
