"""A file is taken in: looked at first, then confirmed. All or nothing, as the person chose.

Confirming writes the bytes to the blobs, then the record of the import with its bills and parcel months in one transaction, then
the hours on the interval books. Nothing is written when a row is rejected and the person wanted all of them. If the work is cut
off after the record stands, the same file confirmed again completes it: what is there already is not written twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.engines.blobs.bus import BusBlobs
from dure.engines.records import audit
from dure.services.buildings import sites
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.intervals import import_records, interval_desk
from dure.services.buildings.intervals.import_files import Asked, Parsed, Surroundings, digest_of, parse
from dure.services.buildings.intervals.import_records import Import
from dure.services.buildings.intervals.interval_books import GRID_US
from dure.services.buildings.intervals.interval_desk import Wanted
from dure.services.buildings.intervals.read_watch import touched_by, ways_of
from dure.services.buildings.months import bill_records, parcel_records, touched_records
from dure.services.buildings.months.bill_records import REGISTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.services.buildings.months.bill_records import KeptBill
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

Take = Literal["all", "accepted"]
SHOWN_MAX = 50
REJECTED_KEPT_MAX = 2_000
FOLDER = "buildings/imports"


class BillShown(msgspec.Struct, frozen=True):
    """A row of bills as the preview shows it."""

    row: int
    meter: str
    start_day: str
    end_day: str
    amount: int
    book: str
    won: int | None
    quality: str


class SeriesShown(msgspec.Struct, frozen=True):
    """The hours of one meter as the preview shows them."""

    meter: str
    start_us: int
    end_us: int
    hours: int
    amount: int
    book: str
    not_measured: int


class Rejection(msgspec.Struct, frozen=True):
    """A row that is not taken: its number, a stable code, why, and what it says."""

    row: int
    code: str
    why: Text
    content: str


class Notice(msgspec.Struct, frozen=True):
    """What a person should know of the file."""

    code: str
    why: Text


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What confirming would do. Of very many bills the first are shown; every rejected row is named up to a limit."""

    sha256: str
    kind: str
    accepted_n: int
    rejected_n: int
    bills: tuple[BillShown, ...]
    series: tuple[SeriesShown, ...]
    parcels_n: int
    rejected: tuple[Rejection, ...]
    notices: tuple[Notice, ...]
    columns: dict[str, str]
    encoding: str
    known: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What confirming did. `state`: taken; known (the same file was taken before); completed (it had been cut off)."""

    id: str
    state: Literal["taken", "known", "completed"]
    kind: str
    accepted_n: int
    rejected_n: int
    bills_n: int = 0
    parcels_n: int = 0
    entries_n: int = 0
    flags_n: int = 0


class ImportDesk:
    """Previews and confirms."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def preview(self, body: bytes, asked: Asked) -> Preview:
        """What the file holds; nothing is written."""
        return await asyncio.to_thread(self._preview, body, asked)

    async def confirm(self, body: bytes, asked: Asked, take: Take, by: By) -> Done:
        """Take the file in. Refused: as `preview`, ``import.nothing``, ``import.rejected_rows`` (`take` is all and some are)."""
        sha256 = digest_of(body, asked)
        parsed, found = await asyncio.to_thread(self._parsed, body, asked)
        known = await asyncio.to_thread(self._known, sha256, parsed)
        if known is not None and known.report.get("booked"):
            return _done(known, "known")
        if not parsed.accepted_n:
            raise InputError("import.nothing", "Nothing of the file can be taken. The preview names every row and why.")
        if parsed.rejected and take == "all":
            raise InputError(
                "import.rejected_rows",
                f"{len(parsed.rejected)} rows cannot be taken. Correct the file, or take the others without them.",
            )
        if known is None:
            blobs = await BusBlobs.open(self._house.bus)
            await blobs.put(f"{FOLDER}/{hashlib.sha256(body).hexdigest()}", body)
            one = _import(sha256, body, asked, parsed, by)
            kept = await asyncio.to_thread(self._keep, one, parsed, found, by)
        else:
            one, kept = known, (0, 0)
        wanted = [Wanted(found.meters[meter], hours, yields=True) for meter, hours in parsed.hours.items()]
        booked = await interval_desk.book(self._house, wanted)
        await asyncio.to_thread(self._booked, one)
        state: Literal["taken", "completed"] = "taken" if known is None else "completed"
        return msgspec.structs.replace(
            _done(one, state), bills_n=kept[0], parcels_n=kept[1], entries_n=booked.entries, flags_n=booked.flags
        )

    def _preview(self, body: bytes, asked: Asked) -> Preview:
        parsed, found = self._parsed(body, asked)
        sha256 = digest_of(body, asked)
        known = self._known(sha256, parsed)
        return Preview(
            sha256=sha256,
            kind=parsed.kind,
            accepted_n=parsed.accepted_n,
            rejected_n=len(parsed.rejected),
            bills=tuple(
                BillShown(one.row, one.meter, one.start_day, one.end_day, one.amount, one.book, one.won, one.quality)
                for one in parsed.bills[:SHOWN_MAX]
            ),
            series=tuple(
                SeriesShown(
                    meter,
                    int(hours.start_us[0]),
                    int(hours.start_us[-1]) + GRID_US,
                    len(hours),
                    int(hours.amount.sum()),
                    found.meters[meter].supply.book,
                    int((hours.quality != 0).sum()),
                )
                for meter, hours in sorted(parsed.hours.items())
            ),
            parcels_n=len(parsed.parcels),
            rejected=tuple(_rejection(one) for one in parsed.rejected[:REJECTED_KEPT_MAX]),
            notices=tuple(Notice(code, why) for code, why in parsed.notices),
            columns=dict(parsed.columns),
            encoding=parsed.encoding,
            known=known.id if known is not None else "",
        )

    def _parsed(self, body: bytes, asked: Asked) -> tuple[Parsed, Sites]:
        """The file against the register and the bills that stand."""
        house = self._house
        now, zone = house.clock.now(), house.city.zone
        booking = ways_of(now.astimezone(zone).date(), house.city.folder).booking
        with house.records.read() as connection:
            found = sites.registered(connection)
        parsed = parse(body, asked, Surroundings(found, zone, booking, house.city.folder, now))
        with house.records.read() as connection:
            bills, refused = _apart(connection, _numbered(parsed.bills, digest_of(body, asked)))
        return msgspec.structs.replace(parsed, bills=tuple(bills), rejected=(*parsed.rejected, *refused)), found

    def _known(self, sha256: str, parsed: Parsed) -> Import | None:
        with self._house.records.read() as connection:
            return import_records.same(connection, sha256, parsed.kind)

    def _keep(self, one: Import, parsed: Parsed, found: Sites, by: By) -> tuple[int, int]:
        """The record of the import with its bills and parcel months, in one transaction."""
        house = self._house
        with house.records.begin() as connection:
            if not import_records.add(connection, one):
                raise Conflict("import.twice", "The same file is being taken in at this moment. Look at the list of imports.")
            kept = bill_records.put(connection, parsed.bills)
            touched_records.touch(connection, touched_by(kept, by.at))
            parcels = parcel_records.put(connection, parsed.parcels)
            parcel_records.allocate(connection, found, parcels, house.city.zone, by.at)
            detail = {"kind": one.kind, "name": one.name, "accepted": one.accepted_n, "rejected": one.rejected_n}
            audit.append(connection, by, "write", "city_data", one.id, {"import": detail})
        return len(kept), len(parcels)

    def _booked(self, one: Import) -> None:
        with self._house.records.begin() as connection:
            import_records.booked(connection, one)


def _numbered(bills: Sequence[KeptBill], sha256: str) -> list[KeptBill]:
    """Bills with the id of their import and of their own: the same file gives the same ids."""
    import_id = f"import-{sha256[:20]}"
    return [
        msgspec.structs.replace(one, id=f"bill-{sha256[:20]}-{place}", import_id=import_id) for place, one in enumerate(bills)
    ]


def _apart(connection: Connection, bills: list[KeptBill]) -> tuple[list[KeptBill], list[RefusedRow]]:
    """Bills without those that share days, but not their first day, with one that stands and was brought by a file."""
    held = bill_records.current(connection, {one.meter for one in bills})
    apart = bill_records.overlapping(bills, [one for one in held if one.import_id != REGISTER])
    refused = []
    for one in bills:
        if (other := apart.get(one.id)) is not None:
            why = Text(
                f"이미 있는 청구 기간({other.start_day}~{other.end_day})과 겹칩니다.",
                f"It shares days with a bill that stands ({other.start_day} to {other.end_day}).",
            )
            refused.append(RefusedRow(one.row, "bill.overlap_kept", why, f"{one.meter}, {one.start_day}, {one.end_day}"))
    return [one for one in bills if one.id not in apart], refused


def _import(sha256: str, body: bytes, asked: Asked, parsed: Parsed, by: By) -> Import:
    rejected = [msgspec.to_builtins(_rejection(one)) for one in parsed.rejected[:REJECTED_KEPT_MAX]]
    meters = {meter: [int(hours.start_us[0]), int(hours.start_us[-1]) + GRID_US] for meter, hours in sorted(parsed.hours.items())}
    return Import(
        id=f"import-{sha256[:20]}",
        kind=parsed.kind,
        name=asked.name[:200],
        sha256=sha256,
        person=by.actor,
        imported_at=by.at,
        accepted_n=parsed.accepted_n,
        rejected_n=len(parsed.rejected),
        report={
            "rejected": rejected,
            "meters": meters,
            "asked": msgspec.to_builtins(asked),
            "blob": f"{FOLDER}/{hashlib.sha256(body).hexdigest()}",
            "hours": int(np.sum([len(hours) for hours in parsed.hours.values()])) if parsed.hours else 0,
            "booked": False,
        },
    )


def _rejection(one: RefusedRow) -> Rejection:
    return Rejection(one.row, one.code, one.why, one.content[:400])


def _done(one: Import, state: Literal["taken", "known", "completed"]) -> Done:
    return Done(id=one.id, state=state, kind=one.kind, accepted_n=one.accepted_n, rejected_n=one.rejected_n)
