"""Where filings are made, kept and printed again.

`given_out` answers a question, keeps the filing and hands over its bytes. `printed_again` makes the bytes of a kept filing anew;
it refuses to hand over others than were given out and says what changed since.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from dure.core.errors import Conflict, InputError
from dure.core.time import day_of
from dure.engines.records import audit
from dure.services.buildings.comparing.comparison_desk import known_programme
from dure.services.buildings.filing import filing_records
from dure.services.buildings.filing.checks import Check, checks
from dure.services.buildings.filing.dossier import Dossier, gather, register_again, register_of
from dure.services.buildings.filing.filing_records import Filing
from dure.services.buildings.filing.filing_rules import filing_rules
from dure.services.buildings.filing.grade_sheet import grade_sheet
from dure.services.buildings.filing.ngms import ngms
from dure.services.buildings.filing.question import MEDIA, Question, checked
from dure.services.buildings.filing.report_pdf import pdf_bytes
from dure.services.buildings.filing.reports import report
from dure.services.buildings.filing.unit_target import unit_target
from dure.services.buildings.filing.workbook import xlsx_bytes
from dure.services.buildings.sites import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.city import City
    from dure.engines.records.audit import By
    from dure.spine.house import House


class Given(msgspec.Struct, frozen=True):
    """A filing and its bytes."""

    filing: Filing
    content: bytes

    @property
    def name(self) -> str:
        """A name for its file."""
        return self.filing.question.name

    @property
    def media_type(self) -> str:
        """What its file is."""
        return MEDIA[self.filing.question.form]


def latest(house: House) -> datetime:
    """The latest instant a question may be asked of: far enough back that nothing is still being written of it."""
    now = house.clock.now()
    rules = filing_rules(day_of(now, house.city.zone), house.city.folder)
    return (now - timedelta(seconds=rules.settle_s)).replace(microsecond=0)


def answer(dossier: Dossier) -> bytes:
    """The bytes that answer a question. Pure."""
    kind = dossier.question.kind
    if kind == "report":
        return pdf_bytes(report(dossier))
    if kind == "ngms":
        return xlsx_bytes(ngms(dossier))
    return xlsx_bytes(unit_target(dossier) if kind == "unit_target" else grade_sheet(dossier))


def looked_at(house: House, question: Question) -> tuple[Dossier, list[Check]]:
    """What a question would be answered from, and what to know before. Blocks."""
    checked(question, latest(house))
    known_programme(house.city.folder, question.programme, question.as_of.astimezone(UTC).date())
    with house.records.read() as connection:
        dossier = gather(house.city, connection, question, registered(connection))
    return dossier, checks(dossier, day_of(house.clock.now(), house.city.zone))


def given_out(house: House, question: Question, by: By) -> Given:
    """Answer a question and keep the filing. Blocks.

    Raises
    ------
    InputError : ``filing.nothing`` when there is nothing to file, and the codes of `question.checked`
    """
    dossier, found = looked_at(house, question)
    stops = [one for one in found if one.tone == "stop"]
    if stops:
        raise InputError(stops[0].code, stops[0].words.en)
    content = answer(dossier)
    filing = Filing(
        id=uuid4().hex,
        question=question,
        made_at=by.at,
        person=by.actor,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes_n=len(content),
        grounds=dossier.grounds,
        register=register_of(dossier.sites, question),
    )
    with house.records.begin() as connection:
        filing_records.add(connection, filing)
        detail = {"kind": question.kind, "subject": question.subject, "period": question.period, "sha256": filing.sha256}
        audit.append(connection, by, "act", "filing", filing.id, detail)
    return Given(filing, content)


def printed_again(city: City, connection: Connection, filing_id: str) -> Given:
    """The bytes of a kept filing, made anew; ``filing.differs`` when they would be others than those given out. Blocks."""
    filing = filing_records.get(connection, filing_id)
    dossier = gather(city, connection, filing.question, register_again(filing.register))
    content = answer(dossier)
    if hashlib.sha256(content).hexdigest() != filing.sha256:
        raise Conflict(
            "filing.differs", f"It can no longer be printed as it was given out. {changed(filing.grounds, dossier.grounds)}"
        )
    return Given(filing, content)


def changed(before: dict[str, str], now: dict[str, str]) -> str:
    """What a filing rested on and rests on now, where they differ."""
    names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if not names:
        return "Its grounds are the same: rows of a rule file or factors were changed without a new version."
    parts = (f"{name} was {before.get(name, 'absent')[:16]}, is {now.get(name, 'absent')[:16]}" for name in names)
    return "Changed since: " + "; ".join(parts) + "."
