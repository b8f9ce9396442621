"""Studies: asking for one, and what a person sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from dure.engines.records.audit import By
from dure.services.charging.sites import registered
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.asking import checked
from dure.services.charging.sizing.model import Asked, Study
from dure.services.charging.sizing.sizing_rules import sizing_rules

if TYPE_CHECKING:
    from dure.spine.house import House

NAME_MAX = 100


def ask(house: House, name: str, asked: Asked, by: By) -> Study:
    """Keep a question that was checked; it is answered where there is room. Blocks.

    Raises
    ------
    InputError : see `asking.checked`
    """
    rules = sizing_rules(by.at.astimezone(house.city.zone).date(), house.city.folder)
    with house.records.begin() as connection:
        site = registered(connection).sites
        made = Study(
            id=uuid4().hex, name=name.strip()[:NAME_MAX] or asked.site, site=asked.site, person=by.actor, state="running",
            made_at=by.at, asked=checked(asked, site, rules.scenarios),
        )  # fmt: skip
        study_records.add(connection, made, by)
    return made
