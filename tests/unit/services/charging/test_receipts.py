"""A receipt says where every Wh came from and what it cost, and any change of it is found."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from said_words import usual_charge

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.charging.model import Evse, Site
from dure.services.charging.pricing import receipt as sealed
from dure.services.charging.pricing.factors import factor_on
from dure.services.charging.pricing.receipt import OriginShare, Receipt
from dure.services.charging.pricing.running_cost import books_of, cost_of
from dure.services.charging.pricing.settling import Settling, receipt_of, settled_decision, settled_event
from dure.services.charging.sessions.assembling import Key, Place, assembled
from dure.services.charging.sessions.gathering import Gathered
from dure.services.charging.sessions.session_rules import session_rules

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
RULES = session_rules(date(2026, 11, 24))
BOOKS = books_of(None, SEOUL)
SITE = Site(
    id="site-1", name=Text("광장", "Plaza"), lon=127, lat=37, contract_w=1e5, price="city",
    evses=(Evse(id="site-1-c1-1", charger="site-1-c1", number=1, name=Text("1번", "No. 1")),),
)  # fmt: skip


def settling(**more: Any) -> Settling:
    gathered = Gathered()
    for word in usual_charge(12_345, minutes=120):
        gathered.take(word, RULES.clocks)
    made = assembled(Key("4711"), Place("site-1-c1", "site-1", "site-1-c1-1", 7_000.0), gathered, RULES)
    usual: dict[str, Any] = {
        "session": made.session, "series": made.series, "site": SITE, "member": "member", "books": BOOKS, "folder": None,
        "origin": OriginShare(pv_wh=5_000, ess_pv_wh=2_000, ess_grid_wh=345, grid_wh=5_000, known=True),
        "session_version": RULES.version,
    }  # fmt: skip
    return Settling(**(usual | more))


RECEIPT = receipt_of(settling(), NOW)
TEXT = sealed.text_of(RECEIPT)


def chain_of(*receipts: Receipt) -> list[tuple[str, str]]:
    return [(sealed.text_of(one), sealed.digest_of(sealed.text_of(one))) for one in receipts]


def test_more_renewable_energy_than_energy_is_refused() -> None:
    with pytest.raises(InputError) as error:
        receipt_of(settling(origin=OriginShare(pv_wh=99_999, known=True)), NOW)
    assert error.value.code == "price.energy"


def test_it_tells_energy_by_origin_won_by_line_and_grams_of_the_grids_part() -> None:
    assert (RECEIPT.energy_wh, RECEIPT.origin.wh, RECEIPT.origin.renewable_wh) == (12_345, 12_345, 7_000)
    assert [(one.kind, one.won) for one in RECEIPT.lines] == [("energy", 3_456), ("discount", -140)]
    assert (RECEIPT.won, RECEIPT.co2e_g, RECEIPT.all_grid_g) == (3_316, 2_230, 5_152)
    assert (RECEIPT.factor.year, RECEIPT.factor.g_per_kwh, RECEIPT.provisional) == (2023, 417.3, True)


def test_without_a_known_origin_nothing_renewable_is_claimed() -> None:
    found = receipt_of(settling(origin=None), NOW)
    assert (found.origin.grid_wh, found.origin.renewable_wh, found.origin.known) == (12_345, 0, False)
    assert found.co2e_g == found.all_grid_g
    assert settled_decision(found, "d").reasons == ("origin_unknown",)


def test_the_factor_is_the_one_published_by_then() -> None:
    days = (date(2024, 1, 1), date(2025, 6, 1), date(2025, 12, 16), date(2025, 12, 17))
    assert [factor_on(one).g_per_kwh for one in days] == [450.9, 454.1, 454.1, 417.3]


def test_a_session_over_the_night_of_a_new_factor_has_the_one_of_the_day_it_ended_whenever_it_is_settled() -> None:
    midnight = datetime(2025, 12, 16, 15, tzinfo=UTC)  # in Seoul the 17th begins
    for minutes, year, g_per_kwh in ((-1, 2022, 454.1), (1, 2023, 417.3)):
        begin, end = midnight - timedelta(hours=3), midnight + timedelta(minutes=minutes)
        session = msgspec.structs.replace(settling().session, started_at=begin, ended_at=end)
        first = receipt_of(settling(session=session), midnight + timedelta(hours=1))
        again = receipt_of(settling(session=session, last=(first, "0" * 64), why="origin_corrected"), NOW)  # a year later
        for one in (first, again):
            assert (one.factor.year, one.factor.g_per_kwh) == (year, g_per_kwh)
        assert first.co2e_g == again.co2e_g == round(5.345 * g_per_kwh)


@given(at=st.integers(0, len(TEXT.encode()) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(at: int, bit: int) -> None:
    bytes_ = bytearray(TEXT.encode())
    bytes_[at] ^= 1 << bit
    assert "digest" in sealed.faults_of([(bytes_.decode("utf-8", "replace"), sealed.digest_of(TEXT))])


def test_a_correction_names_the_receipt_before_it() -> None:
    first = chain_of(RECEIPT)[0]
    second = receipt_of(settling(last=(RECEIPT, first[1]), why="words_came_late"), NOW)
    assert (second.n, second.before) == (2, first[1])
    assert sealed.faults_of(chain_of(RECEIPT, second)) == ()
    assert sealed.faults_of(chain_of(second)) == ("order", "chain")
    assert sealed.same_but_for_its_making(RECEIPT, second)


def test_lines_or_origins_that_do_not_add_up_are_found() -> None:
    dearer = msgspec.structs.replace(RECEIPT, won=RECEIPT.won + 1)
    greener = msgspec.structs.replace(RECEIPT, origin=msgspec.structs.replace(RECEIPT.origin, pv_wh=5_001))
    assert [sealed.faults_of(chain_of(one)) for one in (dearer, greener)] == [("sum",), ("sum",)]


def test_the_event_carries_evidence_of_energy_emissions_and_won() -> None:
    event = settled_event(RECEIPT, "d" * 64)
    claims = {one["unit"]: one for one in event.data["evidence"]}
    assert {unit: one["quantity"] for unit, one in claims.items()} == {"Wh": 12_345, "gCO2e": 2_230, "KRW": 3_316}
    assert claims["gCO2e"]["factors"] == (RECEIPT.factor.rule,)
    assert claims["Wh"]["readings_sha256"] == RECEIPT.readings_sha256
    assert event.id == "settled-" + RECEIPT.session + "-1"


def test_the_same_reads_make_the_same_receipt() -> None:
    assert sealed.text_of(receipt_of(settling(), NOW)) == TEXT
    assert sealed.read(TEXT) == RECEIPT


def test_the_cost_so_far_grows_with_the_energy() -> None:
    gathered = Gathered()
    costs = []
    for word in usual_charge(6_000, minutes=60):
        gathered.take(word, RULES.clocks)
        made = assembled(Key("1"), Place("site-1-c1", "site-1", "site-1-c1-1", 7_000.0), gathered, RULES)
        costs.append(cost_of(made.session, made.series, SITE, BOOKS, "guest").won)
    assert costs == sorted(costs)
    assert (costs[0], costs[-1]) == (0, 6 * 3472 // 10 + 500)


def test_an_outsider_checks_the_seal_from_the_json_alone():
    """With nothing of ours: the JSON as any program reads it, keys sorted, no spaces, nothing escaped that need not be."""
    second = receipt_of(settling(last=(RECEIPT, sealed.digest_of(TEXT)), why="released"), NOW)
    for one in (RECEIPT, second):
        answered = json.loads(msgspec.json.encode({"receipt": one, "sha256": sealed.digest_of(sealed.text_of(one))}))
        text = json.dumps(answered["receipt"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == answered["sha256"]
    assert second.before == sealed.digest_of(TEXT)


def test_a_receipt_from_before_stays_were_kept_is_read_and_stays_sealed():
    older = json.loads(TEXT)
    del older["left_at"]
    text = json.dumps(older, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sealed.faults_of([(text, sealed.digest_of(text))]) == ()
    assert sealed.read(text) == RECEIPT
