from pathlib import Path

from dure.city import read_city
from dure.core.assets import AssetKinds
from dure.core.properties import Properties
from dure.services.environment.model import KINDS, PROPERTIES

DEMO = Path(__file__).parents[4] / "examples" / "hwaseong"


def test_every_property_of_a_kind_is_registered():
    properties = Properties(PROPERTIES)
    assert [one for kind in KINDS for one in kind.properties if one not in properties] == []


def test_every_property_says_where_its_span_comes_from_and_has_both_names():
    assert [one.id for one in PROPERTIES if not (one.source and one.name.ko and one.name.en)] == []


def test_the_limits_of_the_world_meteorological_organization_are_taken_over():
    properties = Properties(PROPERTIES)
    temperature, pressure, humidity = (properties[one] for one in ("air_temperature", "air_pressure", "relative_humidity"))
    assert (temperature.fail_min, temperature.fail_max) == (-50, 50)
    assert (pressure.fail_min, pressure.fail_max) == (630, 1060)
    assert (humidity.suspect_max, humidity.fail_max) == (100, 104)


def test_rain_is_summed_and_wind_direction_is_a_mean_of_vectors():
    assert {one.id: one.aggregate for one in PROPERTIES if one.aggregate != "mean"} == {
        "wind_direction": "vector",
        "precipitation": "sum",
    }


def test_the_demo_city_lists_sixty_stations_inside_its_zones_with_known_kinds_and_properties():
    city = read_city(DEMO)
    properties, kinds = Properties(PROPERTIES), AssetKinds(KINDS)
    city.apply_ranges(properties)
    assert city.notices == []
    stations = [asset for asset in city.assets() if asset.kind in kinds]
    devices = {one.asset for one in city.devices()}
    assert len(stations) == len([one for one in stations if one.id in devices]) == 60
    assert all("zone" in asset.attributes for asset in stations)
    assert [one for asset in stations for one in asset.attributes["properties"] if one not in properties] == []
    assert properties["ph"].suspect_max == 9.5


def test_the_demo_city_shows_each_fault_once_and_says_that_it_is_a_demo():
    kinds = AssetKinds(KINDS)
    assets = [one for one in read_city(DEMO).assets() if one.kind in kinds]
    faults = [asset.attributes["fault"] for asset in assets if "fault" in asset.attributes]
    assert sorted(faults) == ["clock", "doubled", "drift", "hour", "moved", "new", "silent", "spike", "stuck", "unit"]
    assert sum(asset.state == "quarantined" for asset in assets) == 1
    assert all(asset.attributes["demo"] == "yes" for asset in assets)
