"""The kinds of vehicle: rows of data with a source, and a city's own."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from dure.core.errors import ConfigError
from dure.engines.roads.profiles import SHIPPED, profiles_digest, vehicle_profiles

DAY = date(2026, 11, 25)


def test_a_truck_and_a_small_truck_are_known_and_marked_provisional():
    found = vehicle_profiles(DAY)
    assert sorted(found) == ["mini-truck", "truck"]
    assert all(one.provisional and one.source for one in found.values())
    assert found["truck"].detour == 1.45
    assert not found["truck"].classes["motorway"].stopping


def test_no_vehicle_drives_on_a_footway():
    assert all("footway" not in one.classes and "cycleway" not in one.classes for one in vehicle_profiles(DAY).values())


def city(tmp_path, old, new):
    folder = tmp_path / "rules" / "roads"
    folder.mkdir(parents=True)
    text = (SHIPPED / "vehicle_profiles.toml").read_text("utf-8")
    assert old in text
    (folder / "vehicle_profiles.toml").write_text(text.replace(old, new), "utf-8")
    return tmp_path


def test_a_citys_own_profiles_win_and_change_the_digest(tmp_path):
    own = vehicle_profiles(DAY, city(tmp_path, "estimated_kmh = 24.0", "estimated_kmh = 19.0"))
    assert own["truck"].estimated_kmh == 19.0
    assert profiles_digest(own) != profiles_digest(vehicle_profiles(DAY))
    assert profiles_digest(vehicle_profiles(DAY)) == profiles_digest(vehicle_profiles(DAY))


def test_a_profile_without_speeds_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"roads\.no_speeds"):
        vehicle_profiles(DAY, city(tmp_path, 'id = "mini-truck"\n', 'id = "cart"\n'))


def test_a_wrong_word_in_a_profile_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"rules\.invalid"):
        vehicle_profiles(DAY, city(tmp_path, "snap_m_max = 150.0", 'snap_m_max = "near"'))
    shutil.rmtree(tmp_path / "rules")
