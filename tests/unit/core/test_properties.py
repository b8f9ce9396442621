"""The registry of properties and the checks of each row."""

import msgspec
import pytest

from dure.core.assets import Asset, AssetKind, AssetKinds
from dure.core.errors import ConfigError, InputError
from dure.core.properties import Properties, Property
from dure.core.text import Text

TEMPERATURE = Property(
    id="t", name=Text("기온", "Temperature"), unit="Cel", fail_min=-50, fail_max=60, suspect_min=-35, suspect_max=45
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": "Air Temp"}, "id.malformed"),
        ({"unit": "C"}, "property.unit"),
        ({"fail_max": -50}, "property.range"),
        ({"fail_min": float("nan")}, "property.range"),
        ({"suspect_min": -51}, "property.range"),
        ({"suspect_max": 61}, "property.range"),
        ({"suspect_min": 45}, "property.range"),
        ({"period_s": 0}, "property.period"),
        ({"retention_d": 0}, "property.period"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused(change, code):
    with pytest.raises((ConfigError, InputError)) as refused:
        Property(**msgspec.structs.asdict(TEMPERATURE) | change)
    assert refused.value.code == code


def test_a_property_means_one_thing():
    registry = Properties([TEMPERATURE])
    registry.add(TEMPERATURE)
    with pytest.raises(ConfigError) as refused:
        registry.add(msgspec.structs.replace(TEMPERATURE, fail_max=70))
    assert refused.value.code == "property.twice"
    assert len(registry) == 1


def test_the_citys_own_range_wins():
    registry = Properties([TEMPERATURE])
    registry.override(msgspec.structs.replace(TEMPERATURE, fail_max=70))
    assert registry["t"].fail_max == 70


def test_what_is_not_registered_is_an_input_error():
    registry = Properties([TEMPERATURE])
    assert "t" in registry
    assert registry.get("u") is None
    with pytest.raises(InputError) as refused:
        registry["u" * 1000]
    assert refused.value.code == "property.unknown"
    assert len(refused.value.message) < 200


def test_a_kind_is_registered_once_and_unknown_ones_are_refused():
    station = AssetKind("station", Text("측정소", "Station"), "environment")
    kinds = AssetKinds([station])
    assert kinds["station"] == station
    assert [kind.id for kind in kinds] == ["station"]
    with pytest.raises(ConfigError):
        AssetKinds([station, station])
    with pytest.raises(InputError):
        kinds["rocket"]


@pytest.mark.parametrize("change", [{"id": "st 1"}, {"city": "Hwaseong!"}])
def test_an_asset_has_names_that_travel(change):
    with pytest.raises(InputError):
        Asset(**{"id": "st-1", "city": "c", "kind": "station", "name": Text("가")} | change)


def test_a_new_asset_is_in_quarantine_with_attributes_of_its_own():
    one, other = (Asset(id=name, city="c", kind="station", name=Text("가")) for name in ("a", "b"))
    one.attributes["x"] = 1
    assert (one.state, other.attributes) == ("quarantined", {})
