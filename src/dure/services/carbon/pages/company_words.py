"""Words of companies and sponsorships for people: why a form was refused, scopes, states. Rows of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import DureError
from dure.core.text import Text
from dure.services.carbon.statements.footprint_figures import CATEGORIES as SCOPE3
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.web.i18n import Speech

NONE = Text("")
STATES: dict[str, Word] = {
    "offered": Word(Text("제안", "Offered"), "warning", "clock", NONE),
    "running": Word(Text("진행", "Running"), "success", "circle", NONE),
    "declined": Word(Text("거절", "Declined"), "gray", "cross", NONE),
    "withdrawn": Word(Text("철회", "Withdrawn"), "gray", "dash", NONE),
    "expired": Word(Text("기한 지남", "Expired"), "gray", "clock", NONE),
    "ended": Word(Text("마침", "Ended"), "information", "check", NONE),
}
SCOPES: dict[str, Text] = {
    "scope1": Text("스코프 1 (직접)", "Scope 1 (direct)"),
    "scope2-location": Text("스코프 2 (지역 기반)", "Scope 2 (location-based)"),
    "scope2-market": Text("스코프 2 (시장 기반)", "Scope 2 (market-based)"),
    "scope3": Text("스코프 3 (기타 간접)", "Scope 3 (other indirect)"),
}
CATEGORIES = SCOPE3  # of scope 3, as the GHG Protocol names them
COVERS: dict[str, Text] = {
    "scope12-market": Text("스코프 1+2 (시장 기반)", "Scopes 1 and 2 (market-based)"),
    "scope12-location": Text("스코프 1+2 (지역 기반)", "Scopes 1 and 2 (location-based)"),
    **{name: SCOPES[name] for name in ("scope1", "scope2-market", "scope2-location", "scope3")},
}
MEASURES: dict[str, Text] = {
    "absolute": Text("총량", "Absolute"),
    "per_m2": Text("연면적당", "Per floor area"),
    "per_output": Text("생산량당", "Per output"),
}
BOUNDARIES: dict[str, Text] = {
    "operational_control": Text("운영 통제", "Operational control"),
    "financial_control": Text("재무 통제", "Financial control"),
    "equity_share": Text("지분", "Equity share"),
}
METERED: dict[str, Text] = {
    "electricity": Text("전기", "Electricity"),
    "city_gas": Text("도시가스", "City gas"),
    "district_heat": Text("지역난방", "District heat"),
}
TARGETS: dict[str, Text] = {
    "programme": Text("사업 전체", "A whole programme"),
    "source": Text("자산 하나", "One asset"),
    "district": Text("구역 하나", "One district"),
    "challenge": Text("시민 도전 하나", "One challenge of citizens"),
}
WHY: dict[str, Text] = {
    "company.exists": Text("같은 짧은 이름의 회사가 있습니다.", "There is a company of that short name."),
    "company.number_taken": Text("이 사업자등록번호의 회사가 이미 있습니다.", "There is a company with this business number."),
    "company.person_taken": Text("이미 다른 회사에 속한 사람입니다.", "This person speaks for another company."),
    "company.meter": Text("고객번호와 사업장을 확인해 주세요.", "Check the customer number and the site."),
    "company.not_yours": Text("이 회사 사람만 고칠 수 있습니다.", "Only the company's own people may change this."),
    "id.malformed": Text("짧은 이름은 영문 소문자, 숫자, - 로 적어 주세요.", "Short names hold small letters, digits and '-'."),
    "import.empty": Text("파일이 비어 있습니다.", "The file is empty."),
    "import.too_large": Text("파일이 너무 큽니다. 나누어 올려 주세요.", "The file is too large. Send it in parts."),
    "import.known": Text("이미 가져온 파일입니다.", "This file was taken in already."),
    "import.nothing": Text("가져올 수 있는 줄이 하나도 없습니다.", "Nothing of the file can be taken."),
    "import.rejected_rows": Text("가져올 수 없는 줄이 있습니다.", "Some rows cannot be taken."),
    "import.undone": Text("이미 취소한 파일입니다.", "The file was undone already."),
    "activity.empty": Text("머리글 아래에 줄이 없습니다.", "There is no row below the headings."),
    "bill.no_columns": Text("'사용량' 같은 머리글을 찾지 못했습니다.", "No heading like 'amount' was found."),
    "sheet.old_excel": Text("옛 엑셀 파일입니다. xlsx나 CSV로 저장해 주세요.", "An old Excel file. Save it as xlsx or CSV."),
    "hours.not_yours": Text("이 발전원의 시간 자료는 시나 다른 회사가 올립니다.", "Others bring the hours of this source."),
    "hours.series": Text("계량기나 발전원의 이름을 적어 주세요.", "Name the meter or the source."),
    "sponsor.funds": Text("맡긴 돈이 모자랍니다. 먼저 시에 입금해 주세요.", "Not enough has been paid in. Pay the city first."),
    "sponsor.state": Text("이미 결정된 후원입니다.", "This sponsorship was decided already."),
    "form.number": Text("수를 적어 주세요.", "Write a number."),
    "form.date": Text("날짜를 2026-11-24처럼 적어 주세요.", "Write days like 2026-11-24."),
    "programme.unknown": Text("그런 사업이 없습니다.", "There is no such programme."),
}


def why(error: DureError, say: Speech) -> str:
    """A refusal in the reader's language: its own words, ours for the code, or what it says."""
    own = error.detail.get("reason")
    if isinstance(own, Text):
        return f"{say.text(own)} ({error.code})"
    known = WHY.get(error.code)
    return f"{say.text(known) if known is not None else error.message} ({error.code})"
