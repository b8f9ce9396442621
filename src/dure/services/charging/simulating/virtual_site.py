"""A virtual charging site: sun, other load, storage and chargers between one grid meter; its books close to the Wh.

Energies are whole millijoules. At every full minute the grid meter counts what the other meters show they moved since the minute
before, in whole Wh, so that at these instants always

    import - export = load + vehicles + storage charge - storage discharge - sun      [Wh]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from dure.core.time import US_PER_S, day_of, from_us
from dure.services.charging.model import Site
from dure.services.charging.simulating import virtual_sun
from dure.services.charging.simulating.charger_state import MJ_PER_WH, ChargerState
from dure.services.charging.simulating.virtual_charger import VirtualCharger
from dure.services.charging.simulating.virtual_drivers import Visit, chance, visits_of_day
from dure.services.charging.simulating.virtual_storage import StorageState, VirtualStorage

MINUTE_US = 60 * US_PER_S
# Share of its peak that the other load of a site draws by local hour: light at night, people by day. The demo's own.
LOAD_BY_HOUR = (
    0.30, 0.28, 0.27, 0.27, 0.28, 0.32, 0.42, 0.60, 0.80, 0.92, 0.97, 1.00,
    0.90, 0.96, 1.00, 0.98, 0.94, 0.86, 0.74, 0.62, 0.52, 0.45, 0.38, 0.33,
)  # fmt: skip

Reads = Mapping[str, Mapping[str, float]]
"""What the meters of a site show, by asset and property."""


class SiteState(msgspec.Struct):
    """What a site remembers; `at_us` is how far it was played, `counted` what its meters showed at the last full minute [Wh]."""

    at_us: int
    sun_mj: dict[str, int] = {}  # msgspec copies an empty default for every instance
    load_mj: int = 0
    import_wh: int = 0
    export_wh: int = 0
    counted: dict[str, int] = {}
    storage: dict[str, StorageState] = {}
    chargers: dict[str, ChargerState] = {}
    came_us: int = 0  # until when vehicles have come
    told_us: int = 0  # until when its meters have told what they show


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes to a site and what else it draws: visits by EVSE (profile, how busy), peak of its load [W], local time."""

    profiles: Mapping[str, tuple[str, float]]
    load_w: float
    zone: ZoneInfo
    seed: int = 1


class VirtualSite:
    """One site, stepped from outside with the time."""

    def __init__(self, site: Site, chargers: Sequence[VirtualCharger], state: SiteState, around: Around) -> None:
        self.site, self.chargers, self.state, self.seed = site, chargers, state, around.seed
        self.around = around
        self._profiles, self._load_w, self._zone = around.profiles, around.load_w, around.zone
        self.storage = [VirtualStorage(one, state.storage.get(one.id)) for one in site.storage]
        state.storage = {one.storage.id: one.state for one in self.storage}
        state.chargers = {one.charger.id: one.state for one in chargers}
        for solar in site.solar:
            state.sun_mj.setdefault(solar.id, 0)
        self.powers_w: dict[str, float] = {}
        self._drawn_w = 0.0
        if not state.counted:
            state.counted = self._shown()

    def advance(self, to_us: int, step_us: int = MINUTE_US) -> Iterator[int]:
        """Play until `to_us`, in steps that end at multiples of `step_us`; yields each such end, when the meters are in step."""
        state = self.state
        while state.at_us < to_us:
            begin_us = state.at_us
            end_us = min(begin_us + step_us - begin_us % step_us, to_us)
            self._arrive(begin_us)
            self._flow(begin_us, end_us - begin_us)
            state.at_us = end_us
            for one in self.chargers:
                one.look(end_us)
            if end_us % step_us == 0:
                self._count()
                for one in self.chargers:
                    one.minute(end_us)
                yield end_us

    def _flow(self, at_us: int, duration_us: int) -> None:
        state, middle_us = self.state, at_us + duration_us // 2
        sun_w = 0.0
        for solar in self.site.solar:
            power_w = virtual_sun.power_w(self.seed, solar, (self.site.lon, self.site.lat), middle_us)
            state.sun_mj[solar.id] += round(power_w * duration_us / 1_000)
            self.powers_w[solar.id] = power_w
            sun_w += power_w
        load_w = self._drawn_w = self.load_w(middle_us)
        state.load_mj += round(load_w * duration_us / 1_000)
        vehicles_mj = sum(one.flow(at_us, duration_us) for one in self.chargers)
        lacking_w = load_w + vehicles_mj * 1_000 / duration_us - sun_w
        for storage in self.storage:
            lacking_w += storage.flow(at_us, duration_us, lacking_w) * 1_000 / duration_us
        self.powers_w[self.site.meter] = lacking_w

    def load_w(self, at_us: int) -> float:
        """What the site draws besides its vehicles."""
        local = from_us(at_us).astimezone(self._zone)
        here, after = LOAD_BY_HOUR[local.hour], LOAD_BY_HOUR[(local.hour + 1) % 24]
        noise = 0.9 + 0.2 * chance(self.seed, f"load {self.site.id}", at_us // (5 * MINUTE_US))
        return self._load_w * (here + (after - here) * local.minute / 60) * noise

    def _arrive(self, at_us: int) -> None:
        """Vehicles that came since the last step; one that finds its place taken, or came and went, drives on."""
        since_us, self.state.came_us = self.state.came_us or at_us, at_us
        for charger in self.chargers:
            for number, evse in charger.evses.items():
                for visit in self._visits(evse.id, at_us):
                    if since_us < visit.arrives_us <= at_us and visit.leaves_us > at_us + MINUTE_US:
                        charger.plug(number, visit, at_us)

    def _visits(self, evse: str, at_us: int) -> Sequence[Visit]:
        profile = self._profiles.get(evse)
        return _of_day(self.seed, evse, profile, day_of(from_us(at_us), self._zone).toordinal(), self._zone) if profile else ()

    def _shown(self) -> dict[str, int]:
        """What every meter but the grid's shows [Wh]."""
        state = self.state
        shown = {name: mj // MJ_PER_WH for name, mj in state.sun_mj.items()}
        shown["load"] = state.load_mj // MJ_PER_WH
        for one in self.storage:
            shown[f"{one.storage.id} in"] = one.state.charged_mj // MJ_PER_WH
            shown[f"{one.storage.id} out"] = one.state.discharged_mj // MJ_PER_WH
        for charger in self.chargers:
            for number, evse in charger.evses.items():
                shown[evse.id] = charger.state.evses[number].register_mj // MJ_PER_WH
        return shown

    def _count(self) -> None:
        """The grid meter counts what was moved since it counted last."""
        state, shown = self.state, self._shown()
        given = {*state.sun_mj, *(f"{one.storage.id} out" for one in self.storage)}
        net_wh = sum((wh - state.counted.get(name, wh)) * (-1 if name in given else 1) for name, wh in shown.items())
        state.import_wh += max(net_wh, 0)
        state.export_wh += max(-net_wh, 0)
        state.counted = shown

    def reads(self) -> Reads:
        """What the meters showed at the last full minute: registers [Wh], powers [W], the storage's charge [1]."""
        state, counted = self.state, self.state.counted
        found: dict[str, dict[str, float]] = {
            one.id: {"solar_register": counted[one.id], "solar_power": round(self.powers_w.get(one.id, 0.0), 1)}
            for one in self.site.solar
        }
        for one in self.storage:
            found[one.storage.id] = {
                "storage_charge_register": counted[f"{one.storage.id} in"],
                "storage_discharge_register": counted[f"{one.storage.id} out"],
                "storage_soc": round(one.soc, 4),
                "storage_power": round(one.state.power_w, 1),
            }
        if self.site.meter:
            found[self.site.meter] = {
                "grid_import_register": state.import_wh,
                "grid_export_register": state.export_wh,
                "grid_power": round(self.powers_w.get(self.site.meter, 0.0), 1),
                "site_load_register": counted["load"],
                "site_load_power": round(self._drawn_w, 1),
            }
        return found


@lru_cache(maxsize=512)
def _of_day(seed: int, evse: str, profile: tuple[str, float], day: int, zone: ZoneInfo) -> tuple[Visit, ...]:
    return tuple(visits_of_day(seed, evse, profile[0], date.fromordinal(day), zone, profile[1]))
