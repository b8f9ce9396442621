"""A list of devices: read row by row, and what each row would do to the register."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.assets import Asset
from dure.core.errors import InputError, TooLarge
from dure.core.geo import Place, Point, at, inside
from dure.core.text import Text
from dure.services.environment.enrolling import enrolment
from dure.services.environment.enrolling.enrolment import read_batch, read_items
from dure.services.environment.enrolling.enrolment_plan import Known, KnownDevice, plan
from dure.services.environment.enrolling.enrolment_rows import Ground, asset_id_of
from dure.services.environment.enrolling.enrolment_zones import ZoneFinder
from dure.services.environment.model import KINDS, PROPERTIES

GROUND = Ground(
    city="testville",
    kinds=KINDS,
    codecs=frozenset({"milesight-am308", "milesight-am319", "dragino-wsc1-l"}),
    properties=PROPERTIES,
    bounds=(126.8, 37.1, 127.0, 37.3),
    today=date(2026, 11, 24),
)
HEAD = "장치 이름,DevEUI,코덱,설치 지점 이름,위도,경도"
ROW = "air-1,24E1-2413-6B50-2217,milesight-am308,동탄 1호 측정소,37.2,126.9"
STATION = Asset(
    id="st-1", city="testville", kind="station", name=Text("하나", "One"), place=at(126.9, 37.2), attributes={"zone": "z1"}
)
DEVICE = KnownDevice("dev-1", "st-1", "milesight-am308", "24e124136b502217")
KNOWN = Known(assets={"st-1": STATION}, devices={"dev-1": DEVICE}, by_dev_eui={"24e124136b502217": DEVICE})


def station_as(**facts):
    return Known(assets={"st-1": msgspec.structs.replace(STATION, **facts)})


def batch(*rows, head=HEAD):
    return read_batch("\n".join([head, *rows]).encode(), GROUND)


def refusal(row, head=HEAD):
    (one,) = batch(row, head=head).refused
    return one.code


def zone_of(point):
    return "z1" if 126.8 <= point.lon <= 127.0 and 37.1 <= point.lat <= 37.3 else None


def planned(*rows, head=HEAD, known=KNOWN, update=False):
    return plan(batch(*rows, head=head).enrolments, known, "testville", zone_of, update=update)


def outcome(*rows, **more):
    return planned(*rows, **more)[-1].outcome


def test_a_row_becomes_an_enrolment():
    (one,) = batch(ROW).enrolments
    assert (one.device, one.dev_eui, one.codec, one.name_ko) == (
        "air-1",
        "24e124136b502217",
        "milesight-am308",
        "동탄 1호 측정소",
    )
    assert (one.asset, one.place, one.row) == ("dongtan-1ho-cheukjeongso", Point(126.9, 37.2), 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_is_read_as_korean_spreadsheets_save_it(encoding, delimiter):
    body = f"{HEAD}\r\n{ROW}\r\n".replace(",", delimiter).encode(encoding)
    (one,) = read_batch(body, GROUND).enrolments
    assert one.name_ko == "동탄 1호 측정소"


def test_columns_stand_in_any_order_and_language_and_unknown_ones_are_told():
    read = batch("37.2, 126.9|동탄|비고입니다|am1".replace("|", "\t"), head="position\tname_ko\t비고\tDevice")
    (one,) = read.enrolments
    assert (one.device, one.name_ko, one.place) == ("am1", "동탄", Point(126.9, 37.2))
    assert read.columns == {"position": "position", "name_ko": "name", "비고": "", "Device": "device"}


def test_everything_a_list_may_say_is_kept():
    head = "device,name,kind,height,해발고도,설치일,설치자,사진,성적서번호,교정일,다음 교정일,항목,관측망,장소,serial,JoinEUI"
    row = "a-1,동탄,대기·기상 측정소,3 m,48,2026.11.24,한빛,IMG_1,KTR-1,2026-10-01,2027-10-01,미세먼지 기온 pm2_5,시,옥상,S1,"
    row += "0" * 16
    (one,) = batch(row, head=head).enrolments
    assert one.kind == "station"
    assert one.attributes == {
        "height_m": 3.0, "elevation_m": 48.0, "installed_on": "2026-11-24", "installer": "한빛", "photo": "IMG_1",
        "network": "시",
        "site": "옥상", "serial": "S1", "join_eui": "0" * 16, "properties": ["pm10", "air_temperature", "pm2_5"],
        "calibration": {"certificate": "KTR-1", "on": "2026-10-01", "due_on": "2027-10-01"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "head", "code"),
    [
        ("Air 1,,,동탄,,", HEAD, "id.malformed"),
        ("a-1,12,,동탄,,", HEAD, "device.dev_eui"),
        ("a-1,,no-such,동탄,,", HEAD, "codec.unknown"),
        ("a-1,,,동탄,37.2,", HEAD, "enrolment.position"),
        (",,,,37.2,126.9", HEAD, "enrolment.nothing"),
        ("a-1,동탄", HEAD, "table.row_width"),
        (f"a-1,,,{'가' * 201},,", HEAD, "enrolment.too_long"),
        ("a-1,쓰레기통", "device,kind", "asset_kind.unknown"),
        ("a-1,행복지수", "device,항목", "property.unknown"),
        ("a-1,700", "device,height", "enrolment.number"),
        ("a-1,어제", "device,설치일", "enrolment.date"),
        ("a-1,2026-10-01,2026-09-01", "device,교정일,다음 교정일", "enrolment.date"),
    ],
)
def test_a_bad_row_is_named_with_its_code(row, head, code):
    assert refusal(row, head) == code


def test_good_rows_are_not_held_up_by_bad_ones():
    read = batch(ROW, "b-2,12,,동탄 2호,37.2,126.9", "c-3,,,동탄 3호,37.21,126.9", "짧은 줄")
    assert [one.device for one in read.enrolments] == ["air-1", "c-3"]
    assert [(one.row, one.code) for one in read.refused] == [(3, "device.dev_eui"), (5, "table.row_width")]
    assert all(one.why.ko and one.why.en for one in read.refused)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ("air-1,,,다른 곳,37.25,126.9", "enrolment.device_twice"),
        ("air-2,24e124136b502217,milesight-am308,다른 곳,37.25,126.9", "enrolment.dev_eui_twice"),
        ("air-2,,,동탄 1호 측정소,37.25,126.9", "enrolment.asset_differs"),
    ],
)
def test_a_row_that_repeats_another_is_refused_and_names_it(second, code):
    (one,) = batch(ROW, second).refused
    assert (one.row, one.code) == (3, code)
    assert "row 2" in one.why.en


def test_two_devices_may_observe_one_asset():
    read = batch(ROW, "air-2,,,동탄 1호 측정소,37.2,126.9")
    assert [one.asset for one in read.enrolments] == ["dongtan-1ho-cheukjeongso"] * 2
    assert not [notice for one in read.enrolments for notice in one.noticed]


def test_two_assets_within_five_metres_are_noticed_and_not_refused():
    _, close, far = batch(ROW, "b-2,,,둘,37.20001,126.90001", "c-3,,,셋,37.201,126.9").enrolments
    assert [notice.code for notice in close.noticed] == ["enrolment.same_place"]
    assert far.noticed == ()


def test_a_swapped_position_and_an_overdue_calibration_are_noticed():
    (one,) = batch("a-1,126.9,37.2,2026-01-01", head="device,위도,경도,다음 교정일").enrolments
    assert one.place == Point(126.9, 37.2)
    assert [notice.code for notice in one.noticed] == ["enrolment.swapped", "enrolment.calibration_overdue"]


def test_a_comment_row_is_no_device():
    assert [one.device for one in batch("# air-101,,,예시,,", ROW).enrolments] == ["air-1"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", "table.header_missing"), (HEAD.encode(), "enrolment.empty"), ("비고,메모\na,b".encode(), "enrolment.no_columns"),
     (b"device,\xff\xff\n", "table.encoding"), ("장치,device\na,b".encode(), "table.column_twice")],
)  # fmt: skip
def test_a_file_that_is_no_list_is_refused_whole(body, code):
    with pytest.raises(InputError) as refused:
        read_batch(body, GROUND)
    assert refused.value.code == code


def test_a_list_has_a_limit(monkeypatch):
    monkeypatch.setattr(enrolment, "ROWS_MAX", 2)
    with pytest.raises(TooLarge):
        batch(*(f"a-{n},,,,," for n in range(3)))
    with pytest.raises(TooLarge):
        read_items([{"device": f"a-{n}"} for n in range(3)], GROUND)


def test_json_objects_are_rows_too():
    (one,) = read_items([{"device": "a-1", "lon": 126.9, "lat": 37.2, "properties": ["pm10"], "site": None}], GROUND).enrolments
    assert (one.place, one.attributes) == (Point(126.9, 37.2), {"properties": ["pm10"]})


@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_a_refusal(body):
    try:
        read_batch(body, GROUND)
        read_batch(HEAD.encode() + b"\n" + body, GROUND)
    except InputError:
        pass  # a refusal of the whole file is an answer; anything else fails


@given(st.text(max_size=80))
def test_an_asset_id_made_of_a_name_is_an_id_or_nothing(name):
    made = asset_id_of(name)
    assert made == "" or Asset(id=made, city="c", kind="station", name=Text(name)).id == made


# What a row would do


def test_a_new_row_adds_an_asset_in_quarantine_and_a_device():
    one = planned("a-2,,,동탄,37.2,126.95")[0]
    assert one.outcome.state == "new"
    assert one.device_is_new
    assert (one.asset.state, one.asset.attributes, one.asset.kind) == ("quarantined", {"zone": "z1"}, "station")


def test_the_same_row_again_is_unchanged():
    first = planned("a-2,,,동탄,37.2,126.95")[0]
    known = Known(assets={first.asset.id: first.asset}, devices={"a-2": first.device})
    again = planned("a-2,,,동탄,37.2,126.95", known=known, update=True)[0]
    assert (again.outcome.state, again.asset, again.device) == ("unchanged", None, None)


def test_a_changed_row_differs_until_an_update_is_asked_for_and_tells_before_and_after():
    row = "dev-1,,,새 이름,37.21,126.9"
    differs = planned(row)[0]
    assert (differs.outcome.state, differs.asset, differs.outcome.code) == ("differs", None, "enrolment.differs")
    changed = planned(row, update=True)[0]
    assert (changed.outcome.state, changed.asset.name, changed.asset.state) == ("changed", Text("새 이름", "One"), STATION.state)
    assert changed.outcome.before == {"name_ko": "하나", "place": [126.9, 37.2]}
    assert changed.outcome.after == {"name_ko": "새 이름", "place": [126.9, 37.21]}


def test_an_empty_cell_changes_nothing():
    assert outcome("dev-1,,,,,", update=True).state == "unchanged"


def test_a_dev_eui_that_is_known_names_its_device():
    one = outcome("24e124136b502217,옥상", head="dev_eui,site", update=True)
    assert (one.device, one.asset, one.after) == ("dev-1", "st-1", {"site": "옥상"})


def test_a_second_device_may_be_given_to_a_known_asset():
    one = planned("dev-9,st-1", head="device,asset")[0]
    assert (one.outcome.state, one.asset, one.device.asset) == ("new", None, "st-1")


@pytest.mark.parametrize(
    ("row", "head", "known", "code"),
    [
        ("dev-9,24e124136b502217", "device,dev_eui", KNOWN, "enrolment.dev_eui_taken"),
        ("dev-1", "device", Known(assets={"st-1": STATION}, devices={"dev-1": msgspec.structs.replace(DEVICE, state="revoked")}),
         "enrolment.device_revoked"),
        ("dev-9,st-1", "device,asset", station_as(state="retired"), "enrolment.asset_retired"),
        ("dev-9,st-1", "device,asset", station_as(city="elsewhere"), "asset.other_city"),
        ("dev-9,st-9", "device,asset", KNOWN, "enrolment.name_missing"),
        ("24e124136b502299", "dev_eui", KNOWN, "enrolment.name_missing"),
        ("dev-9,24e124136b502299,동탄", "device,dev_eui,name", KNOWN, "enrolment.codec_missing"),
        ("dev-9,St 1", "device,name", KNOWN, "enrolment.asset_differs"),
    ],
)  # fmt: skip
def test_a_row_that_contradicts_the_register_is_refused(row, head, known, code):
    one = outcome(row, head=head, known=known, update=True)
    assert (one.state, one.code) == ("refused", code)
    assert one.why.ko
    assert one.why.en


@pytest.mark.parametrize(
    ("cells", "codes"),
    [(",", ["enrolment.no_place"]), ("38.5,126.9", ["enrolment.outside_zones"]), ("37.20002,126.9", ["enrolment.same_place"])],
)
def test_what_is_odd_of_a_place_is_noticed(cells, codes):
    known = Known(
        places={(1_268_999, 371_999): [("st-1", Point(126.9, 37.2))], (1_269_000, 372_000): [("st-1", Point(126.9, 37.2))]}
    )
    assert [notice.code for notice in outcome(f"a-2,,,동탄,{cells}", known=known).noticed] == codes


def test_a_row_sees_what_the_rows_before_it_would_do():
    first, second = planned("a-2,,,동탄,37.2,126.95", "a-3,,,동탄,37.2,126.95", known=Known())
    assert first.asset is not None
    assert (second.asset, second.device.asset) == (None, "dongtan")


WITH_HOLE = Place(
    "MultiPolygon",
    [
        [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], [[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]],
        [[[5, 5], [6, 5], [6, 6], [5, 6], [5, 5]]],
    ],
)


@given(st.floats(-1, 7), st.floats(-1, 7))
def test_the_zone_of_a_point_is_that_of_the_house(lon, lat):
    assert (ZoneFinder([("z", WITH_HOLE)])(Point(lon, lat)) == "z") == inside(Point(lon, lat), WITH_HOLE)


# Labels in a list

TR005 = "LW:D0:1122334455667788:24E124136B502299:AABB1122:SYY7"
NEW_EUI = "24e124136b502299"


@pytest.mark.parametrize("heading", ["label", "라벨", "QR", "Label"])
def test_a_row_may_hold_a_label_and_what_it_says_is_read(heading):
    (one,) = batch(f"{TR005},동탄 2호", head=f"{heading},이름").enrolments
    assert (one.dev_eui, one.attributes["join_eui"], one.attributes["serial"]) == (NEW_EUI, "1122334455667788", "YY7")


def test_a_label_of_dure_names_device_and_asset():
    (one,) = batch("https://a.kr/ko/environment/enrol?d=dev-1.st-1.,이름", head="label,name").enrolments
    assert (one.device, one.asset, one.asset_said) == ("dev-1", "st-1", True)


@pytest.mark.parametrize(
    ("cells", "code"),
    [("hello,", "label.unreadable"), ("LW:D1:1,", "label.schema"), (f"{TR005}:C0000,", "label.checksum"),
     (f"{TR005},24e124136b502298", "label.differs"), (f"{'x' * 1_001},", "label.too_long")],
)  # fmt: skip
def test_a_bad_label_is_the_refusal_of_its_row_alone(cells, code):
    read = batch(f"{cells},하나", f"{TR005},,둘", head="label,DevEUI,name")
    assert [(one.row, one.code) for one in read.refused] == [(2, code)]
    assert read.refused[0].why.ko != read.refused[0].why.en
    assert [one.dev_eui for one in read.enrolments] == [NEW_EUI]


def test_the_text_of_a_label_is_not_said_again_for_it_may_hold_a_key():
    key = "00112233445566778899aabbccddeeff"
    (one,) = batch(f'"{{""AppKey"": ""{key}""}}",동탄', head="label,비고").refused
    assert key not in one.content


def test_a_label_without_a_codec_takes_that_of_its_siblings_and_tells():
    known = Known(codecs={NEW_EUI[:9]: "milesight-am319"})
    done = outcome(f"{TR005},동탄 2호,37.2,126.91", head="label,name,lat,lon", known=known)
    assert (done.state, [one.code for one in done.noticed]) == ("new", ["enrolment.codec_usual"])
    assert planned(f"{TR005},동탄 2호", head="label,name", known=known)[0].device.codec == "milesight-am319"
    typed = outcome(f"{NEW_EUI},동탄 2호", head="DevEUI,name", known=known)
    assert typed.code == "enrolment.codec_missing"


def test_a_spreadsheets_number_in_a_date_column_is_read_and_told():
    (one,) = batch("a-1,하나,46350,46000,47000", head="device,name,설치일,교정일,다음 교정일").enrolments
    assert (one.attributes["installed_on"], one.attributes["calibration"]["due_on"]) == ("2026-11-24", "2028-09-04")
    assert [each.code for each in one.noticed] == ["enrolment.date_serial"] * 3
