"""Companies as people keep them: who may see and write which, profiles, members, customer numbers. Every change is audited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotAllowed, NotFound
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.companies import company_records
from dure.services.carbon.companies.activity import plain_number
from dure.services.carbon.companies.company import Company, checked
from dure.services.carbon.companies.company_records import Meter
from dure.services.carbon.model import Refused

if TYPE_CHECKING:
    from dure.core.access import Actor

OVERSEERS = frozenset({"officer", "admin", "auditor"})
PEOPLE_MAX = 50
METERS_MAX = 5_000


def refuse(why: Refused) -> InputError:
    """The refusal of a pure function as an error of the house."""
    return InputError(why.code, why.reason.en, reason=why.reason)


def seen_by(connection: Connection, actor: Actor, company: str) -> Company:
    """The company, for who may see it: its own people, and officers, admins and auditors. To others it does not exist."""
    if not actor.roles & OVERSEERS and company_records.company_of(connection, actor.id) != company:
        raise NotFound("company.unknown", f"There is no company {company[:80]!r}.")
    return company_records.get(connection, company)


def written_by(connection: Connection, actor: Actor, company: str) -> Company:
    """The company, for who may write it: its own people, and an admin.

    Raises
    ------
    NotFound : ``company.unknown`` to who may not see it
    NotAllowed : ``company.not_yours`` to who may only see it
    """
    found = seen_by(connection, actor, company)
    if "admin" not in actor.roles and company_records.company_of(connection, actor.id) != company:
        raise NotAllowed("company.not_yours", "Only the company's own people may write this.")
    return found


def found(connection: Connection, company: Company, person: str, by: By) -> Company:
    """A new company, and who speaks for it.

    Raises
    ------
    InputError : ``company.…``
    Conflict : ``company.exists``, ``company.number_taken``, ``company.person_taken``
    """
    identifier(company.id, "company id")
    try:
        company_records.get(connection, company.id)
    except NotFound:
        kept = _kept(connection, company, by)
        if person:
            company_records.join(connection, company.id, person, by)
        return kept
    raise Conflict("company.exists", f"There is a company {company.id!r} already.")


def change(connection: Connection, company: Company, by: By) -> Company:
    """Another profile. Business number and id stay."""
    before = company_records.get(connection, company.id)
    return _kept(connection, msgspec.structs.replace(company, business_number=before.business_number), by)


def _kept(connection: Connection, company: Company, by: By) -> Company:
    good = checked(company)
    if isinstance(good, Refused):
        raise refuse(good)
    n = company_records.put(connection, good, by)
    audit.append(connection, by, "act", "company", good.id, {"profile": n})
    return good


def add_person(connection: Connection, company: str, person: str, by: By) -> None:
    """One more who speaks for it."""
    if len(company_records.people_of(connection, company)) >= PEOPLE_MAX:
        raise InputError("company.people", f"At most {PEOPLE_MAX} people speak for a company.")
    company_records.join(connection, company, person, by)
    audit.append(connection, by, "manage", "company", company, {"person_added": person})


def take_person(connection: Connection, company: str, person: str, by: By) -> None:
    """One less."""
    if not company_records.leave(connection, company, person):
        raise NotFound("company.person_unknown", "They do not speak for this company.")
    audit.append(connection, by, "manage", "company", company, {"person_removed": person})


def bind_meter(connection: Connection, company: Company, kind: str, number: str, site: str, by: By) -> Meter | Refused:
    """A customer number of the company.

    One that is bound to another company stays with it: the refusal ``company.meter_taken`` is audited, the transaction must be
    kept.
    """
    plain = plain_number(number)
    if not plain or len(plain) > 40 or (site and company.site(site) is None):
        raise InputError("company.meter", "Write the customer number, and a site of the company.")
    if len(company_records.meters_of(connection, company.id)) >= METERS_MAX:
        raise InputError("company.meter", f"At most {METERS_MAX} customer numbers can be kept.")
    meter = f"{kind}:{plain}"
    owner = company_records.bind(connection, meter, company.id, site, by)
    if owner != company.id:
        audit.append(connection, by, "act", "company", company.id, {"refused": "company.meter_taken", "meter": meter})
        return Refused(
            "company.meter_taken",
            Text(
                "다른 회사에 등록된 고객번호입니다. 담당 공무원에게 알려 주세요.",
                "The number belongs to another company. Tell the officer.",
            ),
        )
    audit.append(connection, by, "act", "company", company.id, {"meter_bound": meter})
    return company_records.owners(connection, [meter])[meter]


def release_meter(connection: Connection, company: str, meter: str, by: By) -> None:
    """The number belongs to it no longer; what was entered for it stays."""
    if not company_records.release(connection, meter, company):
        raise NotFound("company.meter_unknown", "The company has no such customer number.")
    audit.append(connection, by, "act", "company", company, {"meter_released": meter})
