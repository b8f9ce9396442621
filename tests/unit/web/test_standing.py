import pytest

from dure.core.assets import Asset
from dure.core.observations import Flag
from dure.core.properties import Properties, Property
from dure.core.text import Text
from dure.spine.live import Live, LiveValue
from dure.web.standing import counts, is_late, standings, status_of

NOW_US = 1_800_000_000_000_000
PROPERTIES = Properties([Property(id="o3", name=Text("오존", "Ozone"), unit="[ppm]", fail_min=0, fail_max=1, period_s=60)])


def asset(state="live", id_="a"):
    return Asset(id=id_, city="c", kind="station", name=Text("가"), state=state)


def value(flag, age_s=0, asset_id="a"):
    return LiveValue(asset_id, "o3", NOW_US - age_s * 1_000_000, NOW_US, 0.03, flag, 0)


@pytest.mark.parametrize(
    ("state", "flag", "age_s", "status"),
    [
        ("live", Flag.GOOD, 0, "live"),
        ("live", Flag.SUSPECT, 0, "suspect"),
        ("live", Flag.FAIL, 0, "failing"),
        ("live", Flag.GOOD, 180, "live"),
        ("live", Flag.GOOD, 181, "silent"),
        ("live", Flag.FAIL, 181, "silent"),
        ("quarantined", Flag.GOOD, 0, "quarantined"),
        ("retired", Flag.FAIL, 0, "retired"),
    ],
)
def test_how_an_asset_stands(state, flag, age_s, status):
    assert status_of(asset(state), {"o3": value(flag, age_s)}, PROPERTIES, NOW_US) == status


def test_a_live_asset_never_heard_is_silent():
    assert status_of(asset(), {}, PROPERTIES, NOW_US) == "silent"


def test_a_property_no_longer_registered_is_late_after_half_an_hour():
    old = LiveValue("a", "gone", NOW_US - 1_801 * 1_000_000, NOW_US, 1.0, Flag.GOOD, 0)
    assert is_late(old, PROPERTIES, NOW_US)


def test_what_needs_a_person_stands_first():
    live = Live()
    live.load([value(Flag.GOOD, 0, "a"), value(Flag.FAIL, 0, "b")])
    found = standings([asset(id_="a"), asset(id_="b"), asset(id_="c")], live, PROPERTIES, NOW_US)
    assert [(one.asset.id, one.status) for one in found] == [("b", "failing"), ("c", "silent"), ("a", "live")]
    assert counts(found) == {"failing": 1, "silent": 1, "suspect": 0, "quarantined": 0, "live": 1, "retired": 0}
