"""GeoJSON out and in."""

import json

import pytest

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import Place, at
from dure.core.text import Text
from dure.protocols.geojson import feature_collection, geometry, read_assets, read_features

SQUARE = [[127.0, 37.0], [127.1, 37.0], [127.1, 37.1], [127.0, 37.1], [127.0, 37.0]]
HOLE = [[127.02, 37.02], [127.08, 37.02], [127.08, 37.08], [127.02, 37.08], [127.02, 37.02]]


NAMED = {"type": "Feature", "id": "동탄", "geometry": None, "properties": {"kind": "zone"}}


def asset(place):
    return Asset(
        id="st-1", city="hwaseong", kind="station", name=Text("동탄", "Dongtan"), place=place, attributes={"height_m": 10}
    )


def file(*features, **more):
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more}).encode()


def shape(kind, coordinates, **properties):
    return {"type": "Feature", "id": "z-1", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def test_an_asset_and_its_values_become_a_feature():
    (feature,) = feature_collection([asset(at(127.12345678, 37.0))], {"st-1": {"pm10": 35.0}})["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [127.1234568, 37.0]}
    assert feature["properties"] == {
        "id": "st-1",
        "kind": "station",
        "name_ko": "동탄",
        "name_en": "Dongtan",
        "state": "quarantined",
        "height_m": 10,
        "pm10": 35.0,
    }


def test_an_asset_without_a_place_has_a_null_geometry():
    assert feature_collection([asset(None)])["features"][0]["geometry"] is None


@pytest.mark.parametrize("reverse_outer", [False, True])
@pytest.mark.parametrize("reverse_hole", [False, True])
def test_rings_follow_the_right_hand_rule(reverse_outer, reverse_hole):
    rings = [SQUARE[::-1] if reverse_outer else SQUARE, HOLE[::-1] if reverse_hole else HOLE]
    assert geometry(Place("Polygon", rings))["coordinates"] == [SQUARE, HOLE[::-1]]
    assert geometry(Place("MultiPolygon", [rings]))["coordinates"] == [[SQUARE, HOLE[::-1]]]


def test_what_is_written_is_read_again():
    written = json.dumps(feature_collection([asset(Place("Polygon", [SQUARE]))])).encode()
    listed = read_assets(written, "hwaseong")
    assert listed.rejected == []
    assert listed.assets == [asset(Place("Polygon", [SQUARE]))]


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        (5, "geojson.not_a_feature"),
        ({"type": "Feature", "properties": 5, "geometry": None}, "geojson.not_a_feature"),
        (shape("MultiPoint", [[127, 37]]), "geojson.geometry"),
        (shape("Point", [127]), "geojson.geometry"),
        (shape("Point", [127, "37"]), "geojson.geometry"),
        (shape("Point", []), "geojson.geometry"),
        (shape("Point", None), "geojson.geometry"),
        (shape("Polygon", SQUARE), "geojson.geometry"),
        (shape("LineString", [[127, 37]]), "geojson.geometry"),
        (shape("Polygon", [SQUARE[:-1]]), "geojson.ring"),
        (shape("Polygon", [SQUARE[:2]]), "geojson.ring"),
        (shape("Point", [37.0, 127.0]), "geojson.out_of_range"),
        (shape("Point", [float("nan"), 1]), "geojson.geometry"),
    ],
)
def test_a_broken_feature_is_rejected_by_its_number_and_the_others_kept(feature, code):
    found = read_features(file(feature, shape("Point", [127, 37])))
    assert [(one.row, one.code) for one in found.rejected] == [(1, code)]
    assert len(found.features) == 1


def test_swapped_coordinates_are_explained():
    assert "Longitude comes first" in read_features(file(shape("Point", [37.0, 127.0]))).rejected[0].why


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "geojson.broken"),
        (b"\xff", "geojson.broken"),
        (b"[]", "geojson.not_features"),
        (b'{"type": "FeatureCollection"}', "geojson.not_features"),
        (file(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::5179"}}), "geojson.crs"),
        (file(crs=5), "geojson.crs"),
    ],
)
def test_a_file_that_is_no_geojson_is_refused(body, code):
    with pytest.raises(InputError) as raised:
        read_features(body)
    assert raised.value.code == code


def test_wgs_84_named_the_old_way_is_accepted():
    assert read_features(file(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}})).features == []


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        ({**shape("Point", [127, 37]), "id": None}, "geojson.id_missing"),
        (NAMED, "id.malformed"),
        (shape("Point", [127, 37]), "geojson.kind_missing"),
    ],
)
def test_a_feature_that_is_no_asset_says_why(feature, code):
    assert [one.code for one in read_assets(file(feature), "hwaseong").rejected] == [code]


def test_an_id_that_comes_twice_is_rejected():
    listed = read_assets(file(shape("Point", [127, 37]), shape("Point", [126, 37])), "hwaseong", "zone")
    assert [(one.row, one.code) for one in listed.rejected] == [(2, "geojson.id_twice")]
