"""One text for one value: the canonical JSON every leaf of the log is made of. Pure.

After RFC 8785 (JSON Canonicalization Scheme), restricted to what it can say without doubt: strings, whole numbers, booleans,
null, lists and objects. A float is refused (an exact decimal is written as a string), so is a whole number beyond ±(2^53 - 1),
which other readers of JSON would round, and a key that is not ASCII: then sorting by code point is sorting by UTF-16 unit, as the
RFC asks. What is read must be canonical itself: other spaces, another order or a key twice are refused, so that no bit of a file
is without meaning.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Never

from dure.core.errors import InputError

WHOLE_MAX = 2**53 - 1
DEPTH_MAX = 16
BYTES_MAX = 65_535  # an entry of a tiled log has a length of two bytes (C2SP tlog-tiles)


def encode(value: Any) -> bytes:
    """The canonical bytes of a value.

    Raises
    ------
    InputError
        ``log.not_canonical`` for what canonical JSON cannot say
    """
    _check(value, 0)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()
    except UnicodeEncodeError as error:
        raise _refused("half a surrogate pair is no text") from error


def decode(content: bytes) -> Any:
    """The value of canonical bytes; refused as `encode` does, and when the bytes are not the canonical ones of their value."""
    try:
        value = json.loads(content.decode(), parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:  # also what is no UTF-8
        raise _refused("it cannot be read as JSON") from error
    if encode(value) != content:
        raise _refused("its keys, spaces or escapes stand otherwise")
    return value


def _check(value: Any, depth: int) -> None:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not key.isascii():
                raise _refused(f"the key {str(key)[:40]!r} is not ASCII text")
        _check_each(value.values(), depth + 1)
    elif isinstance(value, list | tuple):
        _check_each(value, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > WHOLE_MAX:
            raise _refused("a whole number is beyond 2^53 - 1: write it as a string")
    elif not (value is None or isinstance(value, str | bool)):
        raise _refused(f"a {type(value).__name__} is none of its kinds: write a decimal as a string")


def _check_each(values: Collection[Any], depth: int) -> None:
    if values and depth > DEPTH_MAX:
        raise _refused(f"it is nested deeper than {DEPTH_MAX}")
    for one in values:
        if type(one) is not str:  # most are
            _check(one, depth)


def _no_float(text: str) -> Never:
    raise _refused(f"{text[:40]} is a fraction: write it as a string")


def _refused(why: str) -> InputError:
    return InputError("log.not_canonical", f"This is no canonical JSON: {why}.")
