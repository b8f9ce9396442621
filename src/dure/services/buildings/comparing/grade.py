"""The grade A to E of a building, in the manner of Seoul's 건물 에너지 신고·등급제: its use over the target of its like.

B is the ministry's target; the other boundaries are not traced and are rows of our own (``rules/comparing.toml``), told as such.
Without a legal target the median of the peers stands in its place, told as such too. Pure: `explain` runs `grade` again.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.rules import Basis

Against = Literal["legal", "peers"]


class Grade(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A grade.

    Attributes
    ----------
    letter : A to E
    ratio : use over what it is judged by [1]
    against : a legal target, or the median of the peers; against_kwh_m2 : its value [kWh/m2]
    bases : rows it rests on
    """

    letter: str
    meaning: Text
    ratio: float
    against: Against
    against_kwh_m2: float
    bases: tuple[Basis, ...]
    provisional: bool


def grade(one: Eui, legal: Legal | Refused, place: Place | Refused, rules: CompareRules) -> Grade | Refused:
    """The grade; refused with ``grade.incomplete``, ``grade.no_target`` or ``grade.not_in_force``."""
    if not one.comparable:
        words = Text("빠진 달이 있어 등급을 매기지 않습니다.", "It is not graded: months are missing.")
        return Refused("grade.incomplete", words)
    against: Against = "legal"
    if isinstance(legal, Legal):
        target, bases = legal.kwh_m2, legal.bases
    elif isinstance(place, Place) and rules.grade_by_peers and place.median > 0:
        against, target, bases = "peers", place.median, (rules.choices["grade_by_peers"],)
    else:
        words = Text("견줄 목표도, 견줄 건물도 없습니다.", "There is neither a target nor enough buildings like it.")
        return Refused("grade.no_target", words)
    ratio = one.kwh_m2 / target
    row = next((row for row in rules.grades if row.ratio_max is None or ratio <= row.ratio_max), None)
    if row is None:
        words = Text("그때는 등급의 기준이 없었습니다.", "No grades were in force then.")
        return Refused("grade.not_in_force", words)
    bases = (*bases, rules.basis("grades", row))
    provisional = one.provisional or any(basis.provisional for basis in bases)
    return Grade(
        letter=row.id,
        meaning=row.meaning,
        ratio=ratio,
        against=against,
        against_kwh_m2=target,
        bases=bases,
        provisional=provisional,
    )
