"""Alerts, subscriptions and messages on both engines: kept together, once, and sent by one courier at a time."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import func, insert, select, update

from dure.city import read_city
from dure.config import Settings
from dure.core.errors import Conflict, InputError, NotFound
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records import audit, decisions, events, outbox
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables import people
from dure.engines.records.tables_environment import environment_messages, environment_subscriptions
from dure.services.environment.alerting import alert_records, alert_rounds, message_records, subscription_records
from dure.services.environment.alerting.alert_records import Wanted
from dure.services.environment.alerting.alert_story import OPENED, decision_of
from dure.services.environment.alerting.alerts import Measured, State, step
from dure.services.environment.alerting.message_records import GIVE_UP_AFTER, LEASE, NEVER
from dure.services.environment.alerting.subscriptions import Message, Subscription, message_id

CITY = read_city(Path(__file__).parents[3] / "examples" / "hwaseong")
ZONE = CITY.zones[0]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
RULE = "air-warning-pm10"
SEOUL = ZoneInfo("Asia/Seoul")


@pytest.fixture
def house(records: Records, by: By):
    return SimpleNamespace(records=records, city=CITY, clock=FixedClock(by.at), settings=Settings())


def add_person(records: Records, ident: str, *roles: str, state: str = "active") -> None:
    with records.begin() as connection:
        row = {"id": ident, "login": ident, "name": ident, "roles": list(roles), "state": state}
        now = datetime.fromtimestamp(0, SEOUL)
        connection.execute(insert(people).values(row | {"created_at": now, "updated_at": now}))


def subscribe(records: Records, by: By, person: str | None = "person-1", channel: str = "in_app", **more: object) -> Subscription:
    wish = Subscription(
        id=subscription_records.new_id(),
        person=person,
        channel=channel,  # type: ignore[arg-type]
        target=str(more.pop("target", person)),
        language="ko",
        created_at=by.at,
        updated_at=by.at,
        **more,  # type: ignore[arg-type]
    )
    with records.begin() as connection:
        subscription_records.add(connection, wish, by)
        if channel == "email":
            subscription_records.set_state(connection, wish.id, "active", by)
    return wish


def measured(by: By, hour: int, value: float | None, scope: str = ZONE.id, rule: str = RULE) -> Measured:
    return Measured(rule=rule, scope=scope, start_us=to_us(by.at + hour * HOUR), values={"st-1": value})


def advance(house: SimpleNamespace, by: By, *values: float | None) -> list[str]:
    told = []
    for n, value in enumerate(values):
        told += alert_rounds.advance(house, [measured(by, n, value)], by.at + (n + 1) * HOUR)  # type: ignore[arg-type]
    return [one.kind for one in told]


def test_a_change_is_kept_with_its_decision_event_and_message_together(house, records: Records, by: By) -> None:
    add_person(records, "person-1", "citizen")
    subscribe(records, by)

    assert advance(house, by, 160, 170, 320, 310, 120, 90) == ["opened", "raised", "lowered", "closed"]

    with records.read() as connection:
        (alert,) = alert_records.listing(connection, Wanted()).items
        assert (alert.state, alert.level, alert.facts.level_max) == ("closed", 0, 2)
        assert [one.kind for one in alert.facts.story] == ["opened", "raised", "lowered", "closed"]
        told = events.listing(connection, prefix="environment.alert.").items
        assert [one.type.rsplit(".", 1)[1] for one in reversed(told)] == ["opened", "raised", "lowered", "closed"]
        assert {one.subject for one in told} == {ZONE.id}
        assert outbox.waiting(connection)[0] == 4
        for entry in alert.facts.story:
            decision = decisions.get(connection, entry.decision)
            assert decision.result["after"] == entry.after
            assert decision.versions["rules"].startswith("air_warning@")
        inbox = message_records.inbox(connection, "person-1").items
        assert [one.message.transition for one in inbox] == [4, 3, 2, 1]
        assert all(one.sent_at == one.created_at for one in inbox)
        assert ZONE.name.ko in inbox[-1].message.subject
        assert alert_records.load_states(connection, [(RULE, ZONE.id)])[RULE, ZONE.id].level == 0


def test_of_a_thousand_stations_the_story_keeps_the_most_serious_and_the_decision_all(house, records: Records, by: By) -> None:
    values = {f"st-{n}": float(n) for n in range(1_000)}
    for n in range(2):
        one = Measured(rule=RULE, scope=CITY.id, start_us=to_us(by.at + n * HOUR), values=values)
        alert_rounds.advance(house, [one], by.at + (n + 1) * HOUR)

    with records.read() as connection:
        (alert,) = alert_records.open_alerts(connection)
        (entry,) = alert.facts.story
        assert alert.facts.name == CITY.name
        assert sorted(entry.values) == sorted(f"st-{n}" for n in range(980, 1_000))
        assert len(decisions.get(connection, entry.decision).inputs["values"]) == 1_000


def test_the_same_hour_twice_is_told_once(house, records: Records, by: By) -> None:
    add_person(records, "person-1")
    subscribe(records, by)
    advance(house, by, 160, 170)
    advance(house, by, 160, 170)

    with records.read() as connection:
        assert len(message_records.inbox(connection, "person-1").items) == 1
        assert [one.type for one in events.listing(connection, prefix="environment.alert.").items] == [OPENED]


def test_a_round_that_fails_leaves_nothing(house, records: Records, by: By) -> None:
    advance(house, by, 160)
    with records.begin() as connection:  # a decision of the same id with other content makes the round fail
        ident = f"{RULE}-{ZONE.id}-{by.at + HOUR:%Y%m%dt%H%M%S}-1"
        decisions.add(connection, decision_of(ident, *_other(house, by)))

    with pytest.raises(Conflict):
        alert_rounds.advance(house, [measured(by, 1, 170)], by.at + 2 * HOUR)

    with records.read() as connection:
        assert alert_records.listing(connection, Wanted()).items == []
        assert alert_records.load_states(connection, [(RULE, ZONE.id)])[RULE, ZONE.id].start_us == to_us(by.at)
        assert outbox.waiting(connection)[0] == 0


def _other(house, by: By):
    rule = alert_rounds.rules_now(house, by.at)[RULE]
    state, _ = step(rule, State(), measured(by, 0, 500), by.at)
    _, change = step(rule, state, measured(by, 1, 500), by.at)
    return rule, state, change


def test_two_rounds_at_once_open_one_alert(url: str, by: By) -> None:
    stores = [Records(url), Records(url)]
    add_person(stores[0], "person-1")
    subscribe(stores[0], by)
    gate, errors = threading.Barrier(2), []

    def work(store: Records) -> None:
        house = SimpleNamespace(records=store, city=CITY, clock=FixedClock(by.at), settings=Settings())
        try:
            gate.wait(10)
            advance(house, by, 160, 170, 320, 330, 90)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    with stores[0].read() as connection:
        (alert,) = alert_records.listing(connection, Wanted()).items
        assert [one.n for one in alert.facts.story] == [1, 2, 3]
        assert len(message_records.inbox(connection, "person-1").items) == 3
    for store in stores:
        store.close()


def test_an_acknowledgement_is_audited_once_and_a_rise_asks_for_another(house, records: Records, by: By) -> None:
    advance(house, by, 160, 170)
    with records.read() as connection:
        (alert,) = alert_records.open_alerts(connection)
    seen = alert_rounds.acknowledge(house, alert.id, "현장에 연락함", by)

    assert (seen.acknowledged_by, seen.facts.story[-1].note) == ("person-1", "현장에 연락함")
    with pytest.raises(Conflict) as caught:
        alert_rounds.acknowledge(house, alert.id, "", by)
    assert caught.value.code == "alert.settled"
    with records.read() as connection:
        assert audit.listing(connection, object_id=alert.id).items[0].detail["acknowledged"]["note"] == "현장에 연락함"
        assert alert_records.open_alerts(connection, unacknowledged=True) == []
    for n in (2, 3):
        alert_rounds.advance(house, [measured(by, n, 320)], by.at + (n + 1) * HOUR)
    with records.read() as connection:
        (again,) = alert_records.open_alerts(connection, unacknowledged=True)
    assert (again.level, again.acknowledged_at) == (2, None)


@pytest.mark.parametrize("note", ["x" * 1_001, "a\0b"])
def test_a_note_that_cannot_be_kept_is_refused(house, records: Records, by: By, note: str) -> None:
    advance(house, by, 160, 170)
    with records.read() as connection:
        (alert,) = alert_records.open_alerts(connection)
    with pytest.raises(InputError) as caught:
        alert_rounds.acknowledge(house, alert.id, note, by)
    assert caught.value.code == "alert.note"


def test_an_alert_nobody_acknowledges_goes_to_the_next_role_once(house, records: Records, by: By) -> None:
    add_person(records, "op-1", "operator")
    add_person(records, "op-2", "operator")
    add_person(records, "off-1", "officer")
    add_person(records, "gone", "operator", state="disabled")
    subscribe(records, by, "op-2", level_min=3)
    advance(house, by, 310, 320)
    alarmed = by.at + 2 * HOUR

    steps = [len(alert_rounds.escalate(house, alarmed + n * timedelta(minutes=5))) for n in range(10)]

    assert steps == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    with records.read() as connection:
        told = {who: message_records.inbox(connection, who).items for who in ("op-1", "op-2", "off-1", "gone")}
        (alert,) = alert_records.open_alerts(connection)
    assert {who: len(found) for who, found in told.items()} == {"op-1": 1, "op-2": 1, "off-1": 1, "gone": 0}
    assert told["op-1"][0].message.subject.startswith("확인 필요")
    assert (alert.escalation, [one.kind for one in alert.facts.story]) == (2, ["opened", "escalated", "escalated"])


def test_who_has_no_account_any_more_is_not_told(house, records: Records, by: By) -> None:
    add_person(records, "person-1", state="disabled")
    subscribe(records, by)
    advance(house, by, 160, 170)
    with records.read() as connection:
        assert message_records.inbox(connection, "person-1").items == []


def _message(n: int, wish: Subscription) -> Message:
    return Message(
        id=message_id("a", n, wish.id),
        alert="a",
        transition=n,
        subscription=wish.id,
        channel=wish.channel,
        target=wish.target,
        language="ko",
        subject="s",
        body="b",
    )


def _put(records: Records, by: By, n: int, wish: Subscription) -> int:
    with records.begin() as connection:
        return message_records.put(connection, [_message(i, wish) for i in range(n)], by.at)


@pytest.fixture
def mail(records: Records, by: By) -> Subscription:
    return subscribe(records, by, None, "email", target="a@example.org")


def test_a_message_of_a_change_to_a_subscription_is_kept_once(records: Records, by: By, mail: Subscription) -> None:
    assert [_put(records, by, 3, mail), _put(records, by, 5, mail)] == [3, 2]
    other = {**message_row(_message(0, mail), by), "id": "another"}
    with pytest.raises(Conflict), records.begin() as connection:
        connection.execute(insert(environment_messages).values(other))


def message_row(one: Message, by: By) -> dict[str, object]:
    more = {"created_at": by.at, "attempts": 0, "next_attempt_at": by.at, "last_error": ""}
    return msgspec.structs.asdict(one) | more


def test_what_a_dead_courier_claimed_is_sent_again_with_the_same_id_when_the_lease_ends(
    records: Records, by: By, mail: Subscription
) -> None:
    _put(records, by, 2, mail)
    with records.begin() as connection:
        first = message_records.claim(connection, by.at, ["email"])
    with records.begin() as connection:
        assert message_records.claim(connection, by.at + LEASE - SECOND, ["email"]) == []
        again = message_records.claim(connection, by.at + LEASE, ["email"])
    assert [one.message.id for one in again] == [one.message.id for one in first]
    assert [one.attempts for one in again] == [2, 2]
    assert all(one.secret.startswith("whsec_") for one in again)


def test_two_couriers_at_once_claim_each_message_once(url: str, by: By) -> None:
    stores = [Records(url), Records(url)]
    wish = subscribe(stores[0], by, None, "webhook", target="https://example.org/hook")
    _put(stores[0], by, 300, wish)
    claimed: Counter[str] = Counter()
    gate = threading.Barrier(2)

    def work(store: Records) -> None:
        gate.wait(10)
        while True:
            with store.begin() as connection:
                ours = message_records.claim(connection, by.at, ["webhook"], limit=17)
                message_records.settle(connection, [one.message.id for one in ours], by.at)
            if not ours:
                return
            claimed.update(one.message.id for one in ours)

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(claimed) == 300
    assert set(claimed.values()) == {1}
    for store in stores:
        store.close()


def test_a_failed_message_waits_longer_each_time_and_is_given_up_after_three_days(
    records: Records, by: By, mail: Subscription
) -> None:
    _put(records, by, 1, mail)
    now, tried = by.at, []
    for _ in range(12):
        now = _fail(records, now)
        tried.append((now - by.at).total_seconds())

    assert tried == [1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223]
    assert _fail(records, by.at + GIVE_UP_AFTER) == NEVER
    with records.read() as connection:
        (left,) = message_records.of_alert(connection, "a")
    assert left.given_up
    assert left.last_error == "away\N{REPLACEMENT CHARACTER}"


def _fail(records: Records, now: datetime) -> datetime:
    """Claim the one message, fail to send it; when it is tried next."""
    with records.begin() as connection:
        (one,) = message_records.claim(connection, now, ["email"])
        message_records.postpone(connection, one, now, "away\0")
        return connection.execute(select(environment_messages.c.next_attempt_at)).scalar_one()


def test_messages_of_a_paused_subscription_wait_and_of_an_ended_one_are_given_up(
    records: Records, by: By, mail: Subscription
) -> None:
    _put(records, by, 2, mail)
    with records.begin() as connection:
        subscription_records.set_state(connection, mail.id, "paused", by)
        assert message_records.claim(connection, by.at, ["email"]) == []
        subscription_records.set_state(connection, mail.id, "ended", by)
        assert message_records.claim(connection, by.at, ["email"]) == []
    with records.read() as connection:
        assert all(one.given_up for one in message_records.of_alert(connection, "a"))
    with pytest.raises(Conflict), records.begin() as connection:
        subscription_records.set_state(connection, mail.id, "active", by)


def test_a_person_reads_the_own_inbox_and_no_other(house, records: Records, by: By) -> None:
    for who in ("person-1", "person-2"):
        add_person(records, who)
    subscribe(records, by)
    advance(house, by, 160, 170)
    with records.read() as connection:
        (one,) = message_records.inbox(connection, "person-1", unread=True).items
        assert message_records.inbox(connection, "person-2").items == []
    with pytest.raises(NotFound), records.begin() as connection:
        message_records.mark_read(connection, "person-2", one.message.id, by.at)
    with records.begin() as connection:
        message_records.mark_read(connection, "person-1", one.message.id, by.at)
        message_records.mark_read(connection, "person-1", one.message.id, by.at + HOUR)
        assert message_records.unread_n(connection, "person-1") == 0
        assert message_records.inbox(connection, "person-1").items[0].read_at == by.at
        assert message_records.mark_all_read(connection, "person-1", by.at) == 0


def test_a_mail_subscription_begins_only_by_the_link_that_was_mailed(records: Records, by: By) -> None:
    wish = Subscription(
        id="s", person=None, channel="email", target="A@Example.ORG", language="en", created_at=by.at, updated_at=by.at
    )
    with records.begin() as connection:
        subscription_records.add(connection, wish, by)
        kept = subscription_records.get(connection, "s")
        assert (kept.state, kept.target) == ("paused", "A@example.org")
        key = subscription_records.recipient(connection, "s", "confirm").key
        end = subscription_records.recipient(connection, "s", "end").key
    for wrong in ("", end, key[:-1]):
        with pytest.raises(NotFound), records.begin() as connection:
            subscription_records.by_link(connection, "s", "confirm", wrong, by.at)
    with records.begin() as connection:
        assert subscription_records.by_link(connection, "s", "confirm", key, by.at).state == "active"
        assert subscription_records.by_link(connection, "s", "end", end, by.at).state == "ended"
    with pytest.raises(Conflict), records.begin() as connection:
        subscription_records.by_link(connection, "s", "confirm", key, by.at)


def test_a_person_has_a_bounded_number_of_subscriptions(records: Records, by: By) -> None:
    for _ in range(subscription_records.PER_PERSON_MAX):
        subscribe(records, by)
    with pytest.raises(Conflict) as caught:
        subscribe(records, by)
    assert caught.value.code == "subscription.too_many"
    with records.begin() as connection:
        first = subscription_records.of_person(connection, "person-1")[0]
        subscription_records.set_state(connection, first.id, "ended", by)
    subscribe(records, by)


def test_secrets_stay_in_the_table(records: Records, by: By) -> None:
    subscribe(records, by, channel="webhook", target="https://example.org/h")
    with records.read() as connection:
        secret = connection.execute(select(environment_subscriptions.c.secret)).scalar_one()
        assert secret not in repr(subscription_records.listing(connection).items)
        assert secret not in repr(audit.listing(connection).items)


def test_alerts_come_page_by_page_the_last_changed_first(house, records: Records, by: By) -> None:
    scopes = [zone.id for zone in CITY.zones[:5]]
    for n in range(2):
        alert_rounds.advance(house, [measured(by, n, 200, scope) for scope in scopes], by.at + (n + 1) * HOUR)
    with records.read() as connection:
        first = alert_records.listing(connection, Wanted(rule="air-warning"), limit=3)
        second = alert_records.listing(connection, Wanted(rule="air-warning"), limit=3, after=first.next)
        assert sorted(one.scope for one in (*first.items, *second.items)) == sorted(scopes)
        assert second.next == ""
        assert alert_records.listing(connection, Wanted(state="closed")).items == []
        assert alert_records.listing(connection, Wanted(scope=scopes[0], rules=(RULE,))).items[0].scope == scopes[0]
        assert alert_records.counts(connection) == {1: 5}


def test_old_messages_are_purged(records: Records, by: By, mail: Subscription) -> None:
    _put(records, by, 2, mail)
    with records.begin() as connection:
        connection.execute(update(environment_messages).values(created_at=by.at - HOUR))
        assert message_records.purge(connection, by.at) == 2
        assert connection.execute(select(func.count()).select_from(environment_messages)).scalar_one() == 0
