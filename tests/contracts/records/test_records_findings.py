"""Findings and verdicts on both engines: one finding per fault however often it is seen, settled once, told once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.observations import Check, Flag
from dure.engines.records import audit, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_environment import environment_findings, environment_verdicts
from dure.services.environment.faults import findings
from dure.services.environment.faults.findings import CLOSED, OPENED, Finding, Seen, Verdict

MINUTE, DAY_US = timedelta(minutes=1), 86_400_000_000
HOLDS = {
    "unit_mixed": (Flag.FAIL, Check.UNIT_DOUBTFUL),
    "drift": (Flag.SUSPECT, Check.DRIFTING),
    "moved": (Flag.SUSPECT, Check.STATION_DOUBTFUL),
}


def seen(asset: str = "st-1", property_id: str = "pm10", kind: str = "drift", **evidence: Any) -> Seen:
    return Seen(asset=asset, property=property_id, kind=kind, evidence=evidence or {"share": 0.25})


def note(records: Records, by: By, *found: Seen, minutes: int = 0) -> list[Finding]:
    with records.begin() as connection:
        return findings.note(connection, found, by.at + minutes * MINUTE)


def told(records: Records, type_: str) -> list[str]:
    with records.read() as connection:
        return [one.subject for one in events.listing(connection, prefix=type_).items]


def unsettled(records: Records) -> list[Finding]:
    with records.read() as connection:
        return findings.unsettled(connection)


def settle(records: Records, by: By, ident: str, state: str = "closed", words: str = "닦았습니다") -> Finding:
    with records.begin() as connection:
        return findings.settle(connection, ident, state, words, by)  # type: ignore[arg-type]


def verdict(at_us: int, asset: str = "st-1", property_id: str = "pm10", **more: Any) -> Verdict:
    detail = {"neighbours": ["st-2", "st-3"], "unit": "ug/m3"}
    rest = {"check": int(Check.UNLIKE_NEIGHBOURS), "flag": 3, "statistic": 60.5, "threshold": 40.0, "detail": detail} | more
    return Verdict(asset=asset, property=property_id, time_us=at_us, **rest)


def test_a_new_fault_opens_one_finding_and_says_so_once(records, by):
    (opened,) = note(records, by, seen(), seen(share=0.5))
    assert (opened.state, opened.found_at, opened.evidence) == ("open", by.at, {"share": 0.5})
    assert unsettled(records) == [opened]
    assert told(records, OPENED) == ["st-1"]


def test_a_fault_that_lasts_is_refreshed_and_not_opened_again(records, by):
    note(records, by, seen(), seen(kind="moved", property_id=""))
    assert note(records, by, seen(share=0.9), seen(kind="moved", property_id="", place_of="st-7"), minutes=10) == []
    fresh = {one.kind: one for one in unsettled(records)}
    assert fresh["drift"].evidence == {"share": 0.9}
    assert fresh["moved"].evidence == {"place_of": "st-7"}
    assert {one.seen_at for one in fresh.values()} == {by.at + 10 * MINUTE}
    assert {one.found_at for one in fresh.values()} == {by.at}
    assert len(told(records, OPENED)) == 2


def test_news_older_than_what_is_known_changes_nothing(records, by):
    note(records, by, seen(share=0.9), minutes=10)
    note(records, by, seen(share=0.1), minutes=5)
    assert [one.evidence for one in unsettled(records)] == [{"share": 0.9}]


def test_evidence_keeps_lists_maps_nothing_and_other_scripts(records, by):
    evidence = {"neighbours": ["st-2", "st-3"], "checks": {"spike": 4}, "place_of": None, "말": "단위", "many": 10**15}
    note(records, by, seen(**evidence))
    assert unsettled(records)[0].evidence == evidence


def test_hundreds_of_findings_go_in_and_are_refreshed_in_one_call(records, by):
    many = [seen(asset=f"st-{number}") for number in range(500)]
    assert len(note(records, by, *many)) == 500
    assert note(records, by, *many, minutes=1) == []
    assert {one.seen_at for one in unsettled(records)} == {by.at + MINUTE}


def test_nothing_seen_is_nothing(records, by):
    assert note(records, by) == []
    with records.begin() as connection:
        findings.keep_verdicts(connection, [], by.at)
        assert findings.verdicts_of(connection, [], 0, 2 * DAY_US) == []


def test_what_is_gone_closes_by_itself_and_says_so(records, by):
    note(records, by, seen(), seen(asset="st-2"), seen(asset="st-3", kind="moved"))
    note(records, by, seen(), minutes=10)
    with records.begin() as connection:
        gone = findings.close_gone(connection, {"drift"}, by.at + 5 * MINUTE, by.at + 11 * MINUTE)
    assert [one.asset for one in gone] == ["st-2"]
    with records.read() as connection:
        closed = findings.get(connection, gone[0].id)
    assert (closed.state, closed.closed_at, closed.by) == ("closed", by.at + 11 * MINUTE, audit.SYSTEM)
    assert {one.asset for one in unsettled(records)} == {"st-1", "st-3"}
    assert told(records, CLOSED) == ["st-2"]


def test_a_fault_that_comes_back_is_a_new_finding(records, by):
    (first,) = note(records, by, seen())
    settle(records, by, first.id)
    (second,) = note(records, by, seen(), minutes=60)
    assert second.id != first.id
    assert [one.id for one in unsettled(records)] == [second.id]
    assert len(told(records, OPENED)) == 2


def test_a_person_takes_a_finding_over_and_it_stays_theirs_while_it_lasts(records, by):
    (one,) = note(records, by, seen())
    taken = settle(records, by, one.id, "acknowledged", "현장에 갑니다")
    assert (taken.state, taken.by, taken.note, taken.closed_at) == ("acknowledged", "person-1", "현장에 갑니다", None)
    assert note(records, by, seen(share=0.7), minutes=10) == []
    assert [(each.state, each.note, each.evidence) for each in unsettled(records)] == [
        ("acknowledged", "현장에 갑니다", {"share": 0.7})
    ]
    assert told(records, CLOSED) == []


def test_a_person_closes_a_finding_and_the_audit_log_knows_who(records, by):
    (one,) = note(records, by, seen())
    closed = settle(records, by, one.id)
    assert (closed.state, closed.closed_at, closed.by, closed.note) == ("closed", by.at, "person-1", "닦았습니다")
    assert unsettled(records) == []
    assert told(records, CLOSED) == ["st-1"]
    with records.read() as connection:
        (entry,) = audit.listing(connection).items
    assert (entry.actor, entry.verb, entry.subject, entry.object) == ("person-1", "manage", "device", "st-1")
    assert entry.detail["finding"] == one.id


def test_a_closed_finding_is_not_settled_again(records, by):
    (one,) = note(records, by, seen())
    settle(records, by, one.id)
    with pytest.raises(Conflict, match="closed already"):
        settle(records, by, one.id, "acknowledged")


def test_what_is_not_there_cannot_be_settled_or_read(records, by):
    with pytest.raises(NotFound, match="no finding"):
        settle(records, by, "drift-nobody-pm10-1")
    with records.read() as connection, pytest.raises(NotFound):
        findings.get(connection, "drift-nobody-pm10-1")


def test_of_two_people_who_close_at_once_one_is_told_that_it_is_closed(records, by):
    (one,) = note(records, by, seen())
    outcomes: list[str] = []

    def close(actor: str) -> None:
        try:
            settle(records, By(actor, by.at), one.id, words=actor)
            outcomes.append(actor)
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=close, args=(f"person-{number}",)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (winner,) = set(outcomes) - {"refused"}
    assert outcomes.count("refused") == 5
    with records.read() as connection:
        assert findings.get(connection, one.id).by == winner


def test_a_closing_by_itself_does_not_overwrite_what_a_person_closed(records, by):
    (one,) = note(records, by, seen())
    settle(records, by, one.id)
    with records.begin() as connection:
        assert findings.close_gone(connection, {"drift"}, by.at + 5 * MINUTE, by.at + 6 * MINUTE) == []
    with records.read() as connection:
        assert findings.get(connection, one.id).by == "person-1"


def test_the_list_is_newest_first_and_its_pages_leave_nothing_out(records, by):
    for minute in range(5):
        note(records, by, seen(asset=f"st-{minute}"), seen(asset=f"st-{minute}", kind="moved"), minutes=minute)
    shown: list[Finding] = []
    after = ""
    while True:
        with records.read() as connection:
            page = findings.listing(connection, after=after, limit=3)
        shown += page.items
        after = page.next
        if not after:
            break
    assert len({one.id for one in shown}) == len(shown) == 10
    assert [one.found_at for one in shown] == sorted((one.found_at for one in shown), reverse=True)


def test_the_list_by_state_and_asset(records, by):
    first, second, _ = note(records, by, seen(), seen(kind="moved"), seen(asset="st-2"))
    settle(records, by, first.id)
    settle(records, by, second.id, "acknowledged")
    with records.read() as connection:
        assert [one.id for one in findings.listing(connection, state="closed").items] == [first.id]
        assert [one.id for one in findings.listing(connection, state="acknowledged", asset="st-1").items] == [second.id]
        assert [one.asset for one in findings.listing(connection, state="open").items] == ["st-2"]
        assert len(findings.listing(connection, asset="st-1").items) == 2
        assert [one.asset for one in findings.unsettled(connection, asset="st-2")] == ["st-2"]


@pytest.mark.parametrize("mark", ["yesterday", "~", "99999999999999999999~x"])
def test_a_mark_that_is_none_is_refused(records, mark):
    with records.read() as connection, pytest.raises(InputError, match="no mark"):
        findings.listing(connection, after=mark)


def test_an_unsettled_finding_holds_its_series_and_the_worst_flag_stands(records, by):
    note(records, by, seen(kind="drift"), seen(kind="unit_mixed"), seen(kind="gaps"), seen(asset="st-2", kind="gaps"))
    note(records, by, seen(asset="st-3", kind="moved", property_id=""))
    with records.read() as connection:
        held = findings.holds(connection, HOLDS)
    assert held == {
        ("st-1", "pm10"): (Flag.FAIL, Check.UNIT_DOUBTFUL),
        ("st-3", ""): (Flag.SUSPECT, Check.STATION_DOUBTFUL),
    }


def test_an_acknowledged_finding_still_holds_and_a_closed_one_does_not(records, by):
    one, other = note(records, by, seen(), seen(asset="st-2"))
    settle(records, by, one.id, "acknowledged")
    settle(records, by, other.id)
    with records.read() as connection:
        assert set(findings.holds(connection, HOLDS)) == {("st-1", "pm10")}


def test_a_second_verdict_of_one_check_replaces_the_first(records, by):
    with records.begin() as connection:
        findings.keep_verdicts(connection, [verdict(DAY_US), verdict(DAY_US, flag=4), verdict(DAY_US, check=42)], by.at)
        findings.keep_verdicts(connection, [verdict(DAY_US, flag=4, statistic=99.0)], by.at + MINUTE)
    with records.read() as connection:
        found = findings.verdicts_of(connection, [("st-1", "pm10")], DAY_US, DAY_US + 1)
        assert connection.execute(select(func.count()).select_from(environment_verdicts)).scalar_one() == 2
    assert {(one.check, one.flag, one.statistic) for one in found} == {(40, 4, 99.0), (42, 3, 60.5)}


def test_a_verdict_without_numbers_keeps_none(records, by):
    kept = verdict(DAY_US, statistic=None, threshold=None, detail={})
    with records.begin() as connection:
        findings.keep_verdicts(connection, [kept, verdict(DAY_US + 1)], by.at)
    with records.read() as connection:
        assert findings.verdicts_of(connection, [("st-1", "pm10")], DAY_US, DAY_US + 1) == [kept]


def test_verdicts_are_those_of_the_series_and_the_interval_newest_first(records, by):
    items = [verdict(DAY_US + number, asset=asset) for number in range(4) for asset in ("st-1", "st-2")]
    with records.begin() as connection:
        findings.keep_verdicts(connection, [*items, verdict(DAY_US + 1, property_id="pm2_5")], by.at)
    with records.read() as connection:
        found = findings.verdicts_of(connection, [("st-1", "pm10"), ("st-2", "pm2_5")], DAY_US + 1, DAY_US + 3)
        few = findings.verdicts_of(connection, [("st-1", "pm10"), ("st-2", "pm10")], 0, 2 * DAY_US, limit=3)
    assert [(one.asset, one.time_us) for one in found] == [("st-1", DAY_US + 2), ("st-1", DAY_US + 1)]
    assert [(one.time_us, one.asset) for one in few] == [(DAY_US + 3, "st-1"), (DAY_US + 3, "st-2"), (DAY_US + 2, "st-1")]


def test_old_verdicts_expire_by_when_they_were_decided(records, by):
    with records.begin() as connection:
        findings.keep_verdicts(connection, [verdict(DAY_US)], by.at)
        findings.keep_verdicts(connection, [verdict(DAY_US + 1)], by.at + MINUTE)
        assert findings.expire_verdicts(connection, by.at + MINUTE) == 1
        assert findings.expire_verdicts(connection, by.at + MINUTE) == 0


def test_what_one_transaction_could_not_finish_is_not_told(records, by):
    def interrupted() -> None:
        with records.begin() as connection:
            findings.note(connection, [seen()], by.at)
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        interrupted()
    assert unsettled(records) == []
    assert told(records, OPENED) == []
    with records.read() as connection:
        assert connection.execute(select(func.count()).select_from(environment_findings)).scalar_one() == 0
