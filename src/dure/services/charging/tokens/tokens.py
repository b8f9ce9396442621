"""Id tokens: who may charge. A token (the number of a card, a code) is known by its keyed digest alone.

Letter case does not count (OCPP 1.6, "IdToken": case insensitive). The digest is HMAC-SHA-256 with a key that lives in the data
folder beside the other secrets, so that a copy of the records alone gives no card number away.

====================  ==============================================================================
``token.text``        a token is empty, too long, or holds characters that no station sends
``token.group``       the name of a group is too long, or looks like a card's number
``token.unknown``     there is no such token
``token.exists``      the token is known already
====================  ==============================================================================
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from dure.core.errors import InputError
from dure.core.time import to_us

Holder = Literal["member", "guest", "staff"]
HOLDERS: tuple[Holder, ...] = ("member", "guest", "staff")
Verdict = Literal["Accepted", "Blocked", "ConcurrentTx", "Expired", "Unknown", "NotAtThisLocation"]

TOKEN_MAX = 255  # OCPP 2.1's identifierString; 1.6 sends at most 20
GROUP_MAX = 20  # OCPP 1.6's parentIdTag
LABEL_MAX = 120
DIGEST_CHARS = 32
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_GROUP = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,19}")


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One who may charge.

    Attributes
    ----------
    digest : of the token itself, see `digest`
    label : what staff call it; never the number
    group : tokens of one group may stop each other's transactions; told to stations as it is, so it is a name and no number
    concurrent_n : transactions it may run at once; 0: any number
    offline : whether stations may take it while they are not connected (their caches and local lists)
    sites : only there; none: everywhere
    """

    digest: str
    label: str = ""
    holder: Holder = "member"
    group: str = ""
    blocked: bool = False
    expires_at: datetime | None = None
    concurrent_n: int = 1
    offline: bool = True
    sites: tuple[str, ...] = ()
    created_at: datetime | None = None
    changed_at: datetime | None = None


class Judged(NamedTuple):
    """What a station is told of a token."""

    verdict: Verdict
    token: Token | None = None

    @property
    def allowed(self) -> bool:
        """Whether it may charge."""
        return self.verdict == "Accepted"


def digest(text: str, key: bytes) -> str:
    """The keyed digest of a token, letter case aside."""
    return hmac.new(key, text.strip().casefold().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:DIGEST_CHARS]


def checked_text(text: str) -> str:
    """A token as a person gives it, without blanks around; else ``token.text``."""
    told = text.strip()
    if not told or len(told) > TOKEN_MAX or not _PRINTABLE.fullmatch(told):
        raise InputError("token.text", f"A token is 1 to {TOKEN_MAX} printable characters of ASCII.")
    return told


def checked_group(group: str) -> str:
    """The name of a group: a letter first, at most 20 letters, digits, ``_ . -``; else ``token.group``."""
    if group and not _GROUP.fullmatch(group):
        raise InputError("token.group", f"A group is named by a letter and up to {GROUP_MAX - 1} letters, digits or _.-")
    return group


def judged(token: Token | None, at_us: int, running_n: int, site: str) -> Judged:
    """What a token is at an instant, with what it runs already and where it is shown."""
    if token is None:
        return Judged("Unknown")
    if token.blocked:
        return Judged("Blocked", token)
    if token.expires_at is not None and at_us >= to_us(token.expires_at):
        return Judged("Expired", token)
    if token.sites and site not in token.sites:
        return Judged("NotAtThisLocation", token)
    if token.concurrent_n and running_n >= token.concurrent_n:
        return Judged("ConcurrentTx", token)
    return Judged("Accepted", token)
