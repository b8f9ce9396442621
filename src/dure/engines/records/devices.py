"""Devices and their credentials.

A secret is 192 random bits, so the hash kept need not be slow: nobody guesses it, and 10,000 devices that reconnect at
once cost 10,000 SHA-256, not 10,000 argon2id (some 50 ms and 64 MiB each).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotFound, NotSignedIn
from dure.core.identifiers import identifier
from dure.engines.records import assets, audit, dialect
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables import devices

DeviceState = Literal["quarantined", "live", "revoked"]
OVERLAP = timedelta(hours=24)  # how long the old secret still works after a rotation
SECRET_BYTES = 24
_EUI = re.compile(r"[0-9a-f]{16}")
_NOBODY = hashlib.sha256(b"").hexdigest()
_CHUNK = 500


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """Something that sends readings of an asset. `codec` names how its bytes are read; `dev_eui` its LoRaWAN identity."""

    id: str
    asset: str
    city: str
    codec: str = ""
    dev_eui: str | None = None
    state: DeviceState = "quarantined"
    good_n: int = 0
    created_at: datetime | None = None
    last_seen_at: datetime | None = None

    def __post_init__(self) -> None:
        identifier(self.id, "device id")
        identifier(self.city, "city id")
        if self.dev_eui is not None and not _EUI.fullmatch(self.dev_eui):
            raise InputError("device.dev_eui", f"{self.dev_eui[:40]!r} is no DevEUI: 16 lower-case hexadecimal digits.")


class Credential(msgspec.Struct, frozen=True):
    """What is kept of a device's secrets, for who checks many without asking the records each time."""

    state: DeviceState
    secret_sha256: str
    old_secret_sha256: str | None
    old_valid_until: datetime | None

    def fits(self, secret: str, at: datetime) -> bool:
        """Whether the secret is the device's; takes as long whatever the answer is."""
        given = _hash(secret)
        fits = hmac.compare_digest(given, self.secret_sha256 or _NOBODY)
        old = self.old_secret_sha256 or _NOBODY
        fits_old = hmac.compare_digest(given, old) and self.old_valid_until is not None and at < self.old_valid_until
        return bool(secret) and self.state != "revoked" and (fits or fits_old)


NOBODY = Credential("revoked", "", None, None)  # checked where there is no device, so that the answer takes as long


def add(connection: Connection, device: Device, by: By) -> str:
    """Register a device; its secret, which is shown this once and not kept."""
    if not assets.find(connection, [device.asset]):
        raise InputError("asset.unknown", f"There is no asset {device.asset[:80]!r} for the device {device.id!r}.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = msgspec.structs.asdict(device) | {"secret_sha256": _hash(secret), "counted_seq": 0, "created_at": by.at}
    if not dialect.insert_new(connection, devices, [row]):
        raise Conflict("device.exists", f"There already is a device {device.id!r}, or one with the DevEUI {device.dev_eui!r}.")
    audit.append(connection, by, "manage", "device", device.id, {"added": {"asset": device.asset, "dev_eui": device.dev_eui}})
    return secret


def add_many(
    connection: Connection, items: Sequence[Device], by: By, *, without_secret: Container[str] = frozenset()
) -> dict[str, str]:
    """Register many devices of assets that exist, all or none; their secrets by id, which are shown this once and not kept.

    A device named in `without_secret` gets none and cannot sign in by itself: its network server does.
    """
    missing = {one.asset for one in items} - assets.find(connection, {one.asset for one in items}).keys()
    if missing:
        raise InputError("asset.unknown", f"There is no asset {min(missing)[:80]!r} for its device.")
    secret_of = {one.id: secrets.token_urlsafe(SECRET_BYTES) for one in items if one.id not in without_secret}
    hashes = {device_id: _hash(secret) for device_id, secret in secret_of.items()}
    rows = [
        msgspec.structs.asdict(one) | {"secret_sha256": hashes.get(one.id, ""), "counted_seq": 0, "created_at": by.at}
        for one in items
    ]
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK]
        if dialect.insert_new(connection, devices, part) != len(part):
            raise Conflict("device.exists", "One of these devices, or its DevEUI, is there already: look at them again.")
    told = [(one.id, {"added": {"asset": one.asset, "dev_eui": one.dev_eui}}) for one in items]
    audit.append_many(connection, by, "manage", "device", told)
    return secret_of


def rotate(connection: Connection, device_id: str, by: By, overlap: timedelta = OVERLAP) -> str:
    """A new secret; the old one works until the overlap ends, one older no more."""
    row = _locked(connection, device_id)
    if row["state"] == "revoked":
        raise Conflict("device.revoked", f"The device {device_id!r} is revoked for good: add it anew under another name.")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = {"secret_sha256": _hash(secret), "old_secret_sha256": row["secret_sha256"], "old_valid_until": by.at + overlap}
    connection.execute(update(devices).where(devices.c.id == device_id).values(values))
    audit.append(connection, by, "manage", "device", device_id, {"rotated": {"overlap_s": overlap.total_seconds()}})
    return secret


def revoke(connection: Connection, device_id: str, by: By) -> bool:
    """Refuse the device from now on, for good; False when it already was."""
    if _locked(connection, device_id)["state"] == "revoked":
        return False
    values = {"state": "revoked", "secret_sha256": "", "old_secret_sha256": None, "old_valid_until": None}
    connection.execute(update(devices).where(devices.c.id == device_id).values(values))
    audit.append(connection, by, "manage", "device", device_id, {"revoked": True})
    return True


def change(connection: Connection, device: Device, by: By) -> bool:
    """Give a device another asset, codec or DevEUI; False when nothing was different."""
    row = _locked(connection, device.id)
    wanted = {"asset": device.asset, "codec": device.codec, "dev_eui": device.dev_eui}
    before = {name: row[name] for name in wanted}
    if before == wanted:
        return False
    if not assets.find(connection, [device.asset]):
        raise InputError("asset.unknown", f"There is no asset {device.asset[:80]!r} for the device {device.id!r}.")
    connection.execute(update(devices).where(devices.c.id == device.id).values(wanted))
    audit.append(connection, by, "manage", "device", device.id, {"before": before, "after": wanted})
    return True


def change_many(connection: Connection, items: Sequence[Device], by: By) -> int:
    """Give many known devices another asset, codec or DevEUI, all or none; how many were different."""
    known = find(connection, [one.id for one in items])
    missing = {one.asset for one in items} - assets.find(connection, {one.asset for one in items}).keys()
    if missing:
        raise InputError("asset.unknown", f"There is no asset {min(missing)[:80]!r} for its device.")
    facts = {one.id: {"asset": one.asset, "codec": one.codec, "dev_eui": one.dev_eui} for one in items if one.id in known}
    before = {name: {"asset": old.asset, "codec": old.codec, "dev_eui": old.dev_eui} for name, old in known.items()}
    changed = [name for name in facts if facts[name] != before[name]]
    dialect.update_many(connection, devices, [{"id": name} | facts[name] for name in changed])
    told = [(name, {"before": before[name], "after": facts[name]}) for name in changed]
    audit.append_many(connection, by, "manage", "device", told)
    return len(changed)


def authenticate(connection: Connection, device_id: str, secret: str, at: datetime) -> Device:
    """The device whose secret this is. An unknown device, a revoked one and a wrong secret get one and the same answer."""
    row = connection.execute(select(devices).where(devices.c.id == device_id)).mappings().one_or_none()
    given = _hash(secret)
    now_hash, old_hash, old_until = (
        (row["secret_sha256"], row["old_secret_sha256"], row["old_valid_until"]) if row else ("", "", None)
    )
    fits = hmac.compare_digest(given, now_hash or _NOBODY)
    fits_old = hmac.compare_digest(given, old_hash or _NOBODY) and old_until is not None and at < old_until
    if row is None or not secret or row["state"] == "revoked" or not (fits or fits_old):
        raise NotSignedIn("device.credential", "The device is unknown or revoked, or its secret is wrong.")
    return _device(row)


def get(connection: Connection, device_id: str) -> Device:
    """One device."""
    row = connection.execute(select(devices).where(devices.c.id == device_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("device.unknown", f"There is no device {device_id[:80]!r}.")
    return _device(row)


def credentials(connection: Connection, ids: Iterable[str]) -> dict[str, Credential]:
    """What is kept of the secrets of those of the ids that exist."""
    wanted = sorted(set(ids))
    columns = (devices.c.state, devices.c.secret_sha256, devices.c.old_secret_sha256, devices.c.old_valid_until)
    found: dict[str, Credential] = {}
    for start in range(0, len(wanted), _CHUNK):
        query = select(devices.c.id, *columns).where(devices.c.id.in_(wanted[start : start + _CHUNK]))
        found.update((row[0], Credential(*row[1:])) for row in connection.execute(query))
    return found


def by_dev_eui(connection: Connection, dev_eui: str) -> Device | None:
    """The device with that DevEUI, in any case of letters, with or without separators."""
    wanted = re.sub(r"[^0-9a-f]", "", dev_eui.lower())
    row = connection.execute(select(devices).where(devices.c.dev_eui == wanted)).mappings().one_or_none()
    return None if row is None else _device(row)


def by_dev_euis(connection: Connection, dev_euis: Iterable[str]) -> dict[str, Device]:
    """Those of the DevEUIs (16 lower-case digits) that a device has."""
    wanted = sorted(set(dev_euis))
    found: dict[str, Device] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = connection.execute(select(devices).where(devices.c.dev_eui.in_(wanted[start : start + _CHUNK])))
        found.update((row["dev_eui"], _device(row)) for row in rows.mappings())
    return found


def listing(
    connection: Connection, *, state: DeviceState | None = None, asset: str = "", after: str = "", limit: int = 1_000
) -> Page[Device]:
    """By id, from after the given one."""
    query = select(devices)
    if state is not None:
        query = query.where(devices.c.state == state)
    if asset:
        query = query.where(devices.c.asset == asset)
    if after:
        query = query.where(devices.c.id > after)
    rows = connection.execute(query.order_by(devices.c.id).limit(checked_limit(limit) + 1)).mappings()
    return page((_device(row) for row in rows), limit, lambda device: device.id)


def counts(connection: Connection) -> dict[str, int]:
    """How many there are, by state."""
    query = select(devices.c.state, func.count()).group_by(devices.c.state).order_by(devices.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def seen(connection: Connection, times: Mapping[str, datetime]) -> None:
    """Note when devices were last heard of; an older time changes nothing."""
    rows = [{"id": device_id, "last_seen_at": at} for device_id, at in times.items()]
    dialect.update_many(connection, devices, rows, newer="last_seen_at")


def count_good(connection: Connection, good: Mapping[str, int], *, seq: int, needed: int, at: datetime) -> list[Device]:
    """Count good readings of quarantined devices and release those that have enough; the released.

    `seq` is the bus sequence the readings came up to: what was counted up to there is not counted again, so that a batch
    may be told twice. The devices of one call belong to one stream.
    """
    names, ready = sorted(good), []
    for start in range(0, len(names), _CHUNK):
        waiting = select(devices).where(devices.c.id.in_(names[start : start + _CHUNK]), devices.c.state == "quarantined")
        query = waiting.where(devices.c.counted_seq < seq).order_by(devices.c.id).with_for_update()
        rows = connection.execute(query).mappings().all()
        counted = [{"id": row["id"], "good_n": row["good_n"] + good[row["id"]], "counted_seq": seq} for row in rows]
        dialect.update_many(connection, devices, counted)
        ready += [one["id"] for one in counted if one["good_n"] >= needed]
    return _release(connection, ready, By(SYSTEM, at), live_from_seq=seq + 1)


def forget_counts(connection: Connection) -> None:
    """The bus counts from 1 again: places in its former stream mean nothing now."""
    connection.execute(update(devices).where(devices.c.counted_seq > 0).values(counted_seq=0))


def release(connection: Connection, device_id: str, by: By) -> bool:
    """Let a device out of quarantine, and its asset with it; False when it was not in quarantine."""
    if _locked(connection, device_id)["state"] != "quarantined":
        return False
    _release(connection, [device_id], by)
    return True


def _release(connection: Connection, ids: list[str], by: By, live_from_seq: int | None = None) -> list[Device]:
    dialect.update_many(connection, devices, [{"id": device_id, "state": "live"} for device_id in ids])
    released = list(find(connection, ids).values())
    told = [(one.id, {"released": {"good_n": one.good_n}}) for one in released]
    audit.append_many(connection, by, "manage", "device", told)
    assets.release(connection, [one.asset for one in released], by, live_from_seq)
    return released


def find(connection: Connection, ids: Iterable[str]) -> dict[str, Device]:
    """Those of the ids that exist."""
    wanted = sorted(set(ids))
    found: dict[str, Device] = {}
    for start in range(0, len(wanted), _CHUNK):
        rows = connection.execute(select(devices).where(devices.c.id.in_(wanted[start : start + _CHUNK])))
        found.update((row["id"], _device(row)) for row in rows.mappings())
    return found


def _locked(connection: Connection, device_id: str) -> RowMapping:
    query = select(devices).where(devices.c.id == device_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("device.unknown", f"There is no device {device_id[:80]!r}.")
    return row


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _device(row: RowMapping) -> Device:
    return Device(**{field: row[field] for field in Device.__struct_fields__})
