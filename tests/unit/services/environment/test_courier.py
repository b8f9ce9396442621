"""The courier against a real mail server and a real web server, killed and started again in between."""

from __future__ import annotations

import asyncio
import base64
import email
import hashlib
import hmac
import json
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sqlalchemy import insert, select

from dure.city import read_city
from dure.config import Settings
from dure.core.errors import ConfigError, InputError
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables import people
from dure.engines.records.tables_environment import environment_messages, environment_subscriptions
from dure.services.environment.alerting import alert_rounds, message_records, subscription_records
from dure.services.environment.alerting.alerts import Measured
from dure.services.environment.alerting.courier import Courier, Delivered, checked_address, mail_server
from dure.services.environment.alerting.message_records import LEASE
from dure.services.environment.alerting.subscriptions import Subscription

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PERSON = "person-1"


class MailBox:
    """A mail server that speaks SMTP as RFC 5321 has it, in a thread of its own."""

    def __init__(self) -> None:
        self.mails: list[email.message.EmailMessage] = []
        self.refused: set[str] = set()
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._stop.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 mail.test ESMTP\r\n")
            while line := await reader.readline():
                writer.write(await self._answer(line, reader, writer))
                await writer.drain()
                if line.upper().startswith(b"QUIT"):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        word = line.split(b":")[0].split()[0].upper()
        if word == b"EHLO":
            return b"250-mail.test\r\n250 SMTPUTF8\r\n"
        if word == b"RCPT" and line.split(b"<")[1].split(b">")[0].decode() in self.refused:
            return b"550 no such user\r\n"
        if word == b"DATA":
            return await self._take(reader, writer)
        return b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"354 go on\r\n")
        await writer.drain()
        content = (await reader.readuntil(b"\r\n.\r\n"))[:-5].replace(b"\r\n..", b"\r\n.")
        self.mails.append(email.message_from_bytes(content, policy=policy.default))
        return b"250 kept\r\n"


class Hook:
    """A web server that takes webhooks and checks their signatures."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # who sent it was killed in the middle: nothing came
                    self.close_connection = True
                    return
                status = hook.answers.pop(0) if hook.answers else 204
                if 200 <= status < 300:
                    hook.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


@pytest.fixture
def mailbox():
    box = MailBox()
    box.start()
    yield box
    box.stop()


@pytest.fixture
def hook():
    one = Hook()
    one.start()
    yield one
    one.stop()


@pytest.fixture
def house(tmp_path, mailbox):
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.migrate()
    settings = Settings(
        smtp_url=f"smtp://127.0.0.1:{mailbox.port}",
        mail_from="dure@hwaseong.test",
        webhook_private_ok=True,
        public_url="https://d.test",
    )
    yield SimpleNamespace(records=records, city=CITY, clock=FixedClock(START), settings=settings)
    records.close()


def subscribe(house, channel, target, **more):
    one = Subscription(
        id=subscription_records.new_id(),
        person=more.pop("person", None),
        channel=channel,
        target=target,
        language="ko",
        created_at=START,
        updated_at=START,
        **more,
    )
    with house.records.begin() as connection:
        subscription_records.add(connection, one, By("test", START))
        if channel == "email":
            subscription_records.set_state(connection, one.id, "active", By("test", START))
    return one


def alarm(house, value=400.0, hours=2, zone=None):
    """Hours of one value in a zone; the changes told."""
    at = house.clock.now()
    found = []
    for _ in range(hours):
        one = Measured(rule="air-warning-pm10", scope=zone or CITY.zones[0].id, start_us=to_us(at), values={"st-1": value})
        found += alert_rounds.advance(house, [one], at)
        at += HOUR
    house.clock.advance(at - house.clock.now())
    return found


def deliveries(house):
    with house.records.read() as connection:
        ids = connection.execute(select(environment_messages.c.alert).distinct()).scalars().all()
        return [one for ident in ids for one in message_records.of_alert(connection, ident)]


async def test_one_change_is_one_mail_and_one_call(house, mailbox, hook):
    mail = subscribe(house, "email", "kim@x.test")
    subscribe(house, "webhook", hook.url)
    alarm(house)

    assert await Courier(house).deliver() == Delivered(2, 0)
    assert await Courier(house).deliver() == Delivered(0, 0)

    (sent,) = mailbox.mails
    assert (sent["To"], sent["From"], sent["Auto-Submitted"]) == ("kim@x.test", "dure@hwaseong.test", "auto-generated")
    assert CITY.zones[0].name.ko in sent["Subject"]
    assert f"https://d.test/ko/environment/subscriptions/{mail.id}/end?key=" in sent["List-Unsubscribe"]
    assert "시·도지사가 발령합니다" in sent.get_content()
    ((headers, body),) = hook.posts
    assert json.loads(body)["type"] == "environment.alert.opened"
    assert headers["webhook-signature"] == signature(house, headers, body)


def signature(house, headers, body):
    with house.records.read() as connection:
        secrets = select(environment_messages.c.id, environment_subscriptions.c.secret).join(
            environment_subscriptions, environment_messages.c.subscription == environment_subscriptions.c.id
        )
        secret = connection.execute(secrets.where(environment_messages.c.id == headers["webhook-id"])).one().secret
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


async def test_a_receiver_that_fails_is_tried_again_in_order_and_stops_no_other(house, mailbox, hook):
    subscribe(house, "webhook", hook.url)
    subscribe(house, "email", "kim@x.test")
    alarm(house)
    alarm(house, 20.0, 1)
    hook.answers = [500, 302]

    assert await Courier(house).deliver() == Delivered(2, 1)
    house.clock.advance(timedelta(seconds=1))
    assert await Courier(house).deliver() == Delivered(0, 1)
    house.clock.advance(timedelta(seconds=2))
    assert (await Courier(house).deliver()).sent == 2

    assert [json.loads(body)["data"]["transition"] for _, body in hook.posts] == [1, 2]
    assert len(mailbox.mails) == 2


async def test_a_receiver_that_is_gone_pauses_its_subscription(house, hook):
    one = subscribe(house, "webhook", hook.url)
    alarm(house)
    hook.answers = [410]
    await Courier(house).deliver()

    with house.records.read() as connection:
        assert subscription_records.get(connection, one.id).state == "paused"
    assert [each.given_up for each in deliveries(house)] == [True]


async def test_an_address_the_mail_server_does_not_know_pauses_its_subscription(house, mailbox):
    one = subscribe(house, "email", "nobody@x.test")
    mailbox.refused = {"nobody@x.test"}
    alarm(house)
    await Courier(house).deliver()

    with house.records.read() as connection:
        assert subscription_records.get(connection, one.id).state == "paused"
    assert mailbox.mails == []


async def test_mails_wait_where_no_mail_server_is_set(house):
    subscribe(house, "email", "kim@x.test")
    alarm(house)
    house.settings = Settings()
    assert await Courier(house).deliver() == Delivered(0, 0)
    assert [one.attempts for one in deliveries(house)] == [0]


async def test_a_mail_server_that_is_away_loses_nothing(house, mailbox):
    subscribe(house, "email", "kim@x.test")
    alarm(house)
    there, house.settings = house.settings, Settings(smtp_url="smtp://127.0.0.1:1")
    assert await Courier(house).deliver() == Delivered(0, 1)
    house.settings = there
    house.clock.advance(timedelta(seconds=1))
    assert await Courier(house).deliver() == Delivered(1, 0)
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.8",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "fd00::1",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "2002:a00:1::",
    ],
)
async def test_a_webhook_never_leads_into_a_private_network(address):
    for found in ([address], ["8.8.8.8", address]):
        with pytest.raises(InputError) as caught:
            await checked_address("https://x.test/h", private_ok=False, resolve=lambda *_, found=found: found)
        assert caught.value.code == "webhook.private"


async def test_a_webhook_is_called_at_the_address_that_was_checked():
    url, host = await checked_address("https://x.test:8443/h?a=1", private_ok=False, resolve=lambda *_: ["8.8.8.8"])
    assert (str(url), host) == ("https://8.8.8.8:8443/h?a=1", "x.test:8443")
    with pytest.raises(InputError):
        await checked_address("http://x.test/h", private_ok=False, resolve=lambda *_: ["8.8.8.8"])


async def test_a_private_webhook_fails_with_its_reason(house, hook):
    subscribe(house, "webhook", hook.url)
    alarm(house)
    house.settings = Settings()
    assert await Courier(house).deliver() == Delivered(0, 1)
    (one,) = deliveries(house)
    assert "webhook.private" in one.last_error
    assert hook.posts == []


@pytest.mark.parametrize(
    ("url", "port", "tls"), [("smtp://u:p%40@h", 587, False), ("smtps://h", 465, True), ("smtp://h:25", 25, False)]
)
def test_the_mail_server_is_read_from_its_setting(url, port, tls):
    server = mail_server(Settings(smtp_url=url))
    assert (server.host, server.port, server.tls) == ("h", port, tls)
    assert mail_server(Settings()) is None


@pytest.mark.parametrize("url", ["http://h", "smtp://", "smtp://h:x", "mail.x.test"])
def test_a_mail_server_that_cannot_be_read_is_refused(url):
    with pytest.raises(ConfigError) as caught:
        mail_server(Settings(smtp_url=url))
    assert caught.value.code == "mail.url"


KILLED = """
import asyncio, sys
from datetime import timedelta
from types import SimpleNamespace
from dure.config import Settings
from dure.engines.clock import FixedClock, SystemClock
from dure.engines.records.store import Records
from dure.services.environment.alerting.courier import Courier
url, smtp, later = sys.argv[1], sys.argv[2], float(sys.argv[3])

class Later:
    def now(self):
        return SystemClock().now() + timedelta(seconds=later)

settings = Settings(smtp_url=smtp, mail_from="dure@hwaseong.test", webhook_private_ok=True, log_level="error")
house = SimpleNamespace(records=Records(url), clock=Later(), settings=settings, city=SimpleNamespace(id="c"))
async def main():
    while True:
        if not (await Courier(house).deliver()).sent:
            await asyncio.sleep(0.1)

print("up", flush=True)
asyncio.run(main())
"""


def walks(house, transitions):
    """Changes of every zone and pollutant on random walks until there are so many; what was told."""
    rng = np.random.default_rng(11)
    rules = {"air-warning-pm10": 300.0, "air-warning-pm2-5": 150.0, "air-warning-o3": 0.5}
    zones = [zone.id for zone in CITY.zones][:12]
    level = {(rule, zone): top / 2 for rule, top in rules.items() for zone in zones}
    found, at = [], START - timedelta(days=60)
    while len(found) < transitions:
        readings = []
        for (rule, zone), value in level.items():
            level[rule, zone] = float(np.clip(value + rng.normal(0, 0.3 * rules[rule]), 0, 1.4 * rules[rule]))
            readings.append(Measured(rule=rule, scope=zone, start_us=to_us(at), values={"s": level[rule, zone]}))
        found += alert_rounds.advance(house, readings, at)
        at += HOUR
    return found


@pytest.mark.slow
def test_a_thousand_changes_reach_each_subscriber_once_though_the_courier_is_killed(house, mailbox, hook):
    with house.records.begin() as connection:
        row = {"id": PERSON, "login": PERSON, "name": PERSON, "roles": [], "state": "active"}
        connection.execute(insert(people).values(row | {"created_at": START, "updated_at": START}))
    subscribe(house, "in_app", PERSON, person=PERSON)
    subscribe(house, "in_app", PERSON, person=PERSON, rules=("air-warning",))
    subscribe(house, "email", "kim@x.test")
    subscribe(house, "email", "kim@x.test", rules=("air-warning-pm10",))
    subscribe(house, "webhook", hook.url)
    subscribe(house, "webhook", hook.url, level_min=2)
    told = walks(house, 1_000)

    url, smtp = str(house.records.url), house.settings.smtp_url
    for kill in range(5):
        later = str(kill * 2 * LEASE.total_seconds())
        process = subprocess.Popen([sys.executable, "-c", KILLED, url, smtp, later], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        goal = (kill + 1) * len(told) // 8
        deadline = 60
        while len(hook.posts) < goal and deadline > 0:
            threading.Event().wait(0.02)
            deadline -= 0.02
        process.kill()
        process.wait()
        process.stdout.close()
    house.clock = FixedClock(datetime.now(UTC) + timedelta(hours=2))
    while (done := asyncio.run(Courier(house).deliver(500))) != Delivered(0, 0):
        if done.failed:  # a slow machine may let a receiver's answer come too late: it is tried again
            house.clock.advance(timedelta(minutes=10))

    calls = Counter(headers["webhook-id"] for headers, _ in hook.posts)
    mails = Counter(str(mail["Message-ID"]) for mail in mailbox.mails)
    with house.records.read() as connection:
        in_app = message_records.inbox(connection, PERSON, limit=10_000).items
        waiting = connection.execute(select(environment_messages.c.id).where(environment_messages.c.sent_at.is_(None))).all()
    twice = (sum(calls.values()) - len(calls), sum(mails.values()) - len(mails))
    assert len(calls) == len(mails) == len(in_app) == len({one.message.id for one in in_app}) == len(told)
    assert waiting == []
    assert max(twice) <= 5 * 8  # at most what was under way at each kill
    signatures = {headers["webhook-signature"] == signature(house, headers, body) for headers, body in hook.posts}
    assert signatures == {True}
