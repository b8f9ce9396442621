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
from dure.core.time import format_instant, from_us, parse_instant, to_us
from dure.engines.records import audit
from dure.services.environment.faults.diagnosis_rules import diagnosis_rules_on, held_by
from dure.services.environment.faults.findings import Finding, Verdict, keep_verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.core.observations import SeriesKey
    from dure.engines.records.audit import By
    from dure.engines.telemetry.port import SeriesColumns
    from dure.spine.house import House

Word = Literal["hold", "release"]
ROWS_MAX = 20_000
HISTORY_MAX = 200_000
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


async def hold_history(house: House, finding: Finding) -> int:
    """Hold back what came before a finding was opened but already bears its fault; how many values.

    New values are held as they come; without this the days since the fault began would stay good.
    """
    held = hold_of(house, finding)
    if held is None:
        return 0
    n = 0
    for name in names_of(house, finding):
        revisions = await asyncio.to_thread(held_rows, house, (finding.asset, name), since_us(finding), held)
        if len(revisions):
            await house.intake.revise(revisions, source="findings")
            n += len(revisions)
    return n


def held_rows(house: House, key: SeriesKey, start_us: int, held: tuple[Flag, Check]) -> Revisions:
    """New flags of the values of a series since an instant that are better than the flag they should be held at."""
    past = house.telemetry.series(key, start_us, to_us(house.clock.now()) + HOUR_BEFORE_US, limit=HISTORY_MAX)
    better = (past.flag == Flag.GOOD) | ((past.flag == Flag.SUSPECT) & (held[0] == Flag.FAIL))
    times = past.time_us[better & (past.check != Check.RELEASED_BY_PERSON)]
    n = len(times)
    return Revisions([key], np.zeros(n, np.int32), times, np.full(n, held[0], np.uint8), np.full(n, held[1], np.uint8))


def hold_of(house: House, finding: Finding) -> tuple[Flag, Check] | None:
    """The flag and check a finding holds values at; None where it holds none."""
    day = finding.found_at.astimezone(house.city.zone).date()
    return held_by(diagnosis_rules_on(day, house.city.folder)).get(finding.kind)


def names_of(house: House, finding: Finding) -> list[str]:
    """The properties a finding speaks of."""
    return [finding.property] if finding.property else sorted(house.live.of_asset(finding.asset))


def since_us(finding: Finding) -> int:
    """When the fault of a finding began, as far as its evidence can tell [µs]; else when it was found."""
    try:
        return min(to_us(parse_instant(str(finding.evidence["since"]))), to_us(finding.found_at))
    except (KeyError, InputError):
        return to_us(finding.found_at)


async def release_held(house: House, finding: Finding, by: By) -> int:
    """Free what a finding held back, when it turned out wrong: only values that it alone had decided; how many."""
    held = hold_of(house, finding)
    if held is None:
        return 0
    freed = 0
    for name in names_of(house, finding):
        wanted = Marking(
            asset=finding.asset,
            property=name,
            start_us=since_us(finding),
            end_us=to_us(by.at) + HOUR_BEFORE_US,
            word="release",
            note=finding.note or finding.id,
            only=int(held[1]),
        )
        freed += await mark_and_tell(house, wanted, by)
    return freed
