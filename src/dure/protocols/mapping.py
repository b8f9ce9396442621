"""The mapping file of ``dure import``: which column is what, and rows of text to readings or assets. docs/en/codecs.md."""

from __future__ import annotations

import hashlib
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dure.core.assets import Asset
from dure.core.errors import ConfigError, InputError
from dure.core.geo import Place, at
from dure.core.identifiers import identifier
from dure.core.observations import Rejected
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.core.units import ucum
from dure.protocols.readings import Parsed, Refused, reading_of, shown
from dure.protocols.readings_csv import MISSING, number_of
from dure.protocols.tables import read_table

Row = tuple[int, Mapping[str, Any]]


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column of a wide table that holds one property. ``number = cell * scale + add``; `values` are words with a number."""

    column: str
    property: str
    unit: str = ""
    scale: float = 1.0
    add: float = 0.0
    values: dict[str, float] = {}


class Columns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Column names. An asset is found by its id (`asset`) or by its name (`asset_name`)."""

    time: str = ""
    asset: str = ""
    asset_name: str = ""
    property: str = ""
    value: str = ""
    unit: str = ""


class Constants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is the same in every row and stands in no column."""

    time: str = ""
    asset: str = ""
    property: str = ""
    unit: str = ""


class AssetColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of assets: its columns, the kind of all of them and the prefix of their ids.

    Without an `id` column the id is the prefix and eight hex digits made of the name: the same in every import.
    """

    kind: str
    name: str
    id: str = ""
    name_en: str = ""
    lon: str = ""
    lat: str = ""
    id_prefix: str = ""
    state: Literal["quarantined", "live"] = "quarantined"
    attributes: dict[str, str] = {}


class ImportMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping file. It describes readings (`columns`, `measures`, …), a list of assets (`assets`), or both."""

    encoding: str = ""
    delimiter: Annotated[str, msgspec.Meta(max_length=1)] = ""
    decimal_comma: bool = False
    time_zone: str = ""
    time_format: str = ""
    missing: tuple[str, ...] = ()
    columns: Columns = msgspec.field(default_factory=Columns)
    constants: Constants = msgspec.field(default_factory=Constants)
    measures: tuple[Measure, ...] = ()
    properties: dict[str, str] = {}
    values: dict[str, float] = {}
    assets: AssetColumns | None = None


class Listed(NamedTuple):
    """Assets of a list, and its rows that cannot become one."""

    assets: list[Asset]
    rejected: list[Rejected]


def load_mapping(text: str, origin: str = "mapping") -> ImportMap:
    """The mapping of a TOML text; whatever is wrong in it is refused by name."""
    try:
        found = msgspec.convert(tomllib.loads(text), ImportMap)
        _check(found)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, InputError, RecursionError) as error:
        raise ConfigError("mapping.invalid", f"{origin}: {error}") from error
    return found


def _check(found: ImportMap) -> None:
    if found.time_zone:
        try:
            ZoneInfo(found.time_zone)
        except (OSError, ValueError, KeyError) as error:
            raise InputError("mapping.invalid", f"there is no time zone {found.time_zone!r}") from error
    is_long = bool(found.columns.value)
    if found.assets is None and is_long == bool(found.measures):
        raise InputError(
            "mapping.invalid", "give columns.value (one reading a row) or measures (one column a property), not both"
        )
    if is_long and not (found.columns.property or found.constants.property):
        raise InputError("mapping.invalid", "one reading a row needs columns.property or constants.property")
    for unit in [found.constants.unit, *(measure.unit for measure in found.measures)]:
        if unit:
            ucum(unit)
    for name in [*(measure.property for measure in found.measures), *found.properties.values()]:
        identifier(name, "property id")


def read_rows(mapping: ImportMap, body: bytes) -> tuple[list[Row], list[Rejected]]:
    """Rows of a CSV file, numbered as a spreadsheet does, and those whose number of cells is wrong.

    Raises `InputError` when the file is no table or lacks a column that the mapping names.
    """
    table = read_table(body, mapping.encoding, mapping.delimiter)
    absent = [name for name in _named(mapping) if name not in table.header]
    if absent:
        raise InputError(
            "mapping.column_missing", f"The file has no column {absent[0]!r}; it has {', '.join(table.header)[:200]}."
        )
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for number, row, count in table.dicts():
        if row is None:
            rejected.append(Rejected(number, "table.row_width", f"The row has {count} cells, the header {len(table.header)}."))
        else:
            rows.append((number, row))
    return rows, rejected


def _named(mapping: ImportMap) -> Iterator[str]:
    columns = mapping.columns
    yield from filter(None, (getattr(columns, field) for field in columns.__struct_fields__))
    yield from (measure.column for measure in mapping.measures)
    if mapping.assets is not None:
        of = mapping.assets
        yield from filter(None, (of.id, of.name, of.name_en, of.lon, of.lat, *of.attributes.values()))


def name_index(assets: Iterable[Asset]) -> dict[str, str | None]:
    """Asset id by each of its names; None where two assets share the name."""
    index: dict[str, str | None] = {}
    for asset in assets:
        for name in {_plain(asset.name.ko), _plain(asset.name.en)} - {""}:
            index[name] = None if name in index else asset.id
    return index


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def rows_to_readings(mapping: ImportMap, rows: Iterable[Row], names: Mapping[str, str | None]) -> Parsed:
    """Readings of rows; every row that gives none is named in the rejected. `names` comes from `name_index`."""
    parsed = Parsed([], [])
    for number, row in rows:
        try:
            head = {"asset": _asset_of(mapping, row, names), "time": _time_of(mapping, row)}
        except Refused as refused:
            parsed.rejected.append(Rejected(number, refused.code, refused.why, shown(dict(row))))
            continue
        for cell in _cells(mapping, row):
            try:
                value = _value_of(mapping, cell)
                content = {**head, "property": cell.property, "value": value, "unit": cell.unit}
                parsed.readings.append(reading_of(content))
            except Refused as refused:
                parsed.rejected.append(Rejected(number, refused.code, refused.why, shown(cell.text)))
    return parsed


class _Cell(NamedTuple):
    property: str
    text: str
    unit: str
    measure: Measure | None


def _cells(mapping: ImportMap, row: Mapping[str, Any]) -> Iterator[_Cell]:
    if mapping.columns.value:
        columns, constants = mapping.columns, mapping.constants
        name = _text(row.get(columns.property)) if columns.property else constants.property
        unit = (_text(row.get(columns.unit)) if columns.unit else "") or constants.unit
        yield _Cell(mapping.properties.get(name, name), _text(row.get(columns.value)), unit, None)
    for measure in mapping.measures:
        text = _text(row.get(measure.column))
        if text:
            yield _Cell(measure.property, text, measure.unit or mapping.constants.unit, measure)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _asset_of(mapping: ImportMap, row: Mapping[str, Any], names: Mapping[str, str | None]) -> str:
    columns = mapping.columns
    if columns.asset_name:
        name = _plain(_text(row.get(columns.asset_name)))
        if not name:
            raise Refused(
                "import.asset_missing", f"The column {columns.asset_name} is empty: whose reading this is cannot be known."
            )
        found = names.get(name, "")
        if found is None:
            raise Refused("import.asset_ambiguous", f"More than one asset is called {shown(name)}. Map by id.")
        if not found:
            raise Refused("import.asset_unknown", f"No asset is called {shown(name)}. Register it first.")
        return found
    if columns.asset:
        asset = _text(row.get(columns.asset))
        if not asset:
            raise Refused("import.asset_missing", f"The column {columns.asset} is empty: whose reading this is cannot be known.")
        return asset
    return mapping.constants.asset


def _time_of(mapping: ImportMap, row: Mapping[str, Any]) -> str | int | None:
    raw = row.get(mapping.columns.time) if mapping.columns.time else mapping.constants.time
    zone = ZoneInfo(mapping.time_zone) if mapping.time_zone else None
    if isinstance(raw, datetime):
        return (raw if raw.tzinfo else raw.replace(tzinfo=zone or UTC)).isoformat()
    text = _text(raw)
    if not text:
        if mapping.columns.time:
            raise Refused("import.time_missing", f"The column {mapping.columns.time} is empty.")
        return None
    if mapping.time_format:
        return _formatted_time(text, mapping.time_format, zone)
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return int(text)
    try:
        return parse_instant(text, zone).isoformat()
    except InputError as error:
        code = "reading.time_naive" if error.code == "time.naive" else "reading.time_unreadable"
        raise Refused(code, shown(error.message)) from error


def _formatted_time(text: str, form: str, zone: ZoneInfo | None) -> str:
    try:
        time = datetime.strptime(text, form)  # noqa: DTZ007  # the zone is the mapping's
    except (ValueError, OverflowError) as error:
        raise Refused("reading.time_unreadable", f"{shown(text)} does not fit {form}.") from error
    if time.tzinfo is None:
        if zone is None:
            raise Refused("reading.time_naive", f"{shown(text)} has no offset; set time_zone in the mapping.")
        time = time.replace(tzinfo=zone)
    return time.isoformat()


def _value_of(mapping: ImportMap, cell: _Cell) -> float | None:
    values = cell.measure.values if cell.measure else mapping.values
    if cell.text in values:
        return values[cell.text]
    if cell.text in mapping.missing or cell.text.lower() in MISSING:
        return None
    text = cell.text
    if mapping.decimal_comma:
        text = text.replace(".", "").replace(",", ".")
    number = number_of(text)
    if number is None or cell.measure is None:
        return number
    return number * cell.measure.scale + cell.measure.add


def rows_to_assets(mapping: ImportMap, rows: Iterable[Row], city: str) -> Listed:
    """Assets of a list. A row without a name is rejected by its number: it is a real thing, never merged with another."""
    columns = mapping.assets
    if columns is None:
        raise ConfigError("mapping.invalid", "The mapping has no [assets] table, so it describes no list of assets.")
    listed = Listed([], [])
    taken: dict[str, int] = {}
    for number, row in rows:
        try:
            asset = _asset(columns, row, city)
            _claim(taken, asset, number)
            listed.assets.append(asset)
        except Refused as refused:
            listed.rejected.append(Rejected(number, refused.code, refused.why, shown(dict(row))))
        except InputError as error:
            listed.rejected.append(Rejected(number, error.code, error.message, shown(dict(row))))
    return listed


def _claim(taken: dict[str, int], asset: Asset, number: int) -> None:
    if taken.setdefault(asset.id, number) != number:
        raise Refused("import.asset_twice", f"Row {taken[asset.id]} already lists {asset.id} ({asset.name.ko}).")


def _asset(columns: AssetColumns, row: Mapping[str, Any], city: str) -> Asset:
    name = _plain(_text(row.get(columns.name)))
    if not name:
        raise Refused("import.asset_nameless", f"The column {columns.name} is empty. Name the asset, then import this row again.")
    own_id = _text(row.get(columns.id)) if columns.id else hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
    return Asset(
        id=columns.id_prefix + own_id,
        city=city,
        kind=columns.kind,
        name=Text(name, _plain(_text(row.get(columns.name_en))) if columns.name_en else ""),
        place=_place(columns, row),
        state=columns.state,
        attributes={key: text for key, column in columns.attributes.items() if (text := _text(row.get(column)))},
    )


def _place(columns: AssetColumns, row: Mapping[str, Any]) -> Place | None:
    if not (columns.lon and columns.lat):
        return None
    lon, lat = number_of(_text(row.get(columns.lon))), number_of(_text(row.get(columns.lat)))
    return None if lon is None or lat is None else at(lon, lat)
