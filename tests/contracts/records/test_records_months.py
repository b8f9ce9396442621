"""Bills, months, exchanges, imports and parcels on both engines: kept in two times, each once."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.buildings.intervals import exchange_records, import_records
from dure.services.buildings.intervals.import_records import Import
from dure.services.buildings.model import Building
from dure.services.buildings.months import bill_records, month_records, parcel_records, touched_records
from dure.services.buildings.months.bill_records import KeptBill
from dure.services.buildings.months.derived_months import ParcelMonth
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import Question, month_totals, portfolio
from dure.services.buildings.months.touched_records import Touched
from dure.services.buildings.reads.model import Exchange
from dure.services.buildings.sites import Sites

HOUR = timedelta(hours=1)
EMPTY = Sites({}, {}, [])


def bill(by: By, start: str, end: str, amount: int, **more: object) -> KeptBill:
    usual = {"id": f"{start}-{amount}", "meter": "m", "book": "Wh", "known_at": by.at} | more
    return KeptBill(start_day=start, end_day=end, amount=amount, **usual)  # type: ignore[arg-type]


def month(by: By, amount: int, **more: object) -> MonthUse:
    usual = {"meter": "m", "month": "2026-05", "known_at": by.at, "building": "hall", "fuel": "electricity", "part": "main"}
    return MonthUse(book="Wh", amount=amount, measured=amount, **usual | more)  # type: ignore[arg-type]


def test_a_corrected_bill_replaces_the_old_one_which_is_known_of_then(records: Records, by: By) -> None:
    old = bill(by, "2026-05-01", "2026-06-01", 900)
    new = bill(by, "2026-05-01", "2026-06-01", 950, known_at=by.at + HOUR)
    with records.begin() as connection:
        assert bill_records.put(connection, [old]) == [old]
        assert bill_records.put(connection, [msgspec.structs.replace(old, id="again")]) == []
        assert bill_records.put(connection, [new]) == [new]
    with records.read() as connection:
        assert [one.amount for one in bill_records.current(connection, {"m"})] == [950]
        then = bill_records.find(connection, {"m"}, as_of=by.at)
        assert [(one.amount, one.replaced_at) for one in then] == [(900, by.at + HOUR)]
        assert bill_records.find(connection, {"m"}, "2026-06-01", "2026-07-01") == []


def test_a_month_is_put_once_and_replaced_when_it_says_another_thing(records: Records, by: By) -> None:
    with records.begin() as connection:
        assert month_records.revision(connection) == 0
        assert month_records.put(connection, [month(by, 900)]) == 1
        assert month_records.put(connection, [month(by, 900, known_at=by.at + HOUR)]) == 0
        assert month_records.revision(connection) == 1
        assert month_records.put(connection, [month(by, 901, known_at=by.at + HOUR)]) == 1
        assert month_records.revision(connection) == 2
    with records.read() as connection:
        assert [one.amount for one in month_records.find(connection, "2026-01", "2026-12")] == [901]
        assert [one.amount for one in month_records.find(connection, "2026-01", "2026-12", as_of=by.at)] == [900]
        (row,) = portfolio(None, connection, EMPTY, "2026-01", "2026-12")
        assert row.amount == 901
        (then,) = month_totals(None, connection, EMPTY, Question("2026-01", "2026-12", by.at)).values()
        assert then.amount == 900


def test_a_month_that_runs_is_refreshed_in_its_place_and_kept_from_its_end_on(records: Records, by: By) -> None:
    with records.begin() as connection:
        for n in range(3):
            row = month(by, 100 * n, known_at=by.at + n * HOUR, facts={"running": True})
            assert month_records.put(connection, [row]) == 1
        assert month_records.put(connection, [month(by, 200, known_at=by.at + 3 * HOUR)]) == 1  # the same, and over
        assert month_records.find(connection, "2026-05", "2026-05", as_of=by.at + HOUR) == []
        (now,) = month_records.find(connection, "2026-05", "2026-05")
    assert (now.amount, now.facts) == (200, {})


def test_what_stands_of_one_meter_only_once(records: Records, by: By) -> None:
    held = [bill(by, "2026-05-01", "2026-06-01", 1), bill(by, "2026-06-01", "2026-07-01", 2)]
    new = [bill(by, "2026-05-15", "2026-06-02", 3)]
    assert list(bill_records.overlapping(new, held)) == [new[0].id]
    told = [bill(by, "2026-05-01", "2026-07-01", 3)]
    stale = bill_records.stale(told, held)
    assert [one.start_day for one in stale] == ["2026-06-01"]
    with records.begin() as connection:
        bill_records.put(connection, held)
        bill_records.retire(connection, stale, by.at + HOUR)
        bill_records.put(connection, [msgspec.structs.replace(told[0], known_at=by.at + HOUR)])
        assert [one.amount for one in bill_records.current(connection, {"m"})] == [3]


def test_an_exchange_is_noted_corrected_and_withdrawn(records: Records, by: By) -> None:
    at = by.at - HOUR
    with records.begin() as connection:
        exchange_records.note(connection, "m", Exchange(at, 10, 0), by)
        before = exchange_records.state(connection)
        exchange_records.note(connection, "m", Exchange(at, 11, 0), By("other", by.at + HOUR))
        assert exchange_records.state(connection) != before
        assert [one.last for one in exchange_records.of_meter(connection, "m")] == [11]
        assert exchange_records.of_meters(connection, ["m", "n"]) == {"m": [Exchange(at, 11, 0)]}
        exchange_records.withdraw(connection, "m", at, by)
        assert exchange_records.of_meter(connection, "m") == []
    with records.begin() as connection:
        with pytest.raises(NotFound):
            exchange_records.withdraw(connection, "m", at, by)
        with pytest.raises(InputError):
            exchange_records.note(connection, "m", Exchange(by.at + timedelta(days=3)), by)
        with pytest.raises(InputError):
            exchange_records.note(connection, "m", Exchange(at, -1), by)


def test_a_file_is_kept_once_by_its_digest(records: Records, by: By) -> None:
    one = Import(
        id="i", kind="intervals", name="a.csv", sha256="0" * 64, person="p", imported_at=by.at, accepted_n=1, rejected_n=0,
        report={"meters": {"m": [1, 2]}, "booked": False},
    )  # fmt: skip
    with records.begin() as connection:
        assert import_records.add(connection, one)
        assert not import_records.add(connection, msgspec.structs.replace(one, id="j"))
        assert import_records.same(connection, "0" * 64, "intervals") == one
        assert import_records.same(connection, "0" * 64, "bills") is None
        assert import_records.spans(connection) == {"m": [(1, 2)]}
        import_records.booked(connection, one)
        assert import_records.get(connection, "i").report["booked"] is True
        assert [each.id for each in import_records.listing(connection, kind="intervals").items] == ["i"]


def test_months_wait_until_they_are_made_unless_they_are_touched_again(records: Records, by: By) -> None:
    one = Touched(meter="m", month="2026-05", touched_at=by.at, use="u", last_us=7)
    with records.begin() as connection:
        touched_records.touch(connection, [one, one])
        waiting = touched_records.waiting(connection, 10)
        assert waiting == [one]
        touched_records.touch(connection, [msgspec.structs.replace(one, touched_at=by.at + HOUR)])
        touched_records.done(connection, waiting)
        assert len(touched_records.waiting(connection, 10)) == 1
        touched_records.done(connection, touched_records.waiting(connection, 10))
        assert touched_records.waiting(connection, 10) == []


def test_a_parcels_month_is_kept_in_two_times_and_shared_out(records: Records, by: By) -> None:
    there = [Building(id=f"b{n}", lon=127, lat=37, name=Text("a", "b"), area_m2=100 * n, parcel="p") for n in (1, 3)]
    sites = Sites({one.id: one for one in there}, {}, [])
    row = ParcelMonth(parcel="p", month="2026-05", fuel="electricity", amount=400, book="Wh", known_at=by.at)
    zone = ZoneInfo("Asia/Seoul")
    with records.begin() as connection:
        assert parcel_records.put(connection, [row]) == [row]
        assert parcel_records.put(connection, [row]) == []
        assert parcel_records.allocate(connection, sites, [row], zone, by.at) == (2, {})
        found = month_records.find(connection, "2026-05", "2026-05")
        assert [(one.building, one.amount) for one in found] == [("b1", 100), ("b3", 300)]
        later = msgspec.structs.replace(row, amount=800, known_at=by.at + HOUR)
        assert parcel_records.put(connection, [later]) == [later]
        assert parcel_records.current(connection) == [later]
