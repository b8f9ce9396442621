"""The courier: takes messages that are due to mail servers and webhooks, at least once, each receiver in order.

A webhook goes to the address that was checked, so that a name which changes its mind between the check and the call cannot
lead into our own network; redirects are not followed, and what a receiver answers is not read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
import msgspec
import structlog

from dure.core.errors import ConfigError, InputError
from dure.engines.records.audit import SYSTEM, By
from dure.services.environment.alerting import message_records, subscription_records
from dure.services.environment.alerting.alert_rounds import link_of
from dure.services.environment.alerting.message_records import LEASE, Claim
from dure.services.environment.alerting.subscriptions import CONFIRMATION, Channel, one_line, signed

if TYPE_CHECKING:
    from datetime import datetime

    from dure.config import Settings
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

WAIT_S = 10.0  # longest wait for one receiver
ROUND_S = 2.0
AT_ONCE = 8
GONE = 410
_PERMANENT = 500  # SMTP replies from here on are final (RFC 5321, 4.2.1)


class Delivered(msgspec.Struct, frozen=True):
    """What one round did."""

    sent: int
    failed: int


class Gone(Exception):
    """The receiver is there no more."""


class MailServer(NamedTuple):
    """Where mails are handed in."""

    host: str
    port: int
    user: str
    password: str
    tls: bool


class Courier:
    """Delivers for one house. Several may run at once: a message is one courier's until its lease ends."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._mail = mail_server(house.settings)
        self._channels: list[Channel] = ["email", "webhook"] if self._mail else ["webhook"]
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def deliver(self, limit: int = 100) -> Delivered:
        """One round: claim, send, settle each. A receiver that fails keeps its order: its later messages wait too."""
        begun = self._house.clock.now()
        claims = await asyncio.to_thread(self._claim, begun, limit)
        if not claims:
            return Delivered(0, 0)
        by_target: dict[tuple[str, str], list[Claim]] = defaultdict(list)
        for one in claims:
            by_target[one.message.channel, one.message.target].append(one)
        async with _caller() as client:
            rounds = [self._to_one(client, waiting, begun) for waiting in by_target.values()]
            done = [one for part in await asyncio.gather(*rounds) for one in part]
        return Delivered(done.count(True), done.count(False))

    async def _to_one(self, client: httpx.AsyncClient, waiting: list[Claim], begun: datetime) -> list[bool]:
        done: list[bool] = []
        for number, one in enumerate(waiting):
            async with self._slots:
                if self._house.clock.now() >= begun + LEASE:
                    break  # the rest may be another courier's by now
                done.append(await self._send(client, one))
            if not done[-1]:
                await asyncio.to_thread(self._postpone, waiting[number + 1 :], "waits for the one before")
                break
        return done

    async def _send(self, client: httpx.AsyncClient, one: Claim) -> bool:
        """Send one message and note what became of it; True when it was taken."""
        error, final = "", False
        try:
            if one.message.channel == "email":
                await asyncio.to_thread(self._send_mail, one)
            else:
                await self._send_webhook(client, one)
        except Gone:
            error, final = "gone", True
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            error, final = f"recipient refused: {codes}", min(codes) >= _PERMANENT
        except Exception as trouble:  # noqa: BLE001  # whatever a transport raises, the message stays ours to send
            error = f"{type(trouble).__name__}: {trouble}"
        await asyncio.to_thread(self._note, one, error, final)
        return not error

    def _claim(self, at: datetime, limit: int) -> list[Claim]:
        with self._house.records.read() as connection:
            if not message_records.any_due(connection, at, self._channels):
                return []
        with self._house.records.begin() as connection:
            return message_records.claim(connection, at, self._channels, limit)

    def _note(self, one: Claim, error: str, final: bool) -> None:
        now = self._house.clock.now()
        with self._house.records.begin() as connection:
            if not error:
                message_records.settle(connection, [one.message.id], now)
            elif final:
                message_records.give_up(connection, one, error)
                subscription_records.pause(connection, one.message.subscription, By(SYSTEM, now))
            else:
                message_records.postpone(connection, one, now, error)
        if error:
            log.warning("message.failed", city=self._house.city.id, id=one.message.id, channel=one.message.channel, final=final)

    def _postpone(self, waiting: list[Claim], error: str) -> None:
        if waiting:
            with self._house.records.begin() as connection:
                for one in waiting:
                    message_records.postpone(connection, one, self._house.clock.now(), error)

    def _send_mail(self, one: Claim) -> None:
        if self._mail is None:
            raise ConfigError("mail.missing", "smtp_url names no mail server.")
        mail = letter(one, self._house.settings, self._mail.host, self._house.clock.now())
        with _connected(self._mail) as server:
            server.send_message(mail)

    async def _send_webhook(self, client: httpx.AsyncClient, one: Claim) -> None:
        private_ok = self._house.settings.webhook_private_ok
        address, host = await checked_address(one.message.target, private_ok=private_ok)
        body = one.message.body.encode()
        headers = {**signed(one.secret, one.message.id, body, self._house.clock.now()), "host": host, "user-agent": "dure"}
        name = httpx.URL(one.message.target).host
        async with (
            asyncio.timeout(WAIT_S),
            client.stream("POST", address, content=body, headers=headers, extensions={"sni_hostname": name}) as answer,
        ):
            status = answer.status_code
        client.cookies.clear()
        if status == GONE:
            raise Gone
        if not 200 <= status < 300:
            raise InputError("webhook.refused", f"The receiver answered {status}.")


def mail_server(settings: Settings) -> MailServer | None:
    """Where mails are handed in; None when no mail server is set.

    Raises
    ------
    ConfigError
        ``mail.url``
    """
    if not settings.smtp_url:
        return None
    try:
        parts = urlsplit(settings.smtp_url)
        tls = parts.scheme == "smtps"
        port = parts.port or (465 if tls else 587)
    except ValueError as error:
        raise ConfigError("mail.url", "smtp_url must read smtp://USER:PASSWORD@HOST:PORT or smtps://….") from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError("mail.url", "smtp_url must read smtp://USER:PASSWORD@HOST:PORT or smtps://….")
    return MailServer(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), tls)


def letter(one: Claim, settings: Settings, host: str, at: datetime) -> EmailMessage:
    """The mail of a message. Its Message-ID is the message's own, so that one sent twice can be told."""
    sender = settings.mail_from or f"dure@{host}"
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = one.message.target
    mail["Subject"] = one_line(one.message.subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{one.message.id}@{sender.rpartition('@')[2] or host}>"
    mail["Auto-Submitted"] = "auto-generated"
    if one.message.alert != CONFIRMATION:
        page = f"{link_of(settings)}/{one.message.language}/environment/subscriptions/{one.message.subscription}/end"
        mail["List-Unsubscribe"] = f"<{page}?key={one.end_key}>"
    mail.set_content(one.message.body)
    return mail


def _connected(server: MailServer) -> smtplib.SMTP:
    """A conversation with the mail server; a password is never sent in the clear to another machine."""
    context = _trusted()
    if server.tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=WAIT_S, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=WAIT_S)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif server.user and server.host not in ("localhost", "127.0.0.1", "::1"):
            connection.close()
            raise ConfigError("mail.insecure", "The mail server offers no TLS: the password is not sent to it.")
    if server.user:
        connection.login(server.user, server.password)
    return connection


def _caller() -> httpx.AsyncClient:
    """What calls webhooks. No connection is used twice: the next call to an address may be to another name there."""
    once = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=WAIT_S, follow_redirects=False, trust_env=False, verify=_trusted(), limits=once)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this machine trusts, read once: it takes longer than a message."""
    return ssl.create_default_context()


async def checked_address(
    target: str, *, private_ok: bool, resolve: Callable[[str, int], list[str]] | None = None
) -> tuple[httpx.URL, str]:
    """The target with its host replaced by an address outside our own network, and the Host header it needs.

    Raises
    ------
    InputError
        ``webhook.private`` when it leads into a private network or goes without TLS, unless `private_ok`
    """
    url = httpx.URL(target)
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.to_thread(resolve or _resolve, url.host, port)
    usable = found if private_ok else [one for one in found if _outside(one)]
    if not private_ok and (url.scheme != "https" or len(usable) != len(found)):
        raise InputError("webhook.private", "A webhook goes to https addresses on the internet only; see webhook_private_ok.")
    return url.copy_with(host=usable[0]), url.netloc.decode("ascii")


def _resolve(host: str, port: int) -> list[str]:
    return list(dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def _outside(address: str) -> bool:
    """Whether an address is one of the public internet, also when it hides an IPv4 address."""
    one = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(one, ipaddress.IPv6Address):
        hidden = one.ipv4_mapped or one.sixtofour or (one.teredo[1] if one.teredo else None)
        if hidden is not None:
            return False
    return one.is_global and not one.is_multicast
