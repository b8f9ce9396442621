"""Files of roads, written for the importers to read: OpenStreetMap by osmium, the node-link as its shapefiles are laid out."""

from __future__ import annotations

import struct
import zipfile
from datetime import date

import osmium

from dure.engines.roads.profiles import vehicle_profiles

DAY = date(2026, 11, 25)
PROFILES = vehicle_profiles(DAY)
PRJ = (
    'PROJCS["PCS_ITRF2000_TM",GEOGCS["GCS_ITRF_2000",DATUM["D_ITRF_2000",SPHEROID["GRS_1980",6378137.0,298.257222101]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
    'PARAMETER["False_Easting",200000.0],PARAMETER["False_Northing",600000.0],PARAMETER["Central_Meridian",127.0],'
    'PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",38.0],UNIT["Meter",1.0]]'
)


def write_osm(file, lon_lat, ways, tags, turns=()):
    """Nodes from id 1, ways from id 1001, restrictions (from way, via node, to way, word) by row."""
    with osmium.SimpleWriter(str(file), overwrite=True) as writer:
        for number, (lon, lat) in enumerate(lon_lat, 1):
            writer.add_node(osmium.osm.mutable.Node(id=number, version=1, location=(float(lon), float(lat))))
        for number, (nodes, words) in enumerate(zip(ways, tags, strict=True), 1001):
            writer.add_way(osmium.osm.mutable.Way(id=number, version=1, nodes=[node + 1 for node in nodes], tags=words))
        for number, (a, via, b, word) in enumerate(turns, 2001):
            members = [("w", a + 1001, "from"), ("n", via + 1, "via"), ("w", b + 1001, "to")]
            words = {"type": "restriction", "restriction": word}
            writer.add_relation(osmium.osm.mutable.Relation(id=number, version=1, members=members, tags=words))
    return file


def shp(lines):
    """The bytes of a .shp of lines [[(east, north), ...], ...]."""
    records = b""
    for number, line in enumerate(lines, 1):
        flat = [value for point in line for value in point]
        xs, ys = flat[0::2], flat[1::2]
        content = struct.pack("<i4dii", 3, min(xs), min(ys), max(xs), max(ys), 1, len(line)) + struct.pack("<i", 0)
        content += struct.pack(f"<{len(flat)}d", *flat)
        records += struct.pack(">ii", number, len(content) // 2) + content
    head = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + len(records)) // 2)
    return head + struct.pack("<2i8d", 1000, 3, *[0.0] * 8) + records


def dbf(columns, encoding="cp949"):
    """The bytes of a .dbf of text columns {name: [cells]}."""
    names = list(columns)
    cells = {name: [cell.encode(encoding) for cell in column] for name, column in columns.items()}
    sizes = {name: max([*map(len, cells[name]), 1]) for name in names}
    rows = len(columns[names[0]])
    header, width = 32 + 32 * len(names) + 1, 1 + sum(sizes.values())
    body = struct.pack("<B3BIHH20x", 3, 125, 8, 14, rows, header, width)
    for name in names:
        body += struct.pack("<11sc4xBB14x", name.encode(), b"C", sizes[name], 0)
    body += b"\r"
    for row in range(rows):
        body += b" " + b"".join(cells[name][row].ljust(sizes[name]) for name in names)
    return body + b"\x1a"


def write_node_link(file, links, turns=None, *, prj=PRJ):
    """A zip as the national one: links [{field: text, "line": [...]}], turns {field: [...]}."""
    fields = [name for name in links[0] if name != "line"]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[2026]NODELINKDATA/MOCT_LINK.shp", shp([link["line"] for link in links]))
        archive.writestr("[2026]NODELINKDATA/MOCT_LINK.dbf", dbf({name: [link[name] for link in links] for name in fields}))
        archive.writestr("[2026]NODELINKDATA/MULTILINK.dbf", dbf({"LINK_ID": ["1"]}))
        if prj:
            archive.writestr("[2026]NODELINKDATA/MOCT_LINK.prj", prj)
        if turns is not None:
            archive.writestr("[2026]NODELINKDATA/TURNINFO.dbf", dbf(turns))
    return file
