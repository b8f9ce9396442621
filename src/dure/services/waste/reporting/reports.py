"""A citizen's report of a bin: what can be said, its number, and what it tells the forecast. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

import msgspec

from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.services.waste.model import Sighting

ReportKind = Literal["full", "overflow", "broken", "fire", "other"]
ReportState = Literal["open", "planned", "done", "refused"]
WORDS_MAX = 1_000
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of a report's number: no sign that looks like another, so that it can be read out and written down."""
NUMBER_CHARS = 10
_NUMBER = re.compile(f"[{ALPHABET}]{{{NUMBER_CHARS}}}")

KINDS: dict[ReportKind, Text] = {
    "overflow": Text("넘쳐서 옆에 쌓였어요", "It overflows"),
    "full": Text("가득 찼어요", "It is full"),
    "broken": Text("망가졌어요", "It is broken"),
    "fire": Text("연기나 불이 나요", "Smoke or fire"),
    "other": Text("다른 문제", "Something else"),
}
STATES: dict[ReportState, Text] = {
    "open": Text("접수됨", "Received"),
    "planned": Text("수거 예정", "Pick-up planned"),
    "done": Text("처리됨", "Done"),
    "refused": Text("처리하지 않음", "Not taken up"),
}
LEVELS: dict[ReportKind, float] = {"full": 1.0, "overflow": 1.1}
"""How full a bin is that a citizen calls so [1]."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report. `id` is the number it is looked up by; nothing in it says who sent it."""

    id: str
    bin: str
    kind: ReportKind
    words: str
    photo: str
    state: ReportState
    received_at: datetime
    changed_at: datetime
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def report_of(bin_id: str, kind: str, words: str, number: str, now: datetime) -> Report:
    """A new report.

    Raises
    ------
    InputError : the kind is none, or the words are too long (``report.…``)
    """
    fitting = next((one for one in KINDS if one == kind), None)
    if fitting is None:
        raise InputError("report.kind", f"{kind[:40]!r} is nothing that can be reported: choose one of the list.")
    said = "".join(one if one.isprintable() or one == "\n" else " " for one in words).strip()
    if len(said) > WORDS_MAX:
        raise InputError("report.words", f"The words are longer than {WORDS_MAX} characters.")
    return Report(
        id=number, bin=bin_id, kind=fitting, words=said, photo="", state="open", received_at=now, changed_at=now
    )  # fmt: skip


def sighting_of(report: Report) -> Sighting:
    """What the forecast learns of a report: somebody saw the bin."""
    return Sighting(
        id=f"report-{report.id}",
        bin=report.bin,
        kind="report",
        seen_at=report.received_at,
        level=LEVELS.get(report.kind),
        received_at=report.received_at,
        photo=report.photo,
        facts={"report": report.kind},
    )


def number_of(given: str) -> str:
    """The number a person typed: spaces, strokes and small letters are forgiven; O, I and 1, 0 are not in it."""
    number = re.sub(r"[\s-]", "", given).upper()
    if not _NUMBER.fullmatch(number):
        raise NotFound("report.unknown", "There is no report of this number. It has ten letters and digits.")
    return number


def spoken(number: str) -> str:
    """The number as it is shown: two groups."""
    half = NUMBER_CHARS // 2
    return f"{number[:half]}-{number[half:]}"


def next_state(report: Report, *, emptied_at: datetime | None, repaired_at: datetime | None, planned: bool) -> ReportState:
    """What a report has become.

    A full or overflowing bin is done with once it was emptied after the report; a broken one once it was repaired. While a plan
    in force brings a truck to it, it is planned. What a person refused stays refused.
    """
    if report.state in ("done", "refused"):
        return report.state
    answered = repaired_at if report.kind == "broken" else emptied_at
    if report.kind in ("full", "overflow", "broken") and answered is not None and answered > report.received_at:
        return "done"
    return "planned" if planned and report.kind in ("full", "overflow") else "open"
