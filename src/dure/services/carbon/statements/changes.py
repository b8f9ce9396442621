"""What changed between two versions of a statement. Pure."""

from __future__ import annotations

import msgspec

from dure.core.text import Text
from dure.services.carbon.statements.statement import Statement

GROUNDS: dict[str, Text] = {
    "activities": Text("활동자료", "Activity data"),
    "contracts": Text("계약 수단", "Contractual instruments"),
    "hours": Text("시간별 값", "Hourly values"),
    "targets": Text("목표", "Targets"),
    "results": Text("후원의 결과", "Results of sponsorships"),
    "profile": Text("회사 정보", "Profile of the company"),
    "factors": Text("배출계수", "Emission factors"),
    "claims": Text("청구", "Claims"),
    "transfers": Text("장부의 이체", "Transfers of the ledger"),
    "rules-activities": Text("활동자료 규칙", "Rules of activity data"),
    "rules-standards": Text("공시 기준 규칙", "Rules of reporting standards"),
}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A row, or a ground, that is not as it was; `before` and `after` are amounts of rows, None where there was none."""

    what: str
    name: Text
    before: int | None = None
    after: int | None = None
    unit: str = ""


def changes(before: Statement, after: Statement) -> tuple[Change, ...]:
    """Grounds that differ first, then rows whose amount or parts differ."""
    names = sorted(before.grounds.keys() | after.grounds.keys())
    found = [
        Change(what=f"ground:{one}", name=GROUNDS.get(one, Text(one, one)))
        for one in names
        if before.grounds.get(one) != after.grounds.get(one)
    ]
    old, new = ({one.row: one for one in each.figures} for each in (before, after))
    for row in [*old, *(one for one in new if one not in old)]:
        was, is_ = old.get(row), new.get(row)
        if was == is_:
            continue
        told = is_ or was
        if told is None:  # pragma: no cover - one of both has it
            continue
        amounts = {"before": was.amount if was else None, "after": is_.amount if is_ else None}
        found.append(Change(what=row, name=told.name, unit=told.unit, **amounts))
    return tuple(found)


def in_words(found: tuple[Change, ...]) -> str:
    """Names of what changed, for an error or a log entry."""
    return ", ".join(one.what for one in found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "")
