"""Signed notes, checkpoints and cosignatures, against the examples of the C2SP specifications."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dure.core.errors import InputError
from dure.services.carbon.transparency import notes
from dure.services.carbon.transparency.checkpoint import Checkpoint, compared, read_checkpoint
from dure.services.carbon.transparency.merkle import EMPTY_ROOT, leaf_hash, node_hash

# The example of C2SP tlog-cosignature: a checkpoint with the log's signature and a witness's.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NAME = "city.example/carbon-log"
KEY = notes.Key(NAME, PRIVATE.public_key().public_bytes_raw())
A, B = leaf_hash(b"a"), leaf_hash(b"b")
ONE, TWO = Checkpoint(NAME, 1, A), Checkpoint(NAME, 2, node_hash(A, B))


def signed(checkpoint: Checkpoint, private: Ed25519PrivateKey = PRIVATE) -> notes.Note:
    text = checkpoint.text()
    return notes.Note(text, (notes.sign(text, NAME, private),))


def test_the_example_of_the_specification_reads_and_prints_the_same() -> None:
    note = notes.read_note(EXAMPLE)
    found = read_checkpoint(note.text)

    assert str(note) == EXAMPLE
    assert (found.origin, found.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert found.text() == note.text
    assert [one.name for one in note.signatures] == ["example.com/behind-the-sofa", "witness.example.com/w1"]
    assert notes.cosigned_at_s(note.signatures[1]) == 0x641850CB


def test_a_key_id_is_made_as_the_specification_says() -> None:
    public = PRIVATE.public_key().public_bytes_raw()
    digest = hashlib.sha256(NAME.encode() + b"\n\x01" + public).digest()

    assert KEY.id == digest[:4]
    assert notes.read_key(KEY.text()) == KEY
    assert signed(ONE).signatures[0].key_id == digest[:4]


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+00000000+AAAA", KEY.text().replace("+", "-", 1), KEY.text()[:-4], KEY.text() + "=", "na me" + KEY.text()],
    ids=["empty", "name-only", "wrong-length", "no-plus", "cut", "padding", "space"],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        notes.read_key(text)

    assert refused.value.code == "log.key_unreadable"


def test_a_note_is_good_by_its_own_key_only() -> None:
    note = signed(ONE)

    assert notes.signed(note, KEY)
    assert not notes.signed(note, notes.Key(NAME, OTHER.public_key().public_bytes_raw()))
    assert not notes.signed(note, notes.Key("else.example", KEY.public))
    assert not notes.signed(notes.Note(TWO.text(), note.signatures), KEY)


def test_a_bad_signature_beside_a_good_one_by_the_same_key_spoils_the_note() -> None:
    good = signed(ONE).signatures[0]
    bad = notes.Signature(NAME, good.key_id, bytes(64))

    assert not notes.signed(notes.Note(ONE.text(), (good, bad)), KEY)


def test_a_cosignature_says_when_and_binds_it() -> None:
    witness = notes.Key("w.example", OTHER.public_key().public_bytes_raw(), notes.WITNESS)
    line = notes.cosign(ONE.text(), "w.example", OTHER, 1_679_315_147)
    later = notes.Signature(line.name, line.key_id, (1_679_315_148).to_bytes(8, "big") + line.signature[8:])

    assert notes.good(ONE.text(), line, witness)
    assert notes.read_line(line.line()) == line
    assert not notes.good(ONE.text(), later, witness)
    assert not notes.good(TWO.text(), line, witness)
    assert not notes.good(ONE.text(), line, notes.Key("w.example", witness.public))


@pytest.mark.parametrize(
    "text",
    ["", "text\n", "text\n\n", EXAMPLE[:-1], EXAMPLE.replace("— ", "- "), EXAMPLE.replace("\n\n", "\n\n\t"), EXAMPLE + "\n",
     EXAMPLE.replace("YQ8=", "YQ9="), EXAMPLE.replace("\n", "\r\n")],
    ids=["empty", "no-signature", "no-line", "no-newline", "dash", "control", "end", "loose-bits", "crlf"],
)  # fmt: skip
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        notes.read_note(text)

    assert refused.value.code == "log.note_unreadable"


@pytest.mark.parametrize(
    "text",
    ["", "o\n1\n", "o\n01\n{r}\n", "o\n-1\n{r}\n", "o\n1\n{r}", "o\n1\n{r}\nmore\n", "o\n1\nAAAA\n", "\n1\n{r}\n",
     "o\n99999999999999999999\n{r}\n", "o\n٣\n{r}\n"],
    ids=["empty", "no-root", "leading-zero", "negative", "no-newline", "extension", "short-root", "no-origin", "large", "digit"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    root = ONE.text().split("\n")[2]

    with pytest.raises(InputError) as refused:
        read_checkpoint(text.replace("{r}", root))

    assert refused.value.code == "log.checkpoint_unreadable"


@pytest.mark.parametrize(
    ("seen", "now", "proof", "code"),
    [
        (ONE, TWO, [B], ""),
        (ONE, ONE, [], ""),
        (Checkpoint(NAME, 0, EMPTY_ROOT), TWO, [], ""),
        (TWO, ONE, [], "log.smaller"),
        (ONE, Checkpoint(NAME, 1, B), [], "log.split_view"),
        (ONE, TWO, [A], "log.inconsistent"),
        (ONE, TWO, [], "log.inconsistent"),
        (ONE, Checkpoint("else.example", 2, TWO.root), [B], "log.other_log"),
    ],
    ids=["grown", "same", "from-nothing", "replayed", "split-view", "wrong-proof", "no-proof", "other-log"],
)
def test_what_a_second_checkpoint_says_of_a_log(seen: Checkpoint, now: Checkpoint, proof: list[bytes], code: str) -> None:
    refused = compared(seen, now, proof)

    assert (refused.code if refused else "") == code
