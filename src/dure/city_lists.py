"""Lists of a city's assets and devices: rows of CSV files, each read with its line for what is wrong in it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from dure.core.assets import Asset, AssetState
from dure.core.errors import ConfigError, InputError
from dure.core.geo import Place, at
from dure.core.identifiers import identifier
from dure.core.text import Text

ASSET_COLUMNS = (
    "id", "kind", "name_ko", "name_en", "lon", "lat", "parent", "state", "device", "dev_eui", "codec", "properties",
)  # fmt: skip
ASSET_COLUMNS_REQUIRED = ("id", "kind", "name_ko")
_EUI = re.compile(r"[0-9a-f]{16}")
STATES: tuple[AssetState, ...] = ("quarantined", "live", "retired")


class DeviceSeed(msgspec.Struct, frozen=True):
    """A device the city lists: the asset it observes and, for LoRaWAN, its EUI and payload codec."""

    id: str
    asset: str
    dev_eui: str = ""
    codec: str = ""


def read_text(file: Path) -> str:
    """A city file as text: UTF-8, with or without a byte order mark."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError("city.missing", f"{file}: the file is missing. Compare with examples/hwaseong.") from error
    except OSError as error:
        raise ConfigError("city.unreadable", f"{file}: {error.strerror}. Let Dure's user read it.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError("city.encoding", f"{file}, line {line}: not UTF-8. Save it as UTF-8 (Excel: 'CSV UTF-8').") from error


def rows_of(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row of a list of assets."""
    reader = csv.DictReader(io.StringIO(read_text(file), newline=""), strict=True)
    missing = [name for name in ASSET_COLUMNS_REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise ConfigError(
            "city.invalid", f"{file}, line 1: the column {missing[0]!r} is missing. Needed: {ASSET_COLUMNS_REQUIRED}."
        )
    read = 1
    try:
        for row in reader:
            read = reader.line_num
            if None in row or None in row.values():
                raise ConfigError("city.invalid", f"{file}, line {read}: not as many fields as the head. Check the commas.")
            yield read, {name: text.strip() for name, text in row.items()}
    except csv.Error as error:
        raise ConfigError("city.unreadable", f"{file}, line {read + 1}: {error}. Check the quotes.") from error


def asset_of(row: dict[str, str], city: str, where: str) -> Asset:
    """The asset of a row; columns that are not the register's own are its attributes."""
    state = row.get("state") or "quarantined"
    if state not in STATES:
        raise ConfigError("city.invalid", f"{where}: state {state!r} is none of {', '.join(STATES)}.")
    if not row["name_ko"]:
        raise ConfigError("city.invalid", f"{where}: name_ko is empty. Give the name citizens read.")
    attributes: dict[str, Any] = {name: text for name, text in row.items() if name not in ASSET_COLUMNS and text}
    if row.get("properties"):
        attributes["properties"] = row["properties"].split()
    try:
        return Asset(
            id=row["id"],
            city=city,
            kind=identifier(row["kind"], "asset kind"),
            name=Text(row["name_ko"], row.get("name_en", "")),
            place=_place(row.get("lon", ""), row.get("lat", ""), where),
            parent=row.get("parent") or None,
            state=state,
            attributes=attributes,
        )
    except InputError as error:
        raise ConfigError("city.invalid", f"{where}: {error.message}") from error


def _place(lon: str, lat: str, where: str) -> Place | None:
    if not lon and not lat:
        return None
    try:
        return at(float(lon), float(lat))
    except (ValueError, InputError) as error:
        raise ConfigError(
            "city.coordinates",
            f"{where}: lon {lon!r}, lat {lat!r} is no place. Give degrees, for example 126.83115 and 37.19951.",
        ) from error


def device_of(row: dict[str, str], where: str) -> DeviceSeed | None:
    """The device that a row names for its asset, None when it names none."""
    if not row.get("device"):
        return None
    eui = row.get("dev_eui", "").lower()
    if eui and not _EUI.fullmatch(eui):
        raise ConfigError("city.invalid", f"{where}: dev_eui {eui[:40]!r} is not 16 hexadecimal digits.")
    try:
        return DeviceSeed(identifier(row["device"], "device id"), row["id"], eui, row.get("codec", ""))
    except InputError as error:
        raise ConfigError("city.invalid", f"{where}: {error.message}") from error


def claim(one: str, taken: dict[str, str], where: str, what: str) -> None:
    """Take an id that no row before has; `taken` says where each stands."""
    if one in taken:
        raise ConfigError("city.duplicate", f"{where}: the {what} id {one!r} is used before, at {taken[one]}. Rename one.")
    taken[one] = where
