"""Where a person joins with their household, binds customer numbers and enters bills; audited without the amounts."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError, NotAllowed, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.companies import company_records
from dure.services.carbon.companies.activity import plain_number
from dure.services.carbon.households import household_records, judgement_records
from dure.services.carbon.households.bill_checking import Grounds, checked_bill, same
from dure.services.carbon.households.customer_digests import digest_key, digest_of
from dure.services.carbon.households.energy_rules import UTILITIES, Utility, choice, limits, suppliers
from dure.services.carbon.households.household import Household, checked
from dure.services.carbon.households.household_records import Kept, Meter
from dure.services.carbon.households.judging_words import FINAL
from dure.services.carbon.households.model import Bill, Home
from dure.services.carbon.households.periods import Month, period_of
from dure.services.carbon.model import Refused
from dure.services.carbon.transparency import commitments

if TYPE_CHECKING:
    from dure.core.access import Actor
    from dure.spine.house import House

COMPANY_KINDS: dict[Utility, str] = {"electricity": "electricity", "gas": "city_gas", "water": "water"}
BILLS_MAX = 600


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of their household."""

    station: str
    home: Home
    place: str = ""
    area_m2: float | None = None
    consent: bool = False


class BillAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a bill: ``kept``, ``same`` (it was there), or ``refused`` with a code."""

    utility: Utility
    month: str
    state: str
    code: str = ""
    why: Text = Text("")


class HouseholdDesk:
    """Of one house. All block."""

    def __init__(self, house: House) -> None:
        self._house = house

    @property
    def _folder(self) -> Path | None:
        return self._house.city.folder

    def today(self, at: datetime) -> date:
        """The city's local day."""
        return day_of(at, self._house.city.zone)

    def join(self, connection: Connection, asked: Joining, by: By) -> Household:
        """A person's household, new or changed.

        Raises
        ------
        InputError : ``household.consent``, ``household.station``, ``household.people``, ``household.area``, ``household.place``,
            ``household.days``
        """
        if not asked.consent:
            raise InputError("household.consent", "Energy is looked at only with your consent.")
        before = household_records.of_person(connection, by.actor)
        wanted = Household(
            id=before.household.id if before else f"hh-{secrets.token_hex(8)}",
            person=by.actor,
            ref=commitments.commit(connection, by.actor, by.at),
            station=asked.station,
            home=asked.home,
            place=asked.place.strip(),
            area_m2=asked.area_m2,
        )
        good = checked(wanted, judgement_records.stations(connection), self.today(by.at))
        if isinstance(good, Refused):
            raise InputError(good.code, good.reason.en, reason=good.reason)
        if not household_records.put(connection, good, by.at):
            raise Conflict("household.taken", "You have a household already. Open it and change it there.")
        audit.append(connection, by, "act", "practice", good.id, {"household": "joined" if before is None else "changed"})
        return good

    def leave(self, connection: Connection, by: By) -> None:
        """Consent is taken back: nothing is judged any more. What was entered stays until it is erased."""
        mine = self.mine(connection, by.actor)
        household_records.end(connection, mine.household.id, by.at)
        audit.append(connection, by, "act", "practice", mine.household.id, {"household": "left"})

    def mine(self, connection: Connection, person: str) -> Kept:
        """A person's household; NotFound ``household.unknown``."""
        found = household_records.of_person(connection, person)
        if found is None:
            raise NotFound("household.unknown", "You have not joined with a household.")
        return found

    def bind(self, connection: Connection, utility: Utility, number: str, unit: str, by: By) -> Meter | Refused:
        """Bind a customer number to the person's household.

        Of a number that serves another household or a company the refusal is audited: keep the transaction.

        Raises
        ------
        InputError : ``household.customer_number``, ``household.unit_mixed``
        Conflict : ``household.number_exists`` when the household has another number of that utility
        """
        mine = self.mine(connection, by.actor).household
        household_records.lock(connection, mine.id)
        digest = digest_of(digest_key(self._house.settings.data), utility, number)
        if not digest:
            raise InputError("household.customer_number", "A customer number has 4 to 30 letters and digits.")
        if unit not in limits(utility, self.today(by.at), self._folder):
            raise InputError("household.unit_mixed", f"Bills of {utility} are not in {unit[:20]!r}.")
        number_of_company = f"{COMPANY_KINDS[utility]}:{plain_number(number)}"
        taken = bool(company_records.owners(connection, [number_of_company]))
        found = None if taken else household_records.bind(connection, digest, mine.id, (utility, unit), by.at)
        if taken or (found is not None and found.household != mine.id):
            audit.append(connection, by, "act", "practice", mine.id, {"refused": "household.meter_taken", "utility": utility})
            return Refused("household.meter_taken", METER_TAKEN)
        if found is None:
            raise Conflict(
                "household.number_exists", f"The household has another customer number of {utility}. Take it off first."
            )
        audit.append(connection, by, "act", "practice", mine.id, {"bound": utility})
        return found

    def release(self, connection: Connection, utility: Utility, by: By) -> None:
        """Take a customer number off; bills stay. NotFound ``household.meter_unknown``."""
        mine = self.mine(connection, by.actor).household
        if not household_records.release(connection, mine.id, utility):
            raise NotFound("household.meter_unknown", f"The household has no customer number of {utility}.")
        audit.append(connection, by, "act", "practice", mine.id, {"released": utility})

    def enter(self, connection: Connection, bills: Sequence[Bill], by: By, *, replace: bool = False) -> list[BillAnswer]:
        """Bills of the person's own household; each stands alone."""
        return self._enter(connection, self.mine(connection, by.actor), bills, by, replace=replace)

    def require_supplier(self, connection: Connection, utility: Utility, actor: Actor, at: datetime) -> None:
        """Only an admin, and accounts of companies the rules name, bring bills of others; NotAllowed ``household.supplier``."""
        named = suppliers(utility, self.today(at), self._folder)
        if "admin" not in actor.roles and company_records.company_of(connection, actor.id) not in named:
            raise NotAllowed(
                "household.supplier", f"Your company is not named as a supplier of {utility} in rules/households.toml."
            )

    def bring(self, connection: Connection, utility: Utility, number: str, bills: Sequence[Bill], by: By) -> list[BillAnswer]:
        """Bills of a customer number from a supplier or a meter (`require_supplier`); they replace what a person entered.

        Raises
        ------
        NotFound : ``household.meter_unknown`` when no household that consents has the number
        """
        digest = digest_of(digest_key(self._house.settings.data), utility, number)
        meter = household_records.meter(connection, digest)
        kept = None if meter is None else household_records.get(connection, meter.household)
        if kept is None or kept.ended_at is not None:
            raise NotFound("household.meter_unknown", "No household that consents has this customer number.")
        return self._enter(connection, kept, bills, by, replace=True)

    def drop(self, connection: Connection, utility: Utility, month: Month, by: By) -> None:
        """Take a bill away; NotFound ``household.bill_unknown``, Conflict ``household.judged_already``."""
        mine = self.mine(connection, by.actor).household
        household_records.lock(connection, mine.id)
        if month.place in _judged(connection, mine.id, utility):
            raise Conflict("household.judged_already", "The half-year was judged for good.")
        if not household_records.drop_bill(connection, mine.id, utility, month.place):
            raise NotFound("household.bill_unknown", f"There is no bill of {utility} of {month}.")
        audit.append(connection, by, "act", "practice", mine.id, {"dropped": utility, "month": str(month)})

    def _enter(self, connection: Connection, kept: Kept, bills: Sequence[Bill], by: By, *, replace: bool) -> list[BillAnswer]:
        if not 0 < len(bills) <= BILLS_MAX:
            raise InputError("household.file_rows", f"Between 1 and {BILLS_MAX} bills can be entered at once.")
        household_records.lock(connection, kept.household.id)
        grounds = {one: self._grounds(connection, kept.household.id, one, by.at) for one in UTILITIES}
        answers = []
        for bill in bills:
            held = grounds[bill.utility]
            answer = _answer(bill, held, replace=replace)
            answers.append(answer)
            if answer.state == "kept":
                household_records.put_bill(connection, kept.household.id, bill, by.at)
                others = [one for one in held.kept if one.month != bill.month]
                grounds[bill.utility] = msgspec.structs.replace(held, kept=[*others, bill], unit=held.unit or bill.unit)
        count = {"kept": sum(one.state == "kept" for one in answers), "of": len(answers)}
        audit.append(connection, by, "act", "practice", kept.household.id, {"bills": count})
        return answers

    def _grounds(self, connection: Connection, household: str, utility: Utility, at: datetime) -> Grounds:
        today = self.today(at)
        kept = household_records.bills_of(connection, household, utility)
        unit = next((one.unit for one in household_records.meters_of(connection, household) if one.utility == utility), "")
        return Grounds(
            limits=limits(utility, today, self._folder),
            unit=kept[0].unit if kept else unit,
            kept=kept,
            judged=_judged(connection, household, utility),
            today=today,
            months_most=choice("bill_months_most", today, self._folder),
        )


def _answer(bill: Bill, grounds: Grounds, *, replace: bool) -> BillAnswer:
    month = str(Month(bill.month))
    there = next((one for one in grounds.kept if one.month == bill.month), None)
    if there is not None and same(bill, there) and (bill.source == there.source or not replace):
        return BillAnswer(utility=bill.utility, month=month, state="same")
    found = checked_bill(bill, grounds, replace=replace)
    if isinstance(found, Refused):
        return BillAnswer(utility=bill.utility, month=month, state="refused", code=found.code, why=found.reason)
    return BillAnswer(utility=bill.utility, month=month, state="kept")


def _judged(connection: Connection, household: str, utility: Utility) -> frozenset[int]:
    """Months of half-years that were judged for good."""
    found = judgement_records.of_household(connection, household)
    final = [one.judgement for one in found if one.judgement.utility == utility and one.judgement.code in FINAL]
    return frozenset(month.place for one in final for month in period_of(one.period).months)


METER_TAKEN = Text(
    "다른 가정이나 회사에 등록된 고객번호입니다. 담당 공무원에게 알려 주세요.",
    "The number belongs to another household or a company. Tell the officer.",
)
