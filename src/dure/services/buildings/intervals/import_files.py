"""A file somebody brought, whatever it is, to bills, hours and parcel months of meters that are known. Pure.

Every row that is not taken is named with its reason. Meters go by the number on their bills or by their id; a bill that names a
building only belongs to its one main meter of that fuel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.protocols.green_button import read_feed
from dure.protocols.sheets.archives import ZIP_HEAD, unpacked_xml
from dure.protocols.sheets.files import read_file
from dure.services.buildings.importing import interval_files
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.importing.columns import Fuel, field_of
from dure.services.buildings.importing.feeds import deltas_of
from dure.services.buildings.importing.parcel_feed import read_parcels
from dure.services.buildings.intervals.booking import Booking, Hours, days_of, hours_of, is_coarse
from dure.services.buildings.intervals.import_bills import bills_of
from dure.services.buildings.intervals.import_words import set_aside_row
from dure.services.buildings.model import Meter
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.months.derived_months import ParcelMonth
from dure.services.buildings.reads.interval_series import series_of
from dure.services.buildings.reads.model import Delta, Register
from dure.services.buildings.sites import Sites

FileKind = Literal["bills", "intervals", "green_button", "parcels"]
HEADINGS_WITHIN = 15


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is to be read; what is empty is found out, or refused.

    Attributes
    ----------
    fuel, unit, meter : of a file that does not say them
    stamp : whether the time of an interval is its begin or its end
    sheet : of a workbook
    """

    name: str = ""
    kind: FileKind | Literal[""] = ""
    fuel: Fuel | Literal[""] = ""
    unit: str = ""
    meter: str = ""
    stamp: Literal["start", "end"] = "start"
    sheet: str = ""


class Surroundings(msgspec.Struct, frozen=True):
    """What the file is read against."""

    sites: Sites
    zone: ZoneInfo
    booking: Booking
    folder: Path | None
    at: datetime


class Parsed(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds.

    Attributes
    ----------
    bills, parcels : to be kept as records
    hours : by meter, to be booked
    rejected : every row or interval that is not taken, and why
    notices : what a person should know (stable code, words)
    columns : headings and the field each stands for
    """

    kind: FileKind
    bills: tuple[KeptBill, ...] = ()
    hours: Mapping[str, Hours] = {}
    parcels: tuple[ParcelMonth, ...] = ()
    rejected: tuple[RefusedRow, ...] = ()
    notices: tuple[tuple[str, Text], ...] = ()
    columns: Mapping[str, str] = {}
    encoding: str = ""

    @property
    def accepted_n(self) -> int:
        """Rows that can be taken."""
        return len(self.bills) + len(self.parcels) + sum(len(one) for one in self.hours.values())


class Names:
    """Meters by what people call them."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self._by_name: dict[str, Meter] = {}
        for one in sites.meters.values():
            if not one.formula:
                for name in (one.number, one.id):
                    if name:
                        self._by_name[name.strip().casefold()] = one
        self._buildings = {name.strip().casefold(): one.id for one in sites.buildings.values()
                           for name in (one.id, one.name.ko, one.name.en) if name}  # fmt: skip

    def meter(self, name: str, fuel: str = "") -> Meter | None:
        """The meter of that number or id, or a building's one main meter of a fuel."""
        key = name.strip().casefold()
        found = self._by_name.get(key)
        if found is None and key in self._buildings:
            mains = [
                one
                for one in self.sites.meters_of(self._buildings[key])
                if one.part == "main" and not one.formula and fuel in ("", one.fuel)
            ]
            found = mains[0] if len(mains) == 1 else None
        return found

    def has(self, name: str) -> bool:
        """Whether a meter or a building is called so."""
        key = name.strip().casefold()
        return key in self._by_name or key in self._buildings

    def fuels(self) -> dict[str, Fuel]:
        """Fuel by what meters are called."""
        return {name: one.fuel for one in self.sites.meters.values() for name in (one.number, one.id) if name and not one.formula}


def digest_of(body: bytes, asked: Asked) -> str:
    """What makes two imports the same: the bytes, and how they were to be read."""
    how = repr((asked.fuel, asked.unit, asked.meter, asked.stamp, asked.sheet)).encode()
    return hashlib.sha256(hashlib.sha256(body).digest() + how).hexdigest()


def kind_of(body: bytes, asked: Asked) -> FileKind:
    """What a file is, by its content."""
    if asked.kind:
        return asked.kind
    if not body.strip():
        raise InputError("import.empty", "The file is empty.")
    head = body[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return "parcels" if b"sigunguCd" in body[:200_000] or b"<response" in head else "green_button"
    if body.startswith(ZIP_HEAD) and b"xl/" not in body[:100_000] and b"xl/" not in body[-100_000:]:
        return "green_button"
    return "intervals" if _is_intervals(read_file(body, asked.sheet).rows) else "bills"


def _is_intervals(rows: Sequence[tuple[int, tuple[str, ...]]]) -> bool:
    for place, (_, cells) in enumerate(rows[:HEADINGS_WITHIN]):
        fields = {field for cell in cells if (field := field_of(cell))}
        if fields & {"month", "span", "won"}:
            return False
        if "time" in fields or sum(bool(interval_files._HOUR.fullmatch(cell)) for cell in cells) >= 12:  # noqa: SLF001  # its own labels
            return True
        if {"start", "amount"} <= fields:
            below = rows[place + 1][1] if place + 1 < len(rows) else ()
            return any(":" in cell for cell in below)
    return False


def parse(body: bytes, asked: Asked, around: Surroundings) -> Parsed:
    """All that a file holds; refused as a whole with a code when nothing of it can be read."""
    kind = kind_of(body, asked)
    if kind == "bills":
        return _bills(body, asked, around)
    if kind == "intervals":
        return _intervals(body, asked, around)
    if kind == "parcels":
        if asked.fuel not in ("electricity", "city_gas"):
            raise InputError("import.fuel_needed", "Say whether these are of electricity or of city_gas: the file does not.")
        found = read_parcels(unpacked_xml(body), asked.fuel, around.at)
        return Parsed(kind=kind, parcels=found.rows, rejected=found.rejected)
    return _green_button(body, asked, around)


def _bills(body: bytes, asked: Asked, around: Surroundings) -> Parsed:
    found = bills_of(body, asked.fuel, asked.unit, asked.sheet, Names(around.sites), (around.folder, around.at))
    return Parsed(
        kind="bills",
        bills=found.bills,
        rejected=found.rejected,
        columns=found.columns,
        encoding=found.encoding,
    )


def _intervals(body: bytes, asked: Asked, around: Surroundings) -> Parsed:
    names = Names(around.sites)
    own = _asked_meter(asked, names)
    fuel = asked.fuel or (own.fuel if own is not None else "electricity")
    ground = interval_files.Ground(
        fuel=fuel, zone=around.zone, stamp=asked.stamp, unit=asked.unit, meter=own.id if own is not None else ""
    )
    held = interval_files.read_intervals(body, ground, asked.sheet)
    taken = _Taking(around)
    for name, deltas in held.deltas.items():
        meter = names.meter(name, fuel)
        if meter is None:
            taken.refuse_meter(name, len(deltas))
        elif meter.supply.book != held.book:
            taken.refuse_unit(meter, held.book, len(deltas))
        else:
            taken.take(meter, deltas)
    return taken.parsed("intervals", rejected=held.rejected, columns=held.columns, encoding=held.encoding)


def _green_button(body: bytes, asked: Asked, around: Surroundings) -> Parsed:
    names = Names(around.sites)
    own = _asked_meter(asked, names)
    feed = read_feed(unpacked_xml(body))
    taken = _Taking(around)
    rejected = [RefusedRow(one.row, one.code, Text("읽을 수 없는 값입니다.", one.why), one.content) for one in feed.rejected]
    for number, series in enumerate(feed.series, 1):
        meter = own if own is not None and len(feed.series) == 1 else None
        meter = meter or names.meter(series.usage_point) or names.meter(series.title) or (own if number == 1 else None)
        name = series.usage_point or series.title or series.href or str(number)
        deltas = deltas_of(series)
        if isinstance(deltas, Refused):
            rejected.append(RefusedRow(number, deltas.code, deltas.why, name[:200]))
        elif meter is None:
            taken.refuse_meter(name, len(deltas))
        elif meter.supply.book != _book_of(series.unit):
            taken.refuse_unit(meter, series.unit, len(deltas))
        else:
            taken.take(meter, deltas)
    notices = tuple((one.code, one.why) for one in feed.notices)
    return taken.parsed("green_button", rejected=rejected, notices=notices)


def _asked_meter(asked: Asked, names: Names) -> Meter | None:
    if not asked.meter:
        return None
    meter = names.meter(asked.meter, asked.fuel)
    if meter is None:
        raise InputError("import.meter_unknown", f"There is no meter {asked.meter[:80]!r}. Give its id or its number.")
    return meter


def _book_of(unit: str) -> str:
    from dure.emissions.quantity import UNITS  # noqa: PLC0415

    return interval_files.BOOKS.get(UNITS[unit].dimension, "") if unit in UNITS else ""


class _Taking:
    """What is taken of a file of intervals, meter by meter."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self.hours: dict[str, Hours] = {}
        self.bills: list[KeptBill] = []
        self.rejected: list[RefusedRow] = []
        self.notices: list[tuple[str, Text]] = []

    def refuse_meter(self, name: str, count: int) -> None:
        words = Text(
            f"{name[:80]!r}: 등록되지 않은 계량기입니다. 구간 {count}개를 가져오지 않습니다.",
            f"{name[:80]!r} is no meter we know; its {count} intervals are not taken. Enter it first, or name the meter.",
        )
        self.rejected.append(RefusedRow(0, "import.meter_unknown", words, name[:200]))

    def refuse_unit(self, meter: Meter, unit: str, count: int) -> None:
        words = Text(
            f"{meter.id}: {unit or '알 수 없는'} 단위를 이 계량기({meter.supply.book})에 넣을 수 없습니다. 구간 {count}개.",
            f"{meter.id} counts in {meter.supply.book}, the file in {unit or 'an unknown unit'}: {count} intervals left out.",
        )
        self.rejected.append(RefusedRow(0, "import.unit_of_meter", words, meter.id))

    def take(self, meter: Meter, deltas: Sequence[Delta]) -> None:
        """Hours of a clean series; days of one that is coarser."""
        around = self._around
        register = Register(rate_max_per_h=meter.rate_max_per_h, resolution=meter.resolution, book=meter.supply.book)
        series = series_of(deltas, register)
        self.rejected += [set_aside_row(one, meter.id) for one in series.set_aside]
        for shift in series.shifts:
            words = Text(
                f"{meter.id}: {shift.start:%Y-%m-%d %H:%M} UTC부터 {abs(shift.shift_s) // 60}분 밀린 것 같습니다. 확인해 주세요.",
                f"{meter.id}: from {shift.start:%Y-%m-%d %H:%M} UTC on it looks shifted by {shift.shift_s // 60} min. Check it.",
            )
            self.notices.append(("interval.shifted", words))
        if not is_coarse(series.deltas, around.booking):
            self.hours[meter.id] = hours_of(series.deltas, around.booking)
            return
        self.bills += [
            KeptBill(
                id="",
                meter=meter.id,
                start_day=one.start.isoformat(),
                end_day=one.end.isoformat(),
                amount=one.amount,
                book=meter.supply.book,
                quality=one.quality.value,
                row=number,
                known_at=around.at,
            )
            for number, one in enumerate(days_of(series.deltas, around.zone), 1)
        ]

    def parsed(
        self,
        kind: FileKind,
        *,
        rejected: Sequence[RefusedRow],
        notices: tuple[tuple[str, Text], ...] = (),
        columns: Mapping[str, str] | None = None,
        encoding: str = "",
    ) -> Parsed:
        return Parsed(
            kind=kind,
            bills=tuple(self.bills),
            hours={name: one for name, one in self.hours.items() if len(one)},
            rejected=(*rejected, *self.rejected),
            notices=(*notices, *self.notices),
            columns=columns or {},
            encoding=encoding,
        )
