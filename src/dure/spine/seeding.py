"""The assets and devices a city's folder names, put into the records; a device's secret is made once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.engines.records import assets, devices
from dure.engines.records.audit import SYSTEM, By

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from dure.city import City
    from dure.engines.records.store import Records

log = structlog.get_logger("dure.seeding")

SECRETS_FILE = "device-secrets.json"


def seed(records: Records, city: City, data: Path, now: datetime) -> None:
    """Add what is new in the city's folder. New devices' secrets go to a file only its owner can read.

    The file is written before the devices are committed: a kill between the two leaves secrets of no use, never
    devices without a secret.
    """
    listed = city.assets()
    if not listed:
        return
    by = By(SYSTEM, now)
    with records.begin() as connection:
        result = assets.import_many(connection, listed, by)
        for row in result.rejected:
            log.warning("seeding.asset_rejected", code=row.code, why=row.why)
        wanted = {one.id: one for one in city.devices()}
        known = devices.find(connection, wanted)
        states = {one.id: one.state for one in assets.find(connection, [one.asset for one in wanted.values()]).values()}
        secrets = {}
        for one in wanted.values():
            if one.id in known or one.asset not in states:
                continue
            state: devices.DeviceState = "live" if states[one.asset] == "live" else "quarantined"
            device = devices.Device(
                id=one.id, asset=one.asset, city=city.id, codec=one.codec, dev_eui=one.dev_eui or None, state=state
            )
            secrets[one.id] = devices.add(connection, device, by)
        if secrets:
            _keep_secrets(data / SECRETS_FILE, secrets)
    if secrets:
        log.info("seeding.devices_added", devices=len(secrets), secrets=str(data / SECRETS_FILE))


def read_secrets(data: Path) -> dict[str, str]:
    """Secrets of the devices that were seeded here."""
    file = data / SECRETS_FILE
    return msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}


def _keep_secrets(file: Path, secrets: dict[str, str]) -> None:
    known = msgspec.json.decode(file.read_bytes(), type=dict[str, str]) if file.exists() else {}
    part = file.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(known | secrets)))
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
