"""The transparency log at a million entries; ``make bench NAME=log``.

Ours beside pymerkle (group oracles; GPL, only here and in tests) in one run: appending to the tree, proofs, checking them. Ours
is read from a real SQLite file, tile by tile; the peer keeps its tree in memory. Times are CPU time of this thread, so that a
busy machine counts less; the verifier is a process of its own, its CPU and wall time are told. Every bit of a bundle is flipped
in turn, and of a proof of growth too.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from report import Row, tell, write
from sqlalchemy import Connection, insert, update

from dure.engines.records import tables_carbon_transparency as tables
from dure.engines.records.store import Records
from dure.services.carbon.transparency import bundles, canonical, dure_verify, log_records, notes, tiles
from dure.services.carbon.transparency.bundles import Proven
from dure.services.carbon.transparency.checkpoint import Checkpoint
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.merkle import consistent, included, leaf_hash
from dure.services.carbon.transparency.staging import leaf_of, stage

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
ORIGIN = "city.example/carbon-log"
BATCH = 10_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = notes.Key(ORIGIN, KEY.public_key().public_bytes_raw())


class Sizes(NamedTuple):
    entries: int
    peer_entries: int
    proofs: int
    through_records: int


def claim(n: int) -> Entry:
    """A claim as the claim desk lays it down."""
    body: dict[str, Any] = {
        "id": f"clm-{n:020x}", "event": f"origin-cs-{n % 500}-2026-11-22", "programme": "city-verified", "holder": "city",
        "tier": "A", "quantity": 50_000, "unit": "Wh", "grams": 22_740, "point_grams": 22_970, "won": 0, "state": "awarded",
        "method": "renewable-charging@1", "factors": ["electricity-public-2020"], "readings_sha256": f"{n:064x}", "reason": "",
        "made_at": "2026-11-24T03:00:00Z",
        "stretches": [{"source": f"charging/cs-{n % 500}/pv-to-ev", "attribute": "renewable", "start": "2026-11-21T15:00:00Z",
                       "end": "2026-11-22T15:00:00Z"}],
        "formula": {
            "language": dure_verify.LANGUAGE,
            "inputs": {"pv_wh": "40000", "ess_pv_wh": "10000", "grid_g_kwh": "45941/100", "meter_share": "1/100"},
            "sources": {"pv_wh": "event:wh.pv", "ess_pv_wh": "event:wh.ess_pv", "grid_g_kwh": "factor:electricity-public-2020"},
            "steps": [
                {"out": "renewable_wh", "do": "add", "of": ["pv_wh", "ess_pv_wh"]},
                {"out": "renewable_kwh", "do": "div", "of": ["renewable_wh", "1000"]},
                {"out": "point_g", "do": "mul", "of": ["renewable_kwh", "grid_g_kwh"]},
                {"out": "uncertain_g", "do": "mul", "of": ["point_g", "meter_share"]},
                {"out": "credit_g", "do": "sub", "of": ["point_g", "uncertain_g"]},
            ],
        },
    }  # fmt: skip
    return Entry(kind="claim", id=f"clm-{n:020x}", at=NOW, body=body)


def cpu_s(work: Callable[[], object]) -> float:
    begun = time.thread_time()
    work()
    return time.thread_time() - begun


def each_ms(works: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """Median and 99th percentile of CPU time [ms]."""
    found = [cpu_s(one) * 1_000 for one in works]
    return float(np.percentile(found, 50)), float(np.percentile(found, 99))


class Grown(NamedTuple):
    hashing_s: float
    tree_s: float


def fill(connection: Connection, sizes: Sizes) -> Grown:
    """A log of so many claims in the records; how long hashing leaves and growing the tree took by themselves."""
    read = log_records.reading(connection)
    template = leaf_of(claim(0)).decode()
    hashing_s = tree_s = 0.0
    for start in range(0, sizes.entries, BATCH):
        numbers = range(start, min(sizes.entries, start + BATCH))
        leaves = [template.replace(f"{0:020x}", f"{n:020x}") for n in numbers]
        raw = [one.encode() for one in leaves]
        begun = time.thread_time()
        hashes = [leaf_hash(one) for one in raw]
        hashed = time.thread_time()
        edge = read(tiles.edge_of(start))
        again = time.thread_time()
        changed = tiles.grown(start, edge, hashes)
        hashing_s, tree_s = hashing_s + hashed - begun, tree_s + time.thread_time() - again
        log_records.put_tiles(connection, changed)
        rows = [
            {"place": n, "id": f"claim/clm-{n:020x}", "at": NOW, "placed_at": NOW, "leaf": leaf}
            for n, leaf in zip(numbers, leaves, strict=True)
        ]
        connection.execute(insert(tables.carbon_log_entries), rows)
    connection.execute(update(tables.carbon_log_state).values(size=sizes.entries))
    return Grown(hashing_s, tree_s)


def signed(size: int, root: bytes) -> bundles.Signed:
    text = Checkpoint(ORIGIN, size, root).text()
    return bundles.Signed(notes.Note(text, (notes.sign(text, ORIGIN, KEY),)), [PUBLIC])


def through_records(records: Records, folder: Path, count: int) -> float:
    """Entries a second from laying down to places, tiles and a signed checkpoint, in transactions of SQLite."""
    desk = LogDesk(records, folder, ORIGIN)
    desk.place(NOW, 1)
    entries = [claim(n) for n in range(count)]
    cpu = cpu_s(lambda: _laid_down(records, entries, desk))
    return count / cpu


def _laid_down(records: Records, entries: list[Entry], desk: LogDesk) -> None:
    for at in range(0, len(entries), 1_000):
        with records.begin() as connection:
            stage(connection, entries[at : at + 1_000])
    while desk.place(NOW, BATCH).entries:
        pass


def missed_bits(content: bytes) -> int:
    """Flipped bits after which every check still says yes."""
    assert all(one.ok for one in dure_verify.checks(content))
    missed = 0
    for bit in range(len(content) * 8):
        at = bit // 8
        changed = content[:at] + bytes([content[at] ^ 1 << bit % 8]) + content[at + 1 :]
        missed += all(one.ok for one in dure_verify.checks(changed))
    return missed


def offline(folder: Path, content: bytes) -> tuple[float, float]:
    """Wall and CPU seconds of the one-file verifier in a process of its own, the fastest of eleven: others have the cores too."""
    (folder / "bundle.json").write_bytes(content)
    (folder / "dure_verify.py").write_bytes(Path(dure_verify.__file__).read_bytes())
    walls, cpus = [], []
    for _ in range(11):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", "-S", "dure_verify.py", "bundle.json", "--key", PUBLIC.text()],
            cwd=folder, capture_output=True, check=False,
        )  # fmt: skip
        walls.append(time.perf_counter() - begun)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.returncode == 0, done.stdout
    return min(walls), min(cpus)


class Peer(NamedTuple):
    """The same questions asked of pymerkle; None where it is not installed."""

    append: float | None = None
    inclusion_ms: tuple[float | None, float | None] = (None, None)
    consistency_ms: tuple[float | None, float | None] = (None, None)


def peer(sizes: Sizes, chance: Random) -> Peer:
    try:
        import pymerkle
    except ImportError:
        print("pymerkle is not installed (group oracles): no peer in this run")
        return Peer()
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    leaf = leaf_of(claim(0))
    leaves = [leaf + b"%d" % n for n in range(sizes.peer_entries)]
    cpu = cpu_s(lambda: [tree.append_entry(one) for one in leaves])
    size = sizes.peer_entries
    places = [chance.randrange(1, size) for _ in range(200)]
    inclusion = each_ms([lambda place=place: tree.prove_inclusion(place, size) for place in places])
    consistency = each_ms([lambda place=place: tree.prove_consistency(place, size) for place in places])
    return Peer(size / cpu, inclusion, consistency)


def rows(sizes: Sizes, folder: Path) -> list[Row]:
    chance = Random(7)  # noqa: S311  # the same places in every run
    other = peer(sizes, chance)
    small = Records(f"sqlite:///{folder}/small.db")
    small.migrate()
    whole = through_records(small, folder / "small", sizes.through_records)
    small.close()
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    LogDesk(records, folder / "data", ORIGIN).place(NOW, 1)
    with records.begin() as connection:
        grown = fill(connection, sizes)
    with records.read() as connection:
        found = _proofs(connection, sizes, chance, folder)
    records.close()
    name, size = f"pymerkle, {sizes.peer_entries:,} in memory", f"{sizes.entries:,} entries"
    tree_s = grown.hashing_s + grown.tree_s
    told = [
        Row(figure=f"append to the tree, leaf hashes included, {size}", ours=sizes.entries / tree_s, unit="entries/s (CPU)",
            better="higher", bar=100_000, peer=other.append, peer_name=name, limit=sizes.entries / grown.hashing_s),
        Row(figure="laid down, placed, tiles and checkpoint kept (SQLite)", ours=whole, unit="entries/s (CPU)", better="higher"),
    ]  # fmt: skip
    for what, ours, theirs in (
        ("inclusion proof", found.inclusion, other.inclusion_ms),
        ("consistency proof", found.consistency, other.consistency_ms),
    ):
        for n, percentile in enumerate(("p50", "p99")):
            figure = f"{what} from the records, {size}, {percentile}"
            timed = {"ours": ours[n], "peer": theirs[n], "peer_name": name}
            told.append(Row(figure=figure, unit="ms (CPU)", better="lower", bar=1.0, **timed))
    return [
        *told,
        Row(figure="checking an inclusion proof, p50", ours=found.check_ms, unit="ms (CPU)", better="lower", bar=1.0),
        Row(figure="one-file verifier on a bundle, wall, fastest of 11", ours=found.wall_s, unit="s", better="lower", bar=1.0),
        Row(figure="one-file verifier on a bundle, CPU, fastest of 11", ours=found.cpu_s, unit="s", better="lower", bar=1.0),
        Row(figure=f"flipped bits missed of {found.bits:,}", ours=found.missed, unit="bits", better="lower", bar=0),
        Row(figure=f"pairs of checkpoints without proof of {sizes.proofs:,}", ours=found.unproven, unit="pairs", better="lower",
            bar=0),
    ]  # fmt: skip


class Proofs(NamedTuple):
    inclusion: tuple[float, float]
    consistency: tuple[float, float]
    check_ms: float
    wall_s: float
    cpu_s: float
    bits: int
    missed: int
    unproven: int


def _proofs(connection: Connection, sizes: Sizes, chance: Random, folder: Path) -> Proofs:
    size, read = sizes.entries, log_records.reading(connection)
    root = tiles.root(size, read)
    places = [chance.randrange(size) for _ in range(sizes.proofs)]
    pairs = [sorted(chance.randrange(1, size) for _ in range(2)) for _ in range(sizes.proofs)]
    inclusion = each_ms([lambda place=place: tiles.inclusion(place, size, read) for place in places])
    consistency = each_ms([lambda pair=pair: tiles.consistency(pair[0], pair[1], read) for pair in pairs])
    kept = [(one, leaf_hash(log_records.leaves(connection, one, one + 1)[0].leaf.encode())) for one in places[:500]]
    proofs = [(place, leaf, tiles.inclusion(place, size, read)) for place, leaf in kept]
    assert all(included(root, size, place, leaf, proof) for place, leaf, proof in proofs)
    check = each_ms([lambda one=one: included(root, size, one[0], one[1], one[2]) for one in proofs])
    unproven = 0
    for first, second in pairs:
        heads = (first, tiles.root(first, read)), (second, tiles.root(second, read))
        unproven += not consistent(*heads, tiles.consistency(first, second, read))
    place = places[0]
    leaf = log_records.leaves(connection, place, place + 1)[0].leaf
    content = bundles.bundle(Proven(leaf, place, tiles.inclusion(place, size, read)), signed(size, root))
    first = size // 3
    growth = bundles.consistency(signed(first, tiles.root(first, read)), signed(size, root), tiles.consistency(first, size, read))
    canonical.decode(growth)
    wall, cpu = offline(folder, content)
    missed = missed_bits(content) + missed_bits(growth)
    return Proofs(inclusion, consistency, check[0], wall, cpu, 8 * (len(content) + len(growth)), missed, unproven)


def main() -> int:
    quick = "--quick" in sys.argv
    sizes = Sizes(20_000, 5_000, 200, 2_000) if quick else Sizes(1_000_000, 200_000, 2_000, 20_000)
    with tempfile.TemporaryDirectory() as place:
        found = rows(sizes, Path(place))
    (tell if quick else write)("log", found)
    return 0 if all(row.met is not False for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
