"""A list of devices to be enrolled, read row by row: a batch file or a scanned label becomes `Enrolment`s and `Refused`s. Pure.

What the register already holds is not looked at here: see `enrolment_plan`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.errors import InputError, TooLarge
from dure.core.geo import Point, distance_m
from dure.core.text import Text
from dure.protocols.tables import read_table
from dure.services.environment.enrolling.enrolment_cells import CELL_CHARS_MAX, BadCell, field_of
from dure.services.environment.enrolling.enrolment_rows import Enrolment, Ground, Noticed, Refused, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROWS_MAX = 10_000
SAME_PLACE_M = 5.0  # two assets nearer than this are probably one entered twice
COMMENT = "#"
_DEGREES_PER_CELL = 0.0001  # 11 m of latitude, never less than SAME_PLACE_M of longitude south of 60°


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held. `columns` are its headings and the field each stands for, "" where none."""

    enrolments: list[Enrolment]
    refused: list[Refused]
    columns: dict[str, str] = {}
    encoding: str = ""


def read_batch(body: bytes, ground: Ground) -> Batch:
    """The rows of a CSV file: UTF-8, UTF-16 or CP949, comma, semicolon, tab or bar, columns in any order and language.

    Raises
    ------
    InputError : nothing of the file can be used (``table.…``, ``enrolment.no_columns``, ``enrolment.empty``)
    """
    table = read_table(body)
    columns = _columns(table.header)
    rows: list[tuple[int, dict[str, str]]] = []
    refused: list[Refused] = []
    for number, cells, width in table.dicts():
        if len(rows) + len(refused) >= ROWS_MAX:
            raise _too_many()
        if cells is None:
            why = Text(
                f"이 줄은 {width}칸, 머리글은 {len(table.header)}칸입니다. 쉼표와 따옴표를 맞춰 주세요.",
                f"The row has {width} cells, the heading {len(table.header)}. Check commas and quotes.",
            )
            refused.append(Refused(number, "table.row_width", why))
        elif not next(iter(cells.values()), "").startswith(COMMENT):
            rows.append((number, {columns[name]: text for name, text in cells.items() if columns[name]}))
    if not rows and not refused:
        raise InputError("enrolment.empty", "The file holds a heading but no row below it.")
    read = read_rows(rows, ground)
    both = sorted([*refused, *read.refused], key=lambda one: one.row)
    return Batch(enrolments=read.enrolments, refused=both, columns=columns, encoding=table.encoding)


def read_items(items: Iterable[Mapping[str, Any]], ground: Ground) -> Batch:
    """Rows that came as JSON objects: keys are headings of the file or names of fields, counted from 1."""
    rows: list[tuple[int, dict[str, str]]] = []
    columns: dict[str, str] = {}
    for number, item in enumerate(items, 1):
        if number > ROWS_MAX:
            raise _too_many()
        columns |= {name: field_of(name) or "" for name in item if name not in columns}
        rows.append((number, {columns[name]: _cell(value) for name, value in item.items() if columns[name]}))
    if not rows:
        raise InputError("enrolment.empty", "The list names no device.")
    read = read_rows(rows, ground)
    return Batch(enrolments=read.enrolments, refused=read.refused, columns=columns, encoding="utf-8")


def read_rows(rows: Iterable[tuple[int, Mapping[str, str]]], ground: Ground) -> Batch:
    """Rows by field name, each read on its own and then looked at beside the others."""
    reader = reader_of(ground)
    enrolments: list[Enrolment] = []
    refused: list[Refused] = []
    for number, cells in rows:
        try:
            enrolments.append(reader.row(number, cells))
        except BadCell as bad:
            name = cells.get("name") or _content(cells)
            refused.append(Refused(number, bad.code, bad.why, name[:CELL_CHARS_MAX], cells.get("device", "")[:CELL_CHARS_MAX]))
    kept, doubled = _apart(enrolments)
    return Batch(enrolments=_placed(kept), refused=sorted([*refused, *doubled], key=lambda one: one.row))


def _columns(header: Iterable[str]) -> dict[str, str]:
    """Each heading's field, "" where it is none of ours."""
    found: dict[str, str] = {}
    for heading in header:
        name = field_of(heading) or ""
        if name and name in found.values():
            raise InputError("table.column_twice", f"{heading[:80]!r} and another column both stand for {name}. Keep one.", row=1)
        found[heading] = name
    if not {"device", "dev_eui", "name", "asset", "label"} & set(found.values()):
        raise InputError(
            "enrolment.no_columns",
            "No heading is one of ours: the first row must name at least a device, a DevEUI, a name, an asset id or a label.",
            row=1,
        )
    return found


def _apart(items: list[Enrolment]) -> tuple[list[Enrolment], list[Refused]]:
    """Rows without those that repeat a device, a DevEUI, or describe an asset otherwise than a row before."""
    kept: list[Enrolment] = []
    refused: list[Refused] = []
    devices: dict[str, int] = {}
    euis: dict[str, int] = {}
    first_of: dict[str, Enrolment] = {}
    for one in items:
        name = one.device or one.asset or one.dev_eui
        first = first_of.get(one.asset) if one.asset else None
        if name in devices:
            refused.append(_twice(one, "enrolment.device_twice", Text(f"장치 {name}", f"The device {name}"), devices[name]))
        elif one.dev_eui and one.dev_eui in euis:
            refused.append(_twice(one, "enrolment.dev_eui_twice", Text("DevEUI", "The DevEUI"), euis[one.dev_eui]))
        elif first is not None and _describes_otherwise(first, one):
            refused.append(_twice(one, "enrolment.asset_differs", Text(f"자산 {one.asset}", f"The asset {one.asset}"), first.row))
        else:
            kept.append(one)
            devices[name] = one.row
            if one.dev_eui:
                euis[one.dev_eui] = one.row
            first_of.setdefault(one.asset, one)
    return kept, refused


_TWICE = {
    "enrolment.device_twice": Text("한 줄만 남겨 주세요.", "Keep one of the two."),
    "enrolment.dev_eui_twice": Text("라벨과 맞춰 한쪽을 고쳐 주세요.", "Compare with the labels and correct one."),
    "enrolment.asset_differs": Text(
        "이름·종류·위치가 다릅니다. 다른 곳이면 자산 id를 따로 적어 주세요.",
        "Its name, kind or place differs there. Give another asset id if it is another place.",
    ),
}


def _twice(one: Enrolment, code: str, what: Text, row: int) -> Refused:
    todo = _TWICE[code]
    why = Text(f"{what.ko}: {row}번째 줄에 이미 있습니다. {todo.ko}", f"{what.en} is already in row {row}. {todo.en}")
    return Refused(one.row, code, why, one.name_ko, one.device or one.asset or one.dev_eui)


def _describes_otherwise(a: Enrolment, b: Enrolment) -> bool:
    pairs = ((a.name_ko, b.name_ko), (a.kind, b.kind), (a.place, b.place))
    return any(left and right and left != right for left, right in pairs)


def near(point: Point, others: Mapping[tuple[int, int], list[tuple[str, Point]]]) -> str | None:
    """The id of one of the others that is nearer than `SAME_PLACE_M`."""
    column, line = cell_of(point)
    for x in range(column - 1, column + 2):
        for y in range(line - 1, line + 2):
            for name, other in others.get((x, y), ()):
                if distance_m(point, other) < SAME_PLACE_M:
                    return name
    return None


def cell_of(point: Point) -> tuple[int, int]:
    """The cell of a grid in which near points are in the same or a touching cell."""
    return math.floor(point.lon / _DEGREES_PER_CELL), math.floor(point.lat / _DEGREES_PER_CELL)


def same_place(other: str) -> Noticed:
    """The notice that another asset stands at the very place."""
    why = Text(
        f"{other}에서 5m 안입니다. 같은 곳을 두 번 적지 않았는지 보세요.",
        f"Less than 5 m from {other}. Is it the same place twice?",
    )
    return Noticed("enrolment.same_place", why)


def _placed(items: list[Enrolment]) -> list[Enrolment]:
    """The rows, with a notice where two assets of the file stand at one place."""
    seen: dict[tuple[int, int], list[tuple[str, Point]]] = {}
    found: list[Enrolment] = []
    for one in items:
        if one.place is None:
            found.append(one)
            continue
        other = near(one.place, seen)
        if other is not None and other != one.asset:
            found.append(msgspec.structs.replace(one, noticed=(*one.noticed, same_place(other))))
        else:
            found.append(one)
            seen.setdefault(cell_of(one.place), []).append((one.asset or one.device, one.place))
    return found


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _content(cells: Mapping[str, str]) -> str:
    """What a row says; not its label, which may hold a key."""
    return ", ".join(text for name, text in cells.items() if text and name != "label")[:CELL_CHARS_MAX]


def _too_many() -> TooLarge:
    return TooLarge(
        "enrolment.too_many", f"At most {ROWS_MAX:,} devices are taken at once. Send them in parts.", rows_max=ROWS_MAX
    )
