"""Any split or interval of the ledger unfolds to register reads, by running everything again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
from origin_city import BEGIN, MINUTE, SITE, Sessions, close, house_in, moved, put_site, read, registers, session
from sqlalchemy import select, update

from dure.core.errors import NotFound
from dure.engines.records.tables_charging_origin import charging_origin_intervals as intervals
from dure.services.charging import sites
from dure.services.charging.origin.explaining import LATER, RULE_DIFFERS, explain
from dure.services.charging.origin.figure_ids import Figure, parse
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.spine.house import House

FLOWS = {
    "pv": [4_000, 4_000, 0, 0], "charge": [2_000, 2_000, 0, 0], "discharge": [0, 0, 1_500, 2_500], "grid": [0, 0, 500, 500],
    "export": [0, 0, 0, 0],
}  # fmt: skip
INTERVAL = f"charging/site/{SITE}/interval/2026-11-22T15:45:00Z"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[House, Sessions]]:
    house = house_in(tmp_path)
    put_site(house)
    registers(house, FLOWS)
    known = Sessions(session(house, "t1", [2_000, 2_000, 2_000, 3_000]))
    moved(house, BEGIN + 60 * MINUTE)
    with house.records.read() as connection:
        site = sites.registered(connection).sites[SITE]
    OriginDesk(house, known).book(site)
    yield house, known
    close(house)


def test_a_session_unfolds_to_its_origins_intervals_and_reads(world) -> None:
    house, known = world
    found = explain(house, f"charging/session/{known.known[0].id}/origin", known)
    assert found.agrees
    assert (found.step.value, found.step.stored) == (9_000, 9_000)
    origins, quarters = found.step.parts[:4], found.step.parts[4:]
    assert [one.value for one in origins] == [4_000, 3_610, 390, 1_000]
    assert [one.value for one in quarters] == [2_000, 2_000, 2_000, 3_000]
    pv = next(one for one in quarters[0].registers if one.role == "pv")
    assert [one.wh for one in pv.reads] == [1_000, 5_000]
    assert found.versions["origin"].startswith("origin@")


def test_what_storage_gave_is_traced_to_the_interval_it_was_put_in(world) -> None:
    house, known = world
    found = explain(house, INTERVAL, known)
    assert [(lot.pv, lot.wh) for lot in found.step.lots] == [(True, 305), (True, 1_805), (False, 390)]
    assert explain(house, found.step.lots[0].figure, known).agrees
    assert found.step.rows[0].readings_sha256 == found.step.readings_sha256


def test_a_day_unfolds_to_its_intervals(world) -> None:
    house, known = world
    found = explain(house, f"charging/site/{SITE}/day/2026-11-23", known)
    assert found.agrees
    assert found.step.value == 7_610


def test_reads_that_came_after_the_booking_are_said(world) -> None:
    house, known = world
    read(house, f"{SITE}-pv", "solar_register", [9_005], BEGIN + 50 * MINUTE)
    found = explain(house, INTERVAL, known)
    assert not found.agrees
    assert LATER in found.step.notes
    assert found.step.rows[0].readings_sha256 != found.step.readings_sha256


def test_entries_that_the_rule_does_not_give_are_said(world) -> None:
    house, known = world
    where = intervals.c.seq == 4
    with house.records.begin() as connection:
        content = connection.execute(select(intervals.c.content).where(where)).scalar_one()
        content["entries"][0][4] += 1
        connection.execute(update(intervals).where(where).values(content=content))
    found = explain(house, INTERVAL, known)
    assert not found.agrees
    assert RULE_DIFFERS in found.step.notes


@pytest.mark.parametrize(
    "text",
    [
        "", "charging", "charging/session", "charging/session/x", "charging/session/x/price", "charging/site/x/interval/no",
        "charging/site/x/interval/2026-11-22T15:46:00Z", "charging/site/x/day/2026-02-30", "charging/site/x/year/2026",
        "charging/site/../day/2026-02-01", "charging/" + "x" * 400, "building/x/energy/2026",
    ],
    ids=[f"bad-{n}" for n in range(12)],
)  # fmt: skip
def test_what_names_no_figure_is_refused(world, text: str) -> None:
    house, known = world
    with pytest.raises(NotFound) as refused:
        explain(house, text, known)
    assert refused.value.code == "figure.unknown"


def test_what_is_not_booked_is_refused(world) -> None:
    house, known = world
    for text in ("charging/session/cs-none/origin", f"charging/site/{SITE}/day/2026-11-20", INTERVAL.replace("T15", "T20")):
        with pytest.raises(NotFound):
            explain(house, text, known)


@pytest.mark.parametrize(
    "figure", [Figure("cs-1"), Figure("site-1", at=BEGIN), Figure("site-1", day=date(2026, 11, 23))], ids=["session", "at", "day"]
)
def test_an_id_reads_back(figure: Figure) -> None:
    assert parse(str(figure)) == figure


def test_an_explanation_is_plain_json(world) -> None:
    house, known = world
    assert msgspec.json.encode(explain(house, INTERVAL, known)).startswith(b'{"figure"')
