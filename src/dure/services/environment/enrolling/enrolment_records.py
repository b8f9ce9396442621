"""Enrolment in the records: what is known of a batch, a chunk kept in one transaction, uplinks that waited for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Integer, and_, bindparam, func, literal_column, or_, select

from dure.core.errors import Conflict
from dure.core.geo import Point
from dure.engines.records import assets, devices
from dure.engines.records.devices import Device
from dure.engines.records.parked import Parked
from dure.engines.records.tables import assets as assets_table
from dure.engines.records.tables import devices as devices_table
from dure.engines.records.tables import parked as parked_table
from dure.services.environment.enrolling.enrolment import cell_of
from dure.services.environment.enrolling.enrolment_plan import LIKE_DIGITS, Known, KnownDevice, Outcome, Planned
from dure.spine.directory import read_few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.engines.records.audit import By
    from dure.engines.records.store import Records
    from dure.services.environment.enrolling.enrolment_rows import Enrolment
    from dure.spine.directory import Few

CHUNK_ROWS = 500  # one transaction: other writers wait for no more than this
FEW = 50  # up to here the register in memory takes up only what is new
ATTEMPTS_MAX = 3
REPLAYED_MAX = 20_000  # waiting uplinks that one answer deals with
WAITING_FOR_DEVICE = ("device.unknown", "codec.unknown", "asset.unknown")
_MARGIN_DEG = 0.001
_ASKED_MAX = 500

_d, _a, _p = devices_table.c, assets_table.c, parked_table.c
# Statements are built once: a label asks all of them, and building one costs as much as running it.
_NAMED_DEVICES = select(_d.id, _d.asset, _d.codec, _d.dev_eui, _d.state).where(
    or_(_d.id.in_(bindparam("ids", expanding=True)), _d.dev_eui.in_(bindparam("dev_euis", expanding=True)))
)
_LIKE = func.substr(_d.dev_eui, literal_column("1"), literal_column(str(LIKE_DIGITS)))
_LIKE_CODECS = (
    select(_LIKE.label("siblings"), func.min(_d.codec).label("codec"), func.count(_d.codec.distinct()).label("n"))
    .where(_LIKE.in_(bindparam("likes", expanding=True)), _d.codec != "", _d.state != "revoked")
    .group_by("siblings")
)
_NEAR = select(_a.id, _a.west, _a.south).where(
    _a.state != "retired",
    _a.west == _a.east,
    _a.south == _a.north,
    _a.west.between(bindparam("west"), bindparam("east")),
    _a.south.between(bindparam("south"), bindparam("north")),
)
_WAITS = and_(_p.state == "parked", _p.code.in_(WAITING_FOR_DEVICE), _p.device.in_(bindparam("names", expanding=True)))
_WAITING_OLDEST = select(parked_table).where(_WAITS).order_by(_p.received_at, _p.id).limit(bindparam("most", type_=Integer))
_WAITING_N = select(_p.device, func.count().label("n")).where(_WAITS).group_by(_p.device)


def known_of(connection: Connection, items: Sequence[Enrolment]) -> Known:
    """What the register holds of the rows."""
    ids = {name for one in items for name in (one.device, one.asset, f"eui-{one.dev_eui}") if name and name != "eui-"}
    found = _devices(connection, ids, {one.dev_eui for one in items if one.dev_eui})
    wanted = {one.asset for one in items if one.asset} | {one.asset for one in found}
    return Known(
        assets=assets.find(connection, wanted),
        devices={one.id: one for one in found},
        by_dev_eui={one.dev_eui: one for one in found if one.dev_eui},
        places=_places(connection, items),
        codecs=_codecs(connection, items),
    )


def _devices(connection: Connection, ids: set[str], dev_euis: set[str]) -> list[KnownDevice]:
    """The devices with one of these ids or DevEUIs."""
    found: dict[str, KnownDevice] = {}
    id_list, eui_list = sorted(ids), sorted(dev_euis)
    for start in range(0, max(len(id_list), len(eui_list)), _ASKED_MAX):
        asked = {"ids": id_list[start : start + _ASKED_MAX], "dev_euis": eui_list[start : start + _ASKED_MAX]}
        found |= {row.id: KnownDevice(*row) for row in connection.execute(_NAMED_DEVICES, asked)}
    return list(found.values())


def _codecs(connection: Connection, items: Sequence[Enrolment]) -> dict[str, str]:
    """For labels that came without a codec: the only codec that registered devices with a like DevEUI have."""
    likes = sorted({one.dev_eui[:LIKE_DIGITS] for one in items if one.labelled and one.dev_eui and not one.codec})
    if not likes:
        return {}
    rows = connection.execute(_LIKE_CODECS, {"likes": likes})
    return {row.siblings: row.codec for row in rows if row.n == 1}


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
) -> tuple[list[Outcome], Few | None]:
    """Plan and keep one chunk in one transaction; planned anew when somebody else was quicker. Blocks.

    Of a chunk that changes only a few devices their new entries for the register in memory come along, else None.
    """
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with records.begin() as connection:
                outcomes = keep(connection, planned_of(known_of(connection, items)), city, by)
                told = [one for one in outcomes if one.state in ("new", "changed")]
                few = (
                    read_few(connection, {one.asset for one in told}, {one.device for one in told}) if len(told) <= FEW else None
                )
                return outcomes, few
        except Conflict:
            if attempt == ATTEMPTS_MAX:
                raise
    raise AssertionError


def waiting(connection: Connection, names: Iterable[str]) -> list[Parked]:
    """Readings parked because their device was not known, oldest first; `names` are DevEUIs and device ids."""
    wanted = sorted(set(names))
    found: list[Parked] = []
    for start in range(0, len(wanted), _ASKED_MAX):
        asked = {"names": wanted[start : start + _ASKED_MAX], "most": REPLAYED_MAX - len(found)}
        found += [Parked(**row) for row in connection.execute(_WAITING_OLDEST, asked).mappings()]
        if len(found) >= REPLAYED_MAX:
            break
    return found


def waiting_n(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """How many readings wait for each of these DevEUIs and device ids."""
    wanted = sorted(set(names))
    found: Counter[str] = Counter()
    for start in range(0, len(wanted), _ASKED_MAX):
        for name, n in connection.execute(_WAITING_N, {"names": wanted[start : start + _ASKED_MAX]}):
            found[name] = n
    return dict(found)


def usual_codec(connection: Connection, dev_eui: str) -> str:
    """The codec that most devices with a like DevEUI have, "" where there is none: a proposal for a scanned label."""
    like = devices_table.c.dev_eui.startswith(dev_eui[:LIKE_DIGITS], autoescape=True)
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


def _places(connection: Connection, items: Sequence[Enrolment]) -> dict[tuple[int, int], list[tuple[str, Point]]]:
    """Assets that are points, near the places of the rows, by cell."""
    points = [one.place for one in items if one.place is not None]
    if not points:
        return {}
    lons, lats = [point.lon for point in points], [point.lat for point in points]
    box = {"west": min(lons) - _MARGIN_DEG, "east": max(lons) + _MARGIN_DEG}
    box |= {"south": min(lats) - _MARGIN_DEG, "north": max(lats) + _MARGIN_DEG}
    found: dict[tuple[int, int], list[tuple[str, Point]]] = {}
    for asset_id, lon, lat in connection.execute(_NEAR, box):
        point = Point(lon, lat)
        found.setdefault(cell_of(point), []).append((asset_id, point))
    return found


def _device(one: Planned, city: str) -> Device:
    assert one.device is not None  # noqa: S101  # for the type checker: the caller chose those that have one
    known = one.device
    return Device(id=known.id, asset=known.asset, city=city, codec=known.codec, dev_eui=known.dev_eui)
