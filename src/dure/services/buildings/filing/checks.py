"""What an officer must know before a filing is given out: missing months, provisional factors, estimates, what has no factor.

Nothing of it stops a filing but having nothing to file; all of it stands in the workbook too.

==========================  =====================================================================
``filing.nothing``          no building of the subject has a month in the period (stops)
``filing.year_open``        the period is not over
``filing.month_missing``    a main meter has no row of a month
``filing.month_short``      a month is known for less than ``coverage_min``
``filing.no_factor``        months have no emission factor; they are left out of the total
``filing.provisional``      a factor or a conversion is to be confirmed
``filing.estimated``        more than ``estimated_share_max`` of the energy was not measured
``filing.no_area``          a building has no floor area
``filing.no_base``          no emissions target with a base is entered for the subject
==========================  =====================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.buildings.comparing.spans import mean_area_m2, shifted
from dure.services.buildings.filing.activity import Worked
from dure.services.buildings.filing.dossier import Dossier
from dure.services.buildings.filing.source_sheets import missing_months

SHOWN = 5


class Check(msgspec.Struct, frozen=True):
    """One thing to know, how often, and the first few of them."""

    code: str
    tone: Literal["stop", "warn"]
    words: Text
    count: int
    examples: tuple[str, ...] = ()


def checks(dossier: Dossier, today: date) -> list[Check]:
    """Everything to know, what stops first."""
    worked = dossier.worked()
    if not worked.series:
        words = Text("이 기간에 신고할 사용량이 하나도 없습니다.", "There is no use to file in this period.")
        return [Check("filing.nothing", "stop", words, 1)]
    return [*_of_span(dossier, today), *_of_months(dossier, worked), *_of_subject(dossier)]


def _of_span(dossier: Dossier, today: date) -> Iterator[Check]:
    if today.isoformat()[:7] < shifted(dossier.question.last, 1):
        words = Text(f"{dossier.question.period}은(는) 아직 끝나지 않았습니다.", f"{dossier.question.period} is not over yet.")
        yield Check("filing.year_open", "warn", words, 1)
    language = dossier.question.language
    missing = [f"{name} {fuel} {month}" for name, _, fuel, month in missing_months(dossier, language)]
    if missing:
        words = Text("달이 통째로 빠진 계량기가 있습니다.", "Some meters have no value of a month at all.")
        yield _many("filing.month_missing", words, missing)


def _of_months(dossier: Dossier, worked: Worked) -> Iterator[Check]:
    cells = [(one, cell) for one in worked.series for cell in one.cells]
    short = [f"{one.building} {one.fuel} {cell.month}" for one, cell in cells if cell.coverage < dossier.compare.coverage_min]
    if short:
        words = Text("다 알지 못하는 달이 있습니다.", "Some months are not known in full.")
        yield _many("filing.month_short", words, short)
    refused = [f"{one.building} {one.fuel} {cell.month}: {cell.refused}" for one, cell in cells if cell.refused]
    if refused:
        words = Text(
            "배출계수가 없어 합계에서 빠진 달이 있습니다.", "Some months have no emission factor and are left out of the total."
        )
        yield _many("filing.no_factor", words, refused)
    provisional = sorted({one.fuel for one, cell in cells if cell.provisional})
    if provisional:
        words = Text("확인이 필요한 계수나 환산이 쓰였습니다.", "Factors or conversions to be confirmed are used.")
        yield _many("filing.provisional", words, provisional)
    energy = sum(cell.energy_wh or 0 for _, cell in cells)
    uncertain = sum((cell.energy_wh or 0) * cell.uncertain / cell.amount for _, cell in cells if cell.amount)
    if energy > 0 and uncertain / energy > dossier.rules.estimated_share_max:
        share = f"{uncertain / energy:.0%}"
        words = Text(
            f"에너지의 {share}는 재지 않고 추정하거나 채운 것입니다.",
            f"{share} of the energy was estimated or filled, not measured.",
        )
        yield Check("filing.estimated", "warn", words, 1)


def _of_subject(dossier: Dossier) -> Iterator[Check]:
    bare = [one.id for one in dossier.chosen if not mean_area_m2(one, dossier.months) > 0]
    if bare:
        yield _many("filing.no_area", Text("연면적이 없는 건물이 있습니다.", "Some buildings have no floor area."), bare)
    based = any(one.kind == "emissions_g" and one.programme == dossier.question.programme for one in dossier.targets)
    if dossier.question.kind == "ngms" and not based:
        words = Text(
            "기준배출량이 있는 목표가 없어 감축률을 적지 않습니다.", "No target with a base is entered: no reduction is stated."
        )
        yield Check("filing.no_base", "warn", words, 1)


def _many(code: str, words: Text, found: Sequence[str]) -> Check:
    return Check(code, "warn", words, len(found), tuple(found[:SHOWN]))
