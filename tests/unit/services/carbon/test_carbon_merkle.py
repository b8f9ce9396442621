"""The tree against the vectors of RFC 6962's reference implementation, its own definition, and other implementations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.carbon.transparency import tiles
from dure.services.carbon.transparency.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    consistent,
    included,
    inclusion_ranges,
    leaf_hash,
    node_hash,
)
from dure.services.carbon.transparency.tiles import Tile

# Leaves, roots and proofs of the certificate-transparency reference (merkle_tree_test), public facts.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = [
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
]  # fmt: skip
CT_CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    (6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"]),
    (2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"]),
]  # fmt: skip


class Tree:
    """Tiles in memory, grown in the given portions."""

    def __init__(self, leaves: Sequence[bytes], portions: Sequence[int] = ()) -> None:
        self.kept: dict[Tile, bytes] = {}
        self.size = 0
        rest = list(leaves)
        for portion in (*portions, len(leaves)):
            self.add(rest[:portion])
            rest = rest[portion:]

    def read(self, wanted: Collection[Tile]) -> dict[Tile, bytes]:
        return {one: self.kept[one] for one in wanted if one in self.kept}

    def add(self, leaves: Sequence[bytes]) -> None:
        self.kept |= tiles.grown(self.size, self.read(tiles.edge_of(self.size)), [leaf_hash(one) for one in leaves])
        self.size += len(leaves)


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(defined_root(leaves[:k]), defined_root(leaves[k:]))


REFERENCE = Tree([bytes.fromhex(one) for one in CT_LEAVES])


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    assert tiles.root(size, REFERENCE.read).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size", "proof"), CT_INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference(index: int, size: int, proof: list[str]) -> None:
    assert [one.hex() for one in tiles.inclusion(index, size, REFERENCE.read)] == proof


@pytest.mark.parametrize(("first", "second", "proof"), CT_CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference(first: int, second: int, proof: list[str]) -> None:
    assert [one.hex() for one in tiles.consistency(first, second, REFERENCE.read)] == proof


LEAVES = [b"entry %d" % n for n in range(700)]
PORTIONS = st.lists(st.integers(0, 60), max_size=12)


@given(size=st.integers(0, 700), portions=PORTIONS)
@settings(max_examples=60, deadline=None)
def test_a_tree_grown_in_any_portions_has_the_defined_root(size: int, portions: list[int]) -> None:
    tree = Tree(LEAVES[:size], portions)

    assert tree.size == size
    assert tiles.root(size, tree.read) == defined_root(LEAVES[:size])


WHOLE = Tree(LEAVES, [1, 15, 16, 17, 255])
ROOTS = [defined_root(LEAVES[:size]) for size in range(701)]


@given(size=st.integers(1, 700), share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=200, deadline=None)
def test_every_leaf_of_every_past_tree_is_proven_from_the_present_tiles(size: int, share: float) -> None:
    index = int(share * size)
    proof = tiles.inclusion(index, size, WHOLE.read)

    assert included(ROOTS[size], size, index, leaf_hash(LEAVES[index]), proof)
    assert len(proof) <= 10


@given(first=st.integers(0, 700), more=st.integers(0, 700))
@settings(max_examples=200, deadline=None)
def test_any_two_trees_are_proven_consistent(first: int, more: int) -> None:
    second = min(700, first + more)
    proof = tiles.consistency(first, second, WHOLE.read)

    assert consistent((first, ROOTS[first]), (second, ROOTS[second]), proof)


@given(size=st.integers(2, 700), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_changed_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tiles.inclusion(index, size, WHOLE.read)
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = list(proof)
    changed[place] = _flipped(proof[place], bit)
    leaf = leaf_hash(LEAVES[index])

    assert not included(ROOTS[size], size, index, leaf, changed)
    assert not included(ROOTS[size], size, index, leaf, proof[:-1])
    assert not included(ROOTS[size], size, index, leaf, [*proof, proof[-1]])
    assert not included(ROOTS[size], size, index, _flipped(leaf, bit), proof)
    assert not included(_flipped(ROOTS[size], bit), size, index, leaf, proof)
    assert not included(ROOTS[size], size, size, leaf, proof)
    assert not included(ROOTS[size], size, -1, leaf, proof)


@given(first=st.integers(1, 699), more=st.integers(1, 700), data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_changed_consistency_proof_is_refused(first: int, more: int, data: st.DataObject) -> None:
    second = min(700, first + more)
    proof = tiles.consistency(first, second, WHOLE.read)
    place, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    changed = list(proof)
    changed[place] = _flipped(proof[place], bit)
    old, new = (first, ROOTS[first]), (second, ROOTS[second])

    assert not consistent(old, new, changed)
    assert not consistent(old, new, proof[:-1])
    assert not consistent(old, new, [*proof, proof[-1]])
    assert not consistent((first, _flipped(old[1], bit)), new, proof)
    assert not consistent(old, (second, _flipped(new[1], bit)), proof)
    assert not consistent(new, old, proof)


def test_one_tree_is_consistent_with_itself_only_under_one_root() -> None:
    assert consistent((5, ROOTS[5]), (5, ROOTS[5]), [])
    assert not consistent((5, ROOTS[5]), (5, ROOTS[6]), [])
    assert not consistent((5, ROOTS[5]), (5, ROOTS[5]), [ROOTS[5]])
    assert not consistent((0, ROOTS[1]), (5, ROOTS[5]), [])


def test_public_tiles_are_those_of_the_tiled_log_specification() -> None:
    leaves = [leaf_hash(one) for one in LEAVES]

    assert tiles.public_tile(0, 1, 256, WHOLE.read) == b"".join(leaves[256:512])
    assert tiles.public_tile(0, 2, 188, WHOLE.read) == b"".join(leaves[512:])
    assert tiles.public_tile(1, 0, 2, WHOLE.read) == defined_root(LEAVES[:256]) + defined_root(LEAVES[256:512])


def test_ranges_of_a_proof_cover_the_tree_once() -> None:
    covered = sorted([*inclusion_ranges(300, 700), (300, 301)])

    assert covered[0][0] == 0
    assert covered[-1][1] == 700
    assert all(left[1] == right[0] for left, right in pairwise(covered))
    assert consistency_ranges(512, 700) == [(512, 700)]


def test_roots_and_proofs_are_those_of_pymerkle() -> None:
    pymerkle: Any = pytest.importorskip("pymerkle", reason="pymerkle (group oracles) is not installed")
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for one in LEAVES:
        other.append_entry(one)

    assert all(other.get_root(size) == ROOTS[size] for size in (1, 2, 3, 100, 256, 257, 699, 700))
    theirs = other.prove_inclusion(301, 700)  # they count from 1, and their path holds the leaf
    assert sorted(theirs.path) == sorted([*tiles.inclusion(300, 700, WHOLE.read), leaf_hash(LEAVES[300])])


def _flipped(content: bytes, bit: int) -> bytes:
    return bytes(one ^ (1 << bit % 8) if at == bit // 8 else one for at, one in enumerate(content))
