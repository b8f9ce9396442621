"""The Merkle tree of RFC 6962 and RFC 9162, section 2.1: hashes, which parts a proof is made of, and checking it. Pure.

A leaf is hashed with 0x00 before it, a node with 0x01, so that neither can be taken for the other. ``MTH(D[a:b])`` is the root of
the leaves ``[a, b)``; a range here is such a pair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

Range = tuple[int, int]

_sha256 = hashlib.sha256
EMPTY_ROOT = _sha256(b"").digest()
HASH_BYTES = 32


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of an entry's bytes."""
    return _sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove that leaf `index` is in the tree of `size` leaves, from the leaf to the root.

    ``PATH(index, D[size])`` of RFC 6962, 2.1.1; 0 <= index < size.
    """
    start, end, found = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose roots prove that the tree of `first` leaves is the beginning of the one of `second`.

    ``PROOF(first, D[second])`` of RFC 6962, 2.1.2; 0 <= first <= second. Empty for an empty first tree and for equal sizes.
    """
    if first in (0, second):
        return []
    start, end, rest, whole, found = 0, second, first, True, []
    while rest != end - start:
        step = _split(end - start)
        if rest <= step:
            found.append((start + step, end))
            end = start + step
        else:
            found.append((start, start + step))
            start, rest, whole = start + step, rest - step, False
    if not whole:
        found.append((start, end))
    return found[::-1]


def included(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof leads from a leaf's hash to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for one in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(one, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, one)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: tuple[int, bytes], second: tuple[int, bytes], proof: Sequence[bytes]) -> bool:
    """Whether a proof shows the first (size, root) to be the beginning of the second (RFC 9162, 2.1.4.2)."""
    (size, root), (size_2, root_2) = first, second
    if size > size_2 or size < 0:
        return False
    if size == size_2:
        return not proof and root == root_2
    if size == 0:
        return not proof and root == EMPTY_ROOT
    path = [root, *proof] if size & (size - 1) == 0 else list(proof)
    if not path:
        return False
    place, last = size - 1, size_2 - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for one in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, one)
        place, last = place >> 1, last >> 1
    return last == 0 and old == root and new == root_2


def _split(leaves: int) -> int:
    """The largest power of two below a number of leaves > 1."""
    return 1 << ((leaves - 1).bit_length() - 1)
