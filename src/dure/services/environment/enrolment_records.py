"""Enrolment in the records: what is known of a batch, a chunk kept in one transaction, uplinks that waited for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, or_, select

from dure.core.errors import Conflict
from dure.core.geo import Point
from dure.engines.records import assets, devices
from dure.engines.records.devices import Device
from dure.engines.records.parked import Parked
from dure.engines.records.tables import assets as assets_table
from dure.engines.records.tables import devices as devices_table
from dure.engines.records.tables import parked as parked_table
from dure.services.environment.enrolment import cell_of
from dure.services.environment.enrolment_plan import Known, KnownDevice, Outcome, Planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.engines.records.audit import By
    from dure.engines.records.store import Records
    from dure.services.environment.enrolment_rows import Enrolment

CHUNK_ROWS = 500  # one transaction: other writers wait for no more than this
ATTEMPTS_MAX = 3
REPLAYED_MAX = 20_000  # waiting uplinks that one answer deals with
WAITING_FOR_DEVICE = ("device.unknown", "codec.unknown", "asset.unknown")
_MARGIN_DEG = 0.001
_ASKED_MAX = 500
_LIKE_DIGITS = 9  # of an EUI: its maker's block, and a little of the maker's own numbering


def known_of(connection: Connection, items: Sequence[Enrolment]) -> Known:
    """What the register holds of the rows."""
    ids = {name for one in items for name in (one.device, one.asset, f"eui-{one.dev_eui}") if name and name != "eui-"}
    by_eui = devices.by_dev_euis(connection, (one.dev_eui for one in items if one.dev_eui))
    by_id = devices.find(connection, ids) | {one.id: one for one in by_eui.values()}
    wanted = {one.asset for one in items if one.asset} | {one.asset for one in by_id.values()}
    return Known(
        assets=assets.find(connection, wanted),
        devices={name: _facts(one) for name, one in by_id.items()},
        by_dev_eui={eui: _facts(one) for eui, one in by_eui.items()},
        places=_places(connection, items),
    )


def keep(connection: Connection, planned: Sequence[Planned], city: str, by: By) -> list[Outcome]:
    """Write what was planned in this transaction; the outcomes, with the secret of each new device that needs one.

    A LoRaWAN device needs none: its network server speaks for it.
    """
    city_assets = {one.asset.id: one.asset for one in planned if one.asset is not None}
    taken = assets.import_many(connection, list(city_assets.values()), by)
    if taken.rejected:
        raise Conflict(taken.rejected[0].code, taken.rejected[0].why)
    new = [_device(one, city) for one in planned if one.device is not None and one.device_is_new]
    secrets = devices.add_many(connection, new, by, without_secret={one.id for one in new if one.dev_eui}) if new else {}
    changed = [_device(one, city) for one in planned if one.device is not None and not one.device_is_new]
    if changed:
        devices.change_many(connection, changed, by)
    return [msgspec.structs.replace(one.outcome, secret=secrets.get(one.outcome.device, "")) for one in planned]


def keep_chunk(
    records: Records, items: Sequence[Enrolment], planned_of: Callable[[Known], list[Planned]], city: str, by: By
) -> list[Outcome]:
    """Plan and keep one chunk in one transaction; planned anew when somebody else was quicker. Blocks."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with records.begin() as connection:
                return keep(connection, planned_of(known_of(connection, items)), city, by)
        except Conflict:
            if attempt == ATTEMPTS_MAX:
                raise
    raise AssertionError


def waiting(connection: Connection, names: Iterable[str]) -> list[Parked]:
    """Readings parked because their device was not known, oldest first; `names` are DevEUIs and device ids."""
    wanted = sorted(set(names))
    found: list[Parked] = []
    for start in range(0, len(wanted), _ASKED_MAX):
        query = _waiting_for(wanted[start : start + _ASKED_MAX]).order_by(parked_table.c.received_at, parked_table.c.id)
        rows = connection.execute(query.limit(REPLAYED_MAX - len(found))).mappings()
        found += [Parked(**row) for row in rows]
        if len(found) >= REPLAYED_MAX:
            break
    return found


def waiting_n(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """How many readings wait for each of these DevEUIs and device ids."""
    wanted = sorted(set(names))
    found: Counter[str] = Counter()
    for start in range(0, len(wanted), _ASKED_MAX):
        part = _waiting_for(wanted[start : start + _ASKED_MAX]).subquery()
        for name, n in connection.execute(select(part.c.device, func.count()).group_by(part.c.device)):
            found[name] = n
    return dict(found)


def usual_codec(connection: Connection, dev_eui: str) -> str:
    """The codec that most devices with a like DevEUI have, "" where there is none: a proposal for a scanned label."""
    like = devices_table.c.dev_eui.startswith(dev_eui[:_LIKE_DIGITS], autoescape=True)
    query = select(devices_table.c.codec, func.count()).where(like, devices_table.c.codec != "").group_by(devices_table.c.codec)
    found = connection.execute(query.order_by(func.count().desc(), devices_table.c.codec).limit(1)).one_or_none()
    return "" if found is None else str(found[0])


def labelled(connection: Connection, words: str, ids: Sequence[str], limit: int) -> list[tuple[Device, Asset]]:
    """Devices with their assets in order of id: those named, or those whose id, asset or name holds the words."""
    columns, place = devices_table.c, assets_table.c
    query = select(columns.id).join(assets_table, place.id == columns.asset).where(columns.state != "revoked")
    if ids:
        query = query.where(columns.id.in_(ids))
    elif words:
        pieces = (columns.id, place.id, place.name_ko, place.name_en)
        query = query.where(or_(*(piece.icontains(words, autoescape=True) for piece in pieces)))
    found = devices.find(connection, connection.execute(query.order_by(columns.id).limit(limit)).scalars())
    of = assets.find(connection, [one.asset for one in found.values()])
    return [(one, of[one.asset]) for _, one in sorted(found.items())]


def _waiting_for(names: Sequence[str]):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a Select of whole rows
    columns = parked_table.c
    return select(parked_table).where(columns.state == "parked", columns.code.in_(WAITING_FOR_DEVICE), columns.device.in_(names))


def _places(connection: Connection, items: Sequence[Enrolment]) -> dict[tuple[int, int], list[tuple[str, Point]]]:
    """Assets that are points, near the places of the rows, by cell."""
    points = [one.place for one in items if one.place is not None]
    if not points:
        return {}
    columns = assets_table.c
    query = select(columns.id, columns.west, columns.south).where(
        columns.state != "retired",
        columns.west == columns.east,
        columns.south == columns.north,
        columns.west.between(min(p.lon for p in points) - _MARGIN_DEG, max(p.lon for p in points) + _MARGIN_DEG),
        columns.south.between(min(p.lat for p in points) - _MARGIN_DEG, max(p.lat for p in points) + _MARGIN_DEG),
    )
    found: dict[tuple[int, int], list[tuple[str, Point]]] = {}
    for asset_id, lon, lat in connection.execute(query):
        point = Point(lon, lat)
        found.setdefault(cell_of(point), []).append((asset_id, point))
    return found


def _facts(one: Device) -> KnownDevice:
    return KnownDevice(one.id, one.asset, one.codec, one.dev_eui, one.state)


def _device(one: Planned, city: str) -> Device:
    assert one.device is not None  # noqa: S101  # for the type checker: the caller chose those that have one
    known = one.device
    return Device(id=known.id, asset=known.asset, city=city, codec=known.codec, dev_eui=known.dev_eui)
