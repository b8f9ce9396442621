"""The tree as it is kept: tiles of 16 hashes, so that a proof among millions of entries reads a handful of small rows. Pure.

Tile ``(level, n)`` holds the roots of 16 complete subtrees of ``16^level`` leaves each, from leaf ``n * 16^(level + 1)`` on. The
last tile of a level has fewer; a root stands in the next level once its tile is full. Hashes are only ever added, so every past
tree can be read from the tiles of the present one. Two of our levels make one of C2SP tlog-tiles, whose tiles have 256 hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from hashlib import sha256

from dure.services.carbon.transparency.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Range,
    consistency_ranges,
    inclusion_ranges,
    node_hash,
)

HEIGHT = 4
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES
PAIR_BYTES = 2 * HASH_BYTES
PUBLIC_WIDTH = 256  # hashes of a tile as others fetch it (C2SP tlog-tiles)

Tile = tuple[int, int]  # level, number
Tiles = Mapping[Tile, bytes]
Read = Callable[[Collection[Tile]], Tiles]
_Node = tuple[int, int]  # height, number: a complete subtree of 2^height leaves


def grown(size: int, edge: Tiles, leaves: Sequence[bytes]) -> dict[Tile, bytes]:
    """The tiles that are new or longer once these leaf hashes stand behind the first `size`.

    Parameters
    ----------
    edge : the last tile of every level (`edge_of`), where it is neither empty nor full
    """
    changed: dict[Tile, bytes] = {}
    level, begin, added = 0, size, list(leaves)
    while added:
        number = begin // WIDTH
        hashes = _hashes(edge[level, number]) + added if begin % WIDTH else added
        full = len(hashes) // WIDTH * WIDTH
        for at in range(0, len(hashes), WIDTH):
            changed[level, number + at // WIDTH] = b"".join(hashes[at : at + WIDTH])
        level, begin, added = level + 1, number, _folded(hashes[:full], HEIGHT)
    return changed


def edge_of(size: int) -> list[Tile]:
    """The tiles that the next leaves make longer."""
    found, level = [], 0
    while size:
        if size % WIDTH:
            found.append((level, size // WIDTH))
        level, size = level + 1, size // WIDTH
    return found


def root(size: int, read: Read) -> bytes:
    """The root of the first `size` leaves."""
    return _roots([(0, size)], read)[0] if size else EMPTY_ROOT


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size`; 0 <= index < size."""
    return _roots(inclusion_ranges(index, size), read)


def consistency(first: int, second: int, read: Read) -> list[bytes]:
    """The proof that the tree of `first` leaves is the beginning of that of `second`; 0 <= first <= second."""
    return _roots(consistency_ranges(first, second), read)


def public_tile(level: int, number: int, width: int, read: Read) -> bytes:
    """The first `width` hashes of tile `number` at `level` of C2SP tlog-tiles; shorter where the tree is."""
    wanted = [(level * 2, number * WIDTH + one) for one in range((width + WIDTH - 1) // WIDTH)]
    found = read(wanted)
    return b"".join(found.get(one, b"") for one in wanted)[: width * HASH_BYTES]


def _roots(ranges: Sequence[Range], read: Read) -> list[bytes]:
    """The root of each range, of one reading."""
    parts = [list(_complete(one)) for one in ranges]
    tiles = read({tile for nodes in parts for tile in map(_tile, nodes)})
    found = []
    for nodes in parts:
        roots = [_root(node, tiles) for node in nodes]
        right = roots.pop()
        for left in reversed(roots):
            right = node_hash(left, right)
        found.append(right)
    return found


def _complete(span: Range) -> Iterator[_Node]:
    """The complete subtrees a range is made of, from the left; its start is a multiple of the largest."""
    start, end = span
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def _tile(node: _Node) -> Tile:
    height, number = node
    level, within = divmod(height, HEIGHT)
    return level, (number << within) // WIDTH


def _root(node: _Node, tiles: Tiles) -> bytes:
    height, number = node
    within = height % HEIGHT
    at = (number << within) % WIDTH * HASH_BYTES
    hashes = tiles[_tile(node)][at : at + (HASH_BYTES << within)]
    for _ in range(within):
        hashes = _neighbours_hashed(hashes)
    return hashes


def _neighbours_hashed(hashes: bytes) -> bytes:
    """The hashes one height above: as `node_hash`, of the bytes as they lie in a tile, for a proof needs some sixty of them."""
    return b"".join([sha256(b"\x01" + hashes[at : at + PAIR_BYTES]).digest() for at in range(0, len(hashes), PAIR_BYTES)])


def _folded(hashes: list[bytes], heights: int) -> list[bytes]:
    """The roots `heights` above; as many neighbours as make complete subtrees."""
    for _ in range(heights):
        pairs = iter(hashes)
        hashes = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return hashes


def _hashes(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]
