"""The register of assets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.assets import Asset, AssetState
from dure.core.errors import Conflict, InputError, NotFound
from dure.core.geo import Place
from dure.core.observations import Rejected
from dure.core.text import Text
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables import assets

PARENTS_MAX = 16
_CHUNK = 500
_NAMED = select(assets).where(assets.c.id.in_(bindparam("ids", expanding=True)))
Bounds = tuple[float, float, float, float]  # west, south, east, north [deg]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which assets a list shows; what is None does not choose. Bounds with west > east cross the date line."""

    kinds: Sequence[str] | None = None
    states: Sequence[AssetState] | None = None
    parent: str | None = None
    bounds: Bounds | None = None
    words: str | None = None


class Imported(msgspec.Struct, frozen=True):
    """What became of the rows of an import."""

    added: int
    changed: int
    unchanged: int
    rejected: list[Rejected]


def add(connection: Connection, asset: Asset, by: By) -> None:
    """Register a new asset."""
    _check_parent(connection, asset)
    if not dialect.insert_new(connection, assets, [_row(asset, by) | {"created_at": by.at}]):
        raise Conflict("asset.exists", f"There already is an asset {asset.id!r}.")
    audit.append(connection, by, "write", "asset", asset.id, {"added": _told(asset)})


def update_one(connection: Connection, asset: Asset, by: By) -> bool:
    """Replace an asset by its new self; False when nothing was different."""
    before = get(connection, asset.id)
    if before == asset:
        return False
    _check_parent(connection, asset)
    connection.execute(update(assets).where(assets.c.id == asset.id).values(_row(asset, by)))
    audit.append(connection, by, "write", "asset", asset.id, _changes(before, asset))
    return True


def set_state(connection: Connection, asset_id: str, state: AssetState, by: By) -> Asset:
    """Release, retire or quarantine an asset."""
    asset = msgspec.structs.replace(get(connection, asset_id), state=state)
    update_one(connection, asset, by)
    return asset


def release(connection: Connection, ids: Iterable[str], by: By, live_from_seq: int | None = None) -> int:
    """Let those of the assets out of quarantine that are in it; how many. `live_from_seq`: the rows that count from now on."""
    held = sorted(one.id for one in find(connection, ids).values() if one.state == "quarantined")
    dialect.update_many(connection, assets, [{"id": asset_id, "state": "live", "updated_at": by.at} for asset_id in held])
    if live_from_seq is not None:
        rows = [{"id": asset_id, "live_from_seq": live_from_seq} for asset_id in held]
        dialect.update_many(connection, assets, rows, empty="live_from_seq")
    change = {"before": {"state": "quarantined"}, "after": {"state": "live"}}
    audit.append_many(connection, by, "write", "asset", [(asset_id, change) for asset_id in held])
    return len(held)


def forget_places(connection: Connection) -> None:
    """The bus counts from 1 again: what was released counts from the beginning of its new stream."""
    connection.execute(update(assets).where(assets.c.live_from_seq.is_not(None)).values(live_from_seq=None))


def get(connection: Connection, asset_id: str) -> Asset:
    """One asset."""
    row = connection.execute(select(assets).where(assets.c.id == asset_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("asset.unknown", f"There is no asset {asset_id[:80]!r}.")
    return _asset(row)


def find(connection: Connection, ids: Iterable[str]) -> dict[str, Asset]:
    """Those of the ids that exist."""
    wanted = sorted(set(ids))
    found: dict[str, Asset] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = connection.execute(_NAMED, {"ids": wanted[start : start + _CHUNK]})
        found.update((row["id"], _asset(row)) for row in rows.mappings())
    return found


def listing(connection: Connection, wanted: Wanted | None = None, *, after: str = "", limit: int = 1_000) -> Page[Asset]:
    """By id, from after the given one."""
    query = select(assets).where(*_conditions(wanted or Wanted()))
    if after:
        query = query.where(assets.c.id > after)
    rows = connection.execute(query.order_by(assets.c.id).limit(checked_limit(limit) + 1)).mappings()
    return page((_asset(row) for row in rows), limit, lambda asset: asset.id)


def count(connection: Connection, wanted: Wanted | None = None) -> dict[tuple[str, str], int]:
    """How many there are, by kind and state."""
    query = select(assets.c.kind, assets.c.state, func.count()).where(*_conditions(wanted or Wanted()))
    rows = connection.execute(query.group_by(assets.c.kind, assets.c.state).order_by(assets.c.kind, assets.c.state))
    return {(row[0], row[1]): row[2] for row in rows}


def import_many(connection: Connection, items: Sequence[Asset], by: By) -> Imported:
    """Add or update many; a row that cannot be taken is named and the others are kept.

    An import does not move an asset in or out of quarantine: the state of a known one stays.
    """
    known = _with_ancestors(connection, items)
    taken, rejected = _takeable(items, known)
    new = [one for one in taken if one.id not in known]
    changed = [(known[one.id], one) for one in taken if one.id in known and known[one.id] != one]
    for start in range(0, len(new), _CHUNK):
        rows = [_row(one, by) | {"created_at": by.at} for one in new[start : start + _CHUNK]]
        if dialect.insert_new(connection, assets, rows) != len(rows):
            raise Conflict("asset.exists", "Another import added some of these assets just now: run this one again.")
    for _, one in changed:
        connection.execute(update(assets).where(assets.c.id == one.id).values(_row(one, by)))
    told = [(one.id, {"added": _told(one)}) for one in new] + [(one.id, _changes(was, one)) for was, one in changed]
    audit.append_many(connection, by, "write", "asset", told)
    return Imported(len(new), len(changed), len(taken) - len(new) - len(changed), rejected)


def _takeable(items: Sequence[Asset], known: dict[str, Asset]) -> tuple[list[Asset], list[Rejected]]:
    """The rows that can be kept, and why the others cannot."""
    rejected: dict[int, Rejected] = {}
    first: dict[str, int] = {}
    for row, one in enumerate(items):
        if first.setdefault(one.id, row) != row:
            rejected[row] = Rejected(row, "asset.twice", f"{one.id} is already in row {first[one.id]}.", one.id)
        elif one.id in known and known[one.id].city != one.city:
            rejected[row] = Rejected(row, "asset.other_city", f"{one.id} belongs to {known[one.id].city}.", one.id)
    while True:  # a child of a rejected row goes too, and so on down
        kept = {one.id: one for row, one in enumerate(items) if row not in rejected}
        orphans = [row for row, one in enumerate(items) if row not in rejected and not _has_root(one, kept, known)]
        if not orphans:
            break
        for row in orphans:
            why = f"The parent {items[row].parent} is unknown, or the chain of parents is a ring or too long."
            rejected[row] = Rejected(row, "asset.parent", why, items[row].id)
    states = {asset_id: asset.state for asset_id, asset in known.items()}
    taken = [msgspec.structs.replace(one, state=states.get(one.id, one.state)) for one in kept.values()]
    return taken, [rejected[row] for row in sorted(rejected)]


def _has_root(asset: Asset, kept: dict[str, Asset], known: dict[str, Asset]) -> bool:
    """Whether the chain of parents ends within `PARENTS_MAX` levels, as it will be after the import."""
    parent = asset.parent
    for _ in range(PARENTS_MAX):
        if parent is None:
            return True
        above = kept.get(parent) or known.get(parent)
        if above is None:
            return False
        parent = above.parent
    return False


def _with_ancestors(connection: Connection, items: Sequence[Asset]) -> dict[str, Asset]:
    """The assets already kept among these, and all above any of them."""
    known: dict[str, Asset] = {}
    wanted = {one.id for one in items} | {one.parent for one in items if one.parent}
    while wanted:
        found = find(connection, wanted)
        known |= found
        wanted = {one.parent for one in found.values() if one.parent} - known.keys()
    return known


def _check_parent(connection: Connection, asset: Asset) -> None:
    if asset.parent is not None and not _has_root(asset, {asset.id: asset}, _with_ancestors(connection, [asset])):
        why = f"its parents must exist, be no ring and no more than {PARENTS_MAX} levels"
        raise InputError("asset.parent", f"{asset.id!r} cannot be put below {asset.parent!r}: {why}.")


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    columns = assets.c
    found: list[ColumnElement[bool]] = []
    if wanted.kinds is not None:
        found.append(columns.kind.in_(wanted.kinds))
    if wanted.states is not None:
        found.append(columns.state.in_(wanted.states))
    if wanted.parent is not None:
        found.append(columns.parent == wanted.parent)
    if wanted.words:
        pieces = (columns.id, columns.name_ko, columns.name_en)
        found.append(or_(*(piece.icontains(wanted.words, autoescape=True) for piece in pieces)))
    if wanted.bounds is not None:
        found.append(_touches(wanted.bounds))
    return found


def _touches(bounds: Bounds) -> ColumnElement[bool]:
    """Assets whose own bounds touch these."""
    west, south, east, north = bounds
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("geo.bounds", "Bounds are west, south, east, north in degrees, south not above north.")
    across = and_ if west <= east else or_
    return and_(across(assets.c.east >= west, assets.c.west <= east), assets.c.north >= south, assets.c.south <= north)


def _row(asset: Asset, by: By) -> dict[str, Any]:
    west, south, east, north = asset.place.bounds if asset.place else (None, None, None, None)
    return {
        "id": asset.id,
        "city": asset.city,
        "kind": asset.kind,
        "name_ko": asset.name.ko,
        "name_en": asset.name.en,
        "place": None if asset.place is None else msgspec.to_builtins(asset.place),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "parent": asset.parent,
        "state": asset.state,
        "attributes": asset.attributes,
        "updated_at": by.at,
    }


def _asset(row: RowMapping) -> Asset:
    return Asset(
        id=row["id"],
        city=row["city"],
        kind=row["kind"],
        name=Text(row["name_ko"], row["name_en"]),
        place=None if row["place"] is None else Place(**row["place"]),
        parent=row["parent"],
        state=row["state"],
        attributes=row["attributes"],
    )


def _told(asset: Asset) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(asset).items() if value not in (None, {}, "")}


def _changes(before: Asset, after: Asset) -> dict[str, Any]:
    """What the audit log says of a change: old and new of each field that differs."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return {"before": {k: old[k] for k in old if old[k] != new[k]}, "after": {k: new[k] for k in new if old[k] != new[k]}}
