"""Payload bytes to the decoded object, and that to readings, as a codec file says. No code per sensor."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, cast

from dure.core.observations import Reading, Rejected
from dure.protocols.codec_model import FLOAT, INTEGER, Codec, Frame, Records, Step, Target, load_codec, load_targets
from dure.protocols.expressions import Unusable
from dure.protocols.readings import Parsed, Refused, shown

__all__ = ["Codec", "Target", "decode", "load_codec", "load_targets", "readings_of"]

PAYLOAD_BYTES_MAX = 1024  # LoRaWAN carries at most 242
REPEAT_MAX = 512
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)(?:\s*[^\d\s.].*)?", re.ASCII | re.DOTALL)
_READERS = {
    "u8": "u8", "i8": "i8", "u16": "u16be", "i16": "i16be", "u16le": "u16le", "i16le": "i16le", "u32": "u32be", "u32le": "u32le",
}  # fmt: skip
_SELECTOR = re.compile(r"([^\[\]]+)\[([^=\[\]]+)=([^\[\]]*)\]")


class _Stop(Exception):
    """Control flow: the frame ends here."""


def decode(codec: Codec, f_port: int, payload: bytes) -> dict[str, Any] | Rejected:
    """The decoded object of a payload, or why there is none (short, unknown port or frame, refused by the codec)."""
    try:
        return _decoded(codec, f_port, payload)
    except Refused as refused:
        return Rejected(0, refused.code, f"{codec.about.model}: {refused.why}", f"f_port {f_port}: {payload[:128].hex()}")


def _decoded(codec: Codec, f_port: int, payload: bytes) -> dict[str, Any]:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise Refused("codec.long", f"The payload has {len(payload)} bytes; at most {PAYLOAD_BYTES_MAX} are decoded.")
    run = _Run(codec, f_port, payload)
    with suppress(_Stop):
        run.steps(_frame_of(run).fields, run.output)
    return run.output


def readings_of(values: Mapping[str, Any], targets: Mapping[str, Target]) -> Parsed:
    """Readings of a decoded object. A field that is absent gives none; row is the field's place in `targets`, from 1."""
    parsed = Parsed([], [])
    for row, (path, target) in enumerate(targets.items(), 1):
        found, value = _find(values, path)
        if not found:
            continue
        try:
            parsed.readings.append(Reading(target.property, _number(value, target), unit=target.unit))
        except Refused as refused:
            parsed.rejected.append(Rejected(row, refused.code, f"{path}: {refused.why}", shown(value)))
    return parsed


def _find(values: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    """(found, value) at a path: the key itself, or keys joined by '/', where ``key[name=4097]`` picks from a list."""
    if path in values:
        return True, values[path]
    here: Any = values
    for key in path.split("/"):
        picked = _SELECTOR.fullmatch(key)
        name = picked[1] if picked else key
        if not isinstance(here, Mapping) or name not in here:
            return False, None
        here = here[name]
        if picked:
            items = here if isinstance(here, list) else []
            here = next((one for one in items if isinstance(one, Mapping) and str(one.get(picked[2])) == picked[3]), None)
            if here is None:
                return False, None
    return True, here


def _number(value: Any, target: Target) -> float | None:
    """Number of a decoded value: yes and no are 1 and 0, a text may be a word of the target or start with the number."""
    word = str(value).lower() if isinstance(value, bool) else value
    if isinstance(word, str):
        if word in target.missing:
            return None
        if word in target.values:
            return target.values[word]
        leading = _LEADING_NUMBER.fullmatch(word)
        if leading:
            value = float(leading[1])
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise Refused("codec.value_unusable", f"{shown(value)} is no number; give it one under values, or list it under missing.")
    try:
        number = value * target.scale + target.add
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refused("codec.value_unusable", "The number is not finite.")
    return float(number)


def _frame_of(run: _Run) -> Frame:
    on_port = [frame for frame in run.codec.frames if not frame.ports or run.port in frame.ports]
    if not on_port:
        raise Refused("codec.port_unknown", f"Port {run.port} is not described.")
    for frame in on_port:
        if frame.size not in (None, len(run.payload)) or (frame.when and not run.evaluate(frame.when)):
            continue
        if len(run.payload) < frame.size_min:
            raise Refused("codec.short", f"The payload has {len(run.payload)} bytes, the frame at least {frame.size_min}.")
        return frame
    raise Refused("codec.frame_unknown", f"No frame of port {run.port} fits these {len(run.payload)} bytes.")


class _Run:
    """One decoding: the cursor, the names that expressions see, and the output so far."""

    def __init__(self, codec: Codec, port: int, payload: bytes) -> None:
        self.codec = codec
        self.port = port
        self.payload = payload
        self.pos = 0
        self.end = len(payload)
        self.output: dict[str, Any] = {}
        self.repeats = 0
        self.scope: dict[str, Any] = {f"{name}()": self._reader(kind) for name, kind in _READERS.items()}
        self.scope |= {"size": len(payload), "port": port, "payload": payload.hex().upper()}
        self.scope["has()"] = lambda name: name in self.output

    def _reader(self, kind: str) -> Any:
        found = cast("re.Match[str]", INTEGER.fullmatch(kind))

        def read(at: float) -> int:
            start = int(at) + (len(self.payload) if at < 0 else 0)
            raw = self.payload[max(start, 0) : max(start, 0) + int(found[2]) // 8]
            if len(raw) * 8 != int(found[2]):
                raise Unusable(f"there is no byte {start}")
            return int.from_bytes(raw, "little" if found[3] == "le" else "big", signed=found[1] == "i")

        return read

    def evaluate(self, text: str, x: Any = None) -> Any:
        """Value of an expression here; a condition that reads beyond the payload does not hold."""
        self.scope.update(x=x, pos=self.pos, left=self.end - self.pos)
        try:
            return self.codec.compiled[text](self.scope)
        except Unusable as error:
            if "there is no byte" in str(error):
                return None
            raise Refused("codec.expression", str(error)) from error

    def steps(self, steps: tuple[Step, ...], into: dict[str, Any]) -> None:
        """Carry out fields in order."""
        for step in steps:
            if step.when and not self.evaluate(step.when):
                continue
            if step.stop:
                raise _Stop
            if step.fail:
                raise Refused("codec.refused", step.fail)
            if step.records:
                self._records(self.codec.records[step.records], into)
            elif step.fields:
                self._block(step, into)
            else:
                self._field(step, into)

    # --- blocks, loops, records -----------------------------------------------------------------------------------

    def _block(self, step: Step, into: dict[str, Any]) -> None:
        if step.at is not None:
            self._seek(step.at)
        if step.repeat is None:
            inner: dict[str, Any] = {} if step.name else into
            self.steps(step.fields, inner)
            if step.name:
                _put(into, step.name, inner)
            return
        items: list[Any] = []
        if step.name:
            items = _list_at(into, step.name)
        for _ in self._turns(step.repeat):
            item: dict[str, Any] = {} if step.name else into
            self.steps(step.fields, item)
            if step.name and item:
                items.append(item.get(".", item))

    def _turns(self, repeat: int | str) -> Iterator[None]:
        if repeat == "end":
            while self.pos < self.end:
                before = self.pos
                self._count_turn()
                yield
                if self.pos == before:
                    raise Refused("codec.refused", "A loop to the end reads nothing.")
            return
        count = repeat if isinstance(repeat, int) else self.evaluate(repeat)
        if not isinstance(count, int | float):
            raise Refused("codec.refused", "The count of a loop is missing.")
        for _ in range(min(int(count), REPEAT_MAX + 1)):
            self._count_turn()
            yield

    def _count_turn(self) -> None:
        self.repeats += 1
        if self.repeats > REPEAT_MAX:
            raise Refused("codec.refused", f"The payload repeats more than {REPEAT_MAX} times.")

    def _records(self, records: Records, into: dict[str, Any]) -> None:
        cases = {key: steps for keys, steps in records.cases.items() for key in keys.split()}
        whole = self.end
        while self.pos < whole:
            if records.length_size:
                length = int.from_bytes(self._take(records.length_size), "big")
                if self.pos + length > whole or length < records.key_size:
                    raise Refused("codec.short", f"A record at byte {self.pos} says it has {length} bytes.")
                self.end = self.pos + length
            key = self._take(records.key_size).hex()
            self.scope["key"] = int(key, 16)
            if key in cases:
                self.steps(cases[key], into)
            elif records.otherwise == "fail":
                raise Refused("codec.record_unknown", f"The record {key} is not described.")
            elif records.otherwise == "stop" or not records.length_size:
                break
            if records.length_size:
                self.pos, self.end = self.end, whole
        self.end = whole

    # --- one field ------------------------------------------------------------------------------------------------

    def _field(self, step: Step, into: dict[str, Any]) -> None:
        value = self._shape(step, self._raw(step))
        if isinstance(value, float) and not math.isfinite(value):
            value = None
        if step.variable:
            self.scope[step.variable] = value
        if step.hidden or not step.name or (value is None and not step.null):
            return
        _put(into, step.name, {**step.extra, "value": value} if step.extra else value)

    def _raw(self, step: Step) -> Any:
        if step.const is not None:
            return step.const
        if step.type:
            if step.at is not None:
                self._seek(step.at)
            return self._read(step)
        if step.from_:
            return self.scope.get(step.from_)
        return None

    def _shape(self, step: Step, raw: Any) -> Any:
        if raw is None and not step.value:
            return None
        if step.missing and raw in step.missing:
            return None
        value = self._computed(step, raw)
        if step.lookup:
            table = self.codec.lookups[step.lookup] if isinstance(step.lookup, str) else step.lookup
            value = table.get(_key(value), step.otherwise)
        if step.format and value is not None:
            value = self._formatted(step.format, value)
        return value

    def _computed(self, step: Step, value: Any) -> Any:
        try:
            if step.bit is not None:
                value = bool(int(value) >> step.bit & 1)
            elif step.bits is not None:
                value = int(value) >> step.bits[0] & ((1 << step.bits[1]) - 1)
            value = _scaled(step, value)
            if step.value:
                value = self.evaluate(step.value, value)
            if step.round is not None and isinstance(value, float):
                value = round(value, step.round)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise Refused("codec.expression", f"{step.name}: {error}") from error
        return value

    def _formatted(self, text: str, value: Any) -> str:
        before, _, rest = text.partition("{")
        spec, _, after = rest.partition("}")
        if isinstance(value, float) and value.is_integer() and spec[-1:] in ("", "d", "X", "x", "b"):
            value = int(value)
        try:
            return f"{before}{value:{spec.removeprefix(':')}}{after}"
        except ValueError as error:
            raise Refused("codec.expression", f"{text}: {error}") from error

    # --- bytes ----------------------------------------------------------------------------------------------------

    def _seek(self, at: int) -> None:
        self.pos = at if at >= 0 else self.end + at
        if self.pos < 0:
            raise Refused("codec.short", f"The payload has {self.end} bytes; the codec looks {-at} from its end.")

    def _take(self, count: int) -> bytes:
        raw = self.payload[self.pos : min(self.pos + count, self.end)]
        if len(raw) != count:
            raise Refused("codec.short", f"The payload ends at byte {self.end}; {self.pos + count} are needed.")
        self.pos += count
        return raw

    def _read(self, step: Step) -> Any:
        integer = INTEGER.fullmatch(step.type)
        if integer:
            return int.from_bytes(self._take(int(integer[2]) // 8), self._order(integer[3]), signed=integer[1] == "i")
        number = FLOAT.fullmatch(step.type)
        if number:
            sign = "<" if self._order(number[2]) == "little" else ">"
            kind = "f" if number[1] == "32" else "d"
            return float(struct.unpack(sign + kind, self._take(int(number[1]) // 8))[0])
        return self._read_sized(step)

    def _order(self, suffix: str | None) -> Any:
        return {"le": "little", "be": "big"}.get(suffix or "", self.codec.about.endian)

    def _read_sized(self, step: Step) -> Any:
        count = step.size if isinstance(step.size, int) else self.evaluate(cast("str", step.size))
        if not isinstance(count, int | float) or not 0 <= count <= PAYLOAD_BYTES_MAX:
            raise Refused("codec.refused", f"{step.name}: {shown(count)} is no count of bytes.")
        raw = self._take(int(count))
        if step.type == "hex":
            return raw.hex().upper()
        if step.type == "ascii":
            return raw.split(b"\x00", 1)[0].decode("ascii", "replace")
        if step.type == "bcd":
            digits = raw.hex()
            return int(digits) if digits.isdecimal() else None
        return None


def _scaled(step: Step, value: Any) -> Any:
    if step.scale is not None:
        value = value * step.scale
    if step.divide is not None:
        value = value / step.divide
    return value if step.add is None else value + step.add


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _list_at(into: dict[str, Any], path: str) -> list[Any]:
    """The list at a path, made when there is none: loops of one name add to one list."""
    *parents, last = path.split("/")
    for parent in parents:
        into = into.setdefault(parent, {})
    found = into.setdefault(last, [])
    if not isinstance(found, list):
        raise Refused("codec.refused", f"{path} is no list.")
    return found


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for parent in parents:
        into = into.setdefault(parent, {})
        if not isinstance(into, dict):
            raise Refused("codec.refused", f"{path}: {parent} is no object.")
    into[last] = value
