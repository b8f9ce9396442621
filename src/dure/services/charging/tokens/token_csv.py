"""A CSV of tokens: ``token,label,holder,group,expires_on,concurrent,offline,sites``; only the first column must be there.

``expires_on`` is a local day, the last on which the token is good; ``sites`` are ids with blanks between. A row that cannot be
used comes back as `Rejected` with its number, never with the token.
"""

from __future__ import annotations

import csv
import io
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dure.core.errors import InputError, TooLarge
from dure.core.observations import Rejected
from dure.services.charging.tokens.tokens import HOLDERS, LABEL_MAX, Holder, Token, checked_group, checked_text

BYTES_MAX = 8 * 1024 * 1024
ROWS_MAX = 100_000
COLUMNS = ("token", "label", "holder", "group", "expires_on", "concurrent", "offline", "sites")


class Row(NamedTuple):
    """A token of the file: its text, and what is said of it (without digest)."""

    text: str
    token: Token


def read(content: bytes, zone: ZoneInfo) -> tuple[list[Row], list[Rejected]]:
    """Tokens of a file and the rows that cannot be used.

    Raises
    ------
    TooLarge : more than 8 MB or 100,000 rows (``token.file``)
    InputError : it is no CSV with a column ``token`` (``token.file``)
    """
    if len(content) > BYTES_MAX:
        raise TooLarge("token.file", "A file of tokens has at most 8 MB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("token.file", "The file is no UTF-8 text.") from error
    listed = csv.DictReader(io.StringIO(text, newline=""))
    if listed.fieldnames is None or "token" not in listed.fieldnames or set(listed.fieldnames) - set(COLUMNS):
        raise InputError("token.file", f"The first line must name the columns, of {', '.join(COLUMNS)}.")
    good: dict[str, Row] = {}
    bad: list[Rejected] = []
    for number, row in enumerate(listed, start=2):
        if number > ROWS_MAX + 1:
            raise TooLarge("token.file", f"A file of tokens has at most {ROWS_MAX:,} rows.")
        try:
            one = _row({name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}, zone)
        except InputError as error:
            bad.append(Rejected(number, error.code, error.message))
            continue
        if one.text.casefold() in good:
            bad.append(Rejected(number, "token.twice", "The token stands in the file twice; the first row counts."))
        else:
            good[one.text.casefold()] = one
    return list(good.values()), bad


def _row(fields: dict[str, str], zone: ZoneInfo) -> Row:
    text = checked_text(fields["token"])
    holder: Holder | None = next((one for one in HOLDERS if one == (fields.get("holder") or "member")), None)
    if holder is None or len(fields.get("label", "")) > LABEL_MAX:
        raise InputError("token.fields", f"A holder is one of {', '.join(HOLDERS)}; a label has at most {LABEL_MAX} characters.")
    if text.casefold() in fields.get("label", "").casefold():
        raise InputError("token.label", "The label holds the token itself, which must not be kept.")
    concurrent = fields.get("concurrent") or "1"
    if not concurrent.isdecimal() or int(concurrent) > 1_000:  # more than any fleet has
        raise InputError("token.fields", "concurrent must be a whole number from 0 to 1000.")
    if fields.get("offline", "") not in {"", "yes", "no"}:
        raise InputError("token.fields", "offline must be yes or no.")
    return Row(
        text,
        Token(
            digest="",
            label=fields.get("label", ""),
            holder=holder,
            group=checked_group(fields.get("group", "")),
            expires_at=_end_of(fields.get("expires_on", ""), zone),
            concurrent_n=int(concurrent),
            offline=fields.get("offline", "") != "no",
            sites=tuple(fields.get("sites", "").split()),
        ),
    )


def _end_of(day: str, zone: ZoneInfo) -> datetime | None:
    """The midnight after a local day."""
    if not day:
        return None
    try:
        last = date.fromisoformat(day)
    except ValueError:
        raise InputError("token.fields", "expires_on must be a day, for example 2026-12-31.") from None
    return datetime.combine(last + timedelta(days=1), time(), zone).astimezone(ZoneInfo("UTC"))
