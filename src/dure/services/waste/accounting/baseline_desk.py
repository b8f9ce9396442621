"""Where a baseline is frozen, once, before the pilot begins: declared by the city, or read from its log of emptyings. Blocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dure.core.errors import Conflict, InputError
from dure.core.time import day_interval, day_of
from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.account_records import Frozen
from dure.services.waste.accounting.baseline import Baseline, Due, checked, due_from_log
from dure.services.waste.accounting.factors import numbers
from dure.services.waste.driving import tap_records
from dure.services.waste.planning import plan_source

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.spine.house import House


class BaselineDesk:
    """Freezes the baseline of one city."""

    def __init__(self, house: House) -> None:
        self._house = house

    def declare(self, due: Sequence[Due], starts_on: date, by: By, note: str = "") -> Frozen:
        """Freeze the calendar the city says it has kept.

        Raises
        ------
        InputError : ``baseline.empty``, ``baseline.bin``, ``baseline.calendar``
        Conflict : ``baseline.late`` when the pilot has begun, ``baseline.frozen`` when there is another
        """
        baseline = Baseline(id=_ident(starts_on), starts_on=starts_on, origin="declared", due=tuple(due), note=note)
        with self._house.records.begin() as connection:
            return self._frozen(connection, baseline, by)

    def from_log(self, start: date, end: date, starts_on: date, by: By, note: str = "") -> Frozen:
        """Freeze the calendar that crews' taps of ``[start, end)`` show.

        Raises
        ------
        InputError : ``baseline.log_short`` when the log is too short, or nothing was emptied in it; and as `declare`
        Conflict : as `declare`
        """
        with self._house.records.begin() as connection:
            due = self.reconstructed(connection, start, end)
            baseline = Baseline(
                id=_ident(starts_on), starts_on=starts_on, origin="log", due=due, log_from=start, log_to=end, note=note
            )
            return self._frozen(connection, baseline, by)

    def reconstructed(self, connection: Connection, start: date, end: date) -> tuple[Due, ...]:
        """The calendar a log shows, for a look at it before it is frozen; refused as `from_log`."""
        house = self._house
        limits = numbers(start, "log", house.city.folder)
        if (end - start).days < limits["days_min"]:
            least = round(limits["days_min"])
            raise InputError(
                "baseline.log_short", f"A log of {(end - start).days} days shows no calendar: at least {least} are needed."
            )
        zone = house.city.zone
        last = end - timedelta(days=1)
        emptied: dict[str, list[date]] = defaultdict(list)
        for tap in tap_records.between(connection, day_interval(start, zone).start, day_interval(last, zone).end):
            if tap.kind == "emptied":
                emptied[tap.bin].append(day_of(tap.seen_at, zone))
        known = {one.id for one in plan_source.register(connection).bins}
        listed = {bin_id: days for bin_id, days in emptied.items() if bin_id in known}
        return due_from_log(listed, (start, end), limits["weekday_share"])

    def _frozen(self, connection: Connection, baseline: Baseline, by: By) -> Frozen:
        if baseline.starts_on < day_of(by.at, self._house.city.zone):
            raise Conflict("baseline.late", f"The pilot began on {baseline.starts_on}: a baseline is frozen before, not after.")
        known = frozenset(one.id for one in plan_source.register(connection).bins)
        return account_records.freeze(connection, checked(baseline, known), by)


def _ident(starts_on: date) -> str:
    return f"baseline-{starts_on.isoformat()}"
