"""Canonical JSON: one text for one value, and nothing else is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.services.carbon.transparency import canonical

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-canonical.WHOLE_MAX, canonical.WHOLE_MAX) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_reads_back_and_is_written_the_same(value: Any) -> None:
    content = canonical.encode(value)

    assert canonical.decode(content) == value
    assert canonical.encode(canonical.decode(content)) == content


def test_strings_are_escaped_as_rfc_8785_says() -> None:
    # RFC 8785, 3.2.2.2: the example string of the RFC, without its numbers.
    assert canonical.encode('€$\x0f\nA\'B"\\\\"/') == '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'.encode()
    assert canonical.encode("\b\f\r\t\x7f") == b'"\\b\\f\\r\\t\x7f"'
    assert canonical.encode({"b": 1, "A": [True, None, -0], "a": ""}) == b'{"A":[true,null,0],"a":"","b":1}'


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), 2**53, -(2**53), {"한": 1}, {1: "x"}, b"bytes", "\ud800", {"a": {"b": [0.1]}}, {"x": object()}],
    ids=["float", "nan", "too-large", "too-small", "key-not-ascii", "key-not-text", "bytes", "surrogate", "deep-float", "object"],
)
def test_what_cannot_be_said_without_doubt_is_refused(value: Any) -> None:
    with pytest.raises(InputError) as refused:
        canonical.encode(value)

    assert refused.value.code == "log.not_canonical"


def test_what_is_nested_too_deep_is_refused() -> None:
    value: Any = 1
    for _ in range(20):
        value = [value]

    with pytest.raises(InputError, match="nested"):
        canonical.encode(value)
    with pytest.raises(InputError):
        canonical.decode(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "content",
    [b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'"\\u0041"', b"1.0", b"1e2", b"-0", b"01", b"NaN", b'{"a":1}\n', b"\xff",
     b"", b'"\\ud800"', b"\xef\xbb\xbf1"],
    ids=["space", "order", "twice", "escape", "fraction", "exponent", "minus-zero", "leading-zero", "nan", "newline", "utf-8",
         "empty", "surrogate", "bom"],
)  # fmt: skip
def test_other_texts_of_a_value_are_refused(content: bytes) -> None:
    with pytest.raises(InputError) as refused:
        canonical.decode(content)

    assert refused.value.code == "log.not_canonical"
