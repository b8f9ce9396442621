"""Small arithmetic in codec files, read from Python's own grammar and walked over a whitelist; nothing is ever executed.

Numbers, texts, ``+ - * / // % ** & | ^ << >> ~``, comparisons, ``and or not``, ``a if b else c`` and the functions below.
A name that has no value makes the whole result missing (None): what is computed from a missing field is missing.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from dure.core.errors import ConfigError
from dure.core.time import EPOCH

TEXT_CHARS_MAX = 300
NODES_MAX = 200
SHIFT_MAX = 64
POWER_MAX = 64
TEXT_RESULT_MAX = 2048

Scope = Mapping[str, Any]
Evaluate = Callable[[Scope], Any]


class Unset(Exception):
    """Control flow inside this module: a name in the expression has no value."""


class Unusable(ValueError):
    """The expression has no answer for these values."""


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > POWER_MAX:
        raise Unusable(f"the exponent {exponent} is beyond {POWER_MAX}")
    result: float | complex = float(base) ** exponent
    if isinstance(result, complex):
        raise Unusable("a root of a negative number")
    return result


def _shift(how: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def shifted(value: int, by: int) -> int:
        if not 0 <= by <= SHIFT_MAX:
            raise Unusable(f"a shift by {by}")
        return how(int(value), by)

    return shifted


def _whole(how: Callable[[int, int], int]) -> Callable[[float, float], int]:
    return lambda a, b: how(int(a), int(b))


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: _power,
    ast.BitAnd: _whole(operator.and_), ast.BitOr: _whole(operator.or_), ast.BitXor: _whole(operator.xor),
    ast.LShift: _shift(operator.lshift), ast.RShift: _shift(operator.rshift),
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


def _bits(value: float, first: int, count: int) -> int:
    if not (0 <= first <= SHIFT_MAX and 0 <= count <= SHIFT_MAX):
        raise Unusable(f"bits {first} and {count} further")
    return (int(value) >> first) & ((1 << count) - 1)


def _signed(value: float, width: int) -> int:
    if not 1 <= width <= SHIFT_MAX:
        raise Unusable(f"a width of {width} bits")
    value = int(value) & ((1 << width) - 1)
    return value - (1 << width) if value >> (width - 1) else value


def _fixed(value: float, decimals: int) -> str:
    return f"{value:.{min(max(int(decimals), 0), 20)}f}"


def _number_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _date_text(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


def _uflt16(raw: float) -> float:
    """Unsigned 16-bit float of [0, 1): 4 bits of exponent, 12 of mantissa (MCCI Catena)."""
    return math.ldexp((int(raw) & 0xFFF) / 4096, (int(raw) >> 12 & 0xF) - 15)


def _sflt16(raw: float) -> float:
    """Signed 16-bit float of (-1, 1): sign, 4 bits of exponent, 11 of mantissa (MCCI Catena)."""
    size = math.ldexp((int(raw) & 0x7FF) / 2048, (int(raw) >> 11 & 0xF) - 15)
    return -size if int(raw) & 0x8000 else size


def _hex(value: float, digits: int = 2) -> str:
    return f"{int(value):0{min(max(int(digits), 1), 32)}X}"


def _half_up(value: float, decimals: int = 0) -> float:
    """Rounded as JavaScript's Math.round does: half goes up."""
    factor = 10.0 ** min(max(int(decimals), 0), 15)
    return math.floor(value * factor + 0.5) / factor


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs, "min": min, "max": max, "round": round, "half_up": _half_up, "floor": math.floor, "ceil": math.ceil,
    "int": int, "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "log10": math.log10,
    "bit": lambda value, number: _bits(value, number, 1), "bits": _bits, "signed": _signed,
    "text": _number_text, "fixed": _fixed, "hex": _hex, "cut": lambda text, start, stop: str(text)[int(start):int(stop)],
    "length": lambda text: len(str(text)), "date_text": _date_text, "uflt16": _uflt16, "sflt16": _sflt16,
}  # fmt: skip
# Given by the decoder: bytes of the payload at an offset, and whether a field has been decoded.
PAYLOAD_FUNCTIONS = frozenset({"u8", "i8", "u16", "i16", "u16le", "i16le", "u32", "u32le", "has"})
PAYLOAD_NAMES = frozenset({"x", "size", "port", "pos", "left", "payload"})


class Expression:
    """A compiled expression. `names` are the fields it reads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        try:
            if len(text) > TEXT_CHARS_MAX:
                raise Unusable(f"it is longer than {TEXT_CHARS_MAX} characters")
            tree = ast.parse(text.strip(), mode="eval")
            if sum(1 for _ in ast.walk(tree)) > NODES_MAX:
                raise Unusable(f"it has more than {NODES_MAX} parts")
            self._evaluate = self._compile(tree.body)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ConfigError("codec.expression", f"The expression {text[:80]!r} cannot be read: {error}.") from error

    def __call__(self, scope: Scope) -> Any:
        """The value for these names, None when one of them has none; `Unusable` when there is no answer."""
        try:
            return self._evaluate(scope)
        except Unset:
            return None
        except (ArithmeticError, ValueError, TypeError) as error:
            raise Unusable(f"{self.text[:80]!r}: {error}") from error

    def _compile(self, node: ast.expr) -> Evaluate:
        name = type(node).__name__
        make = getattr(self, f"_{name}", None)
        if make is None:
            raise Unusable(f"{name} is not allowed")
        made: Evaluate = make(node)
        return made

    def _Constant(self, node: ast.Constant) -> Evaluate:  # noqa: N802  # named after the node
        value = node.value
        if not (value is None or isinstance(value, bool | int | float | str)):
            raise Unusable(f"{type(value).__name__} is not allowed")
        return lambda _: value

    def _Name(self, node: ast.Name) -> Evaluate:  # noqa: N802
        name = node.id
        if name not in PAYLOAD_NAMES:
            self.names.add(name)

        def look(scope: Scope) -> Any:
            value = scope.get(name)
            if value is None:
                raise Unset
            return value

        return look

    def _Tuple(self, node: ast.Tuple) -> Evaluate:  # noqa: N802
        parts = [self._compile(part) for part in node.elts]
        return lambda scope: tuple(part(scope) for part in parts)

    def _BinOp(self, node: ast.BinOp) -> Evaluate:  # noqa: N802
        if type(node.op) not in _BINARY:
            raise Unusable(f"{type(node.op).__name__} is not allowed")
        how, left, right = _BINARY[type(node.op)], self._compile(node.left), self._compile(node.right)
        joins = isinstance(node.op, ast.Add)

        def compute(scope: Scope) -> Any:
            a, b = left(scope), right(scope)
            if isinstance(a, str) or isinstance(b, str):
                if not (joins and isinstance(a, str) and isinstance(b, str) and len(a) + len(b) <= TEXT_RESULT_MAX):
                    raise Unusable("texts can only be joined with '+', up to 2048 characters")
            elif not (isinstance(a, int | float) and isinstance(b, int | float)):
                raise Unusable("only numbers can be computed with")
            return how(a, b)

        return compute

    def _UnaryOp(self, node: ast.UnaryOp) -> Evaluate:  # noqa: N802
        part = self._compile(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda scope: not part(scope)
        if isinstance(node.op, ast.USub):
            return lambda scope: -part(scope)
        if isinstance(node.op, ast.Invert):
            return lambda scope: ~int(part(scope))
        return lambda scope: +part(scope)

    def _BoolOp(self, node: ast.BoolOp) -> Evaluate:  # noqa: N802
        parts = [self._compile(part) for part in node.values]
        if isinstance(node.op, ast.And):
            return lambda scope: all(part(scope) for part in parts)
        return lambda scope: any(part(scope) for part in parts)

    def _Compare(self, node: ast.Compare) -> Evaluate:  # noqa: N802
        if any(type(op) not in _COMPARE for op in node.ops):
            raise Unusable("this comparison is not allowed")
        how = [_COMPARE[type(op)] for op in node.ops]
        parts = [self._compile(part) for part in [node.left, *node.comparators]]

        def compare(scope: Scope) -> bool:
            values = [part(scope) for part in parts]
            return all(test(a, b) for test, a, b in zip(how, values, values[1:], strict=False))

        return compare

    def _IfExp(self, node: ast.IfExp) -> Evaluate:  # noqa: N802
        test, then, other = self._compile(node.test), self._compile(node.body), self._compile(node.orelse)
        return lambda scope: then(scope) if test(scope) else other(scope)

    def _Call(self, node: ast.Call) -> Evaluate:  # noqa: N802
        if not isinstance(node.func, ast.Name) or node.keywords:
            raise Unusable("only the listed functions can be called")
        name = node.func.id
        if name not in FUNCTIONS and name not in PAYLOAD_FUNCTIONS:
            raise Unusable(f"there is no function {name}")
        parts = [self._compile(part) for part in node.args]

        def call(scope: Scope) -> Any:
            function = FUNCTIONS.get(name) or scope[f"{name}()"]
            return function(*(part(scope) for part in parts))

        return call
