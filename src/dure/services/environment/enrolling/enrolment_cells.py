"""What people write into the cells of a list of devices: headings, EUIs, positions, numbers, dates. Pure.

Every reader gives the value, or raises `BadCell` with a stable code and a sentence in both languages.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dure.core.geo import Point
from dure.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

Bounds = tuple[float, float, float, float]  # west, south, east, north [deg]

CELL_CHARS_MAX = 200
EUI_DIGITS = 16
SERIAL_ZERO = date(1899, 12, 30)  # day 0 of Excel's 1900 date system, ECMA-376 part 1, 18.17.4.1; right from 1900-03-01
SERIAL_DAYS = (30_000, 60_000)  # 1982 to 2064: what else stands in a date column is no day
BOUNDS_MARGIN_DEG = 1.0  # a position this far outside the city is still taken for one of the region


class BadCell(ValueError):
    """A cell that cannot be read: why, as a code and in words."""

    def __init__(self, code: str, why: Text) -> None:
        super().__init__(why.en)
        self.code = code
        self.why = why


class Field(NamedTuple):
    """A column: its name in JSON, what it is called for people, and what else stands over it in real files."""

    name: str
    title: Text
    also: tuple[str, ...] = ()


# fmt: off
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("device", "장치 이름", "Device",
     "장치 장치id 장치명 장치번호 기기 기기명 기기id 센서id deviceid devicename sensorid"),
    ("dev_eui", "DevEUI", "DevEUI", "eui deveui64 deviceeui 단말eui 장치eui 로라eui loraeui"),
    ("codec", "코덱", "Codec", "프로파일 프로필 모델 기종 모델명 profile deviceprofile model decoder"),
    ("name", "설치 지점 이름", "Name",
     "이름 지점 지점명 측정소 측정소명 관측소 설치지점 명칭 nameko 한글이름 한국어이름 국문명 국문이름 station stationname"),
    ("name_en", "영어 이름", "English name", "영문이름 영문명 영어명 영문 nameenglish"),
    ("asset", "자산 id", "Asset id", "자산 자산번호 지점id 측정소id id assetid stationid"),
    ("kind", "종류", "Kind", "자산종류 유형 구분 type assetkind"),
    ("lat", "위도", "Latitude", "북위 y latitudedeg"),
    ("lon", "경도", "Longitude", "동경 x lng long longitudedeg"),
    ("position", "좌표", "Position", "위치좌표 위경도 gps coordinates latlon latlng 위도경도 위치"),
    ("site", "장소", "Site", "설치장소 주소 시설 address location"),
    ("height_m", "설치 높이(m)", "Height above ground (m)", "높이 설치높이 지상높이 height mountheight heightm"),
    ("elevation_m", "해발고도(m)", "Elevation (m)", "고도 표고 해발 elevation altitude elevationm"),
    ("properties", "측정 항목", "Properties", "항목 관측항목 observes parameters"),
    ("network", "관측망", "Network", "망 측정망 통신망 networkname"),
    ("installed_on", "설치일", "Installed on", "설치일자 설치날짜 installdate installationdate installed"),
    ("installer", "설치자", "Installer", "설치업체 설치담당 시공사 installedby"),
    ("photo", "사진", "Photo", "사진번호 사진파일 설치사진 photoreference photofile image"),
    ("calibration_no", "교정 성적서 번호", "Calibration certificate",
     "교정성적서 성적서번호 교정번호 certificate certificateno calibrationcertificateno"),
    ("calibrated_on", "교정일", "Calibrated on", "교정일자 교정날짜 calibrationdate calibrated"),
    ("calibration_due_on", "다음 교정일", "Calibration due",
     "차기교정일 교정만료일 교정유효기간 다음교정 calibrationduedate nextcalibration"),
    ("join_eui", "JoinEUI", "JoinEUI", "appeui applicationeui"),
    ("serial", "일련번호", "Serial number", "제조번호 시리얼 시리얼번호 sn serialno"),
    ("label", "라벨", "Label", "qr qr코드 qr내용 라벨내용 qrcode qrlabel labeltext"),
)
# fmt: on
FIELDS: tuple[Field, ...] = tuple(Field(name, Text(ko, en), tuple(also.split())) for name, ko, en, also in _ROWS)
_BRACKETS = re.compile(r"[(\[（].*?[)\]）]")
_SIGNS = re.compile(r"[\s_\-./·:*]+")


def plain_heading(text: str) -> str:
    """A heading without what people vary: case, spaces, signs, units in brackets."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return _SIGNS.sub("", _BRACKETS.sub("", whole)) or _SIGNS.sub("", whole)


_NAMES: Mapping[str, str] = {
    plain_heading(one): field.name for field in FIELDS for one in (field.name, field.title.ko, field.title.en, *field.also)
}


def field_of(heading: str) -> str | None:
    """The field a heading stands for, in Korean or English, whatever its case and signs."""
    return _NAMES.get(plain_heading(heading))


def read_eui(text: str, what: str = "DevEUI") -> str:
    """16 lower-case hexadecimal digits of an EUI-64 in any case and with any of the usual separators."""
    digits = re.sub(r"[\s\-:._]", "", unicodedata.normalize("NFKC", text)).lower().removeprefix("0x")
    if re.fullmatch(r"\d+[.,]\d+[eE]\+?\d+|\d+[eE]\+\d+", text.strip()):
        raise BadCell(
            "device.dev_eui",
            Text(
                f"{what} {text[:40]!r}: 엑셀이 수로 바꾼 값입니다. 칸의 서식을 '텍스트'로 두고 다시 적어 주세요.",
                f"{what} {text[:40]!r}: a spreadsheet turned it into a number. Format the cell as text and enter it again.",
            ),
        )
    if not re.fullmatch(rf"[0-9a-f]{{{EUI_DIGITS}}}", digits) or digits in ("0" * EUI_DIGITS, "f" * EUI_DIGITS):
        raise BadCell(
            "device.dev_eui",
            Text(
                f"{what} {text[:40]!r}: 16진수 16자리가 아닙니다(0이나 f만 있어도 안 됩니다). 라벨과 맞춰 보세요.",
                f"{what} {text[:40]!r} is not 16 hexadecimal digits (nor all 0 or f). Compare it with the label.",
            ),
        )
    return digits


def read_number(text: str, title: Text, low: float, high: float) -> float:
    """A number within a span, its unit after it or not."""
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)\s*(?:m|미터)?", unicodedata.normalize("NFKC", text).replace("−", "-").strip())
    value = float(found[1]) if found else math.nan
    if not low <= value <= high:
        raise BadCell(
            "enrolment.number",
            Text(
                f"{title.ko} {text[:40]!r}: {low:g}부터 {high:g}까지의 수를 적어 주세요.",
                f"{title.en} {text[:40]!r}: enter a number from {low:g} to {high:g}.",
            ),
        )
    return value


def read_date(text: str, title: Text) -> date:
    """A day: 2026-11-24, 2026.11.24., 2026/11/24, 20261124 or 2026년 11월 24일."""
    found = re.fullmatch(r"(\d{4})\s*[-./년]?\s*(\d{1,2})\s*[-./월]?\s*(\d{1,2})\s*[.일]?(?:[ T]0?0:00(?::00)?)?", text.strip())
    try:
        if found and (len(found[2]) == len(found[3]) == 2 or not text.strip().isdigit()):
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise BadCell(
        "enrolment.date",
        Text(
            f"{title.ko} {text[:40]!r}: 날짜를 2026-11-24처럼 적어 주세요.",
            f"{title.en} {text[:40]!r}: write the day like 2026-11-24.",
        ),
    )


def read_serial_day(text: str) -> date | None:
    """The day that a spreadsheet keeps as its number of days since 1899-12-30 (46350 is 2026-11-24); None for what is none."""
    found = re.fullmatch(r"(\d{5})(?:\.\d+)?", text.strip())
    days = int(found[1]) if found else 0
    return SERIAL_ZERO + timedelta(days) if SERIAL_DAYS[0] <= days <= SERIAL_DAYS[1] else None


# Positions

_HEMISPHERES = {
    "n": "lat+",
    "s": "lat-",
    "e": "lon+",
    "w": "lon-",
    "북위": "lat+",
    "남위": "lat-",
    "동경": "lon+",
    "서경": "lon-",
}
_DEGREE_PARTS = re.compile(r"([+-]?\d+(?:\.\d+)?)(?:[°:\s]+(?:(\d+(?:\.\d+)?)(?:[':\s]+(?:(\d+(?:\.\d+)?)[\"'\s]*)?)?)?)?")
_PLAIN = str.maketrans(
    {"º": "°", "˚": "°", "도": "°", "′": "'", "’": "'", "‘": "'", "분": "'", "″": '"', "”": '"', "“": '"', "초": '"', "−": "-"}
)


class Angle(NamedTuple):
    """Degrees, and whether the writing says that they are a latitude or a longitude."""

    degrees: float
    axis: str


def read_angle(text: str) -> Angle:
    """Degrees, written as 126.83115, 126°49'52.1"E, N 37 11 58, 126:49:52 or 동경 126도 49분 52초."""
    words = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN).strip().lower()
    axis, sign = "", 1.0
    for word, meaning in _HEMISPHERES.items():
        if words.startswith(word) or words.endswith(word):
            words = words.removeprefix(word).removesuffix(word).strip()
            axis, sign = meaning[:3], -1.0 if meaning[3] == "-" else 1.0
            break
    found = _DEGREE_PARTS.fullmatch(words)
    if found is None:
        raise _bad_position(text)
    degrees, minutes, seconds = float(found[1]), float(found[2] or 0), float(found[3] or 0)
    if minutes >= 60 or seconds >= 60 or (found[2] and "." in found[1]) or abs(degrees) > 180:
        raise _bad_position(text)
    whole = math.copysign(abs(degrees) + minutes / 60 + seconds / 3600, -1.0 if found[1].startswith("-") else 1.0)
    return Angle(round(whole * sign, 7), axis)


class Position(NamedTuple):
    """Where, and whether the two numbers stood the wrong way round."""

    point: Point
    swapped: bool


def read_position(lon: str, lat: str, both: str, bounds: Bounds) -> Position | None:
    """The position of two cells, or of one that holds both (latitude first, as map services write it).

    Numbers that only make sense the other way round are turned round, and it is said. None where all are empty.
    """
    if lon and lat:
        first, second = read_angle(lon), read_angle(lat)
        return _oriented(first, second, bounds)
    one = both or lon or lat
    if not one:
        return None
    pieces = [piece for piece in re.split(r"\s*[,;/]\s*|\s*\n\s*", one.strip().strip("()[]")) if piece]
    if len(pieces) == 1 and len(halves := one.split()) == 2 and not (lon or lat):
        pieces = halves
    if len(pieces) != 2:
        raise _bad_position(one)
    first, second = read_angle(pieces[0]), read_angle(pieces[1])
    if first.axis == "lon" or second.axis == "lat" or (not first.axis and abs(first.degrees) > 90):
        return _oriented(first, second, bounds)
    return Position(_oriented(second, first, bounds).point, swapped=False)


def _oriented(lon: Angle, lat: Angle, bounds: Bounds) -> Position:
    """The point, turned round where the writing, the range of latitudes or the city's place says so."""
    said_wrong = lon.axis == "lat" or lat.axis == "lon"
    possible = abs(lat.degrees) <= 90
    turned_possible = abs(lon.degrees) <= 90
    nearer = not _near(lon.degrees, lat.degrees, bounds) and _near(lat.degrees, lon.degrees, bounds)
    if turned_possible and (said_wrong or not possible or nearer):
        return Position(Point(lat.degrees, lon.degrees), swapped=True)
    if not possible or said_wrong:
        raise _bad_position(f"{lon.degrees}, {lat.degrees}")
    return Position(Point(lon.degrees, lat.degrees), swapped=False)


def _near(lon: float, lat: float, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    margin = BOUNDS_MARGIN_DEG
    return west - margin <= lon <= east + margin and south - margin <= lat <= north + margin


def _bad_position(text: str) -> BadCell:
    return BadCell(
        "enrolment.position",
        Text(
            f"위치 {text[:60]!r}: WGS 84 경도와 위도를 126.83115와 37.19951처럼, 또는 126°49'52.1\"처럼 둘 다 적어 주세요.",
            f"Position {text[:60]!r}: enter both longitude and latitude (WGS 84), like 126.83115 and 37.19951, or 126°49'52.1\".",
        ),
    )
