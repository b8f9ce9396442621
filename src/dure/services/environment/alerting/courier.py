"""The courier: takes messages that are due to mail servers and webhooks, at least once, each receiver in order."""

from __future__ import annotations

import asyncio
import smtplib
from collections import defaultdict
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import ConfigError
from dure.engines.records.audit import SYSTEM, By
from dure.services.environment.alerting import message_records, subscription_records
from dure.services.environment.alerting.alert_rounds import link_of
from dure.services.environment.alerting.message_records import LEASE, Claim
from dure.services.environment.alerting.subscriptions import CONFIRMATION, Channel
from dure.spine.post import AT_ONCE, Gone, call, caller, checked_address, connected, mail_server, one_line, signed

if TYPE_CHECKING:
    from datetime import datetime

    import httpx

    from dure.config import Settings
    from dure.spine.house import House

__all__ = ["Courier", "Delivered", "checked_address", "letter", "mail_server"]

log = structlog.get_logger("dure.environment")

ROUND_S = 2.0
_PERMANENT = 500  # SMTP replies from here on are final (RFC 5321, 4.2.1)


class Delivered(msgspec.Struct, frozen=True):
    """What one round did."""

    sent: int
    failed: int


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
        async with caller() as client:
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
        with connected(self._mail) as server:
            server.send_message(mail)

    async def _send_webhook(self, client: httpx.AsyncClient, one: Claim) -> None:
        body = one.message.body.encode()
        headers = signed(one.secret, one.message.id, body, self._house.clock.now())
        await call(client, one.message.target, body, headers, private_ok=self._house.settings.webhook_private_ok)


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
