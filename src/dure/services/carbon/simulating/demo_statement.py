"""The demo's ESG officer issues the statement of the last calendar year, as soon as its figures are settled. Blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.simulating.demo_company import PERSON
from dure.services.carbon.simulating.virtual_company import COMPANY
from dure.services.carbon.statements import statement_desk, statement_records
from dure.services.carbon.statements.statement import Question
from dure.services.carbon.statements.statement_desk import Asked

if TYPE_CHECKING:
    from dure.spine.house import House


def issue(house: House) -> bool:
    """Issue it, once; whether it was issued now. Raises what `statement_desk.issue` raises while it cannot be."""
    year = day_of(house.clock.now(), house.city.zone).year - 1
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    subject = f"company/{COMPANY.id}"
    with house.records.read() as connection:
        if statement_records.last(connection, subject, first, after) is not None:
            return False
    asked = Question(subject=subject, first=first, after=after, as_of=statement_desk.latest(house))
    statement_desk.issue(house, asked, Asked(incomplete=True, public=True), By(PERSON, house.clock.now()))
    return True
