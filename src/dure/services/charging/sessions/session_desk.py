"""What people are shown of sessions, and what they may ask of one: its samples, what it costs so far, its driver's wish."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.core.observations import Flag
from dure.core.time import day_of, from_us, to_us
from dure.engines.records import audit
from dure.services.charging import sites
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.members import member_of
from dure.services.charging.pricing.pricing import PricedSession
from dure.services.charging.pricing.receipt import Receipt, faults_of
from dure.services.charging.pricing.running_cost import books_of, cost_of
from dure.services.charging.sessions import session_records, stop_records, wish_records
from dure.services.charging.sessions.assembling import assembled
from dure.services.charging.sessions.model import Session
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sessions.wish_records import Wish

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.services.charging.model import Site
    from dure.services.charging.sessions.registers import Counted
    from dure.spine.house import House

NEED_WH_MAX = 1_000_000
DEPARTS_MAX = timedelta(days=14)


class Sample(msgspec.Struct, frozen=True):
    """What was known of a session at an instant; None where nothing was said."""

    at: datetime
    total_wh: int | None = None
    power_w: float | None = None
    soc: float | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as a page shows it.

    Attributes
    ----------
    cost : so far, or in all; None where no price fits (`no_cost` says why, a code)
    receipts : all that were made, first to last; faults : what is wrong with their chain
    stop : the reason a rule of the place stopped it
    """

    session: Session
    site: Site | None
    samples: tuple[Sample, ...]
    cost: PricedSession | None
    no_cost: str
    receipts: tuple[Receipt, ...]
    digests: tuple[str, ...]
    faults: tuple[str, ...]
    stop: str


class Wished(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; words that are left out stay as they were."""

    need_wh: int | None = None
    departs_at: datetime | None = None
    target_soc: float | None = None


def told(house: House, ident: str) -> Told:
    """Everything about one session.

    Raises
    ------
    NotFound : ``session.unknown``
    """
    with house.records.read() as connection:
        session = session_records.get(connection, ident)
        site = sites.registered(connection).sites.get(session.site)
        series = series_of(house, connection, session, site)
        receipts = settlement_records.of_session(connection, ident)
        stop = stop_records.of_sessions(connection, [ident]).get(ident)
        member = member_of(connection, session.token)
    try:
        cost, trouble = (
            cost_of(session, series, site, books_of(house.city.folder, house.city.zone, house.city.country), member),
            "",
        )
    except DureError as error:
        cost, trouble = None, error.code
    return Told(
        session=session,
        site=site,
        samples=_samples(house, session, series),
        cost=cost,
        no_cost=trouble,
        receipts=tuple(one.receipt for one in receipts),
        digests=tuple(one.sha256 for one in receipts),
        faults=faults_of([(one.text, one.sha256) for one in receipts]),
        stop=stop["reason"] if stop else "",
    )


def series_of(house: House, connection: Connection, session: Session, site: Site | None) -> Counted:
    """What had passed until each read of a session."""
    key, gathered = session_records.gathered_of(connection, session.id)
    number = gathered.where.evse if gathered.where else 0
    known = sites.Sites({site.id: site} if site else {}, {}, {}, [])
    rules = session_rules(day_of(session.started_at, house.city.zone), house.city.folder)
    return assembled(key, Places(known).place_of(session.charger, number), gathered, rules).series


def _samples(house: House, session: Session, series: Counted) -> tuple[Sample, ...]:
    """Reads of the register with power and state of charge as telemetry has them, by time."""
    found: dict[int, dict[str, float]] = {}
    for at_us, total in zip(series.at_us, series.total_wh, strict=True):
        found.setdefault(at_us, {})["total_wh"] = total
    if session.evse:
        start, end = to_us(session.started_at), to_us(session.ended_at or house.clock.now()) + 1
        for name, field in (("evse_power", "power_w"), ("vehicle_soc", "soc")):
            one = house.telemetry.series((session.evse, name), start, end)
            for at_us, value, flag in zip(one.time_us.tolist(), one.value.tolist(), one.flag.tolist(), strict=True):
                if flag in {Flag.GOOD, Flag.SUSPECT, Flag.NOT_EVALUATED} and value == value:  # noqa: PLR0124  # nan: nothing was said
                    found.setdefault(at_us, {})[field] = value
    return tuple(_sample(at_us, found[at_us]) for at_us in sorted(found))


def _sample(at_us: int, values: dict[str, float]) -> Sample:
    total = values.get("total_wh")
    return Sample(from_us(at_us), None if total is None else int(total), values.get("power_w"), values.get("soc"))


def wish(house: House, ident: str, wanted: Wished, by: By) -> Session:
    """Keep what the driver of a running session asks for; the session with it.

    Raises
    ------
    NotFound : ``session.unknown``
    Conflict : ``session.ended``
    InputError : ``wish.empty``, ``wish.energy``, ``wish.departure``, ``wish.target``
    """
    check_wish(wanted, by.at)
    with house.records.begin() as connection:
        session = session_records.get(connection, ident)
        if session.state != "running":
            raise Conflict("session.ended", f"The session {ident!r} has ended.")
        kept = Wish(
            id=f"{ident}-{to_us(by.at)}", evse=session.evse, session=ident, made_at=by.at, need_wh=wanted.need_wh,
            departs_at=wanted.departs_at, target_soc=wanted.target_soc, way="api",
        )  # fmt: skip
        wish_records.add(connection, kept)
        audit.append(connection, by, "act", "field_work", ident, {"wish": msgspec.to_builtins(wanted)})
        return session_records.get(connection, ident)


def wish_at(house: House, evse: str, wanted: Wished, by: By) -> Wish:
    """Keep what a driver asks for at an EVSE, before charging begins there or while it runs.

    Raises
    ------
    NotFound : ``evse.unknown``
    InputError : as `wish`
    """
    check_wish(wanted, by.at)
    with house.records.begin() as connection:
        if not any(one.id == evse for site in sites.registered(connection).sites.values() for one in site.evses):
            raise NotFound("evse.unknown", f"There is no EVSE {evse[:80]!r}.")
        running = next((one.id for one in session_records.running(connection) if one.evse == evse), "")
        kept = Wish(
            id=f"{evse}-{to_us(by.at)}", evse=evse, session=running, made_at=by.at, need_wh=wanted.need_wh,
            departs_at=wanted.departs_at, target_soc=wanted.target_soc, way="api",
        )  # fmt: skip
        wish_records.add(connection, kept)
        audit.append(connection, by, "act", "field_work", evse, {"wish": msgspec.to_builtins(wanted)})
    return kept


def check_wish(wanted: Wished, now: datetime) -> None:
    """Refuse what no driver can mean."""
    if (wanted.need_wh, wanted.departs_at, wanted.target_soc) == (None, None, None):
        raise InputError("wish.empty", "Say how much energy, when it departs, or up to which state of charge.")
    if wanted.need_wh is not None and not 0 <= wanted.need_wh <= NEED_WH_MAX:
        raise InputError("wish.energy", f"{wanted.need_wh} Wh is no energy a vehicle takes (0 to {NEED_WH_MAX}).")
    if wanted.departs_at is not None and not now < wanted.departs_at <= now + DEPARTS_MAX:
        raise InputError("wish.departure", "The departure must lie ahead, at most two weeks.")
    if wanted.target_soc is not None and not 0 < wanted.target_soc <= 1:
        raise InputError("wish.target", "A state of charge lies between 0 and 1.")
