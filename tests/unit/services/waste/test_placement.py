"""Advice of a city: what is asked, worked out as a job, kept, and said with its numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from planning_days import CENTRE, a_bin, place

from dure.core.text import Text
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records.store import Records
from dure.services.waste.pages.paging import page_at
from dure.services.waste.placing import advice_records
from dure.services.waste.placing.advice import ACTIONS, Advice, Limits
from dure.services.waste.placing.advice_desk import parts
from dure.services.waste.placing.advice_jobs import ADVISE, Question
from dure.services.waste.placing.advice_records import Placement, Standing
from dure.services.waste.placing.advice_words import why

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
N = 6
LIMITS = Limits(shortlist=4, years=1)


def a_question() -> Question:
    return Question(
        depot=CENTRE,
        profile="truck",
        rho_m=20_000.0,
        limits=LIMITS,
        bins=tuple(f"bin-{one}" for one in range(N)),
        lon_lat=(*(place(1_000 + 100 * one, 500) for one in range(N - 1)), place(1_400, 800)),
        capacity_l=(240.0,) * N,
        sensing=(True,) * (N - 1) + (False,),
        rate=(0.4,) * N,
        detour_m=((200.0, 500.0, 900.0),) * (N - 1) + ((2_000.0, 2_500.0, 3_000.0),),
    )


def done(question: dict, roads) -> object:
    words = {"question": question, "ground": {"roads": str(roads), "city": "", "on": "2026-11-24"}}
    return decode_result(perform(encode_job(Job("x", ADVISE, words))))


def a_placement(at=NOW, advice=()) -> Placement:
    standing = {one.bin: Standing(0.4, 500.0, sensor=False) for one in advice}
    return Placement(
        made_at=at, advice=tuple(advice), standing=standing, bins_n=N, days_n=3, dial_m=20_000.0, limits=LIMITS, estimated=True
    )


@pytest.fixture
def records(tmp_path):
    found = Records(f"sqlite:///{tmp_path}/records.db")
    found.migrate()
    yield found
    found.close()


def test_a_question_asked_as_a_job_is_answered_with_advice_that_saves_something(tmp_path):
    result = done(msgspec.to_builtins(a_question()), tmp_path)
    assert result.done, result.message
    found = [msgspec.convert(one, Advice) for one in result.value["advice"]]
    assert result.value["estimated"] is True
    assert found
    assert all(one.km_year > 0 for one in found)
    beside = [one for one in found if one.beside]
    assert beside
    assert all(100 <= one.beside_m <= 500 * 1.5 for one in beside), "neighbours stand 100 m apart, and one 300 m aside"
    assert {one.bin for one in found if one.action == "sensor"} <= {f"bin-{N - 1}"}, "the others have one"


def test_a_profile_nobody_knows_is_an_answer_and_no_crash(tmp_path):
    result = done(msgspec.to_builtins(msgspec.structs.replace(a_question(), profile="airship")), tmp_path)
    assert result.code == "truck.profile"


@pytest.mark.parametrize(("n", "most"), [(0, 5), (5, 5), (6, 5), (37, 5)])
def test_a_large_city_is_cut_into_parts_that_hold_every_bin_once(n, most):
    chance = np.random.default_rng(n)
    bins = [a_bin(one, *chance.uniform(-3_000, 3_000, 2)) for one in range(n)]
    found = parts(bins, most)
    assert sorted(one.id for part in found for one in part) == sorted(one.id for one in bins)
    assert all(len(part) <= most for part in found)


def test_the_newest_advice_is_shown_and_old_ones_are_dropped(records):
    with records.begin() as connection:
        assert advice_records.newest(connection) is None
        assert advice_records.made_at(connection) is None
        for day in range(advice_records.KEPT_N + 3):
            advice = [Advice(bin="bin-1", action="enlarge", km_year=float(day))]
            advice_records.add(connection, a_placement(NOW + timedelta(days=day), advice))
        last = advice_records.newest(connection)
        assert last.advice[0].km_year == advice_records.KEPT_N + 2
        assert advice_records.made_at(connection) == last.made_at


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_change_says_why_with_its_numbers(action, language):
    beside = "bin-2" if action in ("move", "remove") else ""
    one = Advice(bin="bin-1", action=action, km_year=120.0, beside=beside, beside_m=140.0 if beside else None)
    said = why(one, a_placement(advice=[one]), lambda id_: Text(f"{id_} 통", f"Bin {id_}"))(language)
    assert "40%" in said
    assert "0.5 km" in said
    assert ("140 m" in said) is bool(beside)


def test_a_list_is_shown_in_pages_and_a_page_that_is_none_is_the_first():
    rows = list(range(25))
    first = page_at(rows, "", 10)
    assert (list(first.items), first.total, first.after, first.following) == (rows[:10], 25, "", "10")
    last = page_at(rows, "20", 10)
    assert (list(last.items), last.after, last.following) == (rows[20:], "20", "")
    for wrong in ("x", "-1", "999", "٣", "9" * 30):
        assert page_at(rows, wrong, 10) == first
