"""A statement drawn up from the records as they were known at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.services.carbon.companies.company import FIRST_YEAR
from dure.services.carbon.companies.targets import LAST_YEAR
from dure.services.carbon.statements.books import Span
from dure.services.carbon.statements.city_drawing import city_drawn
from dure.services.carbon.statements.company_drawing import company_drawn
from dure.services.carbon.statements.making import Made
from dure.services.carbon.statements.mapping import mapping
from dure.services.carbon.statements.standards import Standards, disclosed, standards, told
from dure.services.carbon.statements.statement import FORM, Gap, Question, Statement

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

CITY = "city"


class DrawnUp(msgspec.Struct, frozen=True, kw_only=True):
    """A statement with the parts of its rows, which are not kept with it: they are found again."""

    statement: Statement
    rows: dict[str, Made]

    @property
    def stops(self) -> tuple[Gap, ...]:
        """Why it cannot be issued."""
        return tuple(one for one in self.statement.gaps if one.stops)


def checked(house: House, asked: Question, latest: datetime) -> Standards:
    """The rules in force for a question.

    Raises
    ------
    InputError : ``statement.subject``, ``statement.period``, ``statement.as_of``
    """
    if asked.subject != CITY and not asked.company:
        raise InputError("statement.subject", "A statement is of city or of company/ID.")
    if asked.after <= asked.first:
        raise InputError("statement.period", "The period ends before it begins.")
    if not FIRST_YEAR <= asked.first.year <= asked.after.year <= LAST_YEAR + 1:
        raise InputError("statement.period", f"Periods lie between {FIRST_YEAR} and {LAST_YEAR}.")
    rules = standards(asked.first, house.city.folder)
    if (asked.after - asked.first).days > rules.days_max:
        raise InputError("statement.period", f"A period has at most {rules.days_max} days.")
    if asked.as_of > latest:
        raise InputError("statement.as_of", "Ask of an instant at least a few seconds ago: it may still be written to.")
    if asked.as_of.microsecond:
        raise InputError("statement.as_of", "The instant has whole seconds.")
    return rules


def drawn_up(house: House, connection: Connection, asked: Question, rules: Standards) -> DrawnUp:
    """The statement of a question that was `checked`. Raises NotFound ``company.unknown``."""
    zone = house.city.zone
    span = Span(day_interval(asked.first, zone).start, day_interval(asked.after, zone).start, asked.as_of)
    drawn = (company_drawn if asked.company else city_drawn)(house, connection, asked, span)
    figures = tuple(one.figure for one in drawn.rows)
    wrong = [one.figure.row for one in drawn.rows if not one.agrees]
    gaps = list(drawn.gaps)
    if wrong:
        words = Text(f"다시 계산하면 다른 줄: {', '.join(wrong[:5])}", f"Rows that re-derive otherwise: {', '.join(wrong[:5])}")
        gaps.append(Gap(code="statement.differs", words=words, count=len(wrong), stops=True))
    if span.end > asked.as_of:
        words = Text(
            f"기간이 아직 끝나지 않았습니다({day_of(asked.as_of, zone)} 기준).",
            f"The period is not over ({day_of(asked.as_of, zone)}).",
        )
        gaps.append(Gap(code="statement.period_open", words=words, stops=True))
    grounds = drawn.grounds | {"rules-standards": rules.version}
    mapped = mapping(asked.first, house.city.folder)
    statement = Statement(
        form=FORM, id=asked.ident, question=asked, name=drawn.name, zone=zone.key, facts=drawn.facts, figures=figures,
        standards=told(rules), disclosures=disclosed(rules, figures), gaps=tuple(gaps),
        grounds=dict(sorted(grounds.items())), factors=drawn.factors, mapping=mapped,
    )  # fmt: skip
    return DrawnUp(statement=statement, rows={one.figure.row: one for one in drawn.rows})
