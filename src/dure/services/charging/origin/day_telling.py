"""A site's day told to the carbon ledger: renewable Wh that vehicles got, by origin, with evidence; told again when corrected."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, func, select

from dure import __version__
from dure.core.events import Decision, Event, Evidence
from dure.core.time import Interval, day_interval, day_of
from dure.engines.records import decisions, dialect, events
from dure.engines.records.tables_charging_origin import charging_origin_days as days
from dure.services.charging.model import SERVICE
from dure.services.charging.origin import origin_records
from dure.services.charging.origin.allocating import RULE
from dure.services.charging.origin.generation_telling import flows_of, generation_event
from dure.services.charging.origin.model import ORIGINS
from dure.services.charging.origin.origin_desk import STEP
from dure.services.charging.origin.origin_rules import FACTORS, PACK, factors_version, origin_rules, pack_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.charging.model import Site
    from dure.services.charging.origin.chain import Row
    from dure.services.charging.origin.origin_rules import OriginRules
    from dure.spine.house import House

RENEWABLE = "charging.energy.renewable"
ORIGIN = "charging_origin"


class DayTold(msgspec.Struct, frozen=True, kw_only=True):
    """A local day of a site as it was told.

    Attributes
    ----------
    wh : what vehicles got, by origin; accounts : Wh by (source, sink, origin)
    readings_sha256 : digest of the digests of the reads its intervals rest on
    head : digest of the newest row of the chain when it was told
    """

    site: str
    day: date
    n: int
    told_at: datetime
    wh: dict[str, int]
    accounts: list[tuple[str, str, str, int]]
    intervals: int
    estimated: int
    corrected: int
    readings_sha256: str
    head: str
    readings: tuple[str, ...] = ()

    @property
    def renewable_wh(self) -> int:
        """From PV, directly and through storage."""
        return self.wh["pv"] + self.wh["ess_pv"]


def tell_days(house: House, site: Site) -> int:
    """Tell the days of a site that are over and booked, and those that were corrected since; how many."""
    now, zone = house.clock.now(), house.city.zone
    rules = origin_rules(day_of(now, zone), house.city.folder)
    with house.records.read() as connection:
        seq = origin_records.state(connection, site.id).seq  # what is booked after this is not told by it
        wanted = _wanted(connection, site.id, (now, house), rules)
        told = [one for day in wanted if (one := day_of_site(connection, site.id, day, house)) is not None]
    if not told:
        return 0
    with house.records.begin() as connection:
        for one in told:
            row = {
                "site": one.site, "day": one.day.isoformat(), "n": one.n, "told_at": now,
                "seq": seq, "facts": msgspec.to_builtins(one),
            }  # fmt: skip
            if not dialect.insert_new(connection, days, [row]):
                continue
            decisions.add(connection, decision_of(one, house))
            events.announce(connection, [event_of(one, house)], now)
            if site.solar or any(flows_of(one).values()):
                span = day_interval(one.day, house.city.zone)
                events.announce(connection, [generation_event(one, (told_id(one), _replaced(one)), span, site)], now)
    return len(told)


def _wanted(connection: Connection, site: str, at: tuple[datetime, House], rules: OriginRules) -> list[date]:
    """Days that are over: those never told, and those that were corrected since."""
    now, house = at
    zone = house.city.zone
    stands = origin_records.state(connection, site)
    if stands.first_start_at is None or stands.last_start_at is None:
        return []
    until = min(now - timedelta(hours=rules.settle_h), stands.last_start_at + STEP)
    last, seq = connection.execute(select(func.max(days.c.day), func.max(days.c.seq)).where(days.c.site == site)).one()
    found: set[date] = set()
    day = day_of(stands.first_start_at, zone)
    if last is not None:
        told_until = date.fromisoformat(last)
        corrected = {day_of(start, zone) for start in origin_records.corrected_since(connection, site, int(seq))}
        found |= {one for one in corrected if one <= told_until}
        day = told_until + timedelta(days=1)
    while day_interval(day, zone).end <= until:
        found.add(day)
        day += timedelta(days=1)
    return sorted(found)


def day_of_site(connection: Connection, site: str, day: date, house: House) -> DayTold | None:
    """A day as the books have it; None when it was told so already, or nothing is booked of it."""
    span = day_interval(day, house.city.zone)
    rows = origin_records.rows_of(connection, site, span.start, span.end)
    if not rows:
        return None
    newest = sorted(origin_records.newest(rows).values(), key=lambda row: row.start_at)
    sums = origin_records.sums(connection, site, span.start, span.end)
    wh: dict[str, int] = {
        origin: sum(part for (_, sink, one), part in sums.items() if sink == "ev" and one == origin) for origin in ORIGINS
    }
    found = DayTold(
        site=site,
        day=day,
        n=0,
        told_at=house.clock.now(),
        wh=wh,
        accounts=sorted((*key, part) for key, part in sums.items()),
        intervals=len(newest),
        estimated=sum(row.content.estimated for row in newest),
        corrected=sum(row.n > 0 for row in newest),
        readings_sha256=_digest(newest),
        head=origin_records.state(connection, site).head,
        readings=tuple(row.readings_sha256 for row in newest),
    )
    before = told_of(connection, site, day)
    if before is None:
        return found
    if (before.wh, before.readings_sha256) == (found.wh, found.readings_sha256):
        return None
    return msgspec.structs.replace(found, n=before.n + 1)


def told_of(connection: Connection, site: str, day: date) -> DayTold | None:
    """A day as it was told last."""
    query = select(days.c.facts).where(days.c.site == site, days.c.day == day.isoformat()).order_by(days.c.n.desc()).limit(1)
    facts = connection.execute(query).scalar_one_or_none()
    return None if facts is None else msgspec.convert(facts, DayTold)


def days_told(connection: Connection, site: str, first: date, last: date) -> list[DayTold]:
    """Days of a site as they were told last, both counted, in time."""
    query = (
        select(days.c.facts)
        .where(days.c.site == site, days.c.day >= first.isoformat(), days.c.day <= last.isoformat())
        .order_by(days.c.day, days.c.n)
    )
    found = [msgspec.convert(facts, DayTold) for facts in connection.execute(query).scalars()]
    return list({one.day: one for one in found}.values())


def _digest(rows: Sequence[Row]) -> str:
    found = hashlib.sha256()
    for row in rows:
        found.update(row.readings_sha256.encode())
    return found.hexdigest()


def told_id(one: DayTold) -> str:
    """Id of the event and of the decision."""
    ident = f"origin-{one.site}-{one.day.isoformat()}"
    return f"{ident}-{one.n}" if one.n else ident


def _replaced(one: DayTold) -> str:
    """Id of the day as it was told before; empty when it was not."""
    return told_id(msgspec.structs.replace(one, n=one.n - 1)) if one.n else ""


def decision_of(one: DayTold, house: House) -> Decision:
    """What was booked of a day, from what, and why."""
    reasons = [
        f"{one.intervals} intervals of a quarter of an hour are booked by the rule {RULE}.",
        f"Vehicles got {sum(one.wh.values()):,} Wh, {one.renewable_wh:,} of them from PV, directly or through storage.",
    ]
    if one.estimated:
        reasons.append(f"{one.estimated} intervals hold Wh that were cut out of a long step or had to be explained.")
    if one.corrected:
        reasons.append(f"{one.corrected} intervals were corrected by reads that came late.")
    if one.n:
        reasons.append("The day was told before; this replaces it.")
    return Decision(
        id=told_id(one),
        kind=ORIGIN,
        decided_at=one.told_at,
        inputs={"site": one.site, "day": one.day.isoformat(), "readings": one.readings_sha256, "head": one.head},
        result={"wh": one.wh, "accounts": [list(row) for row in one.accounts]},
        reasons=tuple(reasons),
        versions={
            "dure": __version__, "rule": RULE, PACK: pack_version(PACK, house.city.folder),
            FACTORS: factors_version(house.city.folder),
        },
    )  # fmt: skip


def event_of(one: DayTold, house: House) -> Event:
    """Renewable energy that vehicles got on a day, with evidence."""
    ident, span = told_id(one), day_interval(one.day, house.city.zone)
    data: dict[str, Any] = {
        "site": one.site,
        "day": one.day.isoformat(),
        "wh": one.wh,
        "estimated_intervals": one.estimated,
        "head": one.head,
        "readings": list(one.readings),
        "decision": ident,
        "replaces": _replaced(one),
        "evidence": [_evidence(ident, one, span)],
    }
    return Event(id=ident, type=RENEWABLE, source=f"dure/{SERVICE}", time=one.told_at, subject=one.site, data=data)


def _evidence(ident: str, one: DayTold, span: Interval) -> dict[str, Any]:
    claim = Evidence(
        event=ident, quantity=one.renewable_wh, unit="Wh", interval=span, readings_sha256=one.readings_sha256, method=RULE
    )
    return dict(msgspec.to_builtins(claim))
