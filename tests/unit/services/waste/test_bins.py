"""Attributes of assets to bins, trucks, depots and disposal sites: what is read, and what is refused by which code."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import at
from dure.core.text import Text
from dure.services.waste.bins import bin_of, bins_of, depot_of, dump_of, fleet_of, truck_of
from dure.services.waste.model import Bin

HERE = at(126.83, 37.2)


def asset(kind, id_="one", *, place=HERE, state="live", **attributes):
    return Asset(id=id_, city="hwaseong", kind=kind, name=Text("하나", "One"), place=place, state=state, attributes=attributes)


def code_of(read, one):
    with pytest.raises(InputError) as refused:
        read(one)
    return refused.value.code


@pytest.mark.parametrize(
    "attributes",
    [
        {"capacity_l": "much"},
        {"capacity_l": "nan"},
        {"capacity_l": "inf"},
        {"capacity_l": True},
        {"capacity_l": [100]},
        {"capacity_l": 0},
        {"capacity_l": -5},
        {"compaction": 0.5},
        {"depth_m": 0},
        {"full_m": -0.1},
        {"interval_d": 0},
        {"stream": "Food waste"},
        {"stream": 3},
        {"windows": "6-10"},
        {"windows": "06:00-06:00"},
        {"windows": "25:00-26:00"},
        {"windows": 6},
        {"windows": {"from": "06:00"}},
        {"skills": "Lift!"},
        {"skills": [1]},
        {"sensor": "maybe"},
    ],
)
def test_an_attribute_that_cannot_be_read_is_refused_by_name(attributes):
    assert code_of(bin_of, asset("bin", **attributes)) == "waste.attribute"
    with pytest.raises(InputError, match=next(iter(attributes))):
        bin_of(asset("bin", **attributes))


def test_a_bin_whose_full_surface_lies_below_its_floor_is_refused():
    assert code_of(bin_of, asset("bin", depth_m="1.0", full_m="1.0")) == "bin.geometry"


def test_a_bin_without_a_place_is_refused_as_no_truck_finds_it():
    assert code_of(bin_of, asset("bin", place=None)) == "waste.unplaced"


def test_an_asset_of_another_kind_is_no_bin():
    assert code_of(bin_of, asset("station")) == "waste.kind"


def test_a_bin_without_attributes_is_as_the_model_says():
    assert bin_of(asset("bin")) == Bin(id="one", lon=126.83, lat=37.2)


def test_texts_of_a_csv_and_values_of_the_api_give_the_same_bin():
    texts = asset(
        "bin",
        stream="food",
        bin_class="market",
        capacity_l="120",
        compaction="4",
        depth_m="1.25",
        full_m="0.2",
        interval_d="2.5",
        service_s="90",
        windows="06:00-10:30 22:00-02:00",
        skills="lift key",
        zone="41590250",
        sensor="no",
        demo="yes",
    )
    values = asset(
        "bin",
        stream="food",
        bin_class="market",
        capacity_l=120,
        compaction=4.0,
        depth_m=1.25,
        full_m=0.2,
        interval_d=2.5,
        service_s=90,
        windows=["06:00-10:30", "22:00-02:00"],
        skills=["key", "lift"],
        zone="41590250",
        sensor=False,
        demo=True,
    )
    assert bin_of(texts) == bin_of(values)
    assert bin_of(texts).windows == ((6 * 3600, 10 * 3600 + 1800), (22 * 3600, 26 * 3600))
    assert bin_of(texts).skills == {"lift", "key"}
    assert bin_of(texts).sensor is False


def test_a_list_keeps_what_can_be_used_and_says_what_cannot_and_why():
    found = bins_of(
        [
            asset("bin", "b-1"),
            asset("bin", "b-2", capacity_l="?"),
            asset("bin", "b-3", place=None),
            asset("bin", "b-4", state="quarantined"),
            asset("bin", "b-5", state="retired"),
            asset("station", "s-1"),
        ]
    )
    assert [one.id for one in found.bins] == ["b-1"]
    assert [(one.row, one.code, one.content) for one in found.rejected] == [
        (2, "waste.attribute", "b-2"),
        (3, "waste.unplaced", "b-3"),
    ]


def test_a_truck_is_read_with_its_shift_breaks_and_what_it_burns():
    truck = truck_of(
        asset(
            "truck",
            place=None,
            capacity_l="8000",
            capacity_kg="3500",
            streams="general recycling",
            profile="mini-truck",
            shift="21:00-05:00",
            breaks="00:30-02:00/60",
            depot="d-1",
            dumps="x-2 x-1",
            fuel_l_100km="31.5",
            speed_factor="1.1",
        )
    )
    assert truck.shift == (21 * 3600, 29 * 3600)
    assert truck.breaks == ((1800, 7200, 3600),)
    assert truck.streams == {"general", "recycling"}
    assert (truck.depot, truck.dumps, truck.fuel_l_100km, truck.speed_factor) == ("d-1", ("x-1", "x-2"), 31.5, 1.1)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({}, "truck.capacity"),
        ({"capacity_l": 0}, "truck.capacity"),
        ({"capacity_l": 8000, "breaks": "11:30-13:00"}, "waste.attribute"),
        ({"capacity_l": 8000, "breaks": "11:30-13:00/0"}, "waste.attribute"),
        ({"capacity_l": 8000, "breaks": "11:30-13:00/²"}, "waste.attribute"),
        ({"capacity_l": 8000, "shift": "06:00"}, "waste.attribute"),
        ({"capacity_l": 8000, "crew_n": 0}, "waste.attribute"),
        ({"capacity_l": 8000, "fuel_l_100km": -1}, "waste.attribute"),
    ],
)
def test_a_truck_that_cannot_work_is_refused(attributes, code):
    assert code_of(truck_of, asset("truck", **attributes)) == code


def test_a_disposal_site_has_hours_and_takes_streams():
    dump = dump_of(asset("dump", windows="08:00-12:00 13:00-17:00", service_s="600", accepts="general food"))
    assert dump.windows == ((8 * 3600, 12 * 3600), (13 * 3600, 17 * 3600))
    assert dump.accepts == {"general", "food"}
    assert depot_of(asset("depot")).lon == 126.83


def test_a_fleet_uses_the_first_depot_and_every_site_that_takes_its_streams():
    fleet = fleet_of(
        [
            asset("truck", "t-1", capacity_l=8000),
            asset("truck", "t-2", capacity_l=8000, streams="food"),
            asset("depot", "d-1"),
            asset("dump", "x-1", accepts="general"),
            asset("dump", "x-2"),
        ]
    )
    assert {one.id: (one.depot, one.dumps) for one in fleet.trucks} == {"t-1": ("d-1", ("x-1", "x-2")), "t-2": ("d-1", ("x-2",))}
    assert fleet.rejected == []


@pytest.mark.parametrize("attributes", [{"depot": "d-9"}, {"dumps": "x-9"}])
def test_a_truck_that_names_a_place_nobody_registered_is_left_out_with_the_reason(attributes):
    fleet = fleet_of([asset("truck", "t-1", capacity_l=8000, **attributes), asset("depot", "d-1"), asset("dump", "x-1")])
    assert fleet.trucks == []
    assert [(one.code, one.content) for one in fleet.rejected] == [("truck.place", "t-1")]


def test_a_truck_without_any_depot_is_left_out():
    assert [one.code for one in fleet_of([asset("truck", capacity_l=8000)]).rejected] == ["truck.place"]


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.text(max_size=5), max_size=3)
)


@given(st.dictionaries(st.sampled_from(Bin.__struct_fields__), _VALUES))
def test_whatever_the_register_holds_gives_a_bin_or_a_reason(attributes):
    one = asset("bin", **{name: value for name, value in attributes.items() if name not in ("id", "kind")})
    found = bins_of([one])
    assert len(found.bins) + len(found.rejected) == 1
    assert all(msgspec.json.decode(msgspec.json.encode(two), type=Bin) == two for two in found.bins)
