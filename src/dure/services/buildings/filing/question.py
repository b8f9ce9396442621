"""What a filing is asked for. Whoever asks the same is answered alike, byte for byte."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.core.text import Language
from dure.services.buildings.comparing.spans import first_day
from dure.services.buildings.comparing.targets import PORTFOLIO
from dure.services.buildings.factors.carbon import PROGRAMME

FilingKind = Literal["ngms", "unit_target", "grade_sheet", "report"]
KINDS: tuple[FilingKind, ...] = ("ngms", "unit_target", "grade_sheet", "report")
SUBJECT_MAX = 200
_PERIOD = re.compile(r"\d{4}(-\d{2})?")
MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes
    ----------
    subject : ``portfolio``, ``body:NAME`` or ``building:ID``
    period : a year ("2025"), or, of a report, the month its twelve months end with ("2025-10")
    as_of : what was known at this instant, of months, factors and targets alike
    """

    kind: FilingKind
    subject: str
    period: str
    as_of: datetime
    programme: str = PROGRAMME
    language: Language = "ko"

    @property
    def year(self) -> int:
        """The year of the period."""
        return int(self.period[:4])

    @property
    def last(self) -> str:
        """The month it ends with."""
        return self.period if len(self.period) == 7 else f"{self.period}-12"

    @property
    def form(self) -> Literal["xlsx", "pdf"]:
        """The form it is given out in."""
        return "pdf" if self.kind == "report" else "xlsx"

    @property
    def name(self) -> str:
        """A name for its file."""
        subject = re.sub(r"[^A-Za-z0-9_-]+", "-", self.subject).strip("-") or "body"
        return f"{self.kind}_{subject}_{self.period}_{self.as_of:%Y%m%dT%H%M%SZ}.{self.form}"


def checked(question: Question, latest: datetime) -> Question:
    """The question when it can be asked; refused with ``filing.kind``, ``.subject``, ``.period``, ``.language`` or ``.as_of``."""
    if question.kind not in KINDS:
        raise InputError("filing.kind", f"{question.kind[:40]!r} is nothing we file. Choose one of {', '.join(KINDS)}.")
    kind, _, name = question.subject.partition(":")
    whole = question.subject == PORTFOLIO or (kind in {"body", "building"} and name)
    if not whole or len(question.subject) > SUBJECT_MAX or not question.subject.isprintable():
        raise InputError("filing.subject", "A filing is of portfolio, body:NAME or building:ID.")
    if not _PERIOD.fullmatch(question.period) or (len(question.period) == 7 and question.kind != "report"):
        raise InputError("filing.period", "The period is a year; of a report it may be a month, YYYY-MM.")
    try:
        first = first_day(question.last)
    except ValueError as error:
        raise InputError("filing.period", f"{question.period!r} is no year or month.") from error
    if not 1990 <= first.year <= latest.year:
        raise InputError("filing.period", f"{question.period!r} lies before 1990 or ahead of today.")
    if question.language not in {"ko", "en"}:
        raise InputError("filing.language", "A filing is in ko or en.")
    if question.as_of > latest:
        raise InputError("filing.as_of", "What is known only by now is still being written. Ask of a minute ago or before.")
    return question


def kind_of(text: str) -> FilingKind:
    """A kind of filing by its word; refused with ``filing.kind``."""
    if text not in KINDS:
        raise InputError("filing.kind", f"{text[:40]!r} is nothing we file. Choose one of {', '.join(KINDS)}.")
    return text
