"""Roads from the Korean standard node-link (표준노드링크): a zip or folder with MOCT_LINK, or the links as GeoJSON.

A link is one direction of a road between two nodes, with its shape. The shapefile's text is CP949, its places are metres of
EPSG:5186 unless a .prj says otherwise. The format is to be confirmed: `rules/node_link.toml` says what is taken for what.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dure.core.errors import InputError
from dure.core.rules import Rule, load_pack
from dure.engines.roads.collecting import Collected, network_from
from dure.engines.roads.osm import Bounds
from dure.engines.roads.profiles import SHIPPED
from dure.engines.roads.shapefile import read_lines, read_projection, read_table
from dure.routing.graph import rows_of
from dure.routing.network import Network
from dure.routing.profiles import VehicleProfile, WayPassage, passage
from dure.routing.projection import TransverseMercator, lon_lat_of

LINK_FIELDS = ("LINK_ID", "F_NODE", "T_NODE", "ROAD_RANK", "ROAD_TYPE", "ROAD_USE", "CONNECT", "MAX_SPD", "REST_VEH")
NEEDED = ("LINK_ID", "F_NODE", "T_NODE", "ROAD_RANK")
TURN_FIELDS = ("NODE_ID", "ST_LINK", "ED_LINK", "TURN_TYPE")


class _Format(Rule, frozen=True, kw_only=True):
    encoding: str
    central_meridian: float
    latitude_of_origin: float
    scale_factor: float
    false_easting: float
    false_northing: float
    unused_value: str
    truck_closed_value: str
    ramp_none: str
    tunnel_type: str
    attribution_ko: str
    attribution_en: str


class _Rank(Rule, frozen=True, kw_only=True):
    highway: str
    ramp: str


class _Turn(Rule, frozen=True, kw_only=True):
    forbidden: bool


class _Links(NamedTuple):
    """Columns of LINK as text, the lines as lon/lat (n arrays of one (p, 2)), and the rows of TURNINFO."""

    columns: Mapping[str, Sequence[str]]
    start: NDArray[np.int64]
    lon_lat: NDArray[np.float64]
    turns: Mapping[str, Sequence[str]]


class _Rules(NamedTuple):
    form: _Format
    ranks: Mapping[str, _Rank]
    turns: frozenset[str]


def read_node_link(
    file: Path, profiles: Mapping[str, VehicleProfile], day: date, bounds: Bounds | None = None, folder: Path | None = None
) -> Network:
    """The road network of a node-link file for these profiles; with bounds only the links that touch them.

    Raises
    ------
    InputError
        ``roads.unreadable``, ``roads.projection``, ``roads.fields`` when a needed column is missing, ``roads.empty``
    """
    rules = _rules(day, folder)
    links = _geojson(file, bounds) if file.suffix.lower() in {".geojson", ".json"} else _shapes(file, rules.form, bounds)
    missing = [name for name in NEEDED if name not in links.columns]
    if missing:
        raise InputError("roads.fields", f"{file.name} has no column {', '.join(missing)}. Is it the LINK of the node-link?")
    attribution = f"{rules.form.attribution_ko} ({rules.form.attribution_en})"
    return _network(links, profiles, rules, (file.name, attribution))


def _rules(day: date, folder: Path | None) -> _Rules:
    pack = load_pack("node_link", (*([folder / "rules" / "roads"] if folder else []), SHIPPED))
    return _Rules(
        pack.row("format", "link", _Format, day),
        {one.id: one for one in pack.rows("ranks", _Rank, day)},
        frozenset(one.id for one in pack.rows("turns", _Turn, day) if one.forbidden),
    )


def _shapes(file: Path, form: _Format, bounds: Bounds | None) -> _Links:
    """The links of a shapefile; the national one is cut to the bounds before its table is read."""
    parts = _parts_of(file)
    lines = read_lines(parts["link.shp"])
    said = read_projection(parts["link.prj"].decode("ascii", "replace")) if "link.prj" in parts else _usual(form)
    lon_lat = lines.points if said is None else lon_lat_of(lines.points, said)
    inside = _touching(lines.start, lon_lat, bounds)
    points, start = rows_of(lines.start, inside)
    columns = read_table(parts["link.dbf"], LINK_FIELDS, form.encoding, inside)
    turns = read_table(parts["turninfo.dbf"], TURN_FIELDS, form.encoding) if "turninfo.dbf" in parts else {}
    return _Links(columns, start, lon_lat[points], turns)


def _usual(form: _Format) -> TransverseMercator:
    return TransverseMercator(
        form.central_meridian, form.latitude_of_origin, form.false_easting, form.false_northing, form.scale_factor
    )


def _parts_of(file: Path) -> dict[str, bytes]:
    """The files of a zip, of a folder, or beside a .shp, by the end of their names: ``link.shp``, ``turninfo.dbf`` and so on."""
    wanted = ("multilink.dbf", "link.shp", "link.dbf", "link.prj", "turninfo.dbf")
    found: dict[str, bytes] = {}
    try:
        if file.suffix.lower() == ".zip":
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    _keep(found, wanted, name, lambda name=name: archive.read(name))
        else:
            for one in sorted((file if file.is_dir() else file.parent).iterdir()):
                _keep(found, wanted, one.name, one.read_bytes)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError("roads.unreadable", f"{file.name} cannot be read: {error}. Fetch it again.") from error
    if not {"link.shp", "link.dbf"} <= found.keys():
        raise InputError("roads.unreadable", f"{file.name} holds no MOCT_LINK.shp with its .dbf.")
    return found


def _keep(found: dict[str, bytes], wanted: tuple[str, ...], name: str, read: object) -> None:
    end = next((one for one in wanted if name.lower().endswith(one)), None)
    if end is not None and callable(read):
        found[end] = read()


def _geojson(file: Path, bounds: Bounds | None) -> _Links:
    try:
        features = json.loads(file.read_bytes())["features"]
        lines = [np.array(one["geometry"]["coordinates"], np.float64)[:, :2] for one in features]
        rows = [{str(key).upper(): value for key, value in one["properties"].items()} for one in features]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError("roads.unreadable", f"{file.name} is no GeoJSON of lines: {error!r}.") from error
    if not features:
        raise InputError("roads.empty", f"{file.name} holds no link.")
    columns = {name: ["" if row.get(name) is None else str(row[name]) for row in rows] for name in LINK_FIELDS if name in rows[0]}
    lon_lat = np.concatenate(lines)
    if (np.abs(lon_lat) > (180.0, 90.0)).any():
        raise InputError("roads.projection", f"{file.name}: coordinates are no degrees. Save it as WGS 84 (EPSG:4326).")
    sizes = np.array([len(line) for line in lines], np.int64)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    inside = _touching(start, lon_lat, bounds)
    points, start = rows_of(start, inside)
    kept = np.flatnonzero(inside).tolist()
    return _Links({name: [column[row] for row in kept] for name, column in columns.items()}, start, lon_lat[points], {})


def _network(links: _Links, profiles: Mapping[str, VehicleProfile], rules: _Rules, names: tuple[str, str]) -> Network:
    collected = Collected(tuple(profiles))
    nodes: dict[str, int] = {}
    places: list[NDArray[np.float64]] = []
    count = 0
    way_of: dict[str, int] = {}
    for row in range(len(links.start) - 1):
        line = links.lon_lat[links.start[row] : links.start[row + 1]]
        if len(line) < 2:
            continue
        rows = np.empty(len(line), np.int64)
        for at, name in ((0, links.columns["F_NODE"][row]), (-1, links.columns["T_NODE"][row])):
            if name not in nodes:
                nodes[name] = count
                places.append(line[[at]])
                count += 1
            rows[at] = nodes[name]
        rows[1:-1] = np.arange(count, count + len(line) - 2)
        places.append(line[1:-1])
        count += len(line) - 2
        way_of[links.columns["LINK_ID"][row]] = row
        collected.add(row, rows, tuple(_passage(links, row, profile, rules) for profile in profiles.values()))
    _forbid(collected, links, rules, nodes, way_of)
    lon_lat = np.concatenate(places) if places else np.zeros((0, 2))
    return network_from(collected, lon_lat, source=names[0], attribution=names[1])


def _touching(start: NDArray[np.int64], lon_lat: NDArray[np.float64], bounds: Bounds | None) -> NDArray[np.bool_]:
    """Whether each line has a point within the bounds."""
    if bounds is None:
        return np.ones(len(start) - 1, np.bool_)
    within = ((lon_lat >= bounds[:2]) & (lon_lat <= bounds[2:])).all(axis=1)
    seen = np.concatenate([[0], np.cumsum(within)])
    return np.asarray(seen[start[1:]] > seen[start[:-1]])


def _passage(links: _Links, row: int, profile: VehicleProfile, rules: _Rules) -> WayPassage:
    """How a profile passes a link, said in the words of OSM so that one set of rules speaks of both maps."""
    said = {name: column[row] for name, column in links.columns.items()}
    rank = rules.ranks.get(said["ROAD_RANK"])
    form = rules.form
    ramp = said.get("CONNECT", form.ramp_none) not in {form.ramp_none, "", "0"}
    tags = {"highway": "" if rank is None else rank.ramp if ramp else rank.highway, "oneway": "yes"}
    speed = said.get("MAX_SPD", "")
    if speed.split(".")[0].isdigit() and float(speed) > 0:
        tags["maxspeed"] = speed
    if said.get("REST_VEH") == form.truck_closed_value:
        tags["goods"] = "no"
    if said.get("ROAD_USE") == form.unused_value:
        tags["access"] = tags["goods"] = "no"
    if said.get("ROAD_TYPE", "").zfill(3) == form.tunnel_type:
        tags["tunnel"] = "yes"
    return passage(tags, profile)


def _forbid(collected: Collected, links: _Links, rules: _Rules, nodes: Mapping[str, int], way_of: Mapping[str, int]) -> None:
    if not all(name in links.turns for name in TURN_FIELDS):
        return
    for node, a, b, kind in zip(*(links.turns[name] for name in TURN_FIELDS), strict=True):
        if kind in rules.turns and node in nodes and a in way_of and b in way_of:
            collected.forbid(way_of[a], nodes[node], way_of[b], only=False)
