"""A day of waste collection in a running city, from what its bins sent to the account anybody can check again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from waste_running import WasteCity

from dure.core.time import day_interval, format_instant
from dure.engines.records import events
from dure.engines.records.audit import By
from dure.running.desk import explain
from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.account_watch import AccountWatch
from dure.services.waste.accounting.baseline import Due
from dure.services.waste.accounting.baseline_desk import BaselineDesk
from dure.services.waste.belief.belief_records import read_forecast
from dure.services.waste.belief.belief_watch import BeliefWatch
from dure.services.waste.devices.fill_watch import FillWatch
from dure.services.waste.driving.missed_watch import MissedWatch
from dure.services.waste.planning import plan_records, plan_source
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.services.waste.planning.plan_watch import PlanWatch

DAY = date(2026, 11, 24)
EVENING = datetime(2026, 11, 23, 11, 5, tzinfo=UTC)  # five past eight in Korea, the evening before
FULL, HALF = 6, 12  # the first six bins fill within four days and are full, the others fill within eight
HOUR = timedelta(hours=1)


class Story:
    """What one chapter leaves to the next."""

    city: WasteCity
    fill: FillWatch
    belief: BeliefWatch
    plan: dict[str, Any]
    taps: list[dict[str, Any]]
    passed_over: str


def sent(city, bin_id, start, end, begin, per_day):
    """Levels every six hours in ``[start, end]``, rising from what it was at the start."""
    steps = int((end - start) / (6 * HOUR))
    return city.filled(bin_id, [(start + 6 * HOUR * n, begin + per_day * n / 4) for n in range(steps + 1)])


def pace(city, bin_id):
    return 0.235 if city.bins.index(bin_id) < FULL else 0.05


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    one = Story()
    one.city = WasteCity(tmp_path_factory.mktemp("day"), HALF, EVENING)
    one.city.start()
    one.fill, one.belief = FillWatch(one.city.house), BeliefWatch(one.city.house)
    yield one
    one.city.stop()


def expected(city, bin_id):
    with city.house.records.read() as connection:
        found = read_forecast(connection, plan_source.register(connection).bins, city.clock.at)
    return found.level[found.bins.index(bin_id)]


def tap_of(story, visit, **more):
    at = day_interval(DAY, story.city.house.city.zone).start + timedelta(seconds=visit["arrive_s"])
    level = 1.0 if story.city.bins.index(visit["id"]) < FULL else 0.25
    known = {"id": f"tap-{visit['id']}", "bin": visit["id"], "kind": "emptied", "level": level, "seen_at": format_instant(at)}
    return known | {"truck": "truck-1", "plan": story.plan["head"]["id"]} | more


def stops(plan):
    return [one for route in plan["plan"]["routes"] for one in route["visits"] if one["kind"] == "stop"]


def told(city, prefix):
    with city.house.records.read() as connection:
        return list(events.listing(connection, prefix=prefix, limit=1000).items)


def test_1_what_sensors_send_becomes_levels_and_beliefs(story):
    city = story.city
    city.clock.at = EVENING
    BaselineDesk(city.house).declare([Due(bin=one) for one in city.bins], DAY, By("office", EVENING))
    for one in city.bins:
        sent(city, one, EVENING - 96 * HOUR, EVENING - HOUR, 0.02, pace(city, one))
    published, believed = city.look(story.fill, story.belief)
    assert published == 16 * len(city.bins)
    assert believed == len(city.bins)
    assert expected(city, city.bins[0]) == pytest.approx(0.92, abs=0.05)
    assert expected(city, city.bins[-1]) == pytest.approx(0.22, abs=0.05)


def test_2_the_plan_of_tomorrow_is_drafted_checked_and_published(story):
    city = story.city
    assert city.look(PlanWatch(city.house))[0] >= 1
    (head,) = city.asked("operator", "GET", "/waste/plans", params={"day": DAY.isoformat()})["items"]
    plan = city.asked("operator", "GET", f"/waste/plans/{head['id']}")
    assert plan["plan"]["violations"] == []
    assert {one["id"] for one in stops(plan)} >= set(city.bins[:FULL])
    assert city.asked("operator", "POST", f"/waste/plans/{head['id']}/publish", json={})["state"] == "published"
    story.plan = plan


def test_3_taps_arrive_some_twice_and_a_stale_plan_is_confirmed(story):
    city = story.city
    first, *_, last = stops(story.plan)
    zone_start = day_interval(DAY, city.house.city.zone).start
    city.clock.at = zone_start + timedelta(seconds=first["leave_s"] + 60)
    assert city.asked("crew", "GET", "/waste/routes/truck-1")["truck"] == "truck-1"
    story.passed_over = last["id"]
    now = tap_of(story, first)
    assert sent_taps(city, now, now) == [("kept", ""), ("known", "")]
    edit = {"id": "edit-1", "day": DAY.isoformat(), "kind": "lock", "bin": city.bins[-1], "note": "market day"}
    draft = city.asked("operator", "POST", "/waste/edits", status=201, json=edit)
    publishing = {"unserved_ok": True}
    city.asked("operator", "POST", f"/waste/plans/{draft['head']['id']}/publish", json=publishing)
    city.later(minutes=10)
    second = stops(story.plan)[1]
    (stale,) = city.asked("crew", "POST", "/waste/taps", json={"taps": [tap_of(story, second)]})["answers"]
    assert (stale["state"], stale["code"], stale["plan"]) == ("kept", "plan.stale", draft["head"]["id"])
    story.plan, story.taps = draft, [now, tap_of(story, second)]


def sent_taps(city, *taps):
    answers = city.asked("crew", "POST", "/waste/taps", json={"taps": list(taps)})["answers"]
    return [(one["state"], one["code"]) for one in answers]


def test_4_what_a_phone_kept_for_eight_hours_counts_once_and_empties_the_beliefs(story):
    city = story.city
    done = {one["bin"] for one in story.taps}
    late = [tap_of(story, one) for one in stops(story.plan) if one["id"] not in done | {story.passed_over}]
    assert late
    at_noon = city.clock.at
    city.look(story.belief)
    city.clock.at = at_noon + 8 * HOUR
    for one in city.bins:
        sent(city, one, EVENING + 5 * HOUR, EVENING + 5 * HOUR, 0.02 + pace(city, one) * 4.2, 0)
    city.look(story.fill, story.belief)
    assert expected(city, late[0]["bin"]) > 0.15
    assert sent_taps(city, *late, *late) == [("kept", "")] * len(late) + [("known", "")] * len(late)
    city.later(minutes=1)
    city.look(story.belief)
    assert max(expected(city, one["bin"]) for one in late) < 0.2
    assert expected(city, story.passed_over) > 0.9 or story.passed_over not in city.bins[:FULL]
    story.taps += late
    assert sorted(one.subject for one in told(city, "waste.bin.collected")) == sorted(one["bin"] for one in story.taps)


def test_5_the_visit_that_was_not_made_is_told_and_the_day_is_accounted(story):
    city = story.city
    emptied = {one["bin"] for one in story.taps}
    city.clock.at = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    for one in city.bins:
        begin = 0.05 if one in emptied else 0.05 + pace(city, one) * 4
        sent(city, one, city.clock.at - 24 * HOUR, city.clock.at - HOUR, begin, pace(city, one))
    city.look(story.fill, story.belief)
    watch = MissedWatch(city.house)
    city.look(watch, watch, MissedWatch(city.house))
    missed = told(city, "waste.pickup.missed")
    assert [one.subject for one in missed] == [story.passed_over]
    assert missed[0].data["truck"] == "truck-1"
    assert city.look(AccountWatch(city.house)) == [1]
    with city.house.records.read() as connection:
        (account,) = account_records.accounts(connection, "baseline-2026-11-24")
    assert account.plan == story.plan["head"]["id"]
    assert account.actual.distance_m == story.plan["plan"]["figures"]["distance_m"]
    assert account.actual.visits_n == len(story.taps)
    assert account.baseline.visits_n == len(city.bins)
    assert account.baseline.wasted_n > account.actual.wasted_n
    assert (account.planned_n, account.missed_n) == (len(stops(story.plan)), 1)
    (closed,) = told(city, "waste.account.closed")
    assert {one["unit"] for one in closed.data["actual"]} >= {"m", "Wh"}
    assert closed.data["actual"][0]["quantity"] == account.actual.distance_m


def test_6_plan_and_account_are_explained_and_come_out_the_same_again(story):
    city = story.city
    ident = story.plan["head"]["id"]
    why = json.loads(asyncio.run(explain(city.settings, story.plan["head"]["decision"])))
    assert why["kind"] == "waste_plan"
    assert why["inputs"]["sha256"] == story.plan["head"]["inputs_sha256"]
    with city.house.records.read() as connection:
        kept = plan_records.get(connection, ident).plan
    assert city.call(PlanDesk(city.house).again(ident)).routes == kept.routes
    why = city.asked("operator", "GET", "/explain/account-2026-11-24-baseline-2026-11-24")
    assert why["reasons"]
    with city.house.records.read() as connection:
        (account,) = account_records.accounts(connection, "baseline-2026-11-24")
    assert why["inputs"]["readings_sha256"] == account.readings_sha256
    assert city.call(AccountWatch(city.house).account(DAY)) == account
