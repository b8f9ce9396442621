"""What the desk knows of chargers: the register, what each last said, its connectors, what is wrong with it. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.charging.model import Charger
from dure.services.charging.sites import Sites, registered
from dure.services.charging.stations import calls, reservation_records, station_records
from dure.services.charging.stations.memory import Admission
from dure.services.charging.stations.reservation_records import Reservation
from dure.services.charging.stations.station_records import Connector, StationState
from dure.services.charging.stations.station_rules import station_rules
from dure.services.charging.tokens import list_records
from dure.services.charging.tokens.list_records import LocalList

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

Standing = Literal["faulted", "offline", "waiting", "new", "charging", "ready"]
ORDER: tuple[Standing, ...] = ("faulted", "offline", "waiting", "new", "charging", "ready")


class StationView(msgspec.Struct, frozen=True, kw_only=True):
    """A charger as the desk shows it.

    Attributes
    ----------
    standing : faulted (a connector is), offline, waiting (its boot is not accepted), new (never heard of), charging, ready
    online : connected, and heard of lately
    running : transactions with their EVSE numbers
    """

    charger: str
    name: Text
    site: str
    site_name: Text
    identity: str
    standing: Standing
    online: bool
    version: str = ""
    versions: tuple[str, ...] = ()
    security_profile: int = 1
    heard_at: datetime | None = None
    booted_at: datetime | None = None
    boot: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    admission: Admission = "accepted"
    connectors: list[Connector] = []
    running: list[tuple[str, int]] = []


class StationDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one charger that is not a list of its own."""

    view: StationView
    evses: list[int]
    reservations: list[Reservation]
    local_list: LocalList | None


def listing(house: House, connection: Connection, *, site: str = "") -> list[StationView]:
    """All chargers, those that need a person first."""
    sites = registered(connection)
    known, admitted = station_records.states(connection), _admissions(connection)
    by_charger: dict[str, list[Connector]] = {}
    for one in station_records.connectors(connection):
        by_charger.setdefault(one.charger, []).append(one)
    running = station_records.all_running(connection)
    views = [
        _view(house, sites, charger, known.get(charger.id), by_charger.get(charger.id, []), running.get(charger.id, []), admitted)
        for each in sites.sites.values()
        for charger in each.chargers
        if site in ("", each.id)
    ]
    return sorted(views, key=lambda one: (ORDER.index(one.standing), one.site, one.charger))


def detail(house: House, connection: Connection, charger_id: str) -> StationDetail:
    """One charger; else ``charger.unknown``."""
    sites = registered(connection)
    site = sites.site_of(charger_id)
    if site is None:
        raise NotFound("charger.unknown", f"There is no charger {charger_id[:80]!r}.")
    charger = next(one for one in site.chargers if one.id == charger_id)
    state = station_records.states(connection, [charger_id]).get(charger_id)
    connectors = station_records.connectors(connection, charger_id)
    running = station_records.running(connection, charger_id)
    return StationDetail(
        view=_view(house, sites, charger, state, connectors, running, _admissions(connection)),
        evses=sorted(one.number for one in site.evses if one.charger == charger_id),
        reservations=reservation_records.standing(connection, charger_id),
        local_list=list_records.get(connection, charger_id),
    )


def _admissions(connection: Connection) -> dict[str, Admission]:
    found: dict[str, Admission] = dict.fromkeys(station_records.quarantined(connection), "pending")
    return found | dict(station_records.admissions(connection))


def _view(  # noqa: PLR0913, PLR0917  # everything a view is made of
    house: House,
    sites: Sites,
    charger: Charger,
    state: StationState | None,
    connectors: Sequence[Connector],
    running: Sequence[tuple[str, int]],
    admitted: dict[str, Admission],
) -> StationView:
    now = house.clock.now()
    rules = station_rules(now.astimezone(house.city.zone).date(), house.city.folder)
    online = state is not None and calls.is_online(state, now, rules)
    admission = admitted.get(charger.id, "accepted")
    return StationView(
        charger=charger.id,
        name=charger.name,
        site=charger.site,
        site_name=sites.sites[charger.site].name,
        identity=charger.identity,
        standing=standing_of(state, connectors, admission, online=online, runs=bool(running)),
        online=online,
        version=state.version if state else "",
        versions=charger.versions,
        security_profile=charger.security_profile,
        heard_at=state.heard_at if state else None,
        booted_at=state.booted_at if state else None,
        boot=state.boot if state else {},
        admission=admission,
        connectors=list(connectors),
        running=list(running),
    )


def standing_of(
    state: StationState | None, connectors: Sequence[Connector], admission: Admission, *, online: bool, runs: bool
) -> Standing:
    """How a charger stands, by what needs a person first. Pure."""
    if state is None:
        return "new"
    if not online:
        return "offline"
    if admission != "accepted":
        return "waiting"
    if any(one.status == "faulted" for one in connectors):
        return "faulted"
    return "charging" if runs else "ready"
