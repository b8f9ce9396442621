"""One row of a list of devices: its cells become an `Enrolment`, or a `BadCell` says what is wrong. Pure."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.errors import InputError
from dure.core.geo import Point
from dure.core.identifiers import identifier
from dure.core.romanisation import romanise
from dure.core.text import Text
from dure.services.environment.enrolling.enrolment_cells import (
    CELL_CHARS_MAX,
    FIELDS,
    BadCell,
    Bounds,
    Position,
    read_date,
    read_eui,
    read_number,
    read_position,
    read_serial_day,
)
from dure.services.environment.enrolling.labels import labelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dure.core.assets import AssetKind
    from dure.core.properties import Property

KIND_USUAL = "station"
ID_CHARS_MAX = 64
HEIGHT_M = (0.0, 600.0)  # above ground; the highest masts and towers
ELEVATION_M = (-100.0, 3000.0)  # above sea level; below ground in mines and tunnels
_TITLES = {field.name: field.title for field in FIELDS}


class Ground(msgspec.Struct, frozen=True, eq=False):
    """What a row is judged by: the city's kinds, codecs, properties and bounds, and today's date there."""

    city: str
    kinds: tuple[AssetKind, ...]
    codecs: frozenset[str]
    properties: tuple[Property, ...]
    bounds: Bounds
    today: date


class Noticed(msgspec.Struct, frozen=True):
    """Something odd that does not stop a row: a stable code, and what to look at."""

    code: str
    why: Text


class Refused(msgspec.Struct, frozen=True):
    """A row that is not enrolled: which row, as a spreadsheet counts, a stable code, and what to do."""

    row: int
    code: str
    why: Text
    content: str = ""
    device: str = ""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A row that can be read. What is empty or None was not said and changes nothing of a known asset or device."""

    row: int
    device: str = ""
    asset: str = ""
    asset_said: bool = False  # False: made of the name
    kind: str = ""
    name_ko: str = ""
    name_en: str = ""
    place: Point | None = None
    dev_eui: str = ""
    codec: str = ""
    attributes: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    noticed: tuple[Noticed, ...] = ()
    labelled: bool = False  # its DevEUI or ids were read from a label


def asset_id_of(name: str) -> str:
    """An asset id made of a name, Korean in Latin letters, everything else a hyphen: ``동탄 1호`` → ``dongtan-1ho``."""
    slug = re.sub(r"[^a-z0-9]+", "-", romanise(name).lower()).strip("-")
    return slug[:ID_CHARS_MAX].rstrip("-")


@lru_cache(8)  # a ground is the same all day: its words need not be read again for every label
def reader_of(ground: Ground) -> Reader:
    """What reads rows by this ground."""
    return Reader(ground)


class Reader:
    """Reads one row after the other by the city's words."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._kinds = {_plain(word): kind.id for kind in ground.kinds for word in (kind.id, kind.name.ko, kind.name.en)}
        self._properties = {
            _plain(word): one.id for one in ground.properties for word in (one.id, one.name.ko, one.name.en, *_short(one.name.ko))
        }
        self._codecs = {_plain(codec): codec for codec in ground.codecs}

    def row(self, number: int, cells: Mapping[str, str]) -> Enrolment:
        """The row; the first cell that cannot be read refuses it."""
        has_label = bool(cells.get("label", "").strip())
        said = {name: text.strip() for name, text in (labelled(cells) if has_label else cells).items() if text.strip()}
        for name, text in said.items():
            if len(text) > CELL_CHARS_MAX or "\0" in text:
                raise BadCell("enrolment.too_long", _about(name, "200자까지만 적어 주세요.", "use up to 200 characters."))
        noticed: list[Noticed] = []
        eui = read_eui(said["dev_eui"]) if "dev_eui" in said else ""
        name = said.get("name", "")
        asset = _id(said, "asset") or (asset_id_of(name) if name else "")
        if not (eui or asset or "device" in said):
            why = Text("장치 이름, DevEUI, 지점 이름 가운데 하나는 적어 주세요.", "Enter at least a device, a DevEUI or a name.")
            raise BadCell("enrolment.nothing", why)
        position = read_position(said.get("lon", ""), said.get("lat", ""), said.get("position", ""), self._ground.bounds)
        if position is not None and position.swapped:
            noticed.append(_SWAPPED)
        return Enrolment(
            row=number,
            device=_id(said, "device"),
            asset=asset,
            asset_said="asset" in said,
            kind=self._kind(said.get("kind", "")),
            name_ko=name,
            name_en=said.get("name_en", ""),
            place=_rounded(position),
            dev_eui=eui,
            codec=self._codec(said.get("codec", "")),
            attributes=self._attributes(said, noticed),
            noticed=tuple(noticed),
            labelled=has_label,
        )

    def _kind(self, text: str) -> str:
        if not text:
            return ""
        found = self._kinds.get(_plain(text))
        if found is None:
            known = ", ".join(f"{kind.id}({kind.name.ko})" for kind in self._ground.kinds)
            why = Text(f"종류 {text[:40]!r}: 없습니다. 쓸 수 있는 것: {known}", f"There is no kind {text[:40]!r}. Known: {known}")
            raise BadCell("asset_kind.unknown", why)
        return found

    def _codec(self, text: str) -> str:
        if not text:
            return ""
        found = self._codecs.get(_plain(text))
        if found is None:
            near = sorted(one for one in self._ground.codecs if one.split("-")[0] == _plain_words(text).split("-")[0])
            hint = f" {near[0]} … {near[-1]}" if near else ""
            why = Text(
                f"코덱 {text[:40]!r}: 없습니다. '장치와 코덱' 문서의 이름을 적어 주세요.{hint}",
                f"There is no codec {text[:40]!r}. Use a name from the page on codecs.{hint}",
            )
            raise BadCell("codec.unknown", why)
        return found

    def _attributes(self, said: Mapping[str, str], noticed: list[Noticed]) -> dict[str, Any]:
        found: dict[str, Any] = {name: said[name] for name in ("site", "network", "installer", "photo", "serial") if name in said}
        for name, span in (("height_m", HEIGHT_M), ("elevation_m", ELEVATION_M)):
            if name in said:
                found[name] = read_number(said[name], _TITLES[name], *span)
        if "installed_on" in said:
            found["installed_on"] = _day(said["installed_on"], "installed_on", noticed).isoformat()
        if "join_eui" in said:
            found["join_eui"] = _join_eui(said["join_eui"])
        if "properties" in said:
            found["properties"] = self._observed(said["properties"])
        calibration = self._calibration(said, noticed)
        return found | ({"calibration": calibration} if calibration else {})

    def _observed(self, text: str) -> list[str]:
        found: list[str] = []
        pieces = re.split(r"[,;|/\n]+", text)
        if len(pieces) == 1 and _plain(text) not in self._properties:
            pieces = text.split()
        for piece in filter(None, map(str.strip, pieces)):
            known = self._properties.get(_plain(piece))
            if known is None:
                why = Text(
                    f"측정 항목 {piece[:40]!r}: 없습니다. 용어집의 id나 이름을 적어 주세요.",
                    f"There is no property {piece[:40]!r}. Use an id or a name of the glossary.",
                )
                raise BadCell("property.unknown", why)
            found.append(known)
        return list(dict.fromkeys(found))

    def _calibration(self, said: Mapping[str, str], noticed: list[Noticed]) -> dict[str, str]:
        days = {name: _day(said[name], name, noticed) for name in ("calibrated_on", "calibration_due_on") if name in said}
        on, due = days.get("calibrated_on"), days.get("calibration_due_on")
        if on and due and due <= on:
            raise BadCell(
                "enrolment.date",
                Text(
                    f"다음 교정일 {due}: 교정일 {on}보다 뒤여야 합니다.",
                    f"The calibration is due on {due}, which is not after {on}.",
                ),
            )
        if due and due < self._ground.today:
            why = Text(f"교정 유효기간이 {due}에 지났습니다.", f"The calibration was due on {due}.")
            noticed.append(Noticed("enrolment.calibration_overdue", why))
        found = {"certificate": said["calibration_no"]} if "calibration_no" in said else {}
        return found | ({"on": on.isoformat()} if on else {}) | ({"due_on": due.isoformat()} if due else {})


_SWAPPED = Noticed(
    "enrolment.swapped",
    Text("위도와 경도가 바뀐 것으로 보여 바로잡았습니다.", "Longitude and latitude seemed to be swapped; they were put right."),
)


def _day(text: str, name: str, noticed: list[Noticed]) -> date:
    """The day of a cell; one that a spreadsheet turned into a number is read, and it is said."""
    day = read_serial_day(text)
    if day is None:
        return read_date(text, _TITLES[name])
    why = _about(
        name, f"{text}은 엑셀의 날짜 번호라 {day}로 읽었습니다.", f"{text} is a spreadsheet's number of a day, read as {day}."
    )
    noticed.append(Noticed("enrolment.date_serial", why))
    return day


def _id(said: Mapping[str, str], name: str) -> str:
    text = said.get(name, "").lower()
    try:
        return identifier(text) if text else ""
    except InputError as error:
        why = _about(name, "영문 소문자, 숫자, -, _ 로 64자까지 적어 주세요.", "use up to 64 of a-z, 0-9, - and _.")
        raise BadCell(error.code, why) from error


def _join_eui(text: str) -> str:
    """A JoinEUI; unlike a DevEUI it may be all zeros."""
    plain = re.sub(r"[\s\-:]", "", text)
    return plain if plain == "0" * 16 else read_eui(text, "JoinEUI")


def _about(name: str, ko: str, en: str) -> Text:
    title = _TITLES[name]
    return Text(f"{title.ko}: {ko}", f"{title.en}: {en}")


def _rounded(position: Position | None) -> Point | None:
    """To 0.1 m, so that the same place written twice is the same place."""
    return None if position is None else Point(round(position.point.lon, 6), round(position.point.lat, 6))


def _plain_words(text: str) -> str:
    return re.sub(r"[\s_]+", "-", text.strip().casefold())


@lru_cache(4_096)  # the names of properties, kinds and codecs are asked again for every batch and label
def _plain(text: str) -> str:
    return re.sub(r"[\s_\-.·()]+", "", text.casefold())


def _short(name: str) -> tuple[str, ...]:
    """``초미세먼지(PM-2.5)`` is also called 초미세먼지 and PM-2.5."""
    found = re.fullmatch(r"(.+?)\s*\((.+)\)", name)
    return (found[1], found[2]) if found else ()
