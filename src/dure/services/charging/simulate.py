"""The demo city's charging sites: chargers that speak OCPP 1.6, 2.0.1 and 2.1, and meters of sun, storage and grid.

What is played is `simulating.virtual_site`: one seed, one city. The past before the first start, and the time between two starts,
is played at once: chargers were then not connected, and tell their transactions afterwards as chargers do; the meters send theirs
as history. What everything remembers stands in ``demo-charging/SITE.json`` of the data folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import get_args

import httpx
import msgspec
import structlog

from dure.city import City
from dure.core.assets import Asset
from dure.core.errors import ConfigError
from dure.core.time import US_PER_S, Clock, to_us
from dure.services.charging.model import Charger, Site, Version
from dure.services.charging.simulating import virtual_sun
from dure.services.charging.simulating.charger_link import ChargerLink
from dure.services.charging.simulating.charger_state import ChargerState
from dure.services.charging.simulating.site_devices import FAULTS as METER_FAULTS
from dure.services.charging.simulating.site_devices import SiteDevices, Ways, batches, is_silent
from dure.services.charging.simulating.speech_2 import Speech2
from dure.services.charging.simulating.speech_16 import Speech16
from dure.services.charging.simulating.virtual_charger import FAULTS, Made, VirtualCharger
from dure.services.charging.simulating.virtual_drivers import figures
from dure.services.charging.simulating.virtual_site import MINUTE_US, Around, Reads, SiteState, VirtualSite
from dure.services.charging.sites import sites_of
from dure.spine.virtual_devices import TIMEOUT_S, Connection, post_history

log = structlog.get_logger("dure.simulator")

FOLDER = "demo-charging"
PAST = timedelta(days=5)
GAP_MAX = timedelta(days=14)  # a longer pause is not played
PAST_STEP_US = 5 * MINUTE_US
HISTORY_US = 15 * MINUTE_US
STUCK_S = 60.0  # meters wait for the chargers of their site as long as these get on, and so long when nothing moves
LOOK_S = 0.5
WAYS = ("mqtt", "http")


class SitePlayed(msgspec.Struct, frozen=True):
    """One site of the city that is simulated, and what its rows say about how.

    Attributes
    ----------
    versions, faults : by asset id of charger; of meters their faults too
    profiles : how an EVSE is visited, and how busy it is beside its profile, by its asset id
    ways : how its meters reach the house
    """

    site: Site
    versions: Mapping[str, Version]
    faults: Mapping[str, str]
    profiles: Mapping[str, tuple[str, float]]
    ways: Ways
    load_w: float


def sites_simulated(city: City) -> list[SitePlayed]:
    """The sites of a city whose rows say how they are played; refused when a row asks for what cannot be."""
    listed = city.assets()
    devices = {seed.asset: seed.id for seed in city.devices()}
    found = sites_of(listed, devices)
    by_id = {one.id: one for one in listed}
    return [
        _played(city, site, by_id, devices)
        for site in found.sites.values()
        if any("speaks" in by_id[one.id].attributes for one in site.chargers)
    ]


def _played(city: City, site: Site, by_id: Mapping[str, Asset], devices: Mapping[str, str]) -> SitePlayed:
    meters = [*(one.id for one in site.solar), *(one.id for one in site.storage), *([site.meter] if site.meter else [])]
    parts = [*(one.id for one in site.chargers), *(one.id for one in site.evses), *meters]
    words = {name: by_id[name].attributes for name in parts}
    speaks = {name: str(told["speaks"]) for name, told in words.items() if told.get("speaks")}
    faults = {name: str(told["fault"]) for name, told in words.items() if told.get("fault")}
    chargers = [one for one in site.chargers if one.id in speaks]
    versions: dict[str, Version] = {
        one.id: version for one in chargers for version in get_args(Version) if version == f"ocpp{speaks[one.id]}"
    }
    profiles = {one.id: str(words[one.id]["visits"]) for one in site.evses if words[one.id].get("visits")}
    busy = {name: str(words[name].get("busy", "1")) for name in profiles}
    load = str(by_id[site.id].attributes.get("load_kw", "0"))
    wrong = next(
        (
            what
            for what, good in (
                *((f"{one.id}: ocpp", versions.get(one.id) in one.versions) for one in chargers),
                *((f"{one.id}: device", bool(one.identity)) for one in chargers),
                *((f"{name}: fault", faults.get(name, "") in FAULTS) for name in versions),
                *((f"{name}: fault", faults.get(name, "") in METER_FAULTS) for name in meters),
                *((f"{name}: speaks", name not in speaks or (speaks[name] in WAYS and name in devices)) for name in meters),
                *((f"{name}: visits", kind in figures().profiles) for name, kind in profiles.items()),
                *((f"{name}: busy", _is_amount(told)) for name, told in busy.items()),
                (f"{site.id}: load_kw", _is_amount(load)),
            )
            if not good
        ),
        "",
    )
    if wrong:
        raise ConfigError("simulator.row", f"{city.folder}: the simulator cannot play {wrong} is not known to it.")
    own = {name: devices[name] for name in meters if name in devices}
    visits = {name: (kind, float(busy[name])) for name, kind in profiles.items()}
    return SitePlayed(site, versions, faults, visits, Ways(speaks, own, faults), 1_000 * float(load))


def _is_amount(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def virtual(city: City, played: SitePlayed, state: SiteState) -> VirtualSite:
    """A site as it stands when it remembers `state`."""
    known = [one for one in played.site.chargers if one.id in played.versions]
    chargers = [_charger(city, played, one, state.chargers.get(one.id)) for one in known]
    around = Around(profiles=played.profiles, load_w=played.load_w, zone=city.zone, seed=city.seed)
    return VirtualSite(played.site, chargers, state, around)


def _charger(city: City, played: SitePlayed, one: Charger, state: ChargerState | None) -> VirtualCharger:
    made = Made(
        charger=one,
        evses=tuple(evse for evse in played.site.evses if evse.charger == one.id),
        version=played.versions[one.id],
        fault=played.faults.get(one.id, ""),
        seed=city.seed,
        voltage_v=played.site.voltage_v,
    )
    charger = VirtualCharger(made, state)
    charger.speech = Speech16(charger) if made.version == "ocpp1.6" else Speech2(charger)
    return charger


class How(msgspec.Struct, frozen=True, kw_only=True):
    """Where the central system is (``ws://127.0.0.1:8887/ocpp``), where memory is kept, how long a past, how often to play."""

    url: str
    folder: Path
    past: timedelta = PAST
    step_s: float = 2.0


class SitePlay:
    """One site that is played: its memory, its links, its meters."""

    def __init__(self, city: City, played: SitePlayed, clock: Clock, how: How) -> None:
        self._clock, self._played, self._city = clock, played, city
        self._file = how.folder / FOLDER / f"{played.site.id}.json"
        now_us = to_us(clock.now())
        state = self._remembered() or SiteState(at_us=_floor(now_us - _us(how.past), HISTORY_US))
        state.at_us = max(state.at_us, _floor(now_us - _us(GAP_MAX), HISTORY_US))
        self.site = virtual(city, played, state)
        self.links: list[ChargerLink] = []
        self.waiting: list[tuple[int, Reads]] = []

    def _remembered(self) -> SiteState | None:
        return msgspec.json.decode(self._file.read_bytes(), type=SiteState) if self._file.exists() else None

    def keep(self) -> None:
        """Write down what everything remembers, whole or not at all."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(self.site.state))
        part.replace(self._file)

    def catch_up(self) -> list[tuple[int, Reads]]:
        """Play what has passed since, with nobody connected; what the meters showed each quarter hour."""
        until_us = _floor(to_us(self._clock.now()), MINUTE_US)
        coarse = self.site.advance(_floor(until_us, PAST_STEP_US), PAST_STEP_US)
        found = [(at_us, self.site.reads()) for at_us in coarse if at_us % HISTORY_US == 0]
        found += [(at_us, self.site.reads()) for at_us in self.site.advance(until_us)]
        self.keep()
        return found

    async def send_past(self, http: httpx.AsyncClient, connection: Connection, rows: Sequence[tuple[int, Reads]]) -> int:
        """The meters' history; readings accepted."""
        accepted = 0
        for asset, device in self._played.ways.devices.items():
            if device in connection.secrets:
                fault = self._played.faults.get(asset, "")
                mine = ((at_us, reads[asset]) for at_us, reads in rows if asset in reads and not is_silent(fault, at_us))
                for body in batches(mine):
                    accepted += await post_history(http, device, connection.secrets[device], body)
        return accepted

    def linked(self, url: str, secrets: Mapping[str, str]) -> list[ChargerLink]:
        """A link for each charger whose secret is known; a doubled one has two, with one identity."""
        known = [one for one in self.site.chargers if one.charger.identity in secrets]
        self.links = [ChargerLink(one, url, secrets[one.charger.identity], self._clock, self.keep) for one in known]
        doubles = [
            ChargerLink(_charger(self._city, self._played, one.charger, None), url, secrets[one.charger.identity], self._clock)
            for one in known
            if one.fault == "doubled"
        ]
        return [*self.links, *doubles]

    def devices(self, connection: Connection, http: httpx.AsyncClient) -> SiteDevices:
        """The meters, signed in."""
        return SiteDevices(self._city.id, self.site, self._played.ways, connection, http, self._clock)

    async def step(self, devices: SiteDevices | None) -> None:
        """Play until now, write it down, then say it; without devices, what the meters show waits for `send_past`."""
        told = [(at_us, self.site.reads()) for at_us in self.site.advance(to_us(self._clock.now()))]
        self.keep()
        for link in self.links:
            link.pump()
        if devices is None:
            self.waiting += told
            return
        for at_us, reads in told:
            await devices.send(reads, at_us)

    async def told_all(self, stuck_s: float) -> int:
        """Wait until the chargers have told what they could not, or until nothing has got on for `stuck_s`; what is left."""
        least, quiet_s = self._untold(), 0.0
        while least and quiet_s < stuck_s:
            await asyncio.sleep(LOOK_S)  # queues know no events
            left = self._untold()
            least, quiet_s = (left, 0.0) if left < least else (least, quiet_s + LOOK_S)
        return least

    def _untold(self) -> int:
        return sum(one.kept for link in self.links for one in link.charger.state.queue)


async def simulate(city: City, connection: Connection, clock: Clock, how: How) -> None:
    """Play the charging sites until cancelled."""
    known = sites_simulated(city)
    if not known:
        return
    await asyncio.to_thread(virtual_sun.warm_up, clock.now().date())
    plays = [SitePlay(city, one, clock, how) for one in known]
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http, asyncio.TaskGroup() as group:
        for one in plays:
            group.create_task(_play(one, connection, http, how))


async def _play(one: SitePlay, connection: Connection, http: httpx.AsyncClient, how: How) -> None:
    """One site: first the transactions of the past, then what its meters showed, then both as they come.

    So every interval is booked with all that happened in it, and need not be corrected.
    """
    one.waiting = await asyncio.to_thread(one.catch_up)
    devices = one.devices(connection, http)
    try:
        async with asyncio.TaskGroup() as group:
            for link in one.linked(how.url, connection.secrets):
                group.create_task(link.run())
            before = group.create_task(_steps(one, None, how.step_s))
            if left := await one.told_all(STUCK_S):
                log.warning("simulator.not_all_told", site=one.site.site.id, left=left)
            before.cancel()
            past, one.waiting = one.waiting, []
            accepted = await one.send_past(http, connection, past)
            log.info("simulator.started", site=one.site.site.id, chargers=len(one.links), past=accepted)
            group.create_task(_steps(one, devices, how.step_s))
    finally:
        await devices.close()


async def _steps(one: SitePlay, devices: SiteDevices | None, step_s: float) -> None:
    while True:
        await one.step(devices)
        await asyncio.sleep(step_s)


def _floor(us: int, step_us: int) -> int:
    return us - us % step_us


def _us(span: timedelta) -> int:
    return span.days * 86_400 * US_PER_S + span.seconds * US_PER_S
