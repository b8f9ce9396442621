"""The dated rules of a service as a page: every row in force with its source and how sure it is. Services give their folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import ConfigError
from dure.core.rules import load_pack
from dure.core.text import Text
from dure.core.time import day_of
from dure.web.layout import house_of, layout_of
from dure.web.words import Word

if TYPE_CHECKING:
    from starlette.requests import Request

    from dure.web.i18n import Speech

_HANGUL = re.compile("[가-힣]")  # names that have no English, such as a supplier's branch
FRAME = frozenset({"id", "effective_from", "effective_to", "source", "mark", "dated", "unit", "note", "name"})
NONE = Text("")
MARKS: dict[str, Word] = {
    "verified source": Word(Text("출처 확인", "Verified source"), "success", "check", NONE),
    "secondary source": Word(Text("간접 출처", "Secondary source"), "information", "circle", NONE),
    "to be confirmed": Word(Text("확인 필요", "To be confirmed"), "warning", "triangle", NONE),
    "own choice": Word(Text("두레의 선택", "Own choice"), "gray", "diamond", NONE),
}


class Leaf(NamedTuple):
    """A pack as in force: whose file it is, its tables, how many rows are to be confirmed, or why it cannot be read."""

    id: str
    name: Text
    version: str
    own: bool
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    unsure: int = 0
    trouble: str = ""


async def show(request: Request, template: str, service: str, *shipped: Path) -> Response:
    """All packs of a service with all rows in force today.

    Parameters
    ----------
    template : of the service; it extends ``rule_shelf.html`` and says its own title
    service : name of the folder below the city's ``rules`` that wins
    shipped : folders of Dure's packs, the service's own first
    """
    house, say = house_of(request), layout_of(request).speech(request)
    on = day_of(house.clock.now(), house.city.zone)
    places = (house.city.folder / "rules" / service, *shipped)
    return await layout_of(request).page(
        request,
        template,
        leaves=await run_in_threadpool(leaves, places, on),
        on=on,
        marks=MARKS,
        fields_of=lambda row: {name: value for name, value in row.items() if name not in FRAME},
        value_words=lambda value: value_words(value, say),
        is_korean=lambda text: _HANGUL.search(text) is not None,
    )


def leaves(places: tuple[Path, ...], on: date) -> list[Leaf]:
    """Every pack there is in the folders, of which the first wins and the last is Dure's."""
    found = []
    for name in sorted({file.stem for place in places for file in place.glob("*.toml")}):
        try:
            pack = load_pack(name, places)
        except ConfigError as error:
            found.append(Leaf(name, Text(name, name), "", own=True, tables={}, trouble=error.message))
            continue
        tables = {table: rows for table, rows in pack.as_of(on).items() if rows}
        unsure = sum(row["mark"] == "to be confirmed" for rows in tables.values() for row in rows)
        found.append(Leaf(pack.id, pack.name, pack.version, not pack.file.startswith(str(places[-1])), tables, unsure))
    return found


def value_words(value: Any, say: Speech) -> str:
    """A field of a row as people read it."""
    if isinstance(value, bool):
        return say("예") if value else say("아니요")
    if isinstance(value, Mapping) and "ko" in value:
        return say.text(Text(str(value["ko"]), str(value.get("en", ""))))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {value_words(each, say)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_words(one, say) for one in value)
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:,}" if isinstance(value, int) else str(value)
