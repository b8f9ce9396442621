"""Words of an event, by the paths that methods name: ``wh.pv``, ``evidence.Wh.low``, ``savings.km.mean?0``. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from dure.core.errors import InputError
from dure.core.events import Event
from dure.core.time import Interval, parse_instant
from dure.services.carbon.claiming.formula import spelled
from dure.services.carbon.transparency.dure_verify import made_of

DIGITS_MAX = 40
FAN_MAX = 500  # stretches that one list of words may make
_WORD = re.compile(r"[\w.:/-]{1,160}")
_BRACED = re.compile(r"\{(\w+)\}")
Missing = Literal["missing", "unreadable", "not_shown"]


class Unread(Exception):  # it says what was not read, and never leaves this package
    """A word of an event that is not there, cannot be read, or says that nothing was shown."""

    def __init__(self, kind: Missing, path: str) -> None:
        super().__init__(path)
        self.kind = kind
        self.path = path


def number_at(event: Event, path: str) -> str:
    """The exact number at a path, as a formula writes it; ``?0`` behind the path: 0 where there is none.

    Raises Unread: ``missing``, ``unreadable``, or ``not_shown`` where the event says null (an interval that was too short).
    """
    name, _, usual = path.partition("?")
    found = found_at(event.data, name)
    if found is ...:
        if usual:
            return usual
        raise Unread("missing", name)
    if found is None:
        raise Unread("not_shown", name)
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        raise Unread("unreadable", name)
    return _exact(found, name)


def found_at(data: Any, path: str) -> Any:
    """What stands at a path; ``...`` where nothing does. A word on a list picks the evidence in that unit."""
    for word in path.split("."):
        if isinstance(data, Mapping):
            data = data.get(word, ...)
        elif isinstance(data, list):
            picked = [one for one in data if isinstance(one, Mapping) and one.get("unit") == word]
            data = picked[0] if len(picked) == 1 else ...
        else:
            return ...
    return data


def interval_at(event: Event, path: str) -> Interval:
    """The interval of the evidence at a path (``evidence.UNIT``), or ``span`` of the event."""
    return _interval(evidence_at(event, path).get("interval", ...), path)


def evidence_at(event: Event, path: str) -> Mapping[str, Any]:
    """The evidence at a path; ``span``: what the event says of all of it. Raises Unread where there is none."""
    if path == "span":
        return event.data
    found = found_at(event.data, path)
    if not isinstance(found, Mapping):
        raise Unread("missing", path)
    return found


def readings_at(event: Event, digest: str, most: int) -> tuple[str, ...]:
    """What the digest of readings is made of, where the event lists it; empty where it does not, or lists more than `most`.

    Raises Unread where the list is not that of the digest.
    """
    listed = event.data.get("readings")
    if not listed:
        return ()
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed) or not made_of(digest, listed):
        raise Unread("unreadable", "readings")
    return tuple(listed) if len(listed) <= most else ()


def words_at(event: Event, template: str) -> list[str]:
    """A template filled with the words of the event: one text, or one for each of a list; ``a|b``: b where a has an empty word.

    Raises Unread where a word is missing, or holds what no path may.
    """
    choices = template.split("|")
    for choice in choices[:-1]:
        if all(_text(event, one) for one in _BRACED.findall(choice)):
            return _filled(event, choice)
    return _filled(event, choices[-1])


def _filled(event: Event, template: str) -> list[str]:
    names = _BRACED.findall(template)
    values = [_values(event, name) for name in names]
    if any(len(one) > FAN_MAX for one in values):
        raise Unread("unreadable", template)
    found = []
    for row in itertools.product(*values):
        text = template
        for name, value in zip(names, row, strict=True):
            text = text.replace(f"{{{name}}}", value)
        found.append(text)
    return found


def _values(event: Event, name: str) -> Sequence[str]:
    given = event.subject if name == "subject" else event.data.get(name)
    found = list(given) if isinstance(given, list) else [given]
    if not found or not all(isinstance(one, str) and _WORD.fullmatch(one) for one in found):
        raise Unread("missing" if not found or given in (None, "") else "unreadable", name)
    return sorted({str(one) for one in found})


def _text(event: Event, name: str) -> str:
    found = event.subject if name == "subject" else event.data.get(name)
    return found if isinstance(found, str) else ""


def _exact(found: float | str, path: str) -> str:
    text = str(found)
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise Unread("unreadable", path) from error
    if len(text) > DIGITS_MAX or len(str(value.numerator)) > DIGITS_MAX or len(str(value.denominator)) > DIGITS_MAX:
        raise Unread("unreadable", path)
    return spelled(value)


def _interval(found: Any, path: str) -> Interval:
    if not isinstance(found, Mapping):
        raise Unread("missing", f"{path}.interval")
    try:
        start, end = (_instant(found.get(name)) for name in ("start", "end"))
        return Interval(start, end)
    except (InputError, TypeError) as error:
        raise Unread("unreadable", f"{path}.interval") from error


def _instant(given: Any) -> datetime:
    return given if isinstance(given, datetime) else parse_instant(str(given))
