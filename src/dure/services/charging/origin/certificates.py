"""Granular certificates of a site in the fields of EnergyTag, by interval: what its generators and its storage gave. Pure.

Fields are the attributes that the EnergyTag Granular Certificate Scheme Standard (Version 2, March 2024) calls crucial: whole Wh
rounded down, production or discharge interval of at most an hour, whether it was released from storage, source, technology,
device, place, issuer; source and technology in words, for the issuer's own codes differ by scheme. This is an export for an
issuer to check: Dure issues no certificate, and says so (`issuer`, `status`).
Of storage only lots from PV are told, so that no Wh is told that PV did not give; what storage lost is in no certificate of its.
A PV Wh that went into storage is told once as produced and, less losses, once as released: the fields `stored_wh` and
`released_from_storage` keep the two apart, and only one of both may be cancelled (`cancellable_wh`).
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from dure.core.time import format_instant
from dure.services.charging.model import Site

STANDARD = "EnergyTag Granular Certificate Scheme Standard, Version 2"
INTERVAL_MAX = timedelta(hours=1)
SOLAR = "solar"
PHOTOVOLTAIC = "photovoltaic"
Sums = Mapping[tuple[str, str, str], int]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What one interval gave.

    Attributes
    ----------
    face_value_wh : whole Wh, rounded down
    stored_wh : of it, what went into storage
    charged_wh : of it, what vehicles got; exported_wh : what left the site
    cancellable_wh : what may be cancelled against use: what went into storage counts when it is released
    """

    certificate_id: str
    standard: str = STANDARD
    energy_carrier: str = "electricity"
    status: str = "not issued"
    issuer: str = ""
    device_id: str
    device_name: str
    energy_source: str = SOLAR
    technology: str = PHOTOVOLTAIC
    device_capacity_w: int
    country: str = "KR"
    longitude: float
    latitude: float
    production_start: str
    production_end: str
    face_value_wh: int
    released_from_storage: bool
    stored_wh: int
    charged_wh: int
    exported_wh: int
    cancellable_wh: int
    ledger_sha256: str


def certificates(
    site: Site, intervals: Iterable[tuple[datetime, Sums]], digests: Mapping[datetime, str], step: timedelta
) -> list[Certificate]:
    """Certificates of a site's generators as one device and its storage as another, of each interval that gave something.

    Parameters
    ----------
    intervals : begin and Wh by (source, sink, origin) of each
    digests : of the newest row of the books of each
    """
    if step > INTERVAL_MAX:
        raise ValueError("an interval of a certificate is an hour at most")
    found: list[Certificate] = []
    for start, sums in intervals:
        for source, released in (("pv", False), ("ess_pv", True)):
            parts = {sink: wh for (one, sink, _), wh in sums.items() if one == source and sink not in {"loss", "ess_grid"}}
            whole = sum(parts.values())
            if whole > 0:
                found.append(_certificate(site, (start, start + step), parts, (released, digests.get(start, ""))))
    return found


def _certificate(site: Site, span: tuple[datetime, datetime], parts: Mapping[str, int], told: tuple[bool, str]) -> Certificate:
    released, digest = told
    devices: Sequence[str] = [one.id for one in (site.storage if released else site.solar)]
    capacity = sum(one.discharge_w for one in site.storage) if released else sum(one.peak_w for one in site.solar)
    start = format_instant(span[0])
    whole = sum(parts.values())
    stored = parts.get("ess", 0)
    ident = hashlib.sha256(f"{site.id}/{'ess' if released else 'pv'}/{start}/{digest}".encode()).hexdigest()[:32]
    return Certificate(
        certificate_id=ident,
        device_id="+".join(devices),
        device_name=site.name.en or site.name.ko,
        device_capacity_w=round(capacity),
        longitude=site.lon,
        latitude=site.lat,
        production_start=start,
        production_end=format_instant(span[1]),
        face_value_wh=whole,
        released_from_storage=released,
        stored_wh=stored,
        charged_wh=parts.get("ev", 0),
        exported_wh=parts.get("export", 0),
        cancellable_wh=whole - stored,
        ledger_sha256=digest,
    )


def csv_of(found: Sequence[Certificate]) -> str:
    """Certificates as CSV, a column for each field."""
    out = io.StringIO()
    names = list(Certificate.__struct_fields__)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for one in found:
        writer.writerow([_cell(getattr(one, name)) for name in names])
    return out.getvalue()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
