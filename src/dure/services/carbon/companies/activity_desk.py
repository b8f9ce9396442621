"""Activity files: looked at first, then taken whole or not at all; wrong ones are undone, never changed.

A bill belongs to the company whose customer number it carries. One that carries another's is refused, and the attempt is audited.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.companies import activity_records, company_records
from dure.services.carbon.companies.activity import Activity, Notice, Periods, RefusedRow, digest, gap_notices, keys, taken
from dure.services.carbon.companies.activity_file import ActivityFile, Ground, Row, read_activities
from dure.services.carbon.companies.activity_records import Import
from dure.services.carbon.companies.activity_rules import activity_rules

if TYPE_CHECKING:
    from dure.services.carbon.companies.company import Company
    from dure.spine.house import House

FILE_BYTES_MAX = 16_777_216  # a file of 100,000 rows has about 9 MB
NOT_YOURS = "activity.not_yours"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever brings a file says of it beside its content."""

    name: str = ""
    kind: str = ""
    unit: str = ""
    sheet: str = ""


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What would come of a file: every row that would be kept, and every one that would not, with its reason."""

    sha256: str
    accepted: tuple[Row, ...]
    rejected: tuple[RefusedRow, ...]
    columns: dict[str, str]
    notices: tuple[Notice, ...]
    known: bool


def preview(house: House, connection: Connection, company: Company, data: bytes, asked: Asked) -> Preview:
    """Look at a file; nothing is written.

    Raises
    ------
    InputError : as `read_activities`, ``import.empty``, ``import.too_large``
    """
    if not data:
        raise InputError("import.empty", "The file is empty.")
    if len(data) > FILE_BYTES_MAX:
        raise InputError("import.too_large", f"The file is larger than {FILE_BYTES_MAX:,} bytes. Send it in parts.")
    today = day_of(house.clock.now(), house.city.zone)
    rules = activity_rules(today, house.city.folder)
    read = read_activities(data, Ground(company=company, rules=rules, today=today, kind=asked.kind, unit=asked.unit), asked.sheet)
    return _checked(
        connection, company, read, hashlib.sha256(data).hexdigest(), {one.id for one in rules.kinds.values() if one.metered}
    )


def bring(
    house: House, company: Company, data: bytes, asked: Asked, by: By, *, rest: bool = False
) -> Import:  # whose, what, how, by whom
    """Take a file in: whole, or with `rest` the rows that can be. Nothing is half-written.

    Raises
    ------
    InputError : as `preview`; ``import.rejected_rows`` unless `rest`, ``import.nothing``
    Conflict : ``import.known``, ``activity.taken`` when another took a row at the same moment
    """
    with house.records.begin() as connection:
        company_records.lock(connection, company.id)
        found = preview(house, connection, company, data, asked)
        _audit_foreign(connection, company, found.rejected, by)
        refused = _refusal(found, rest=rest)
        if refused is None:
            return _booked(connection, company, found, asked, by)
    raise refused  # after the transaction: the audit of another's bill is kept


def undo(connection: Connection, company: Company, ident: str, by: By) -> int:
    """A whole file was wrong: its rows end now, and may be brought again; how many there were."""
    one = activity_records.get_import(connection, company.id, ident)
    if one.ended_at is not None:
        raise Conflict("import.undone", "The file was undone already.")
    gone = activity_records.end(connection, company.id, activity_records.of_import(connection, ident), by.at)
    activity_records.end_import(connection, ident, by.at)
    audit.append(connection, by, "act", "company", company.id, {"import_undone": ident, "rows": gone})
    return gone


def undo_row(connection: Connection, company: Company, ident: str, by: By) -> None:
    """One row was wrong: it ends now. The right one is brought as a new row."""
    activity_records.get(connection, company.id, ident)
    if not activity_records.end(connection, company.id, [ident], by.at):
        raise Conflict("activity.undone", "The row was undone already.")
    audit.append(connection, by, "act", "company", company.id, {"activity_undone": ident})


def _checked(connection: Connection, company: Company, read: ActivityFile, sha256: str, metered: set[str]) -> Preview:
    """The file's rows held against what is kept: whose the numbers are, what is taken, what overlaps."""
    numbers = sorted({one.activity.series for one in read.accepted if one.activity.kind in metered})
    owners = company_records.owners(connection, numbers)
    counts = _counted(read.accepted)
    all_keys = {one.row: keys(one.activity, counts[one.row]) for one in read.accepted}
    held = activity_records.holders(connection, [key for names in all_keys.values() for key in names])
    before = _near(connection, company, read.accepted)
    periods = Periods(before)
    accepted: list[Row] = []
    rejected = list(read.rejected)
    for one in read.accepted:
        activity = one.activity
        owner = owners.get(activity.series)
        why = _not_mine(activity, None if owner is None else owner.company) if activity.kind in metered else None
        holder = next((held[key][0] for key in all_keys[one.row] if key in held), None)
        if why is None and holder is not None:
            refused = taken(activity, holder == company.id)
            why = RefusedRow(0, refused.code, refused.reason)
        if why is None and (other := periods.overlapping(activity)) is not None:
            why = RefusedRow(0, "activity.overlap", _overlap_words(other))
        if why is not None:
            rejected.append(RefusedRow(one.row, why.code, why.why, _told(activity)))
            continue
        site = activity.site or (owner.site if owner else "")
        accepted.append(Row(one.row, msgspec.structs.replace(activity, site=site)))
    _, known = activity_records.times_brought(connection, company.id, sha256)
    return Preview(
        sha256=sha256,
        accepted=tuple(accepted),
        rejected=tuple(sorted(rejected, key=lambda one: one.row)),
        columns=read.columns,
        notices=gap_notices([*before, *(one.activity for one in accepted)]),
        known=known,
    )


def _near(connection: Connection, company: Company, rows: Sequence[Row]) -> list[Activity]:
    """Kept rows of the meters of a file."""
    wanted = {one.activity.series for one in rows if one.activity.series}
    if not wanted:
        return []
    return [one for one in activity_records.standing(connection, company.id) if one.series in wanted]


def _counted(rows: Sequence[Row]) -> dict[int, int]:
    """How many rows above each say the very same."""
    seen: Counter[str] = Counter()
    found = {}
    for one in rows:
        same = digest(one.activity)
        found[one.row] = seen[same]
        seen[same] += 1
    return found


def _not_mine(activity: Activity, owner: str | None) -> RefusedRow | None:
    if owner == activity.company:
        return None
    if owner is None:
        words = Text(
            f"{activity.meter[:40]}: 등록되지 않은 고객번호입니다. 먼저 회사 정보에 넣어 주세요.",
            f"{activity.meter[:40]} is no customer number of the company. Enter it in the profile first.",
        )
        return RefusedRow(0, "activity.meter_unknown", words)
    words = Text(
        f"{activity.meter[:40]}: 다른 회사의 고객번호입니다. 이 청구서는 낼 수 없으며, 시도가 기록됩니다.",
        f"{activity.meter[:40]} belongs to another company. Its bill cannot be entered; the attempt is recorded.",
    )
    return RefusedRow(0, NOT_YOURS, words)


def _audit_foreign(connection: Connection, company: Company, rejected: Sequence[RefusedRow], by: By) -> None:
    foreign = [one for one in rejected if one.code == NOT_YOURS]
    if foreign:
        detail = {"refused": NOT_YOURS, "rows": [one.row for one in foreign][:100], "n": len(foreign)}
        audit.append(connection, by, "act", "company", company.id, detail)


def _refusal(found: Preview, *, rest: bool) -> InputError | None:
    if found.known:
        return Conflict("import.known", "This file was taken in already. Undo it first, if it was wrong.")
    if found.rejected and not rest:
        first = found.rejected[0]
        words = f"{len(found.rejected)} rows cannot be taken, the first is row {first.row}: {first.why.en}"
        return InputError("import.rejected_rows", words, rejected=found.rejected)
    if not found.accepted:
        return InputError("import.nothing", "No row of the file can be taken.")
    return None


def _booked(connection: Connection, company: Company, found: Preview, asked: Asked, by: By) -> Import:
    times, _ = activity_records.times_brought(connection, company.id, found.sha256)
    ident = "imp-" + hashlib.sha256(f"{company.id}/{found.sha256}/{times}".encode()).hexdigest()[:20]
    counts = _counted(found.accepted)
    rows = [
        (
            msgspec.structs.replace(one.activity, id="act-" + hashlib.sha256(f"{ident}/{one.row}".encode()).hexdigest()[:20]),
            keys(one.activity, counts[one.row]),
        )
        for one in found.accepted
    ]
    if activity_records.add(connection, rows, ident, by.at):
        raise Conflict("activity.taken", "Another took a bill of this file at the same moment. Look at the file again.")
    done = Import(
        id=ident,
        company=company.id,
        name=asked.name[:200],
        sha256=found.sha256,
        person=by.actor,
        booked_at=by.at,
        accepted_n=len(found.accepted),
        rejected_n=len(found.rejected),
        report={"rejected": msgspec.to_builtins(found.rejected), "notices": msgspec.to_builtins(found.notices[:1000])},
    )
    activity_records.add_import(connection, done)
    audit.append(connection, by, "act", "company", company.id, {"import": ident, "rows": done.accepted_n})
    return done


def _overlap_words(other: Activity) -> Text:
    return Text(
        f"{other.start}부터 {other.end}까지의 자료가 이미 있습니다. 틀렸으면 먼저 취소해 주세요.",
        f"There is a row from {other.start} to {other.end} already. Undo it first, if it was wrong.",
    )


def _told(one: Activity) -> str:
    return f"{one.kind}, {one.meter or '-'}, {one.start}, {one.end}, {one.value} {one.unit}"


def days_known(rows: Sequence[Activity], first: date, after: date) -> dict[str, int]:
    """Days of ``[first, after)`` that each meter's bills hold."""
    found: Counter[str] = Counter()
    for one in rows:
        if one.series:
            found[one.series] += max(0, (min(one.end, after) - max(one.start, first)).days)
    return dict(found)
