"""What a claim is called by people: its method or practice, and what was measured; and where everybody may look at that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records import assets
from dure.services.carbon.claiming import methods
from dure.services.carbon.governing.places import assets_of, service_of
from dure.services.carbon.practising.catalogue import catalogue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.carbon.model import Claim
    from dure.spine.house import House

HOME = "home-normalised"
HOME_NAME = Text("집에서 아낀 에너지(날씨 보정)", "Energy saved at home, corrected for the weather")
# The service that measured -> its page for everybody; ``{}`` is the asset.
PUBLIC_PAGES: Mapping[str, str] = {"buildings": "/buildings/{}", "charging": "/charging/sites/{}", "waste": "/waste"}


def method_named(ref: str, on: date, folder: Path) -> Text:
    """A method, a practice or the judging of homes, by the ``id@version`` that claims keep."""
    method = methods.method_of(ref, folder)
    if method is not None:
        return method.name
    if ref.partition("@")[0] == HOME:
        return HOME_NAME
    practice = next((one for one in catalogue(on, folder).practices.values() if one.ref == ref), None)
    return Text(ref) if practice is None else practice.name


def names_of(house: House, connection: Connection, claims: Iterable[Claim]) -> dict[str, Text]:
    """What each claim is called, by id: ``Charging from renewables, Namyang hall``; of persons only what was done."""
    given = list(claims)
    known = measured(connection, given)
    folder = house.city.folder
    return {
        one.id: _joined(method_named(one.method, day_of(one.made_at, house.city.zone), folder), known[one.id]) for one in given
    }


def measured(connection: Connection, claims: Iterable[Claim]) -> dict[str, Asset | None]:
    """The asset each claim was measured at, by the claim's id; None where it has none of its own."""
    wanted = {one.id: assets_of(one) for one in claims}
    known = assets.find(connection, {each for names in wanted.values() for each in names})
    return {claim: next((known[each] for each in names if each in known), None) for claim, names in wanted.items()}


def public_page(claim: Claim, asset: Asset | None) -> str:
    """The page for everybody of what was measured; empty where there is none. A path without language."""
    page = PUBLIC_PAGES.get(service_of(claim), "")
    return "" if "{}" in page and asset is None else page.format("" if asset is None else asset.id)


def _joined(method: Text, asset: Asset | None) -> Text:
    if asset is None:
        return method
    return Text(f"{method.ko}, {asset.name.ko}", f"{method('en')}, {asset.name('en')}")
