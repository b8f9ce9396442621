"""Lines and tables of an ESRI shapefile, as arrays: the few parts of the format that road maps use.

Layout: ESRI Shapefile Technical Description, 1998 (shp, shx; shape types 3, 13 and 23), and dBase III tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dure.core.errors import InputError
from dure.routing.projection import TransverseMercator

_POLYLINES = frozenset({3, 13, 23})
_HEADER = 100
_FIELD = 32


@dataclass(frozen=True)
class Lines:
    """n lines; line i is ``points[start[i]:start[i + 1]]``. Of a line in parts, the parts follow one another."""

    start: NDArray[np.int64]
    points: NDArray[np.float64]


def read_lines(body: bytes) -> Lines:
    """The lines of a .shp file, an empty shape as a line without points; ``roads.unreadable`` when it is none."""
    if len(body) < _HEADER or int.from_bytes(body[:4], "big") != 9994:
        raise _unreadable("The .shp is no shapefile.")
    kind = int.from_bytes(body[32:36], "little")
    if kind not in _POLYLINES:
        raise _unreadable(f"The .shp holds shapes of type {kind}, not lines.")
    at = _HEADER
    sizes: list[int] = []
    parts: list[NDArray[np.float64]] = []
    while at + 8 <= len(body):
        words = int.from_bytes(body[at + 4 : at + 8], "big")
        content = body[at + 8 : at + 8 + 2 * words]
        if len(content) < 2 * words or words < 2:
            raise _unreadable(f"The .shp ends within record {len(sizes) + 1}.")
        points = _points_of(content, len(sizes) + 1)
        sizes.append(len(points))
        parts.append(points)
        at += 8 + 2 * words
    start = np.concatenate([[0], np.cumsum(np.array(sizes, np.int64))]).astype(np.int64)
    return Lines(start, np.concatenate(parts) if parts else np.zeros((0, 2)))


def _points_of(content: bytes, number: int) -> NDArray[np.float64]:
    if int.from_bytes(content[:4], "little") == 0:
        return np.zeros((0, 2))
    if len(content) < 44:
        raise _unreadable(f"Record {number} of the .shp is too short.")
    parts, points = int.from_bytes(content[36:40], "little"), int.from_bytes(content[40:44], "little")
    first = 44 + 4 * parts
    if len(content) < first + 16 * points:
        raise _unreadable(f"Record {number} of the .shp says {points} points and holds fewer.")
    return np.frombuffer(content, "<f8", 2 * points, first).reshape(-1, 2)


def read_table(
    body: bytes, wanted: tuple[str, ...], encoding: str, chosen: NDArray[np.bool_] | None = None
) -> Mapping[str, list[str]]:
    """Columns of a .dbf as text, spaces cut; a wanted column that is not there is absent.

    `chosen` says for each row whether it is wanted; a table of another length is refused.
    """
    if len(body) < _FIELD or body[0] & 0x07 != 3:
        raise _unreadable("The .dbf is no dBase table.")
    rows = int.from_bytes(body[4:8], "little")
    header, width = int.from_bytes(body[8:10], "little"), int.from_bytes(body[10:12], "little")
    if len(body) < header + rows * width or not width:
        raise _unreadable(f"The .dbf says {rows:,} rows and holds fewer.")
    if chosen is not None and len(chosen) != rows:
        raise _unreadable(f"The .dbf has {rows:,} rows and the .shp {len(chosen):,}.")
    found: dict[str, list[str]] = {}
    offset = 1  # the first byte of a row says whether it is deleted
    table = np.frombuffer(body, np.uint8, rows * width, header).reshape(rows, width)
    table = table if chosen is None else table[chosen]
    for at in range(_FIELD, header - 1, _FIELD):
        if body[at] == 0x0D:
            break
        name = body[at : at + 11].split(b"\0")[0].decode("ascii", "replace").upper()
        size = body[at + 16]
        if name in wanted:
            cells = np.ascontiguousarray(table[:, offset : offset + size]).view(f"S{size}").ravel()
            found[name] = [cell.decode(encoding, "replace").strip(" \0") for cell in cells.tolist()]
        offset += size
    return found


_PARAMETERS = {
    "central_meridian": "central_meridian",
    "latitude_of_origin": "latitude_of_origin",
    "false_easting": "false_easting",
    "false_northing": "false_northing",
    "scale_factor": "scale_factor",
}


def read_projection(text: str) -> TransverseMercator | None:
    """The projection of a .prj; None when it is in degrees already. ``roads.projection`` when it is another one."""
    if not text.lstrip().upper().startswith("PROJCS"):
        return None
    if "transverse_mercator" not in text.lower():
        raise InputError("roads.projection", "The .prj names a projection other than transverse Mercator. Save it as EPSG:5186.")
    found = {
        name: float(value)
        for name, value in re.findall(r'PARAMETER\["([a-z_]+)",\s*([-+.\deE]+)', text, re.IGNORECASE)
        for name in [name.lower()]
        if name in _PARAMETERS
    }
    ellipsoid = re.search(r'SPHEROID\["[^"]*",\s*([\d.]+),\s*([\d.]+)', text)
    if not {"central_meridian", "false_easting", "false_northing"} <= found.keys() or ellipsoid is None:
        raise InputError("roads.projection", "The .prj does not say all of its projection. Save it as EPSG:5186.")
    return TransverseMercator(
        found["central_meridian"],
        found.get("latitude_of_origin", 0.0),
        found["false_easting"],
        found["false_northing"],
        found.get("scale_factor", 1.0),
        float(ellipsoid.group(1)),
        float(ellipsoid.group(2)),
    )


def _unreadable(words: str) -> InputError:
    return InputError("roads.unreadable", f"{words} Fetch the file again.")
