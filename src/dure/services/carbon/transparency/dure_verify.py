"""Check a claim of a Dure city, or that its log only grew, without Dure and without asking anybody.

    python dure_verify.py bundle.json                    a claim with its proof
    python dure_verify.py consistency.json               two checkpoints: is the first the beginning of the second?
    python dure_verify.py bundle.json --key NAME+ID+KEY  ... by the key you know to be the log's
    python dure_verify.py bundle.json --seen old.txt     ... and no other tree than the one you saw
    python dure_verify.py --selftest                     check this file's own arithmetic first

It says yes or no to each check, with the reason, and works the tonnes out again. It needs Python 3.9 or newer and nothing else;
no network, no other file. It stands on public specifications: RFC 8785 (canonical JSON, without fractions), RFC 6962 and RFC 9162
(Merkle tree), C2SP signed-note, tlog-checkpoint and tlog-cosignature, RFC 8032 (Ed25519), and the step language of formulas in
docs/en/carbon-formula.md. Exit code: 0 all yes, 1 at least one no, 2 not readable.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

BUNDLE, CONSISTENCY = "dure-carbon-bundle/1", "dure-carbon-consistency/1"
LANGUAGE = "dure.formula/1"
WHOLE_MAX, DEPTH_MAX, STEPS_MAX, OPERANDS_MAX, BITS_MAX = 2**53 - 1, 20, 64, 16, 4096
LOG, WITNESS = 1, 4  # kinds of keys


class Check(NamedTuple):
    """One question, whether it is answered yes, and why."""

    name: str
    ok: bool
    why: str


class Key(NamedTuple):
    """A public key: whose, of which kind, its bytes and id."""

    name: str
    kind: int
    public: bytes
    id: bytes


class Line(NamedTuple):
    """A signature line of a checkpoint."""

    name: str
    id: bytes
    signature: bytes


class Head(NamedTuple):
    """A checkpoint."""

    text: str
    origin: str
    size: int
    root: bytes
    lines: list[Line]


class No(Exception):
    """Why a check says no."""


def need(holds: object, why: str) -> None:
    """Say no unless it holds."""
    if not holds:
        raise No(why)


# Canonical JSON (RFC 8785 without fractions)


def encode(value: Any) -> bytes:
    """The one text of a value."""
    need(_plain(value, 0), "it holds something canonical JSON cannot say")
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()


def decode(content: bytes) -> Any:
    """The value of a canonical text; another text of the same value is refused, so that no bit is without meaning."""
    try:
        value = json.loads(content.decode(), parse_float=_refuse, parse_constant=_refuse)
        same = encode(value) == content
    except (ValueError, RecursionError) as error:
        raise No("it cannot be read as JSON of this kind") from error
    need(same, "it is not canonical: an editor changed spaces, order or line ends, or it was tampered with")
    return value


def _plain(value: Any, depth: int) -> bool:
    if depth > DEPTH_MAX:
        return False
    if isinstance(value, dict):
        return all(key.isascii() and _plain(one, depth + 1) for key, one in value.items())
    if isinstance(value, list):
        return all(_plain(one, depth + 1) for one in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= WHOLE_MAX
    return value is None or isinstance(value, (str, bool))


def _refuse(text: str) -> None:
    raise No(f"{text[:30]} is no whole number")


# The Merkle tree (RFC 6962, RFC 9162 section 2.1)


def sha256(content: bytes) -> bytes:
    """The digest."""
    return hashlib.sha256(content).digest()


def included(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof leads from a leaf's hash to the root."""
    if not 0 <= index < size:
        return False
    place, last = index, size - 1
    for one in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            leaf = sha256(b"\1" + one + leaf)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            leaf = sha256(b"\1" + leaf + one)
        place, last = place >> 1, last >> 1
    return last == 0 and leaf == root


def consistent(first: Head, second: Head, proof: Sequence[bytes]) -> bool:
    """Whether the tree of head `first` is shown to be the beginning of that of `second`."""
    if first.size >= second.size or first.size == 0:
        root = second.root if first.size == second.size else sha256(b"")
        return not proof and first.size <= second.size and first.root == root
    path = [first.root, *proof] if first.size & (first.size - 1) == 0 else list(proof)
    place, last = first.size - 1, second.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0] if path else b""
    for one in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = sha256(b"\1" + one + old), sha256(b"\1" + one + new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = sha256(b"\1" + new + one)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first.root and new == second.root


# Ed25519 (RFC 8032)

Point = tuple[int, int, int, int]  # extended coordinates
P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _add(a: Point, b: Point) -> Point:
    x, y, z, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P, 2 * a[2] * b[2], 2 * a[3] * b[3] * D % P
    e, f, g, h = y - x, z - t, z + t, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def _sum(s: int, base: Point, h: int, point: Point) -> Point:
    """``[s]base + [h]point``."""
    both, found = (base, point, _add(base, point)), (0, 1, 1, 0)
    for bit in range(255, -1, -1):
        found = _add(found, found)
        which = (s >> bit & 1) + 2 * (h >> bit & 1)
        found = _add(found, both[which - 1]) if which else found
    return found


def _point(code: bytes) -> Point | None:
    """The point of 32 bytes; None when they are none, or not written the one right way."""
    y, sign = int.from_bytes(code, "little") & (2**255 - 1), code[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes is good."""
    if len(public) != 32 or len(signature) != 64:
        return False
    point, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if point is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    found = _sum(s, BASE, h, (P - point[0], point[1], 1, P - point[3]))  # [s]B - [h]A is to be R
    return (found[0] - r[0] * found[2]) % P == 0 and (found[1] - r[1] * found[2]) % P == 0


# Signed notes and checkpoints (C2SP)


def b64(text: Any) -> bytes:
    """The bytes of base64 that is written the one right way."""
    try:
        content = base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise No(f"{str(text)[:30]!r} is no base64") from error
    need(base64.b64encode(content).decode() == text, f"{text[:30]!r} is no base64")
    return content


def read_key(text: Any) -> Key:
    """A key from name+id+base64."""
    name, _, rest = str(text).partition("+")
    key_id, _, content = rest.partition("+")
    public = b64(content)
    digest = sha256(name.encode() + b"\n" + public)[:4]
    need(len(public) == 33 and public[0] in (LOG, WITNESS) and digest.hex() == key_id, f"{str(text)[:60]!r} is no key")
    return Key(name, public[0], public[1:], digest)


def read_head(text: Any) -> Head:
    """A checkpoint: a note of three lines with signatures."""
    parts = str(text).split("\n\n")
    need(len(parts) == 2 and parts[1].endswith("\n"), "this is no checkpoint")
    words, lines = parts[0].split("\n"), list[Line]()
    need(len(words) == 3 and re.fullmatch(r"0|[1-9][0-9]{0,18}", words[1]), "this is no checkpoint")
    for line in parts[1][:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, content = rest.partition(" ")
        need(dash == "—", "a signature line is not readable")
        signature = b64(content)
        lines.append(Line(name, signature[:4], signature[4:]))
    head = Head(parts[0] + "\n", words[0], int(words[1]), b64(words[2]), lines)
    need(len(head.root) == 32, "the root is no SHA-256")
    return head


def signers(head: Head, keys: Sequence[Key]) -> list[Key]:
    """The keys by which a checkpoint is signed. Every line must be good by one of them, and one must be the log's."""
    found: list[Key] = []
    for line in head.lines:
        key = next((one for one in keys if (one.name, one.id) == (line.name, line.id)), None)
        if key is None:
            raise No(f"the file names no key for the signature of {line.name[:60]}")
        message, signature = head.text.encode(), line.signature
        if key.kind == WITNESS:
            at_s, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {at_s}\n".encode() + message
        need(signed(key.public, message, signature), f"the signature of {key.name} is wrong")
        found.append(key)
    need(any(one.kind == LOG and one.name == head.origin for one in found), "the log itself has not signed")
    need(len(set(found)) == len(found), "somebody signed twice")
    return found


# The arithmetic of a claim: steps over exact fractions, one rounding at the end

NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?|-?[0-9]{1,1300}/[0-9]{1,1300}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
WORK: dict[str, Any] = {
    "add": lambda of: sum(of, Fraction(0)),
    "sub": lambda of: of[0] - of[1],
    "mul": lambda of: math.prod(of, start=Fraction(1)),
    "div": lambda of: of[0] / of[1],
    "min": min,
    "max": max,
}


def number(text: Any) -> Fraction:
    """The exact number of a text."""
    need(isinstance(text, str) and NUMBER.fullmatch(text), f"{str(text)[:40]!r} is no number of a formula")
    need(not re.fullmatch(r"[^/]*/0*", text), f"{text[:40]!r} divides by 0")
    return Fraction(text)


def worked_out(formula: Any) -> tuple[int, int]:
    """Every step of a formula; the credited and the estimated grams, rounded down once at the end."""
    need(formula.get("language") == LANGUAGE, "its formula is in a language this file does not know")
    steps, inputs = formula.get("steps"), formula.get("inputs")
    need(isinstance(steps, list) and len(steps) <= STEPS_MAX and isinstance(inputs, dict), "its formula is not readable")
    values = {name: number(text) for name, text in inputs.items()}
    for step in steps:
        out, do, of = step["out"], step["do"], step["of"]
        need(do in WORK and NAME.fullmatch(out) and out not in values, f"the step {out[:40]} is not readable")
        need(len(of) == 2 if do in ("sub", "div") else 1 <= len(of) <= OPERANDS_MAX, f"{out[:40]} has the wrong arguments")
        given = [values[one] if one in values else number(one) for one in of]
        need(do != "div" or given[1], f"{out[:40]} divides by 0")
        found = values[out] = WORK[do](given)
        need(max(found.numerator.bit_length(), found.denominator.bit_length()) <= BITS_MAX, f"{out[:40]} has grown too large")
    need("credit_g" in values and "point_g" in values, "its formula has no result")
    return max(0, math.floor(values["credit_g"])), math.floor(values["point_g"])


# The checks of a bundle


def placed(one: Any, head: Head) -> Any:
    """That an entry stands at its place in the tree; returns the entry."""
    leaf = sha256(b"\0" + encode(one["entry"]))
    proof = [b64(text) for text in one["proof"]]
    need(included(head.root, head.size, one["index"], leaf, proof), f"entry {one['index']} is not in the tree")
    return one["entry"]


def check_form(bundle: Any) -> str:
    """The names and kinds of all its parts."""
    wanted = {"checkpoint": str, "entry": dict, "form": str, "index": int, "keys": list, "proof": list}
    others = {"decisions": list, "factors": list, "readings": list}
    need(set(wanted) <= set(bundle) <= {*wanted, *others}, "parts are missing, or there are others than it should have")
    need(all(type(bundle[name]) is kind for name, kind in wanted.items()), "a part is of another kind")
    need(all(type(bundle[name]) is kind for name, kind in others.items() if name in bundle), "a part is of another kind")
    for one in (*bundle.get("decisions", ()), *bundle.get("factors", ())):
        need(isinstance(one, dict) and set(one) == {"entry", "index", "proof"}, "an entry is not readable")
        need(type(one["index"]) is int and isinstance(one["proof"], list), "a place is not readable")
    for entry in (one["entry"] for one in (bundle, *bundle.get("decisions", ()), *bundle.get("factors", ()))):
        need(isinstance(entry, dict) and set(entry) == {"at", "body", "id", "kind"}, "an entry is not readable")
        need(isinstance(entry["body"], dict), "an entry is not readable")
    return f"{bundle['entry']['kind']} {bundle['entry']['id']}, made {bundle['entry']['at']}"


def check_place(bundle: Any) -> str:
    """The entry and what belongs to it stand in the tree."""
    head, entry = read_head(bundle["checkpoint"]), bundle["entry"]
    placed(bundle, head)
    for one in bundle.get("decisions", ()):
        said = placed(one, head)
        need(said["kind"] == "decision" and said["body"].get("claim") == entry["id"], "a decision is about another claim")
    known = entry["body"].get("factors", [])
    for one in bundle.get("factors", ()):
        said = placed(one, head)
        need(said["kind"] == "rule" and str(said["body"].get("row", {}).get("id")) in known, "a factor is not one of the claim's")
    states = [one["entry"]["body"].get("state") for one in (bundle, *bundle.get("decisions", ()))]
    return f"place {bundle['index']} of {head.size}; state by this bundle: {states[-1]}"


def check_tonnes(bundle: Any) -> str:
    """The grams are what the formula says; a claim of tier C, or one that was refused, has none."""
    body = bundle["entry"]["body"]
    if bundle["entry"]["kind"] != "claim":
        return "this entry has no tonnes"
    said = (body.get("grams"), body.get("point_grams"))
    if "formula" not in body:
        need(said == (0, 0), "grams are said, but no formula")
        return "no formula and no grams"
    grams, point = worked_out(body["formula"])
    grams = 0 if body.get("tier") == "C" else grams
    none = body.get("state") == "refused" and said == (0, 0)
    need(none or said == (grams, point), f"the entry says {said[0]} and {said[1]} g, the formula {grams} and {point} g")
    return (
        f"{said[0] / 1_000_000:,.6f} t ({said[0]:,} g) by {body.get('method')}, tier {body.get('tier')}; estimate {said[1]:,} g"
    )


def check_readings(bundle: Any) -> str:
    """The digest of the readings is one, and that of those that are listed: readings, or digests of parts of them."""
    digest = bundle["entry"]["body"].get("readings_sha256", "")
    need(re.fullmatch(r"([0-9a-f]{64})?", str(digest)), "the digest of the readings is none")
    listed = bundle.get("readings")
    if listed is None:
        return f"{digest or 'none'}; hold it against the city's open data"
    need(all(isinstance(one, str) for one in listed), "a reading is no text")
    need(made_of(digest, listed), "the listed readings are not those of the claim")
    return f"{digest} is made of the {len(listed)} that are listed"


def made_of(digest: str, listed: Sequence[str]) -> bool:
    """Whether a digest is that of the listed readings or digests, one after the other."""
    return any(sha256(mark.join(listed).encode()).hex() == digest for mark in ("", "|", "/"))


def check_signatures(bundle: Any, trusted: str = "", seen: str = "") -> str:
    """The checkpoint is signed by the log, and by every witness that the file names."""
    keys, head = [read_key(one) for one in bundle["keys"]], read_head(bundle["checkpoint"])
    need(not trusted or bundle["keys"][:1] == [trusted], "the key is not the one you gave")
    need(set(signers(head, keys)) == set(keys) and len(set(keys)) == len(keys), "a key has signed nothing")
    need(not seen or not _splits(read_head(seen), head), "SPLIT VIEW: you saw another tree of this size, keep both as proof")
    others = ", ".join(one.name for one in keys if one.kind == WITNESS)
    told = "" if trusted else f"; the key is the file's own: compare {bundle['keys'][0]}"
    return f"{head.origin}, {head.size} entries{f', cosigned by {others}' if others else ''}{told}"


def _splits(one: Head, other: Head) -> bool:
    return (one.origin, one.size) == (other.origin, other.size) and one.root != other.root


def check_growth(found: Any, trusted: str = "") -> str:
    """Both checkpoints are signed, and the first tree is the beginning of the second."""
    need(set(found) == {"first", "form", "keys", "proof", "second"} and isinstance(found["keys"], list), "parts are missing")
    keys, first, second = [read_key(one) for one in found["keys"]], read_head(found["first"]), read_head(found["second"])
    need(not trusted or trusted in found["keys"], "the key is not the one you gave")
    need(first.origin == second.origin, "they are of two logs")
    proof = [b64(one) for one in found["proof"]] if isinstance(found["proof"], list) else []
    need(not _splits(first, second), "SPLIT VIEW: two roots of one size, keep both as proof")
    need(consistent(first, second, proof), "the first tree is not shown to be the beginning of the second")
    need({*signers(first, keys), *signers(second, keys)} == set(keys) and len(set(keys)) == len(keys), "a key has signed nothing")
    return f"{first.origin}: {first.size} entries are the first of {second.size}"


def checks(content: bytes, trusted: str = "", seen: str = "") -> Iterator[Check]:
    """Every check of a file, one after the other, as (name, yes or no, why)."""
    try:
        found = decode(content)
        need(isinstance(found, dict) and found.get("form") in (BUNDLE, CONSISTENCY), "it is no bundle of a Dure city")
        if found["form"] == BUNDLE:
            yield Check("form", ok=True, why=check_form(found))
    except No as error:
        yield Check("form", ok=False, why=str(error))
        return
    steps: dict[str, Callable[[Any], str]] = {"growth": lambda one: check_growth(one, trusted)}
    if found["form"] == BUNDLE:
        steps = {"place": check_place, "tonnes": check_tonnes, "readings": check_readings}
        steps["signatures"] = lambda one: check_signatures(one, trusted, seen)
    for name, work in steps.items():
        try:
            yield Check(name, ok=True, why=work(found))
        except No as error:
            yield Check(name, ok=False, why=str(error))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            yield Check(name, ok=False, why="a part of it is not readable")


NAMES = {
    "form": "form 형식", "place": "place in the log 로그 안의 자리", "tonnes": "tonnes worked out again 감축량 재계산",
    "readings": "readings 측정값 지문", "signatures": "signatures 서명", "growth": "growth 일관성",
}  # fmt: skip
VECTOR = (  # RFC 8032, 7.1, TEST 3
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
)  # fmt: skip


def selftest() -> bool:
    """Whether this file's arithmetic gives the published vectors."""
    key, message, signature = (bytes.fromhex(one) for one in VECTOR)
    tree = sha256(b"\1" + sha256(b"\0") + sha256(b"\0\0")).hex()
    return signed(key, message, signature) and not signed(key, message + b"\0", signature) and tree.startswith("fac54203e7cc696c")


def main(words: Sequence[str] | None = None) -> int:
    """Check the file named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", nargs="?", help="bundle.json or consistency.json")
    parser.add_argument("--key", default="", help="the log's key, as the city publishes it")
    parser.add_argument("--seen", help="a checkpoint you kept")
    parser.add_argument("--selftest", action="store_true", help="check this file's arithmetic")
    asked = parser.parse_args(words)
    write = sys.stdout.write
    if asked.selftest or not asked.file:
        good = selftest()
        write("YES  self-test\n" if good else "NO   self-test\n")
        return 0 if good and asked.selftest else 2
    try:
        content = Path(asked.file).read_bytes()
        seen = Path(asked.seen).read_text("utf-8") if asked.seen else ""
    except (OSError, UnicodeDecodeError) as error:
        write(f"NO   {error}\n")
        return 2
    found = list(checks(content, asked.key, seen))
    for check in found:
        write(f"{'YES' if check.ok else 'NO '}  {NAMES[check.name]}: {check.why}\n")
    good = all(check.ok for check in found)
    write("YES  all of it holds. 모두 맞습니다.\n" if good else "NO   do not rely on it. 믿지 마십시오.\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
