"""Words folded into the tables of chargers, many at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from dure.core.time import from_us
from dure.services.charging.central.words import Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked, Word
from dure.services.charging.stations import following, reservation_records, station_records
from dure.services.charging.stations.call_records import Answered
from dure.services.charging.stations.station_records import Connector, Happening, Report, StationState

# Topics of which the newest value is kept beside the list of what happened.
STANDING = frozenset({"firmware", "firmware_published", "log", "limit", "profiles", "display", "schedule", "der_report", "clock"})
CALL = "call"  # what became of a call
PARTS = frozenset({"variables", "monitors"})  # each name in them is a value of its own


class Fold:
    """One transaction's worth of words."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, words: Sequence[Word]) -> None:
        """Fold them in, in their order."""
        self._states([one for one in words if isinstance(one, (Linked, Unlinked, Booted, Seen, StatusSaid, TransactionSaid))])
        self._connectors([one for one in words if isinstance(one, StatusSaid)])
        self._transactions([one for one in words if isinstance(one, TransactionSaid)])
        self._happenings([one for one in words if isinstance(one, Happened)])

    def _states(self, words: Sequence[Linked | Unlinked | Booted | Seen | StatusSaid | TransactionSaid]) -> None:
        known = station_records.states(self._connection, {one.charger for one in words})
        for word in words:
            before = known.get(word.charger) or StationState(charger=word.charger, heard_at=from_us(word.heard_us))
            known[word.charger] = after(before, word)
        station_records.store_states(self._connection, [known[name] for name in sorted(known)])

    def _connectors(self, words: Iterable[StatusSaid]) -> None:
        newest: dict[tuple[str, int, int], Connector] = {}
        for one in words:
            newest[(one.charger, one.evse, one.connector)] = Connector(
                charger=one.charger,
                evse=one.evse,
                connector=one.connector,
                status=one.status,
                detail=one.detail,
                error=one.error,
                vendor_error=one.vendor_error,
                info=one.info,
                said_at=from_us(one.at_us),
                heard_at=from_us(one.heard_us),
            )
        station_records.store_connectors(self._connection, [newest[key] for key in sorted(newest)])

    def _transactions(self, words: Sequence[TransactionSaid]) -> None:
        rows = station_records.transactions(self._connection, {(one.charger, one.transaction) for one in words})
        for one in words:
            key = (one.charger, one.transaction)
            rows[key] = _transaction(rows.get(key), one)
            if one.reservation:
                reservation_records.move(self._connection, one.reservation, "used", from_us(one.heard_us))
        station_records.store_transactions(self._connection, [rows[key] for key in sorted(rows)])

    def _happenings(self, words: Sequence[Happened]) -> None:
        calls = [one for one in words if one.topic == CALL]
        following.take(self._connection, [_answered(one) for one in calls], [one.facts["payload"] for one in calls])
        told: dict[str, Happening] = {}
        standing: dict[str, list[Report]] = {}
        for one in words:
            if one.topic == CALL:
                continue
            standing.setdefault(one.charger, []).extend(_reports(one))
            if one.topic == "reservation":
                self._reservation(one)
            facts = {name: value for name, value in one.facts.items() if name not in {"told", "csr"}}
            made = Happening(
                id=_ident(one),
                charger=one.charger,
                topic=one.topic,
                facts=facts,
                said_at=from_us(one.at_us),
                heard_at=from_us(one.heard_us),
            )
            told[made.id] = made
        station_records.add_happenings(self._connection, list(told.values()))
        for charger in sorted(standing):
            station_records.store_reports(self._connection, charger, standing[charger])

    def _reservation(self, word: Happened) -> None:
        state: reservation_records.State = "removed" if word.facts["update"] == "Removed" else "expired"
        reservation_records.move(self._connection, word.facts["reservation"], state, from_us(word.heard_us))


def _reports(word: Happened) -> list[Report]:
    said_at = from_us(word.at_us)
    if word.topic in PARTS:
        parts = word.facts.get("told", {})
        return [Report(word.topic, name, parts[name], said_at) for name in parts]
    return [Report(word.topic, "", word.facts, said_at)] if word.topic in STANDING else []


def _answered(word: Happened) -> Answered:
    facts = word.facts
    return Answered(
        id=facts["call"],
        charger=word.charger,
        action=facts["action"],
        answer=facts["answer"],
        code=facts["code"],
        why=facts["why"],
        answered_at=from_us(word.at_us),
    )


def after(before: StationState, word: Linked | Unlinked | Booted | Seen | StatusSaid | TransactionSaid) -> StationState:
    """A charger's state after a word."""
    heard_at = max(before.heard_at, from_us(word.heard_us))
    changed: dict[str, Any] = {"heard_at": heard_at}
    if isinstance(word, Linked):
        changed |= {"linked": True, "linked_at": from_us(word.heard_us), "version": word.version}
    elif isinstance(word, Unlinked):
        changed = {"linked": False}
    elif isinstance(word, Booted):
        told = ("vendor", "model", "serial", "firmware", "reason", "answer")
        changed |= {
            "booted_at": from_us(word.heard_us),
            "version": word.version,
            "boot": {name: getattr(word, name) for name in told},
        }
    return msgspec.structs.replace(before, **changed)


def _transaction(before: dict[str, Any] | None, word: TransactionSaid) -> dict[str, Any]:
    row = before or {
        "charger": word.charger,
        "transaction": word.transaction,
        "evse": 0,
        "connector": 1,
        "token": "",
        "allowed": True,
        "started": False,
        "ended": False,
        "begun_us": word.at_us,
        "begin_wh": None,
        "heard_us": word.heard_us,
    }
    row = row | {"heard_us": max(row["heard_us"], word.heard_us)}
    if word.evse:
        row |= {"evse": word.evse, "connector": word.connector}
    if word.token:
        row |= {"token": word.token, "allowed": word.allowed}
    if word.step == "started":
        row |= {"started": True, "begun_us": word.at_us, "begin_wh": word.begin_wh}
    if word.step == "ended":
        row |= {"ended": True}
    return row


def _ident(word: Happened) -> str:
    told = msgspec.json.encode([word.charger, word.topic, word.at_us, word.heard_us, word.facts], order="sorted")
    return hashlib.sha256(told).hexdigest()[:32]
