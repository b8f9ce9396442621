"""A site's books follow its registers: booked once, corrected by further rows, chained, told to the carbon ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from origin_city import BEGIN, MINUTE, SITE, Sessions, close, house_in, moved, put_site, read, registers, session

from dure.engines.records import decisions, events
from dure.services.charging import sites
from dure.services.charging.origin import chain, day_telling, origin_records
from dure.services.charging.origin.ledger import again, imbalances
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.origin.split import booked, split_of
from dure.spine.house import House

QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = house_in(tmp_path)
    put_site(found)
    yield found
    close(found)


def site(house: House):
    with house.records.read() as connection:
        return sites.registered(connection).sites[SITE]


def books(house: House) -> list[chain.Row]:
    with house.records.read() as connection:
        return list(origin_records.chain(connection, SITE))


def split(house: House, ident: str):
    with house.records.read() as connection:
        return split_of(connection, ident)


FLOWS = {
    "pv": [4_000, 4_000, 0, 0],
    "charge": [2_000, 2_000, 0, 0],
    "discharge": [0, 0, 1_500, 2_500],
    "grid": [0, 0, 500, 500],
    "export": [0, 0, 0, 0],
    "load": [0, 0, 0, 0],
}
TAKEN = [2_000, 2_000, 2_000, 3_000]


def test_a_session_is_split_into_pv_storage_and_grid(house: House) -> None:
    registers(house, FLOWS)
    one = session(house, "t1", TAKEN)
    moved(house, BEGIN + HOUR)
    found = OriginDesk(house, Sessions(one)).book(site(house))
    assert len(found.rows) == 4
    got = split(house, one.id)
    assert (got.pv_wh, got.ess_pv_wh, got.ess_grid_wh, got.grid_wh) == (4_000, 3_610, 390, 1_000)
    assert got.energy_wh == one.energy_wh == sum(TAKEN)
    assert all(imbalances(row.content) == [] for row in books(house))


def test_a_round_done_twice_books_nothing(house: House) -> None:
    registers(house, FLOWS)
    desk = OriginDesk(house, Sessions(session(house, "t1", TAKEN)))
    moved(house, BEGIN + HOUR)
    assert len(desk.book(site(house)).rows) == 4
    assert desk.book(site(house)).rows == []
    moved(house, BEGIN + 2 * HOUR)
    assert desk.book(site(house)).rows == []


def test_an_interval_waits_for_the_reads_of_all_meters_until_the_deadline(house: House) -> None:
    registers(house, {name: wh for name, wh in FLOWS.items() if name != "pv"})
    desk = OriginDesk(house, Sessions(session(house, "t1", TAKEN)))
    moved(house, BEGIN + HOUR)
    assert desk.book(site(house)).rows == []
    moved(house, BEGIN + 4 * HOUR)
    assert len(desk.book(site(house)).rows) == 4
    assert books(house)[0].content.silent == ("site-1-pv/solar_register",)


def test_without_the_pv_meter_all_is_grid_and_its_late_reads_correct_it_by_further_rows(house: House) -> None:
    registers(house, {name: wh for name, wh in FLOWS.items() if name != "pv"})
    one = session(house, "t1", TAKEN)
    desk = OriginDesk(house, Sessions(one))
    moved(house, BEGIN + 4 * HOUR)
    desk.book(site(house))
    assert split(house, one.id).renewable_wh == 0
    before = books(house)
    registers(house, {"pv": FLOWS["pv"]})
    for name, wh in FLOWS.items():
        registers(house, {name: [0]}, start=BEGIN + 4 * HOUR + QUARTER, first=1_000 + sum(wh))
    moved(house, BEGIN + 4 * HOUR + 2 * QUARTER)
    desk.book(site(house))
    got = split(house, one.id)
    assert (got.pv_wh, got.ess_pv_wh, got.grid_wh + got.ess_grid_wh) == (4_000, 3_610, 1_390)
    after = books(house)
    assert after[: len(before)] == before
    assert {row.n for row in after[len(before) :]} == {0, 1}
    assert chain.verify(SITE, after).sound


def test_a_session_that_is_told_days_later_corrects_the_books(house: House) -> None:
    registers(house, FLOWS)
    desk = OriginDesk(house, known := Sessions())
    moved(house, BEGIN + HOUR)
    desk.book(site(house))
    known.known.append(session(house, "t1", TAKEN))
    for name, wh in FLOWS.items():
        registers(house, {name: [0]}, start=BEGIN + timedelta(days=6), first=1_000 + sum(wh))
    moved(house, BEGIN + timedelta(days=6, hours=1))
    found = desk.book(site(house))
    while found.more:
        found = desk.book(site(house))
    assert split(house, known.known[0].id).pv_wh == 4_000
    assert chain.verify(SITE, books(house)).sound


def test_a_running_session_has_no_split_yet_and_what_is_booked_is_told(house: House) -> None:
    registers(house, FLOWS)
    one = session(house, "t1", TAKEN, state="running")
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(one)).book(site(house))
    assert split(house, one.id) is None
    with house.records.read() as connection:
        assert booked(connection, one.id).energy_wh == sum(TAKEN)


def test_what_the_session_says_counts_where_its_reads_say_another_sum(house: House) -> None:
    registers(house, FLOWS)
    one = msgspec.structs.replace(session(house, "t1", TAKEN), energy_wh=4_501, end_wh=None)
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(one)).book(site(house))
    got = split(house, one.id)
    assert got.energy_wh == 4_501
    assert got.pv_wh + got.ess_pv_wh + got.ess_grid_wh + got.grid_wh == 4_501


def test_a_silent_storage_meter_makes_its_part_grid(house: House) -> None:
    registers(house, {name: wh for name, wh in FLOWS.items() if name != "charge"})
    one = session(house, "t1", TAKEN)
    moved(house, BEGIN + 4 * HOUR)
    OriginDesk(house, Sessions(one)).book(site(house))
    got = split(house, one.id)
    assert (got.pv_wh, got.ess_pv_wh) == (4_000, 0)


def test_any_row_run_again_gives_the_same_entries(house: House) -> None:
    registers(house, FLOWS)
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(session(house, "t1", TAKEN))).book(site(house))
    for row in books(house):
        assert again(row.content, round(row.start_at.timestamp()) * 1_000_000) == row.content


@pytest.mark.parametrize("change", ["entry", "content", "order", "lost", "doubled", "rule"], ids=str)
def test_the_chain_finds_what_was_changed(house: House, change: str) -> None:
    registers(house, FLOWS)
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(session(house, "t1", TAKEN))).book(site(house))
    rows = books(house)
    assert chain.verify(SITE, rows).sound
    entry = msgspec.structs.replace(rows[1].entries[0], wh=rows[1].entries[0].wh + 1)
    changed = {
        "entry": [rows[0], msgspec.structs.replace(rows[1], entries=(entry, *rows[1].entries[1:])), *rows[2:]],
        "content": [rows[0], msgspec.structs.replace(rows[1], content=rows[0].content), *rows[2:]],
        "order": [rows[1], rows[0], *rows[2:]],
        "lost": [rows[0], *rows[2:]],
        "doubled": [rows[0], rows[0], *rows[1:]],
        "rule": [rows[0], msgspec.structs.replace(rows[1], rule="origin-2"), *rows[2:]],
    }[change]
    found = chain.verify(SITE, changed)
    assert not found.sound
    assert found.broken_seq in {1, 2}


def test_a_chain_that_was_written_anew_from_a_row_on_has_another_head(house: House) -> None:
    registers(house, FLOWS)
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(session(house, "t1", TAKEN))).book(site(house))
    rows = books(house)
    forged = chain.sealed(msgspec.structs.replace(rows[0], rule="origin-2"))
    assert not chain.verify(SITE, [forged, *rows[1:]]).sound
    assert chain.verify(SITE, [forged]).head != chain.verify(SITE, rows[:1]).head


async def test_the_watch_books_every_site_and_tells_its_days(house: House) -> None:
    day = [wh for wh in (2_000, 2_000, 1_000, 500) for _ in range(24)]
    registers(house, {"pv": day, "charge": [0] * 96, "discharge": [0] * 96, "grid": [500] * 96, "export": [0] * 96})
    for name, asset in (("solar_register", "pv"), ("storage_charge_register", "ess"), ("storage_discharge_register", "ess")):
        read(house, f"{SITE}-{asset}", name, [1_000 + (sum(day) if asset == "pv" else 0)], BEGIN + timedelta(hours=32))
    read(house, f"{SITE}-meter", "grid_import_register", [1_000 + 96 * 500], BEGIN + timedelta(hours=32))
    one = session(house, "t1", [1_200] * 40)
    moved(house, BEGIN + timedelta(hours=32))
    watch = OriginWatch(house, Sessions(one))
    assert await watch.look() == 128
    assert await watch.look() == 0
    with house.records.read() as connection:
        told = events.listing(connection, prefix=day_telling.RENEWABLE).items
        decision = decisions.get(connection, told[0].id)
    assert len(told) == 1
    assert told[0].data["evidence"][0]["quantity"] == told[0].data["wh"]["pv"] == 1_200 * 40
    assert told[0].data["day"] == date(2026, 11, 23).isoformat()
    assert len(told[0].data["readings"]) == 96
    digest = sha256("".join(told[0].data["readings"]).encode()).hexdigest()
    assert told[0].data["evidence"][0]["readings_sha256"] == digest
    assert decision.versions["rule"] == "origin-1"


async def test_a_day_that_is_corrected_is_told_again(house: House) -> None:
    flows = {"pv": [0] * 96, "charge": [0] * 96, "discharge": [0] * 96, "grid": [500] * 96}
    registers(house, flows)
    known = Sessions()
    watch = OriginWatch(house, known)
    moved(house, BEGIN + timedelta(hours=31))
    await watch.look()
    known.known.append(session(house, "t1", [500] * 8))
    moved(house, BEGIN + timedelta(hours=36))
    await watch.look()
    with house.records.read() as connection:
        told = events.listing(connection, prefix=day_telling.RENEWABLE).items
    assert [one.data["replaces"] for one in told] == ["origin-site-1-2026-11-23", ""]
    assert told[0].data["wh"]["grid"] == 4_000


def test_a_meter_that_was_last_read_long_before_the_window_does_not_undo_what_is_booked(house: House) -> None:
    registers(house, {name: [*wh, *[0] * 8] for name, wh in FLOWS.items()})
    one = session(house, "t1", TAKEN)
    desk = OriginDesk(house, Sessions(one))
    moved(house, BEGIN + 3 * HOUR)
    desk.book(site(house))
    first = len(books(house))
    for hours in range(4, 120, 3):
        moved(house, BEGIN + hours * HOUR)
        found = desk.book(site(house))
        while found.more:
            found = desk.book(site(house))
    rows = books(house)
    assert all(row.n == 0 for row in rows)
    assert len(rows) > first
    assert split(house, one.id).pv_wh == 4_000


def test_the_digest_of_readings_changes_with_any_read(house: House) -> None:
    registers(house, FLOWS)
    one = session(house, "t1", TAKEN)
    moved(house, BEGIN + HOUR)
    OriginDesk(house, Sessions(one)).book(site(house))
    digests = {row.readings_sha256 for row in books(house)}
    assert len(digests) == 4
