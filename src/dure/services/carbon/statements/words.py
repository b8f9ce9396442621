"""Words of statements that all their files share. Rows of data."""

from __future__ import annotations

from datetime import timedelta

from dure.core.text import Language, Text
from dure.services.carbon.statements.statement import Statement

TITLE = Text("탄소·에너지 보고서", "Carbon and energy statement")
GROUPS: dict[str, Text] = {
    "emissions": Text("배출", "Emissions"),
    "scope2": Text("스코프 2", "Scope 2"),
    "scope3": Text("스코프 3", "Scope 3"),
    "energy": Text("에너지와 자원", "Energy and resources"),
    "intensity": Text("집약도", "Intensity"),
    "targets": Text("목표", "Targets"),
    "credits": Text("검증 감축(등급별, 더하지 않음)", "Reductions by tier, never summed"),
    "contribution": Text("후원의 기여(자체 감축이 아님)", "Contributions by sponsoring, not own reductions"),
    "money": Text("돈", "Money"),
    "quality": Text("자료의 품질", "Quality of the data"),
}
HEADINGS: dict[str, Text] = {
    "missing": Text("빠진 것과 알아 둘 것", "What is missing and to know"),
    "nothing_missing": Text("빠진 것이 없습니다.", "Nothing is missing."),
    "row": Text("줄", "Row"),
    "name": Text("이름", "Name"),
    "amount": Text("값", "Amount"),
    "unit": Text("단위", "Unit"),
    "book": Text("장부의 값", "Amount in the books"),
    "book_unit": Text("장부의 단위", "Unit of the books"),
    "tier": Text("등급", "Tier"),
    "note": Text("설명", "Note"),
    "figure": Text("숫자의 근거", "Figure"),
    "standard": Text("기준", "Standard"),
    "code": Text("번호", "Code"),
    "rows": Text("채운 줄", "Filled from"),
    "source": Text("출처", "Source"),
    "mark": Text("표시", "Mark"),
    "count": Text("수", "Number"),
    "figures": Text("숫자", "Figures"),
    "disclosures": Text("공시 항목", "Disclosures"),
    "ground": Text("근거", "Rests on"),
    "digest": Text("지문", "Digest"),
    "about": Text("보고서", "About"),
    "as_of": Text("기준 시각", "As known at"),
    "factors": Text("배출계수", "Emission factors"),
    "kind": Text("활동", "Activity"),
    "value": Text("값 (kgCO2e)", "Value (kgCO2e)"),
    "per": Text("단위당", "Per"),
    "gwp": Text("지구온난화지수", "Warming potentials"),
    "effective": Text("쓰는 첫날", "In force from"),
    "published": Text("공표일", "Published"),
    "counted": Text("센 줄", "Rows counted"),
    "draft": Text("개정 초안", "draft revision"),
}


def title(statement: Statement, language: Language) -> str:
    """Its title: whose, what, of which days."""
    asked = statement.question
    return f"{statement.name(language)} {TITLE(language)} {asked.first} ~ {asked.after - timedelta(days=1)}"
