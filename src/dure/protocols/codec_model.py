"""What a codec file says: frames, fields, records, lookups and what each decoded field means. docs/en/codecs.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from dure.core.errors import ConfigError, InputError
from dure.core.identifiers import identifier
from dure.core.units import ucum
from dure.protocols.expressions import Expression

DEPTH_MAX = 8
INTEGER = re.compile(r"([ui])(8|16|24|32|40|48|64)(le|be)?")
FLOAT = re.compile(r"f(32|64)(le|be)?")
SIZED = frozenset({"hex", "ascii", "bcd", "skip"})
FORMAT = re.compile(r"[^{}]*\{(?::(0?\d{0,2}(?:\.\d{1,2})?[dfXxb]?))?\}[^{}]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose device it is, and where its payload is described."""

    vendor: str
    model: str
    name: str = ""
    source: str = ""
    devices: tuple[str, ...] = ()
    endian: Annotated[str, msgspec.Meta(pattern="^(big|little)$")] = "big"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One field, block or loop of a frame; docs/en/codecs.md has a row for each key."""

    name: str = ""
    var: str = ""
    at: int | None = None
    type: str = ""
    size: int | str | None = None
    from_: str = ""
    bit: Annotated[int, msgspec.Meta(ge=0, le=63)] | None = None
    bits: tuple[int, int] | None = None
    missing: tuple[int | float | str, ...] = ()
    null: bool = False
    scale: float | None = None
    divide: float | None = None
    add: float | None = None
    value: str = ""
    round: Annotated[int, msgspec.Meta(ge=0, le=15)] | None = None
    lookup: str | dict[str, Any] = ""
    otherwise: Any = None
    format: str = ""
    const: Any = None
    extra: dict[str, str] = {}
    hidden: bool = False
    when: str = ""
    fields: tuple[Step, ...] = ()
    repeat: int | str | None = None
    records: str = ""
    stop: bool = False
    fail: str = ""

    @property
    def variable(self) -> str:
        """The name under which expressions see this field; empty when its name cannot be one."""
        last = self.var or self.name.rpartition("/")[2]
        return last if _VARIABLE.fullmatch(last) else ""

    @property
    def expressions(self) -> Iterator[str]:
        """Texts of all its expressions."""
        for text in (self.value, self.when, self.size, self.repeat):
            if isinstance(text, str) and text and text != "end":
                yield text


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One layout: the ports it comes on (none = any), the condition it is known by, and its fields in order."""

    fields: tuple[Step, ...]
    ports: tuple[Annotated[int, msgspec.Meta(ge=0, le=255)], ...] = ()
    when: str = ""
    size: int | None = None
    size_min: int = 0


class Records(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tagged records: a key of `key_size` bytes says what follows.

    With `length_size` a length stands before the key and counts key and value; then unknown records can be skipped.
    """

    cases: dict[str, tuple[Step, ...]]
    key_size: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    length_size: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    otherwise: Annotated[str, msgspec.Meta(pattern="^(stop|skip|fail)$")] = "stop"


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a decoded field means in Dure: property, unit of the number, and numbers for its words.

    ``number = decoded * scale + add``. A word in `missing` is a missing value.
    """

    property: str
    unit: str = ""
    values: dict[str, float] = {}
    missing: tuple[str, ...] = ()
    scale: float = 1.0
    add: float = 0.0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    codec: About
    frames: tuple[Frame, ...] = ()
    records: dict[str, Records] = {}
    lookups: dict[str, dict[str, Any]] = {}
    properties: dict[str, Target] = {}
    decoded: dict[str, Target] = {}


class Codec(msgspec.Struct, frozen=True):
    """A codec file, checked and compiled.

    `properties` says what the fields mean that the frames give; `decoded`, when not empty, what the fields mean of the
    object that a codec at the network server made, which is then trusted instead of the frames.
    """

    about: About
    frames: tuple[Frame, ...]
    records: dict[str, Records]
    lookups: dict[str, dict[str, Any]]
    properties: dict[str, Target]
    decoded: dict[str, Target]
    compiled: dict[str, Expression]


def load_codec(text: str, origin: str = "codec") -> Codec:
    """The codec of a TOML text; whatever is wrong in it is refused with the place."""
    try:
        found = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError, ValueError) as error:
        raise ConfigError("codec.invalid", f"{origin}: {error}") from error
    codec = Codec(found.codec, found.frames, found.records, found.lookups, found.properties, found.decoded, {})
    try:
        _check(codec)
    except (ConfigError, InputError) as error:
        raise ConfigError("codec.invalid", f"{origin}: {error.message}") from error
    return codec


def load_targets(table: dict[str, Any], origin: str = "mapping") -> dict[str, Target]:
    """The ``[properties]`` table alone: what the fields of a network server's decoded object mean."""
    try:
        targets = msgspec.convert(table, dict[str, Target])
        _check_targets(targets)
    except (msgspec.ValidationError, InputError) as error:
        raise ConfigError("codec.invalid", f"{origin}: {error}") from error
    return targets


def _check(codec: Codec) -> None:
    if not codec.frames and not codec.decoded:
        raise ConfigError("codec.invalid", "There are no frames and no [decoded] table.")
    variables = _check_steps(codec)
    _check_keys(codec)
    for text, expression in codec.compiled.items():
        unknown = expression.names - variables
        if unknown:
            raise ConfigError("codec.invalid", f"The expression {text!r} reads {min(unknown)}, which no field is called.")
    _check_targets(codec.properties | codec.decoded)


def _check_steps(codec: Codec) -> set[str]:
    """Check every field, compile every expression; the names that expressions may read."""
    variables = {"key"}
    for steps in [frame.fields for frame in codec.frames] + [c for r in codec.records.values() for c in r.cases.values()]:
        for step in _walk(steps, 0):
            _check_step(codec, step)
            variables.add(step.variable)
            for text in step.expressions:
                codec.compiled.setdefault(text, Expression(text))
    for frame in codec.frames:
        if frame.when:
            codec.compiled.setdefault(frame.when, Expression(frame.when))
    return variables


def _check_keys(codec: Codec) -> None:
    for records in codec.records.values():
        for key in (key for keys in records.cases for key in keys.split()):
            if not re.fullmatch(rf"[0-9a-f]{{{records.key_size * 2}}}", key):
                raise ConfigError("codec.invalid", f"The record key {key!r} is not {records.key_size * 2} lower-case hex digits.")


def _walk(steps: tuple[Step, ...], depth: int) -> Iterator[Step]:
    if depth > DEPTH_MAX:
        raise ConfigError("codec.invalid", f"Blocks are nested deeper than {DEPTH_MAX}.")
    for step in steps:
        yield step
        yield from _walk(step.fields, depth + 1)


def _check_step(codec: Codec, step: Step) -> None:
    what = f"Field {step.name or step.type or '(block)'}"
    if step.type and not (INTEGER.fullmatch(step.type) or FLOAT.fullmatch(step.type) or step.type in SIZED):
        raise ConfigError("codec.invalid", f"{what}: there is no type {step.type!r}.")
    if (step.type in SIZED) != (step.size is not None):
        raise ConfigError("codec.invalid", f"{what}: size belongs to the types {', '.join(sorted(SIZED))}, and to each of them.")
    if isinstance(step.lookup, str) and step.lookup and step.lookup not in codec.lookups:
        raise ConfigError("codec.invalid", f"{what}: there is no lookup {step.lookup!r}.")
    if step.records and step.records not in codec.records:
        raise ConfigError("codec.invalid", f"{what}: there are no records {step.records!r}.")
    if step.format and not FORMAT.fullmatch(step.format):
        raise ConfigError("codec.invalid", f"{what}: the format {step.format!r} needs one {{}} or {{:.2f}}.")
    if step.divide == 0:
        raise ConfigError("codec.invalid", f"{what}: divide must not be 0.")
    sources = [bool(step.type), bool(step.from_), step.const is not None, bool(step.fields), bool(step.records)]
    if sum(sources) > 1:
        raise ConfigError("codec.invalid", f"{what}: give one of type, from, const, fields and records.")
    if not any(sources) and not (step.value or step.stop or step.fail):
        raise ConfigError("codec.invalid", f"{what}: says nothing: give type, from, value, const, fields, records, stop or fail.")


def _check_targets(targets: dict[str, Target]) -> None:
    for target in targets.values():
        identifier(target.property, "property id")
        if target.unit:
            ucum(target.unit)
