"""A person marks values: not to be trusted, or looked at and good after all. The last word is the person's, with a note.

A value that cannot be true (outside the possible span) is never released. Every marked value keeps who said so and why.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Check, Flag, Revisions, no_revisions
from dure.core.time import format_instant, from_us, to_us
from dure.engines.records import audit
from dure.services.environment.diagnosis_rules import diagnosis_rules_on, held_by
from dure.services.environment.findings import Finding, Verdict, keep_verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.engines.records.audit import By
    from dure.engines.telemetry.port import SeriesColumns
    from dure.spine.house import House

Word = Literal["hold", "release"]
ROWS_MAX = 20_000
NOTE_MAX = 2_000
HOUR_BEFORE_US = 3_600_000_000  # values may bear times a little before the finding, or after its closing
IMPOSSIBLE = (Check.BELOW_POSSIBLE, Check.ABOVE_POSSIBLE)


class Marking(msgspec.Struct, frozen=True, kw_only=True):
    """Which values, in ``[start_us, end_us)`` [µs], and what is said of them. With `only` just those this check decided."""

    asset: str
    property: str
    start_us: int
    end_us: int
    word: Word
    note: str
    only: int | None = None


def mark(house: House, wanted: Marking, by: By) -> Revisions:
    """The new flags of the values meant, kept with who said so and why; publish them by `house.intake.revise`. Blocks.

    Raises
    ------
    InputError : ``marking.note`` without a reason, ``marking.too_many`` beyond `ROWS_MAX` values, ``property.unknown``
    """
    if not wanted.note.strip():
        raise InputError("marking.note", "Say why: a marking without a reason helps nobody who looks later.")
    house.properties[wanted.property]
    past = house.telemetry.series((wanted.asset, wanted.property), wanted.start_us, wanted.end_us, limit=ROWS_MAX + 1)
    rows = rows_meant(past, wanted)
    if len(past.time_us) > ROWS_MAX:
        raise InputError("marking.too_many", f"More than {ROWS_MAX:,} values lie in that time. Mark it in parts.")
    if not len(rows):
        return no_revisions()
    flag, check = (Flag.FAIL, Check.HELD_BY_PERSON) if wanted.word == "hold" else (Flag.GOOD, Check.RELEASED_BY_PERSON)
    detail = {"by": by.actor, "note": wanted.note.strip()[:NOTE_MAX]}
    times = past.time_us[rows]
    verdicts = [
        Verdict(
            asset=wanted.asset,
            property=wanted.property,
            time_us=at,
            check=int(check),
            flag=int(flag),
            statistic=None,
            threshold=None,
            detail=detail,
        )
        for at in times.tolist()
    ]
    told = detail | {
        "property": wanted.property,
        "word": wanted.word,
        "values": len(rows),
        "start": format_instant(from_us(wanted.start_us)),
        "end": format_instant(from_us(wanted.end_us)),
    }
    with house.records.begin() as connection:
        keep_verdicts(connection, verdicts, by.at)
        audit.append(connection, by, "manage", "device", wanted.asset, {"marked": told})
    n = len(rows)
    return Revisions(
        [(wanted.asset, wanted.property)],
        np.zeros(n, np.int32),
        times,
        np.full(n, flag, np.uint8),
        np.full(n, check, np.uint8),
    )


def rows_meant(past: SeriesColumns, wanted: Marking) -> NDArray[np.intp]:
    """Rows whose flag the marking changes: there is a value, and a release frees no value that cannot be true."""
    meant = past.flag != Flag.MISSING
    if wanted.only is not None:
        meant &= past.check == wanted.only
    if wanted.word == "hold":
        return np.flatnonzero(meant & (past.check != Check.HELD_BY_PERSON))
    return np.flatnonzero(meant & (past.flag != Flag.GOOD) & ~np.isin(past.check, (*IMPOSSIBLE, Check.QUARANTINE)))


async def mark_and_tell(house: House, wanted: Marking, by: By) -> int:
    """Mark values and tell the recorder; how many."""
    revisions = await asyncio.to_thread(mark, house, wanted, by)
    if len(revisions):
        await house.intake.revise(revisions, source="person")
    return len(revisions)


async def release_held(house: House, finding: Finding, by: By) -> int:
    """Free what a finding held back, when it turned out wrong: only values that it alone had decided; how many."""
    rules = diagnosis_rules_on(finding.found_at.astimezone(house.city.zone).date(), house.city.folder)
    held = held_by(rules).get(finding.kind)
    if held is None:
        return 0
    names = [finding.property] if finding.property else sorted(house.live.of_asset(finding.asset))
    freed = 0
    for name in names:
        wanted = Marking(
            asset=finding.asset,
            property=name,
            start_us=to_us(finding.found_at) - HOUR_BEFORE_US,
            end_us=to_us(by.at) + HOUR_BEFORE_US,
            word="release",
            note=finding.note or finding.id,
            only=int(held[1]),
        )
        freed += await mark_and_tell(house, wanted, by)
    return freed
