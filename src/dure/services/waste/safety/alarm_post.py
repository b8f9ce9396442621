"""Alarms to receivers outside Dure, by mail and webhook, until each has been reached once. What went out stands in the story."""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

import httpx
import msgspec
import structlog

from dure.core.errors import ConfigError, DureError
from dure.core.events import Event
from dure.core.text import Text
from dure.engines.records import assets
from dure.services.waste.model import SERVICE
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarm_words import body_of, data_of, subject_of
from dure.spine.post import Gone, call, caller, connected, mail_server, one_line, signed

if TYPE_CHECKING:
    from dure.config import Settings
    from dure.services.waste.safety.alarms import Alarm, Entry
    from dure.services.waste.safety.escalation import Policy, Receiver
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")

BACK_OFF_S = (2.0, 5.0, 15.0, 60.0, 300.0)
TRIES_MAX = 30


class AlarmPost:
    """Sends for one house. A message may come twice when the process dies between sending and noting; never not at all."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._mail = mail_server(house.settings)

    async def deliver(self, alarms: Sequence[Alarm], policy: Policy, now: datetime) -> int:
        """Tell every receiver who is due and was not reached; how many were reached."""
        waiting = [(alarm, receiver) for alarm in alarms for receiver in due_receivers(alarm, policy, now)]
        if not waiting:
            return 0
        names = await asyncio.to_thread(self._names, [alarm.bin for alarm, _ in waiting])
        async with caller() as client:
            done = await asyncio.gather(*(self._tell(client, alarm, one, names[alarm.bin], now) for alarm, one in waiting))
        return done.count(True)

    async def _tell(self, client: httpx.AsyncClient, alarm: Alarm, receiver: Receiver, name: Text, now: datetime) -> bool:
        error = ""
        try:
            if receiver.channel == "email":
                await asyncio.to_thread(self._send_mail, alarm, receiver, name, now)
            else:
                await self._send_webhook(client, alarm, receiver, name, now)
        except (DureError, Gone, OSError, TimeoutError, httpx.HTTPError, smtplib.SMTPException) as trouble:
            error = f"{type(trouble).__name__}: {trouble}"[:500].replace("\0", "�")
            log.warning("alarm.not_told", city=self._house.city.id, id=alarm.id, receiver=receiver.id, why=error)
        await asyncio.to_thread(self._note, alarm, receiver, error, now)
        return not error

    def _names(self, bins: Sequence[str]) -> dict[str, Text]:
        with self._house.records.read() as connection:
            found = assets.find(connection, sorted(set(bins)))
        return {one: found[one].name if one in found else Text(one, one) for one in bins}

    def _note(self, alarm: Alarm, receiver: Receiver, error: str, now: datetime) -> None:
        with self._house.records.begin() as connection:
            alarm_records.note_told(connection, alarm.id, receiver.id, error, now)

    def _send_mail(self, alarm: Alarm, receiver: Receiver, name: Text, now: datetime) -> None:
        if self._mail is None:
            raise ConfigError("mail.missing", "smtp_url names no mail server.")
        sender = self._house.settings.mail_from or f"dure@{self._mail.host}"
        mail = EmailMessage()
        mail["From"], mail["To"] = sender, receiver.target
        mail["Subject"] = one_line(subject_of(alarm, name, receiver.language))
        mail["Date"] = format_datetime(now)
        mail["Message-ID"] = f"<{message_id(alarm, receiver)}@{sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Priority"] = "1"
        link = link_of(self._house.settings)
        mail.set_content(body_of(alarm, name, self._house.city.zone, link, receiver.language))
        with connected(self._mail) as server:
            server.send_message(mail)

    async def _send_webhook(self, client: httpx.AsyncClient, alarm: Alarm, receiver: Receiver, name: Text, now: datetime) -> None:
        link = link_of(self._house.settings)
        event = Event(
            id=message_id(alarm, receiver),
            type="waste.alarm.raised",
            source=f"dure/{SERVICE}",
            time=now,
            subject=alarm.bin,
            data=data_of(alarm, name, link, receiver.language),
        )
        body = msgspec.json.encode(event)
        headers = headers_of(receiver, event.id, body, self._house.clock.now())
        await call(client, receiver.target, body, headers, private_ok=self._house.settings.webhook_private_ok)


def due_receivers(alarm: Alarm, policy: Policy, now: datetime) -> list[Receiver]:
    """Whom a step that was taken names, who was not reached, and whose next try has come."""
    roles = {role for one in alarm.facts.story if one.kind == "escalated" for role in one.roles}
    return [one for one in policy.told_of(roles) if _is_due([e for e in alarm.facts.story if _is_of(e, one)], now)]


def _is_of(entry: Entry, receiver: Receiver) -> bool:
    return entry.kind == "told" and entry.by == receiver.id


def _is_due(tried: Sequence[Entry], now: datetime) -> bool:
    if not tried:
        return True
    wait = timedelta(seconds=BACK_OFF_S[min(len(tried), len(BACK_OFF_S)) - 1])
    return all(one.note for one in tried) and len(tried) < TRIES_MAX and tried[-1].at + wait <= now


def headers_of(receiver: Receiver, ident: str, body: bytes, at: datetime) -> Mapping[str, str]:
    """The headers of a webhook: signed when the receiver has a secret."""
    if receiver.secret:
        return signed(receiver.secret, ident, body, at)
    return {"webhook-id": ident, "content-type": "application/cloudevents+json; charset=utf-8"}


def message_id(alarm: Alarm, receiver: Receiver) -> str:
    """One message, one id: a receiver knows one that came twice."""
    return hashlib.sha256(f"{alarm.id}\0{receiver.id}".encode()).hexdigest()[:32]


def link_of(settings: Settings) -> str:
    """The address under which people reach Dure."""
    return settings.public_url.rstrip("/") or f"http://{settings.http_host}:{settings.http_port}"
