"""The arithmetic of codec files."""

import pytest

from dure.core.errors import ConfigError
from dure.protocols.expressions import FUNCTIONS, Expression, Unusable


@pytest.mark.parametrize(
    ("text", "scope", "expected"),
    [
        ("x / 10", {"x": 213}, 21.3),
        ("-x + 2 ** 3 % 5", {"x": 1}, 2),
        ("x >> 4 & 15 | 1 ^ 2", {"x": 0xA5}, 0xA | 3),
        ("'on' if bit(x, 3) else 'off'", {"x": 8}, "on"),
        ("bits(x, 4, 4)", {"x": 0xA5}, 10),
        ("signed(x, 12)", {"x": 0xFFF}, -1),
        ("0 < x <= 3 and not x in (1, 2)", {"x": 3}, True),
        ("~x", {"x": 5}, -6),
        ("text(x) + '.' + text(7)", {"x": 2.0}, "2.7"),
        ("fixed(x, 2)", {"x": 1.005}, "1.00"),
        ("half_up(x, 1)", {"x": 0.25}, 0.3),
        ("hex(x, 4)", {"x": 255}, "00FF"),
        ("cut('abcdef', 1, 3)", {}, "bc"),
        ("date_text(x)", {"x": 0}, "1970-01-01 00:00:00"),
        ("uflt16(x)", {"x": 0xF800}, 0.5),
        ("sflt16(x)", {"x": 0xF800 | 0x400}, -0.5),
        ("max(x, 2, 3)", {"x": 1}, 3),
        ("missing + 1", {}, None),
    ],
)
def test_expressions_compute(text, scope, expected):
    assert Expression(text)(scope) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')", "x.real", "x[0]", "lambda: 1", "[1]", "{}", "f'{x}'", "(y := 1)", "print(1)", "max(x, key=1)",
        "[a for a in x]", "x if", "", "1j", "b'a'", "x @ x", "a is b", "x" + "+1" * 200, "(" * 250,
    ],
)  # fmt: skip
def test_what_is_not_on_the_whitelist_is_refused_when_the_codec_is_read(text):
    with pytest.raises(ConfigError):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("1 / x", 0), ("2 ** x", 1000), ("1 << x", 10_000), ("'a' * x", 10**9), ("x + 'a'", 1), ("x % 'a'", 1),
        ("log(x)", -1), ("(-1) ** (1 / x)", 2), ("bits(x, 0, 99)", 1), ("date_text(x)", 1e18), ("signed(x, 0)", 1),
        ("text(x) + text(x)", "a" * 1500), ("x < 'a'", 1), ("int(x)", "z"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_unusable_not_a_crash(text, x):
    with pytest.raises(Unusable):
        Expression(text)({"x": x})


def test_every_function_is_documented(request):
    pages = [request.config.rootpath / "docs" / language / "codecs.md" for language in ("en", "ko")]
    for page in pages:
        text = page.read_text("utf-8")
        assert [name for name in FUNCTIONS if f"`{name}(" not in text] == []
