"""Sheets every workbook ends with: the factors, the rules, and every month that is not wholly measured."""

from __future__ import annotations

from collections.abc import Iterable

from dure.core.text import Language, Text
from dure.emissions.emission import co2e_kg
from dure.emissions.table import Factor
from dure.services.buildings.filing.activity import Worked
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.sheets import Column, Sheet, Value
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.rules import Basis

MARKS = {
    "verified source": Text("출처 확인", "verified source"),
    "secondary source": Text("간접 출처", "secondary source"),
    "to be confirmed": Text("확인 필요", "to be confirmed"),
    "own choice": Text("두레의 선택", "own choice"),
}
PROVISIONAL = Text("확인 필요", "to be confirmed")


def preface(dossier: Dossier) -> tuple[str, ...]:
    """What stands above every sheet: what was asked, and as known when."""
    asked, language = dossier.question, dossier.question.language
    told = [
        Text(
            f"{dossier.city.ko} · {subject_name(dossier)} · {asked.period} · 계수 {asked.programme}",
            f"{dossier.city('en')} · {subject_name(dossier)} · {asked.period} · factors {asked.programme}",
        ),
        Text(f"{dossier.as_of_words}에 알던 대로", f"As known at {dossier.as_of_words}"),
        Text(
            "칸의 배치는 두레의 것입니다. 공식 서식은 읽지 못했으므로 옮겨 적을 때 확인해 주세요.",
            "The layout is Dure's own: the official form could not be read. Check it when you copy the figures.",
        ),
    ]
    return tuple(one(language) for one in told)


def subject_name(dossier: Dossier) -> str:
    """The subject in words."""
    kind, _, name = dossier.question.subject.partition(":")
    language = dossier.question.language
    if kind == "building":
        one = dossier.sites.buildings.get(name)
        return one.name(language) if one else name
    return name or Text("모든 공공건물", "All public buildings")(language)


def factor_sheet(dossier: Dossier, worked: Worked) -> Sheet:
    """The factor rows behind the grams."""
    language = dossier.question.language
    return Sheet(
        name=Text("배출계수", "Factors")(language),
        title=Text("쓴 배출계수", "Emission factors used")(language),
        columns=(
            Column(Text("번호", "Id")(language), 28),
            Column(Text("무엇", "Of")(language), 18),
            Column(Text("프로그램", "Programme")(language), 16),
            Column("kgCO2e", 16, 6),
            Column(Text("단위", "Per")(language), 8),
            Column(Text("온난화지수", "GWP set")(language), 10),
            Column(Text("언제부터", "From")(language), 12),
            Column(Text("언제 앞까지", "Until")(language), 12),
            Column(Text("공표", "Published")(language), 12),
            Column(Text("공급자·지사", "Supplier, branch")(language), 20),
            Column(Text("얼마나 확실한가", "How sure")(language), 16),
            Column(Text("출처", "Source")(language), 60),
        ),
        rows=tuple(_factor_row(one, dossier) for one in worked.factors.values()),
    )


def _factor_row(one: Factor, dossier: Dossier) -> tuple[Value, ...]:
    language = dossier.question.language
    potentials = dossier.book.table.potentials.get(one.gwp)
    value = co2e_kg(one, potentials if one.total_kg is None else None)
    until = one.effective_to.isoformat() if one.effective_to else ""
    return (
        one.id, one.kind, one.programme, float(value), one.per, one.gwp, one.effective_from.isoformat(), until,
        one.published_at.isoformat(), f"{one.supplier} {one.branch}".strip(), MARKS[one.mark](language), one.source,
    )  # fmt: skip


def basis_sheet(dossier: Dossier, bases: Iterable[Basis]) -> Sheet:
    """The rules an answer rests on, each once."""
    language = dossier.question.language
    listed = {rule_name(one): one for one in bases}
    return Sheet(
        name=Text("기준과 출처", "Rules and sources")(language),
        title=Text("쓴 기준과 그 출처", "Rules used and their sources")(language),
        columns=(
            Column(Text("규칙", "Rule")(language), 44),
            Column(Text("얼마나 확실한가", "How sure")(language), 16),
            Column(Text("출처", "Source")(language), 70),
            Column(Text("메모", "Note")(language), 50),
        ),
        rows=tuple((name, MARKS[one.mark](language), one.source, one.note) for name, one in sorted(listed.items())),
        notes=tuple(f"{name}: {value}" for name, value in dossier.printed_grounds.items()),
    )


def rule_name(basis: Basis) -> str:
    """A rule as it is printed: without the version of its file, which every new row changes."""
    pack, _, rest = basis.rule.partition("@")
    return f"{pack}/{rest.partition('/')[2]}"


def uncertain_sheet(dossier: Dossier) -> Sheet:
    """Every month of a meter that is not wholly measured, and months that are not known at all."""
    language = dossier.question.language
    wanted = set(dossier.months)
    rows: list[tuple[Value, ...]] = []
    for one in dossier.uses:
        uncertain = one.estimated or one.substituted or one.filled or one.coverage < 1
        if one.month in wanted and one.part == "main" and SUPPLIES[one.fuel].energy and uncertain:
            name = (
                dossier.sites.buildings[one.building].name(language) if one.building in dossier.sites.buildings else one.building
            )
            rows.append(
                (
                    name, one.meter, SUPPLIES[one.fuel].name(language), one.month, one.amount, one.book, one.estimated,
                    one.substituted, one.filled, one.half_width, one.coverage,
                )
            )  # fmt: skip
    rows += [
        (name, meter, fuel, month, None, "", None, None, None, None, 0.0)
        for name, meter, fuel, month in missing_months(dossier, language)
    ]
    heads = (
        (Text("시설", "Facility"), 28, None), (Text("계량기", "Meter"), 22, None), (Text("연료", "Fuel"), 14, None),
        (Text("달", "Month"), 10, None), (Text("사용량", "Amount"), 16, 0), (Text("단위", "Unit"), 8, None),
        (Text("추정", "Estimated"), 14, 0), (Text("대체", "Put in"), 14, 0), (Text("모델로 채움", "Filled by model"), 14, 0),
        (Text("채움의 90 % 폭(±)", "Filled, 90 % ±"), 14, 0), (Text("아는 비율", "Known share"), 10, 3),
    )  # fmt: skip
    return Sheet(
        name=Text("추정과 보완", "Estimated and filled")(language),
        title=Text("재지 않은 양이 들어 있거나 빠진 달", "Months that are not wholly measured, or missing")(language),
        columns=tuple(Column(name(language), width, decimals) for name, width, decimals in heads),
        rows=tuple(rows),
    )


def missing_months(dossier: Dossier, language: Language) -> list[tuple[str, str, str, str]]:
    """Months of the period without a row, of main meters that were known in the period or the year before."""
    there: dict[str, set[str]] = {}
    of: dict[str, tuple[str, str]] = {}
    for one in dossier.uses:
        if one.part == "main" and SUPPLIES[one.fuel].energy:
            there.setdefault(one.meter, set()).add(one.month)
            building = dossier.sites.buildings.get(one.building)
            of[one.meter] = (building.name(language) if building else one.building, SUPPLIES[one.fuel].name(language))
    return [
        (of[meter][0], meter, of[meter][1], month)
        for meter in sorted(there)
        for month in dossier.months
        if month not in there[meter]
    ]
