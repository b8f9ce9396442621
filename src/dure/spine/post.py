"""Mails and webhooks, sent: what services share when they tell people outside. It keeps nothing; who calls it does.

A webhook goes to the address that was checked, so that a name which changes its mind between the check and the call cannot
lead into our own network; redirects are not followed, and what a receiver answers is not read. It is signed as the Standard
Webhooks specification says (https://www.standardwebhooks.com: HMAC-SHA256 over ``id.timestamp.body``).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

import httpx

from dure.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from datetime import datetime

    from dure.config import Settings

WAIT_S = 10.0  # longest wait for one receiver
AT_ONCE = 8
GONE = 410
SUBJECT_MAX = 150
SECRET_PREFIX = "whsec_"  # noqa: S105  # how the specification marks a secret
_KEY_BYTES = (24, 64)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Gone(Exception):
    """The receiver is there no more."""


class MailServer(NamedTuple):
    """Where mails are handed in."""

    host: str
    port: int
    user: str
    password: str
    tls: bool


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


def connected(server: MailServer) -> smtplib.SMTP:
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


def caller() -> httpx.AsyncClient:
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


async def call(client: httpx.AsyncClient, target: str, body: bytes, headers: Mapping[str, str], *, private_ok: bool) -> None:
    """Hand a body to a webhook.

    Raises
    ------
    Gone : the receiver is there no more
    InputError : ``webhook.private`` or ``webhook.refused``
    """
    address, host = await checked_address(target, private_ok=private_ok)
    name = httpx.URL(target).host
    headers = {**headers, "host": host, "user-agent": "dure"}
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


def one_line(text: str) -> str:
    """Text that fits one header line: no line break or control character can end it and begin another header."""
    return _CONTROL.sub(" ", text).strip()[:SUBJECT_MAX]


def is_secret(text: str) -> bool:
    """Whether it is a secret as the specification has it: its mark, then 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        return False
    return text.startswith(SECRET_PREFIX) and _KEY_BYTES[0] <= len(key) <= _KEY_BYTES[1]


def signed(secret: str, ident: str, body: bytes, at: datetime) -> Mapping[str, str]:
    """The headers by which a receiver knows a webhook is ours and whether it has it already (Standard Webhooks)."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.new(key, f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": ident,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "content-type": "application/cloudevents+json; charset=utf-8",
    }
