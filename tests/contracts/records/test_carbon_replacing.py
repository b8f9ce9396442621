"""An event and the one that takes its place, settled by two programs at one moment: the newer one is claimed, on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Signal
from time import sleep

import pytest

from dure.city import read_city
from dure.core.events import Event
from dure.engines.clock import FixedClock
from dure.engines.records.store import Records
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import settle
from dure.services.carbon.ledger import posting
from dure.services.carbon.ledger.checking import check
from dure.spine.house import House

CITY = read_city(Path(__file__).parents[3] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
FIRST, SECOND = "origin-cs-1-2026-11-22", "origin-cs-1-2026-11-22-1"


def day(ident: str, pv_wh: int, replaces: str = "") -> Event:
    """A day of a charging site as the charging service tells it."""
    evidence = {
        "event": ident, "quantity": pv_wh, "unit": "Wh", "readings_sha256": "a" * 64, "method": "origin-1", "factors": [],
        "interval": {"start": "2026-11-21T15:00:00Z", "end": "2026-11-22T15:00:00Z"},
    }  # fmt: skip
    data = {
        "site": "cs-1", "day": "2026-11-22", "wh": {"pv": pv_wh, "ess_pv": 0, "ess_grid": 0, "grid": 9_000}, "decision": ident,
        "replaces": replaces, "evidence": [evidence],
    }  # fmt: skip
    at = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    return Event(id=ident, type="charging.energy.renewable", source="dure/charging", time=at, subject="cs-1", data=data)


@pytest.fixture
def house(records: Records) -> House:
    parts = dict.fromkeys(House.__slots__) | {"city": CITY, "clock": FixedClock(NOW), "records": records, "services": ()}
    return House(**parts)  # type: ignore[arg-type]  # what these tests do not need is None


def test_a_correction_that_races_with_what_it_replaces_leaves_the_correction_only(house: House) -> None:
    begun = Signal()

    def correct() -> bool:
        begun.set()
        with house.records.begin() as connection:
            return settle(house, connection, day(SECOND, 10_000, FIRST), NOW)

    with ThreadPoolExecutor(1) as pool:
        with house.records.begin() as connection:
            assert settle(house, connection, day(FIRST, 50_000), NOW)
            answer = pool.submit(correct)
            begun.wait()
            sleep(0.2)  # long enough to be in the way, if it ever is
        assert answer.result(60)
    with house.records.read() as connection:
        found = [one for one in claim_desk.claims(connection) if one.grams]
        held = posting.balance(connection, "held/city")
        sound = check(connection).sound
    assert {(one.event, one.state, one.reason) for one in found} == {
        (FIRST, "cancelled", "claim.replaced"), (SECOND, "awarded", ""),
    }  # fmt: skip
    assert held.available == sum(one.grams for one in found if one.event == SECOND)
    assert sound
