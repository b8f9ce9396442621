"""The one-file verifier: real claims of a real house, checked by a file that knows nothing of the house."""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from carbon_house import CITY, NOW, carbon_house, charging_day, tell
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from told_events import weighing

from dure.core.text import Text
from dure.services.carbon.claiming import claim_bundle, claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.claiming.formula import Result, Step, number, run
from dure.services.carbon.transparency import canonical, dure_verify, log_records, notes, proof_desk, witness_records
from dure.services.carbon.transparency.log_watch import LogWatch, desk_of
from dure.services.carbon.transparency.witness_records import Cosignature, Witness
from dure.spine.house import House

VERIFIER = Path(dure_verify.__file__)
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
READING = "scale-1,weighed_mass,2026-11-22T03:00:00Z,5.0"
W_KEY = notes.Key("witness.example/w1", WITNESS.public_key().public_bytes_raw(), notes.WITNESS)


def looked(house: House) -> None:
    asyncio.run(EventWatch(house).look())
    asyncio.run(LogWatch(house).look())


def cosigned(house: House) -> None:
    """A witness signs the newest checkpoint."""
    with house.records.begin() as connection:
        witness_records.add(connection, Witness(W_KEY.text(), "이웃 도시", NOW))
        head = proof_desk.head_of(connection)
        text = notes.read_note(head.note).text
        line = notes.cosign(text, W_KEY.name, WITNESS, int(NOW.timestamp())).line()
        witness_records.put(connection, Cosignature(head.size, W_KEY.text(), NOW, line))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A log with two claims, one of them withdrawn since, cosigned by a witness."""
    made = carbon_house(tmp_path_factory.mktemp("verifier"))
    asyncio.run(LogWatch(made).look())
    tell(made, charging_day(), charging_day("origin-cs-2-2026-11-22", subject="cs-2", data={"site": "cs-2"}))
    tell(made, weighing(readings=[READING], readings_sha256=hashlib.sha256(READING.encode()).hexdigest()))
    looked(made)
    with made.records.begin() as connection:
        claim_desk.withdraw(connection, ids(connection)[1], "claim.wrong_event", "per-officer", NOW)
    looked(made)
    cosigned(made)
    yield made
    made.records.close()


def ids(connection: Connection) -> list[str]:
    return [one.id for one in claim_desk.claims(connection) if one.grams]


@pytest.fixture(scope="module")
def bundle(house: House) -> bytes:
    with house.records.read() as connection:
        return proof_desk.bundle_of(connection, f"claim/{ids(connection)[0]}")


@pytest.fixture(scope="module")
def withdrawn(house: House) -> bytes:
    with house.records.read() as connection:
        return proof_desk.bundle_of(connection, f"claim/{ids(connection)[1]}")


def answers(content: bytes, *words: str) -> dict[str, bool]:
    return {one.name: one.ok for one in dure_verify.checks(content, *words)}


def holds(content: bytes) -> bool:
    """Whether all checks say yes; the first no ends it."""
    return all(one.ok for one in dure_verify.checks(content))


def changed(content: bytes, **changes: Any) -> bytes:
    return canonical.encode(json.loads(content) | changes)


def test_a_claim_of_the_house_holds_in_every_check(bundle: bytes) -> None:
    said = {one.name: one for one in dure_verify.checks(bundle)}

    assert all(one.ok for one in said.values()), said
    assert list(said) == ["form", "place", "tonnes", "readings", "signatures"]
    words = json.loads(bundle)
    grams = words["entry"]["body"]["grams"]
    assert grams > 0
    assert f"({grams:,} g)" in said["tonnes"].why
    assert "witness.example/w1" in said["signatures"].why
    assert words["factors"]


def test_listed_readings_are_digested_again_and_any_other_is_found(house: House) -> None:
    with house.records.read() as connection:
        (claim,) = [one for one in claim_desk.claims(connection) if one.holder == "city" and one.unit == "g"]
        bundle = claim_bundle.bundle_of(connection, f"claim/{claim.id}")
        plain = claim_bundle.bundle_of(connection, f"claim/{ids(connection)[0]}")
    listed = json.loads(bundle)["readings"]

    assert listed == [READING]
    assert claim.readings_sha256 == hashlib.sha256(READING.encode()).hexdigest()
    assert answers(bundle)["readings"]
    assert "readings" not in json.loads(plain)
    for other in (READING.replace("5.0", "6.0"), ""):
        assert answers(changed(bundle, readings=[other]))["readings"] is False
    assert answers(changed(bundle, readings=[]))["readings"] is False
    assert answers(changed(bundle, readings=listed * 2))["readings"] is False


@pytest.mark.parametrize("mark", ["", "|", "/"])
def test_digests_of_parts_are_joined_as_the_services_join_them(mark: str) -> None:
    parts = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(96)]
    whole = hashlib.sha256(mark.join(parts).encode()).hexdigest()

    assert dure_verify.made_of(whole, parts)
    assert not dure_verify.made_of(whole, parts[1:])
    assert not dure_verify.made_of(whole, parts[::-1])


def test_numbers_of_a_formula_are_ascii_in_both_programs() -> None:
    for text in ("٣", "1٣", "1/٣", "１.5"):
        with pytest.raises(ValueError, match="no number"):
            number(text)
        with pytest.raises(dure_verify.No):
            dure_verify.number(text)


def test_the_file_alone_says_yes_offline_within_a_second(bundle: bytes, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_bytes(bundle)
    (tmp_path / "dure_verify.py").write_bytes(VERIFIER.read_bytes())
    command = [sys.executable, "-I", "-S", "dure_verify.py", "bundle.json", "--key", json.loads(bundle)["keys"][0]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONUTF8": "1"}, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("YES")


def test_the_file_stands_on_the_standard_library_alone() -> None:
    tree = ast.parse(VERIFIER.read_text("utf-8"))
    found = {one.names[0].name for one in ast.walk(tree) if isinstance(one, ast.Import)}
    found |= {str(one.module) for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}

    assert {one.split(".")[0] for one in found} <= sys.stdlib_module_names
    assert not found & {"socket", "urllib", "http", "subprocess", "importlib"}


def test_a_withdrawn_claim_says_so(withdrawn: bytes) -> None:
    said = {one.name: one for one in dure_verify.checks(withdrawn)}

    assert all(one.ok for one in said.values()), said
    assert len(json.loads(withdrawn)["decisions"]) == 1
    assert "state by this bundle: cancelled" in said["place"].why


def test_every_flipped_bit_of_a_bundle_is_found(bundle: bytes) -> None:
    lean = _lean(bundle)
    assert holds(lean)

    assert [bit for bit in range(len(lean) * 8) if holds(_flipped(lean, bit))] == []


def test_flipped_bits_of_decisions_factors_and_cosignatures_are_found(withdrawn: bytes) -> None:
    assert [bit for bit in range(0, len(withdrawn) * 8, 13) if holds(_flipped(withdrawn, bit))] == []


def test_every_flipped_bit_of_a_proof_of_growth_is_found(house: House) -> None:
    with house.records.read() as connection:
        first, second, third = (one.size for one in log_records.all_heads(connection))
        content = proof_desk.consistency_of(connection, first, second)
        assert answers(proof_desk.consistency_of(connection, second, third)) == {"growth": True}
    assert answers(content) == {"growth": True}

    assert [bit for bit in range(len(content) * 8) if holds(_flipped(content, bit))] == []


def _lean(content: bytes) -> bytes:
    """A bundle without decisions, factors and cosignatures: every kind of part once."""
    words = json.loads(content)
    checkpoint = "".join(line for line in words["checkpoint"].splitlines(keepends=True) if "witness" not in line)
    return canonical.encode(words | {"checkpoint": checkpoint, "keys": words["keys"][:1], "decisions": [], "factors": []})


def _flipped(content: bytes, bit: int) -> bytes:
    at = bit // 8
    return content[:at] + bytes([content[at] ^ 1 << bit % 8]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("break_it", "check"),
    [
        (lambda b: b + b"\n", "form"),
        (lambda b: json.dumps(json.loads(b)).encode(), "form"),
        (lambda b: b"\xff" + b, "form"),
        (lambda b: b[:0], "form"),
        (lambda b: b[:0] + b"[]", "form"),
        (lambda b: changed(b, form="dure-carbon-bundle/2"), "form"),
        (lambda b: changed(b, more=1), "form"),
        (lambda b: changed(b, index=True), "form"),
        (lambda b: changed(b, decisions=[1]), "form"),
        (lambda b: changed(b, index=json.loads(b)["index"] + 1), "place"),
        (lambda b: changed(b, index=-1), "place"),
        (lambda b: changed(b, index=2**53 - 1), "place"),
        (lambda b: changed(b, proof=json.loads(b)["proof"][:-1]), "place"),
        (lambda b: changed(b, proof=[1]), "place"),
        (lambda b: changed(b, factors=[{k: json.loads(b)[k] for k in ("entry", "index", "proof")}]), "place"),
        (lambda b: changed(b, decisions=[{k: json.loads(b)[k] for k in ("entry", "index", "proof")}]), "place"),
        (lambda b: changed(b, readings=["a" * 64]), "readings"),
        (lambda b: changed(b, readings=[1]), "readings"),
        (lambda b: changed(b, keys=[]), "signatures"),
        (lambda b: changed(b, keys=json.loads(b)["keys"][:1]), "signatures"),
        (lambda b: changed(b, keys=json.loads(b)["keys"] * 2), "signatures"),
        (lambda b: changed(b, keys=["nonsense"]), "signatures"),
        (lambda b: changed(b, checkpoint="a\n1\nb\n"), "signatures"),
    ],
    ids=[
        "newline", "spaces", "no-utf8", "empty", "list", "other-form", "more", "index-true", "decision-number", "next-place",
        "before-first", "far-place", "short-proof", "proof-number", "factor-not-one", "decision-not-one", "other-readings",
        "reading-number", "no-key", "witness-unnamed", "keys-twice", "key-nonsense", "no-checkpoint",
    ],
)  # fmt: skip
def test_a_broken_bundle_says_no_where_it_is_broken(bundle: bytes, break_it: Any, check: str) -> None:
    assert answers(break_it(bundle))[check] is False


def test_a_forged_entry_is_found_although_its_arithmetic_holds(bundle: bytes) -> None:
    words = json.loads(bundle)
    words["entry"]["body"]["method"] = "better@1"

    assert answers(canonical.encode(words)) == {
        "form": True, "place": False, "tonnes": True, "readings": True, "signatures": True,
    }  # fmt: skip


def test_a_signed_lie_about_grams_is_found_by_the_arithmetic(bundle: bytes) -> None:
    words = json.loads(bundle)
    words["entry"]["body"]["grams"] += 1
    forged = _own_tree(words)

    assert answers(forged) == {"form": True, "place": True, "tonnes": False, "readings": True, "signatures": True}


def test_another_log_that_signs_the_same_is_found_by_the_key_one_knows(bundle: bytes) -> None:
    words = json.loads(bundle)
    forged = _own_tree(words)

    assert holds(forged)
    assert answers(forged, words["keys"][0])["signatures"] is False


def _own_tree(words: dict[str, Any]) -> bytes:
    """A bundle of a tree of one entry, well signed by somebody else."""
    root = dure_verify.sha256(b"\0" + canonical.encode(words["entry"]))
    origin = words["checkpoint"].split("\n")[0]
    text = f"{origin}\n1\n{base64.b64encode(root).decode()}\n"
    note = notes.Note(text, (notes.sign(text, origin, WITNESS),))
    key = notes.Key(origin, WITNESS.public_key().public_bytes_raw())
    new = words | {"checkpoint": str(note), "index": 0, "keys": [key.text()], "proof": [], "decisions": [], "factors": []}
    return canonical.encode(new)


def test_two_trees_of_one_size_are_a_split_view(bundle: bytes) -> None:
    words = json.loads(bundle)
    other = json.loads(_own_tree(words))["checkpoint"].replace("\n1\n", f"\n{words['checkpoint'].split(chr(10))[1]}\n")
    said = {one.name: one for one in dure_verify.checks(bundle, "", other)}

    assert not said["signatures"].ok
    assert "SPLIT VIEW" in said["signatures"].why
    assert answers(bundle, "", words["checkpoint"])["signatures"]


def test_a_replayed_smaller_tree_is_no_growth(house: House) -> None:
    with house.records.read() as connection:
        sizes = [one.size for one in log_records.all_heads(connection)]
        words = json.loads(proof_desk.consistency_of(connection, sizes[0], sizes[-1]))
    turned = canonical.encode(words | {"first": words["second"], "second": words["first"]})

    assert answers(turned) == {"growth": False}


def test_growth_is_shown_across_a_change_of_keys(tmp_path: Path) -> None:
    made = carbon_house(tmp_path)
    looked(made)
    desk_of(made).replace_key(NOW, 100)
    tell(made, charging_day())
    looked(made)
    with made.records.read() as connection:
        first, changed_at, last = (one.size for one in log_records.all_heads(connection))
        assert answers(proof_desk.consistency_of(connection, first, changed_at))["growth"]
        assert answers(proof_desk.consistency_of(connection, changed_at, last))["growth"]
        assert len(json.loads(proof_desk.consistency_of(connection, first, last))["keys"]) == 2
    made.records.close()


# RFC 8032, 7.1: TEST 1, 2, 3 and SHA(abc): public key, message, signature.
RFC_8032 = [
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
    ("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032, ids=["test-1", "test-2", "test-3", "sha-abc"])
def test_signatures_of_rfc_8032_are_good(public: str, message: str, signature: str) -> None:
    key, content, sign = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    grown = sign[:32] + (int.from_bytes(sign[32:], "little") + dure_verify.Q).to_bytes(32, "little")

    assert dure_verify.signed(key, content, sign)
    assert not dure_verify.signed(key, content + b"\0", sign)
    assert not dure_verify.signed(key, content, grown)  # RFC 8032, 5.1.7: S is below the order
    assert not dure_verify.signed(key, content, sign[:-1])
    assert dure_verify.selftest()


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=100), bit=st.integers(0, 511))
@settings(max_examples=15, deadline=None)
def test_signatures_of_cryptography_are_good_and_changed_ones_are_not(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)

    assert dure_verify.signed(public, message, signature)
    assert not dure_verify.signed(public, message, _flipped(signature, bit))


@pytest.mark.parametrize(
    "text", ["ff" * 32, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "01" + "00" * 30 + "80"],
    ids=["y-too-large", "y-is-p", "x-0-negative"],
)  # fmt: skip
def test_keys_not_written_the_one_right_way_are_no_points(text: str) -> None:
    assert not dure_verify.signed(bytes.fromhex(text), b"", bytes(64))


def test_ten_thousand_random_formulas_come_to_the_same_in_both_programs() -> None:
    chance = Random(7)  # noqa: S311  # the same formulas in every run
    results = 0
    for _ in range(10_000):
        steps, inputs = _formula(chance)
        ours = run(steps, inputs)
        words = {
            "language": dure_verify.LANGUAGE, "inputs": inputs,
            "steps": [{"out": one.out, "do": one.do, "of": list(one.of)} for one in steps],
        }  # fmt: skip
        try:
            theirs = dure_verify.worked_out(words)
        except dure_verify.No:
            assert not isinstance(ours, Result), words
        else:
            assert isinstance(ours, Result), words
            assert theirs == (ours.grams, ours.point_grams)
            results += 1

    assert results > 5_000


def _formula(chance: Random) -> tuple[list[Step], dict[str, str]]:
    """A formula of some steps; now and then with a fault."""
    inputs = {f"in_{n}": _number(chance) for n in range(chance.randint(1, 4))}
    known, steps = list(inputs), []
    count = chance.randint(1, 8)
    for n in range(count):
        do = chance.choice(["add", "sub", "mul", "div", "min", "max"])
        many = 2 if do in ("sub", "div") else chance.randint(1, 4)
        out = f"step_{n}" if n < count - 2 else ("point_g" if n == count - 2 else "credit_g")
        of = tuple(chance.choice(known) if chance.random() < 0.8 else _number(chance) for _ in range(many))
        if chance.random() < 0.005:
            of = (*of, "not_known")
        steps.append(Step(out=out, do=do, of=of, name=Text(out)))  # type: ignore[arg-type]  # one of the operations
        known.append(out)
    if count == 1:
        steps.append(Step(out="point_g", do="add", of=("credit_g",), name=Text("p")))
    return steps, inputs


def _number(chance: Random) -> str:
    whole = str(chance.randint(-1_000_000, 1_000_000_000))
    return chance.choice(
        [whole, f"{whole}.{chance.randint(0, 10**9)}", f"{whole}/{chance.randint(1, 10**6)}", "0", f"{whole}/0", "1e5", "1 "]
        if chance.random() < 0.02
        else [whole, f"{whole}.{chance.randint(0, 10**9)}", f"{whole}/{chance.randint(1, 10**6)}", str(Fraction(1, 3))]
    )


def test_a_bundle_names_the_city_it_is_of(bundle: bytes) -> None:
    assert json.loads(bundle)["checkpoint"].startswith(f"dure/{CITY.id}/carbon-log\n")
