"""What map and live table show together: the standings a visitor may see, and the value of one property at each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dure.core.access import may
from dure.core.observations import Flag
from dure.core.properties import Property
from dure.core.time import format_instant, from_us, to_us
from dure.web.access import actor_of, house_of
from dure.web.standing import Standing, standings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from dure.core.assets import Asset
    from dure.spine.house import House
    from dure.web.i18n import Speech


class Scene(NamedTuple):
    """Standings, the property shown, and those one may choose."""

    found: list[Standing]
    chosen: Property | None
    choices: list[Property]
    everything: bool


async def visible(request: Request) -> Mapping[str, Asset]:
    """Assets the visitor may see."""
    sight = request.app.state.sight
    found: Mapping[str, Asset] = await sight.of(await actor_of(request))
    return found


async def scene(request: Request, *, everything: bool) -> Scene:
    """The scene for this visitor; citizens see neither trial stations nor values that are not fit to be shown."""
    house = house_of(request)
    everything = everything and may(await actor_of(request), "read", "city_data")
    assets = [one for one in (await visible(request)).values() if everything or one.state == "live"]
    found = standings(assets, house.live, house.properties, to_us(house.clock.now()))
    seen = {name for one in found for name in one.values}
    choices = [one for one in house.properties if one.id in seen]
    asked = request.query_params.get("property", "")
    chosen = next((one for one in choices if one.id == asked), choices[0] if choices else None)
    return Scene(found, chosen, choices, everything)


def shown_value(standing: Standing, property_id: str, *, everything: bool) -> float | None:
    """The number to print, or None where there is none or it must not be shown."""
    value = standing.values.get(property_id)
    if value is None or (not everything and value.flag not in (Flag.GOOD, Flag.SUSPECT)):
        return None
    return value.value


def map_data(house: House, at: Scene, say: Speech, prefix: str) -> dict[str, Any]:
    """Assets with a place, for the map, as GeoJSON."""
    return {"type": "FeatureCollection", "features": list(_features(house, at, say, prefix))}


def _features(house: House, at: Scene, say: Speech, prefix: str) -> Sequence[dict[str, Any]]:
    features = []
    for one in at.found:
        if one.asset.place is None:
            continue
        point = one.asset.place.point
        value = at.chosen and one.values.get(at.chosen.id)
        number = shown_value(one, at.chosen.id, everything=at.everything) if at.chosen else None
        features.append(
            {
                "type": "Feature",
                "id": one.asset.id,
                "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]},
                "properties": {
                    "id": one.asset.id,
                    "name": say.text(one.asset.name),
                    "status": one.status,
                    "value": number,
                    "flag": value.flag if value else None,
                    "time": format_instant(from_us(value.time_us)) if value else None,
                    "href": f"{prefix}{page_of(house, one.asset)}",
                },
            }
        )
    return features


def page_of(house: House, asset: Asset) -> str:
    """Where the page of an asset is, below the language: its service's folder."""
    if asset.kind not in house.kinds:
        return f"/environment/stations/{asset.id}"
    return f"/{house.kinds[asset.kind].service}/stations/{asset.id}"


def median(values: Sequence[float]) -> float | None:
    """Middle value; None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
