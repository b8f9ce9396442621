"""Charging sites as the register has them: attributes of assets, read and checked.

An attribute is a text (from a city's CSV) or a JSON value (from the API); docs/en/charging.md lists them. A list of assets
never fails as a whole: what cannot be used comes back as `Rejected`, with a stable code.

======================  ===================================================================================
``charging.attribute``  an attribute cannot be read, or is outside its span
``charging.unplaced``   the site has no place, so nobody finds it on the map
``charging.parent``     the asset's parent is not registered as what it must be
======================  ===================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.engines.records import assets, devices
from dure.engines.records.assets import Wanted
from dure.services.charging.model import VERSIONS, Charger, Evse, Feeder, Site, Solar, Storage

PAGE = 1_000
KW = 1_000.0
_KINDS = ("feeder", "charging_site", "charger", "evse", "pv", "ess", "grid_meter")


class Sites(NamedTuple):
    """Sites and feeders by id, chargers by OCPP identity, and assets that cannot be used."""

    sites: Mapping[str, Site]
    feeders: Mapping[str, Feeder]
    by_identity: Mapping[str, Charger]
    rejected: list[Rejected]

    def site_of(self, charger: str) -> Site | None:
        """The site of a charger (its asset id)."""
        return next((site for site in self.sites.values() if any(one.id == charger for one in site.chargers)), None)


def registered(connection: Connection) -> Sites:
    """All sites of the city that are live."""
    found: list[Asset] = []
    after = ""
    while True:
        page = assets.listing(connection, Wanted(kinds=_KINDS, states=("live",)), after=after, limit=PAGE)
        found += page.items
        if not page.next:
            break
        after = page.next
    return sites_of(found, _identities(connection))


def _identities(connection: Connection) -> dict[str, str]:
    """Identity (device id) by asset of every device that is not revoked."""
    found: dict[str, str] = {}
    after = ""
    while True:
        page = devices.listing(connection, after=after, limit=PAGE)
        found.update((one.asset, one.id) for one in page.items if one.state != "revoked")
        if not page.next:
            return found
        after = page.next


def sites_of(listed: Iterable[Asset], identities: Mapping[str, str] | None = None) -> Sites:
    """Sites of assets, each with what stands on it; other kinds are left out."""
    known = identities or {}
    ordered = sorted(listed, key=lambda one: (_KINDS.index(one.kind) if one.kind in _KINDS else len(_KINDS), one.id))
    reading = _Reading(known)
    for row, one in enumerate(ordered):
        if one.kind not in _KINDS:
            continue
        try:
            reading.take(one)
        except InputError as error:
            reading.rejected.append(Rejected(row, error.code, error.message, one.id))
    sites = reading.joined()
    return Sites(
        sites,
        reading.feeders,
        {one.identity: one for site in sites.values() for one in site.chargers if one.identity},
        reading.rejected,
    )


class _Reading:
    """The parts of sites as they are read: parents stand before what stands on them."""

    def __init__(self, identities: Mapping[str, str]) -> None:
        self._identities = identities
        self.feeders: dict[str, Feeder] = {}
        self.rejected: list[Rejected] = []
        self._sites: dict[str, Site] = {}
        self._chargers: dict[str, Charger] = {}
        self._evses: list[Evse] = []
        self._solar: list[Solar] = []
        self._storage: list[Storage] = []
        self._meters: dict[str, str] = {}

    def take(self, one: Asset) -> None:
        """Read one asset; refused with `InputError` and one of the codes above."""
        getattr(self, f"_take_{one.kind}")(one, _Words(one))

    def _take_feeder(self, one: Asset, words: _Words) -> None:
        self.feeders[one.id] = Feeder(id=one.id, name=one.name, limit_w=words.number("limit_kw", (1, 1e6), 0) * KW)

    def _take_charging_site(self, one: Asset, words: _Words) -> None:
        if one.place is None:
            raise InputError("charging.unplaced", f"{one.id} has no place. Give its longitude and latitude.")
        point = one.place.point
        self._sites[one.id] = Site(
            id=one.id,
            name=one.name,
            lon=point.lon,
            lat=point.lat,
            contract_w=words.number("contract_kw", (1, 1e6), 100) * KW,
            tariff=words.text("tariff"),
            price=words.text("price"),
            operator=words.text("operator"),
            generator=words.text("generator"),
            feeder=words.text("feeder"),
            grid_to_ess=words.yes("grid_to_ess"),
            direct_supply=words.yes("direct_supply", usual=True),
            behind_meter=words.text("behind_meter"),
            v2g=words.yes("v2g"),
            phase_a=words.number("phase_a", (0, 1e5), 0),
            voltage_v=words.number("voltage_v", (50, 1_000), 220),
            stops_at_80=words.yes("stops_at_80"),
            stops_at_90=words.yes("stops_at_90"),
            demo=words.yes("demo"),
        )

    def _take_charger(self, one: Asset, words: _Words) -> None:
        self._on(one, self._sites, "charging_site")
        spoken = words.text("ocpp")
        versions = VERSIONS if spoken in {"", "any"} else tuple(v for v in VERSIONS if v.removeprefix("ocpp") in spoken.split())
        if not versions:
            raise words.refused("ocpp", "names none of 1.6, 2.0.1 and 2.1")
        self._chargers[one.id] = Charger(
            id=one.id,
            site=one.parent or "",
            name=one.name,
            identity=self._identities.get(one.id, ""),
            versions=versions,
            security_profile=round(words.number("security_profile", (1, 3), 1)),
            serial=words.text("serial"),
            power_w=words.number("power_kw", (0, 1e5), 0) * KW,
            keeps_log=words.yes("keep_log"),
            demo=words.yes("demo"),
        )

    def _take_evse(self, one: Asset, words: _Words) -> None:
        self._on(one, self._chargers, "charger")
        self._evses.append(
            Evse(
                id=one.id,
                charger=one.parent or "",
                number=round(words.number("number", (1, 1_000), 1)),
                name=one.name,
                connector=words.text("connector") or "type2",
                power_w=words.number("power_kw", (0.1, 1e4), 7) * KW,
                phases=words.phases("phases"),
                min_a=words.number("min_a", (0, 100), 6),
                v2g=words.yes("v2g"),
            )
        )

    def _take_pv(self, one: Asset, words: _Words) -> None:
        self._on(one, self._sites, "charging_site")
        self._solar.append(
            Solar(
                id=one.id,
                site=one.parent or "",
                peak_w=words.number("peak_kw", (0.01, 1e6), 1) * KW,
                tilt=words.number("tilt", (0, 90), 30),
                azimuth=words.number("azimuth", (0, 360), 180),
                owner=words.text("owner"),
            )
        )

    def _take_ess(self, one: Asset, words: _Words) -> None:
        self._on(one, self._sites, "charging_site")
        power = words.number("power_kw", (0.1, 1e6), 1) * KW
        self._storage.append(
            Storage(
                id=one.id,
                site=one.parent or "",
                capacity_wh=words.number("capacity_kwh", (0.1, 1e7), 1) * KW,
                charge_w=words.number("charge_kw", (0.1, 1e6), power / KW) * KW,
                discharge_w=words.number("discharge_kw", (0.1, 1e6), power / KW) * KW,
                charge_efficiency=words.number("charge_efficiency", (0.1, 1), 0.95),
                discharge_efficiency=words.number("discharge_efficiency", (0.1, 1), 0.95),
                reserve_fraction=words.number("reserve_fraction", (0, 0.99), 0),
                wear_won_kwh=words.number("wear_won_kwh", (0, 1e4), 15),
            )
        )

    def _take_grid_meter(self, one: Asset, words: _Words) -> None:  # noqa: ARG002  # all kinds are taken alike
        self._on(one, self._sites, "charging_site")
        self._meters[one.parent or ""] = one.id

    @staticmethod
    def _on(one: Asset, known: Mapping[str, object], kind: str) -> None:
        if one.parent not in known:
            raise InputError("charging.parent", f"{one.id}: its parent {one.parent!r} is no {kind} that is registered.")

    def joined(self) -> dict[str, Site]:
        """Every site with what stands on it."""
        return {
            name: msgspec.structs.replace(
                site,
                chargers=_of(name, self._chargers.values()),
                evses=tuple(one for one in self._evses if self._chargers[one.charger].site == name),
                solar=_of(name, self._solar),
                storage=_of(name, self._storage),
                meter=self._meters.get(name, ""),
            )
            for name, site in self._sites.items()
        }


def _of(site: str, parts: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(one for one in parts if one.site == site)


class _Words:
    """The attributes of one asset, each read once."""

    def __init__(self, asset: Asset) -> None:
        self._id, self._given = asset.id, asset.attributes

    def refused(self, name: str, why: str) -> InputError:
        return InputError("charging.attribute", f"{self._id}: {name} {str(self._given.get(name))[:40]!r} {why}.")

    def text(self, name: str) -> str:
        return str(self._given.get(name, "")).strip()

    def yes(self, name: str, *, usual: bool = False) -> bool:
        given = self._given.get(name, "")
        if given in {"", None}:
            return usual
        if isinstance(given, bool):
            return given
        if given not in {"yes", "no"}:
            raise self.refused(name, "is neither yes nor no")
        return bool(given == "yes")

    def number(self, name: str, span: tuple[float, float], usual: float) -> float:
        given = self._given.get(name, "")
        if given in {"", None}:
            return usual
        try:
            value = float(given)
        except (TypeError, ValueError):
            raise self.refused(name, "is no number") from None
        if not (math.isfinite(value) and span[0] <= value <= span[1]):
            raise self.refused(name, f"lies outside {span[0]:g} to {span[1]:g}")
        return value

    def phases(self, name: str) -> tuple[int, ...]:
        given = self._given.get(name, "1")
        listed: Sequence[Any] = given if isinstance(given, list) else str(given).split()
        if list(listed) == ["dc"]:
            return ()
        found = tuple(int(one) for one in listed if str(one) in {"1", "2", "3"})
        if len(found) != len(listed) or len(set(found)) != len(found) or not found:
            raise self.refused(name, "is no list of phases 1, 2, 3, nor dc")
        return found
