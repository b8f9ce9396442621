"""A small virtual site for tests: one charger of each version, sun, storage, a grid meter."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from dure.core.text import Text
from dure.core.time import US_PER_S, parse_instant, to_us
from dure.services.charging.model import VERSIONS, Charger, Evse, Site, Solar, Storage, Version
from dure.services.charging.simulating.charger_state import ChargerState
from dure.services.charging.simulating.speech_2 import Speech2
from dure.services.charging.simulating.speech_16 import Speech16
from dure.services.charging.simulating.virtual_charger import Made, VirtualCharger
from dure.services.charging.simulating.virtual_drivers import Visit
from dure.services.charging.simulating.virtual_site import Around, SiteState, VirtualSite

ZONE = ZoneInfo("Asia/Seoul")
NOON_US = to_us(parse_instant("2026-06-15T03:00:00Z"))  # local noon
MINUTE_US = 60 * US_PER_S
NAME = Text("하나", "One")


def charger(version: Version = "ocpp2.0.1", fault: str = "", evses: int = 2, state: ChargerState | None = None) -> VirtualCharger:
    """A charger with EVSEs of one phase and 7 kW."""
    one = Charger(id="ch-1", site="cs-1", name=NAME, identity="dev-ch-1")
    own = tuple(Evse(id=f"ev-{n}", charger="ch-1", number=n, name=NAME, phases=(n,)) for n in range(1, evses + 1))
    made = VirtualCharger(Made(charger=one, evses=own, version=version, fault=fault), state)
    made.speech = Speech16(made) if version == "ocpp1.6" else Speech2(made)
    return made


def visit(begin_us: int = NOON_US, minutes: int = 120, need_wh: int = 7_000, **more: object) -> Visit:
    """A vehicle that comes now."""
    usual = {"battery_wh": 60_000, "taken_wh": 20_000, "max_w": 7_000.0, "card": 3}
    return Visit(
        id=f"v-{begin_us}", arrives_us=begin_us, leaves_us=begin_us + minutes * MINUTE_US, need_wh=need_wh, **(usual | more)
    )


def site(profile: str = "public", busy: float = 6.0, seed: int = 1) -> VirtualSite:
    """One charger of each version, many visits."""
    chargers = tuple(Charger(id=f"ch-{n}", site="cs-1", name=NAME, identity=f"dev-ch-{n}") for n in range(len(VERSIONS)))
    evses = tuple(Evse(id=f"ev-{n}", charger=f"ch-{n}", number=1, name=NAME, phases=(n + 1,)) for n in range(len(VERSIONS)))
    one = Site(
        id="cs-1",
        name=NAME,
        lon=126.8,
        lat=37.2,
        contract_w=50_000,
        chargers=chargers,
        evses=evses,
        solar=(Solar(id="pv-1", site="cs-1", peak_w=30_000),),
        storage=(
            Storage(id="ess-1", site="cs-1", capacity_wh=40_000, charge_w=15_000, discharge_w=15_000, reserve_fraction=0.1),
        ),
        meter="gm-1",
    )
    made = []
    for each, evse, version in zip(chargers, evses, VERSIONS, strict=True):
        virtual = VirtualCharger(Made(charger=each, evses=(evse,), version=version, seed=seed))
        virtual.speech = Speech16(virtual) if version == "ocpp1.6" else Speech2(virtual)
        made.append(virtual)
    around = Around(profiles={evse.id: (profile, busy) for evse in evses}, load_w=5_000, zone=ZONE, seed=seed)
    return VirtualSite(one, made, SiteState(at_us=NOON_US - 12 * 60 * MINUTE_US), around)
