"""Where taps arrive: a batch is judged and kept in one transaction, so that nothing is lost and nothing counts twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, select

from dure.core.errors import InputError, TooLarge
from dure.core.events import Event
from dure.engines.records import audit, events, parked, tables
from dure.engines.records.audit import By
from dure.services.waste.driving import tap_records
from dure.services.waste.driving.taps import Judged, Known, Tap, TapAnswer, judged, sighting_of

if TYPE_CHECKING:
    from dure.engines.records.store import Records
    from dure.services.waste.model import Sighting

TAPS_MAX = 1_000
SOURCE = "dure/waste"
SENDER = "crew"  # parked taps stand under this name
_RETRIED_MAX = 200


def read_taps(body: bytes) -> list[Tap]:
    """The taps of a request: ``{"taps": [...]}``; one that is no object, or has fields of another kind, becomes an empty tap.

    Raises
    ------
    InputError : the body is no such list (``taps.malformed``)
    TooLarge : more than `TAPS_MAX` (``taps.too_many``)
    """
    try:
        given = msgspec.json.decode(body, type=dict[str, Any]).get("taps")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("taps.malformed", f"The taps cannot be read: {error}.") from error
    if not isinstance(given, list):
        raise InputError("taps.malformed", 'Taps come as {"taps": [...]}.')
    if len(given) > TAPS_MAX:
        raise TooLarge("taps.too_many", f"{len(given):,} taps at once; send at most {TAPS_MAX:,} in one request.")
    return [_tap(one) for one in given]


def _tap(given: object) -> Tap:
    try:
        return msgspec.convert(given, Tap)
    except msgspec.ValidationError as error:
        id_ = given.get("id") if isinstance(given, dict) else None
        note = f"{error}: {msgspec.json.encode(given).decode()}"
        return Tap(id=id_ if isinstance(id_, str) else "", kind="unreadable", note=note[:4_000])


def take(records: Records, taps: Sequence[Tap], by: By) -> list[TapAnswer]:
    """Keep the taps of a batch in the order they came; an answer for each. Blocks."""
    with records.begin() as connection:
        retry_parked(connection, by.at)
        return [_taken(connection, tap, by) for tap in taps]


def _taken(connection: Connection, tap: Tap, by: By) -> TapAnswer:
    known = Known(
        bins=tap_records.bins_known(connection, [tap.bin]),
        plans=tap_records.plans_seen(connection, [tap.plan]),
        kept=tap_records.find(connection, [tap.id, tap.undoes]),
    )
    found = judged(tap, known, by.actor, by.at)
    if found.answer.state == "parked":
        parked.park(connection, [parked_tap(tap, found.answer, by)])
    if found.undoes:
        _undo(connection, known.kept[found.undoes], by)
    if found.sighting is not None:
        _keep(connection, found.sighting, by)
    return _with_photo(connection, tap, known, found)


def _keep(connection: Connection, sighting: Sighting, by: By) -> None:
    tap_records.add(connection, [sighting])
    if sighting.kind == "emptied":
        data = {"sighting": sighting.id, "level": sighting.level, "truck": sighting.truck, "plan": sighting.plan}
        event = Event(
            id=f"collected-{sighting.id}",
            type="waste.bin.collected",
            source=SOURCE,
            time=sighting.seen_at,
            subject=sighting.bin,
            data=data,
        )
        events.announce(connection, [event], by.at)


def _undo(connection: Connection, before: Sighting, by: By) -> None:
    tap_records.undo(connection, before, by.actor, by.at)
    audit.append(connection, by, "act", "field_work", before.id, {"undone": {"bin": before.bin, "kind": before.kind}})
    data = {"sighting": before.id, "kind": before.kind}
    event = Event(
        id=f"undone-{before.id}", type="waste.sighting.undone", source=SOURCE, time=by.at, subject=before.bin, data=data
    )
    events.announce(connection, [event], by.at)


def _with_photo(connection: Connection, tap: Tap, known: Known, found: Judged) -> TapAnswer:
    """A photo that comes with a second sending of the same tap is put to the first."""
    before = known.kept.get(tap.id)
    if found.answer.state == "known" and before is not None and tap.photo and not before.photo:
        tap_records.add_photo(connection, tap.id, tap.photo)
    return found.answer


def parked_tap(tap: Tap, answer: TapAnswer, by: By) -> parked.Parked:
    """A tap that could not be kept, with everything it said."""
    content = msgspec.json.encode(msgspec.structs.asdict(tap) | {"person": by.actor})
    return parked.Parked(
        id=parked.key(b"tap", content),
        received_at=by.at,
        way="http",
        device=SENDER,
        code=answer.code,
        why=answer.why,
        content=content,
    )


def retry_parked(connection: Connection, at: datetime) -> int:
    """Keep parked taps whose bin has been registered meanwhile; how many."""
    table = tables.parked
    query = select(table).where(table.c.state == "parked", table.c.device == SENDER, table.c.code == "tap.bin_unknown")
    waiting = list(connection.execute(query.order_by(table.c.received_at).limit(_RETRIED_MAX)).mappings())
    taps = [(row, msgspec.json.decode(row["content"], type=Tap)) for row in waiting]
    bins = tap_records.bins_known(connection, [tap.bin for _, tap in taps])
    kept = 0
    for row, tap in taps:
        person = msgspec.json.decode(row["content"]).get("person", "")
        try:
            sighting = sighting_of(tap, bins, person, row["received_at"])
        except InputError:  # still unknown, or wrong in another way too: it waits for an operator
            continue
        _keep(connection, msgspec.structs.replace(sighting, received_at=at), By(person, at))
        parked.settle(connection, [row["id"]], "replayed", at)
        kept += 1
    return kept
