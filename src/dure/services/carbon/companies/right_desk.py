"""Contracts, hours and targets as people keep them: checked against everyone's, in one transaction, audited."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotAllowed
from dure.core.text import Text
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.claiming.methods import exclusions
from dure.services.carbon.companies import contracts, right_records, targets
from dure.services.carbon.companies.activity import plain_number
from dure.services.carbon.companies.company_desk import refuse
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.figure_desk import LOAD, SUPPLY
from dure.services.carbon.companies.targets import Target
from dure.services.carbon.ledger.turn import take_turn

if TYPE_CHECKING:
    from dure.services.carbon.companies.activity_rules import ActivityRules

Role = Literal["load", "supply"]
CITYS = ("charging/", "building/")  # sources of the city's own services: only the city brings their hours
CONTRACTS_MAX = 1_000


def add_contract(connection: Connection, one: Contract, rules: ActivityRules, by: By, folder: Path | None = None) -> Contract:
    """Keep a contract, unless more than all of its source would be given out over all companies.

    A source of the city's own is claimed on the ledger by the city: a company has a right to it only while a row of
    ``rules/exclusions.toml`` says that the city counts it no longer.

    Raises
    ------
    InputError : ``contract.…``
    """
    if one.end > one.start and not _given_up(one, folder):
        words = Text(
            "시의 발전원입니다. 시가 제외 규칙에 넣은 기간에만 계약할 수 있습니다. 한 kWh는 한 번만 셉니다.",
            "A source of the city, which counts its kWh itself. It can be contracted only while a row of the exclusions holds.",
        )
        raise InputError("contract.claimed", words.en, reason=words)
    take_turn(connection)  # nobody else gives out of the source until this is kept
    others = right_records.contracts_of(connection, source=one.source)
    why = contracts.objection(one, rules.instruments, others)
    if why is not None:
        raise Conflict(why.code, why.reason.en, reason=why.reason) if others else refuse(why)
    mine = right_records.contracts_of(connection, company=one.company)
    if len(mine) >= CONTRACTS_MAX:
        raise InputError("contract.amount", f"At most {CONTRACTS_MAX} contracts can be kept.")
    kept = msgspec.structs.replace(one, id=_id("ctr", one.company, one.source, by.at.isoformat(), len(mine)))
    right_records.add_contract(connection, kept, by.at)
    audit.append(connection, by, "act", "company", one.company, {"contract": kept.id, "source": one.source})
    return kept


def _given_up(one: Contract, folder: Path | None) -> bool:
    """Whether the city counts the kWh of its source elsewhere from the first to the last day, or has no part in them."""
    path = one.source.strip().casefold()
    if not path.startswith(CITYS):
        return True
    site = "/".join(path.split("/")[:2])  # flows of a site are claimed under other names than its generator's
    days = (one.start, one.end - timedelta(days=1))
    return all(any(row.holds_for(site, "renewable") for row in exclusions(day, folder)) for day in days)


def end_contract(connection: Connection, company: str, ident: str, by: By) -> None:
    """It was wrong."""
    right_records.end_contract(connection, company, ident, by.at)
    audit.append(connection, by, "act", "company", company, {"contract_ended": ident})


def bring_hours(  # noqa: PLR0913  # whose, what, which hours, by whom
    connection: Connection, company: str, role: Role, name: str, wh: Mapping[datetime, int], by: By, *, city: bool = False
) -> int:
    """Hours of a meter of the company, or of a source; how many days they touch.

    Raises
    ------
    InputError : ``hours.series``
    NotAllowed : ``hours.not_yours``: another company's source, or one of the city's
    """
    series = f"{LOAD}/{company}/{plain_number(name)}" if role == LOAD else f"{SUPPLY}/{name.strip()}"
    if not plain_number(name) or len(name) > 100 or not name.isprintable():
        raise InputError("hours.series", "Name the meter or the source.")
    owner = right_records.owner_of_series(connection, series)
    if not city and role == SUPPLY and (name.startswith(CITYS) or owner not in {None, company}):
        raise NotAllowed("hours.not_yours", "Hours of this source are brought by the city or by another company.")
    days = right_records.add_hours(connection, series, company, wh, by.at)
    audit.append(connection, by, "act", "company", company, {"hours": series, "n": len(wh)})
    return days


def add_target(connection: Connection, one: Target, by: By) -> Target:
    """Keep a target.

    Raises
    ------
    InputError : ``target.…``
    """
    why = targets.objection(one)
    if why is not None:
        raise refuse(why)
    mine = right_records.targets_of(connection, one.company)
    kept = msgspec.structs.replace(one, id=_id("tgt", one.company, one.covers, by.at.isoformat(), len(mine)))
    right_records.add_target(connection, kept, by.at)
    audit.append(connection, by, "act", "company", one.company, {"target": kept.id})
    return kept


def end_target(connection: Connection, company: str, ident: str, by: By) -> None:
    """It holds no longer."""
    right_records.end_target(connection, company, ident, by.at)
    audit.append(connection, by, "act", "company", company, {"target_ended": ident})


def _id(prefix: str, *words: object) -> str:
    return f"{prefix}-" + hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:16]
