from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.events import Event
from dure.core.text import Text
from dure.services.environment.alerting.subscriptions import (
    Change,
    Recipient,
    Story,
    Subscription,
    checked_target,
    confirmation,
    end_key,
    message_id,
    recipients,
    written,
)
from dure.spine.post import one_line, signed

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
EVENT = Event(id="e", type="environment.alert.opened", source="dure/environment", time=NOW, subject="z1", data={"level": 1})
STORY = Story(
    title=Text("[동탄] 미세먼지", "[Dongtan] fine dust"),
    sentence=Text("두 시간 이어졌습니다.", "For two hours."),
    advice=Text("마스크를 쓰세요.", "Wear a mask."),
    issuer=Text("시·도지사가 발령합니다.", "Issued by the governor."),
)


def wish(name="s", channel="in_app", target="p", **more):
    later = more.pop("after", 0)
    at = NOW + timedelta(seconds=later)
    return Subscription(
        id=name,
        person="p",
        channel=channel,
        target=target,
        language=more.pop("language", "ko"),
        created_at=at,
        updated_at=at,
        **more,
    )


def change(before=0, after=1, rule="air-warning-pm10", scopes=("st-1", "z1"), *, public=True):
    return Change(alert="a", transition=1, rule=rule, scopes=scopes, before=before, after=after, public=public)


def told(of, *wishes, staff=False):
    return [one.subscription.id for one in recipients(of, [Recipient(each, staff) for each in wishes])]


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        ({}, True),
        ({"rules": ("air-warning",)}, True),
        ({"rules": ("air-warning-pm10",)}, True),
        ({"rules": ("air-warning-pm1",)}, False),  # the beginning of a word is not a family
        ({"rules": ("weather",)}, False),
        ({"rules": ("weather", "air")}, True),
        ({"scopes": ("z1",)}, True),
        ({"scopes": ("st-1", "z9")}, True),
        ({"scopes": ("z9",)}, False),
        ({"level_min": 2}, False),
        ({"state": "paused"}, False),
        ({"state": "ended"}, False),
    ],
)
def test_filters_decide_who_is_told(filters, fits):
    assert told(change(), wish(**filters)) == (["s"] if fits else [])


@pytest.mark.parametrize(("before", "after", "fits"), [(0, 1, False), (1, 2, True), (2, 1, True), (2, 0, True), (1, 0, False)])
def test_who_was_told_of_a_level_is_told_of_its_end(before, after, fits):
    assert bool(told(change(before, after), wish(level_min=2))) is fits


def test_two_filters_of_one_address_give_one_message():
    first = wish("b", "email", "a@x.org", rules=("air-warning",))
    second = wish("a", "email", "a@x.org", scopes=("z1",), after=5)
    other = wish("c", "webhook", "https://x.org/h")
    assert told(change(), second, first, other) == ["b", "c"]


def test_what_is_not_public_goes_to_staff_only():
    assert told(change(public=False), wish()) == []
    assert told(change(public=False), wish(), staff=True) == ["s"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["in_app", "email"]), st.sampled_from(["p", "q"]), st.sampled_from([(), ("air",), ("z",)])),
        max_size=20,
    )
)
def test_nobody_is_told_twice_at_one_place(rows):
    wishes = [wish(f"s{n}", channel, target, rules=rules) for n, (channel, target, rules) in enumerate(rows)]
    found = [one.subscription for one in recipients(change(), [Recipient(each) for each in wishes])]
    places = [(one.channel, one.target) for one in found]
    assert len(set(places)) == len(places)
    assert set(places) == {(channel, target) for channel, target, rules in rows if rules != ("z",)}


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_mail_says_what_and_how_to_stop(language):
    to = Recipient(wish("s1", "email", "a@x.org", language=language), key="k" * 32)
    one = written(change(), to, STORY, EVENT, "https://dure.example")
    assert one.subject == STORY.title(language)
    assert one.body.splitlines()[:3] == [STORY.sentence(language), STORY.advice(language), STORY.issuer(language)]
    assert f"https://dure.example/{language}/environment/subscriptions/s1/end?key={'k' * 32}" in one.body
    assert one.id == message_id("a", 1, "s1")


def test_a_webhook_carries_a_cloudevent_that_its_signature_covers():
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    one = written(change(), Recipient(wish("s1", "webhook", "https://x.org/h")), STORY, EVENT, "")
    body = one.body.encode()
    headers = signed(secret, one.id, body, NOW)

    event = json.loads(body)
    assert {name: event[name] for name in ("specversion", "id", "type", "source", "subject")} == {
        "specversion": "1.0",
        "id": "e",
        "type": "environment.alert.opened",
        "source": "dure/environment",
        "subject": "z1",
    }
    assert event["data"]["title"] == STORY.title.ko
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(b"k" * 32, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-id"] == one.id


def test_the_signature_is_that_of_the_specifications_own_example():
    # standard-webhooks/standard-webhooks, libraries' tests: the same secret, id, time and body
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_no_title_can_begin_another_header(title):
    line = one_line(title)
    assert len(line.splitlines()) <= 1
    assert not {"\r", "\n", "\0"} & set(line)
    assert len(line) <= 150


@pytest.mark.parametrize(
    "target",
    [
        "",
        "a",
        "a@",
        "@x.org",
        "a@x.org\nBcc: b@x.org",
        "a b@x.org",
        "a@x..org",
        "한글@x.org",
        "a@x.org,b@x.org",
        "<a@x.org>",
        "a" * 400 + "@x.org",
    ],
)
def test_an_address_that_is_none_or_hides_another_is_refused(target):
    with pytest.raises(InputError) as caught:
        checked_target("email", target)
    assert caught.value.code == "subscription.address"


@pytest.mark.parametrize(
    "target",
    [
        "",
        "ftp://x.org",
        "https://",
        "https://u:p@x.org/",
        "https://x.org/\nHost: y",
        "https://x.org:0/",
        "https://x.org/#f",
        "https://x.org:99999/",
    ],
)
def test_a_webhook_address_that_cannot_be_called_is_refused(target):
    with pytest.raises(InputError) as caught:
        checked_target("webhook", target)
    assert caught.value.code == "subscription.webhook"


def test_good_targets_are_kept_the_domain_in_lower_case():
    assert checked_target("email", "Kim.C@Example.OR.KR") == "Kim.C@example.or.kr"
    assert checked_target("webhook", "https://x.org:8443/h?a=1") == "https://x.org:8443/h?a=1"


def test_the_keys_of_links_differ_by_purpose_and_subscription():
    keys = {end_key("s", name, purpose) for name in ("a", "b") for purpose in ("end", "confirm")}
    assert len(keys) == 4


def test_asking_again_in_the_same_minutes_is_the_same_message():
    to = Recipient(wish("s1", "email", "a@x.org"), key="k")
    assert confirmation(to, 5, "https://d").id == confirmation(to, 5, "https://d").id != confirmation(to, 6, "https://d").id
    assert "/confirm?key=k" in confirmation(to, 5, "https://d").body


@pytest.mark.parametrize("more", [{"level_min": 0}, {"level_min": 4}, {"rules": tuple("x" for _ in range(101))}])
def test_a_wish_beyond_the_bounds_is_refused(more):
    with pytest.raises(InputError):
        wish(**more)
