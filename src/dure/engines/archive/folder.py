"""The archive: one sorted Parquet file per city, kind of asset and UTC day, readable in place by any engine.

``city=<city>/kind=<kind>/day=YYYY-MM-DD/part-<n>.parquet``, rows sorted by (property, asset, time). A file counts once the
catalogue names it: it is written aside, synced, renamed, its folder synced, and only then catalogued, so a kill at any
instant leaves the day as it was or as it is to be. Rows that come late make the day be written anew as part n+1; the old
file stays a day for those still reading it. Rows already archived are never dropped, also when telemetry has let them go.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from dure.core.errors import Corrupt, NotFound
from dure.core.identifiers import identifier
from dure.core.observations import Batch
from dure.core.time import US_PER_S, from_us
from dure.engines.archive.catalogue import ArchivedDay, ArchivedFile, Catalogue, FolderCatalogue
from dure.engines.archive.durable import settle
from dure.engines.archive.parquet import COPY_OPTIONS, ROWS, gather, quoted, read_chunks, workbench
from dure.engines.telemetry.port import Telemetry

DAY_US = 86_400 * US_PER_S
KEPT_AFTER_SWAP_S = 86_400
LAG_US = 8 * DAY_US  # a reading may wait in the bus for its 7 days before telemetry has it
NO_KIND = "other"


class Damage(msgspec.Struct, frozen=True):
    """A file of the archive that is not what the catalogue says."""

    day: str
    path: str
    why: str


class _CaughtUp(msgspec.Struct):
    at_us: int


class Archive:
    """The archive of one city. One process writes; any number read.

    `kind_of` gives the kind of an asset id, or "" where it is not known.
    """

    def __init__(
        self, folder: Path, city: str, catalogue: Catalogue | None = None, *, kind_of: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._folder = Path(folder)
        self._city = identifier(city, "city id")
        self._catalogue = catalogue or FolderCatalogue(self._folder / f"city={city}" / "_catalogue")
        self._kind_of = kind_of

    def days(self) -> list[ArchivedDay]:
        """Every archived day, oldest first."""
        return self._catalogue.current()

    def write_day(self, telemetry: Telemetry, start_us: int, *, now_us: int | None = None) -> ArchivedDay:
        """Archive a UTC day: what telemetry has of it, and what is archived of it already. Doing it twice changes nothing."""
        start_us = start_us // DAY_US * DAY_US
        now_us = int(datetime.now(UTC).timestamp() * US_PER_S) if now_us is None else now_us
        known = self._catalogue.get(start_us)
        with self._bench() as bench:
            bench.execute(ROWS)
            kinds = _Kinds(self._kind_of)
            gather(bench, telemetry.day(start_us, start_us + DAY_US), kinds)
            if known is not None:
                self._gather_archived(bench, known)
            files = self._write(bench, start_us)
        if known is not None and _content(files) == _content(known.files):
            for one in files:
                (self._folder / one.path).unlink()
            return known
        day = ArchivedDay(start_us, tuple(files), now_us)
        for old in known.files if known else ():
            os.utime(self._folder / old.path)  # from now on it counts as old: sweep() leaves it a day
        self._catalogue.put(day)
        return day

    def read(self, start_us: int) -> Iterator[Batch]:
        """The archived rows of a UTC day in chunks, by kind, then (property, asset, time)."""
        day = self._catalogue.get(start_us // DAY_US * DAY_US)
        if day is None:
            raise NotFound("archive.no_day", f"The day {_name(start_us)} is not archived.")
        with self._bench() as bench:
            for one in day.files:
                path = self._folder / one.path
                if not path.exists():
                    raise Corrupt("archive.corrupt", f"{path} is missing. Restore it from a backup.")
                yield from read_chunks(bench, path, one.rows)

    def verify(self) -> list[Damage]:
        """Every file whose bytes or rows are not those that were written."""
        found = []
        for day in self._catalogue.current():
            for one in day.files:
                why = self._damage(one)
                if why:
                    found.append(Damage(_name(day.start_us), one.path, why))
        return found

    def catch_up(self, telemetry: Telemetry, *, now_us: int) -> list[ArchivedDay]:
        """Archive every finished UTC day that received rows or revised flags since the last time; the days written.

        Call `expire` of telemetry only after this, with `archived_until_us()`.
        """
        today_us = now_us // DAY_US * DAY_US
        written = []
        revised = set(telemetry.revised_days(self._caught_up_us()))
        for start_us in sorted(revised.union(telemetry.touched_days(max(self._caught_up_us() - LAG_US, 0)))):
            known = self._catalogue.get(start_us)
            has_all = known and start_us not in revised and known.rows == telemetry.count(start_us, start_us + DAY_US)
            if start_us >= today_us or has_all:
                continue
            written.append(self.write_day(telemetry, start_us, now_us=now_us))
        self._mark_caught_up(now_us)
        self.sweep(now_us=now_us)
        return written

    def archived_until_us(self) -> int:
        """Rows with phenomenon and result time before this are archived; 0 when `catch_up` never ran."""
        return self._caught_up_us() // DAY_US * DAY_US

    def sweep(self, *, now_us: int) -> int:
        """Delete files that no catalogue row names and that are a day old: swapped out, or left by a kill."""
        named = {one.path for day in self._catalogue.current() for one in day.files}
        root = self._folder / f"city={self._city}"
        swept = 0
        for file in [*root.glob("kind=*/day=*/part-*.parquet"), *root.glob("kind=*/day=*/*.part")]:
            unnamed = str(file.relative_to(self._folder)) not in named
            if unnamed and file.stat().st_mtime < now_us / US_PER_S - KEPT_AFTER_SWAP_S:
                file.unlink()
                swept += 1
        return swept

    def _bench(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return workbench(self._folder / f"city={self._city}" / "_spill")

    def _gather_archived(self, bench: duckdb.DuckDBPyConnection, known: ArchivedDay) -> None:
        """Add the archived rows that telemetry no longer has."""
        for one in known.files:
            bench.execute(
                "INSERT INTO rows SELECT ?, asset, property, epoch_us(phenomenon_time), epoch_us(result_time), value, flag,"  # noqa: S608
                f' "check", seq FROM read_parquet({quoted(self._folder / one.path)}) old WHERE NOT EXISTS (SELECT 1 FROM rows r'
                " WHERE r.asset = old.asset AND r.property = old.property AND r.time_us = epoch_us(old.phenomenon_time))",
                [one.kind],
            )

    def _write(self, bench: duckdb.DuckDBPyConnection, start_us: int) -> list[ArchivedFile]:
        files = []
        for kind, rows in bench.execute("SELECT kind, count(*) FROM rows GROUP BY kind ORDER BY kind").fetchall():
            folder = self._folder / f"city={self._city}" / f"kind={kind}" / f"day={_name(start_us)}"
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"part-{_next_part(folder)}.parquet"
            part = target.with_suffix(f".{os.getpid()}.part")
            bench.execute(
                "COPY (SELECT asset, property, make_timestamp(time_us)::TIMESTAMPTZ AS phenomenon_time,"  # noqa: S608
                ' make_timestamp(result_us)::TIMESTAMPTZ AS result_time, value, flag, chk AS "check", seq FROM rows'
                f" WHERE kind = '{kind}' ORDER BY property, asset, time_us) TO {quoted(part)} ({COPY_OPTIONS})"
            )
            digest = _sha256(part)
            size = part.stat().st_size
            settle(part, target)
            files.append(ArchivedFile(target.relative_to(self._folder).as_posix(), kind, rows, size, digest))
        return files

    def _damage(self, one: ArchivedFile) -> str:
        path = self._folder / one.path
        if not path.exists():
            return "the file is missing"
        if _sha256(path) != one.sha256:
            return "the bytes have changed"
        with self._bench() as bench:
            counted = bench.execute(f"SELECT count(*) FROM read_parquet({quoted(path)})").fetchone()  # noqa: S608
        return "" if counted == (one.rows,) else f"it holds {counted} rows, not {one.rows}"

    def _caught_up_file(self) -> Path:
        return self._folder / f"city={self._city}" / "_caught-up"

    def _caught_up_us(self) -> int:
        file = self._caught_up_file()
        return msgspec.json.decode(file.read_bytes(), type=_CaughtUp).at_us if file.exists() else 0

    def _mark_caught_up(self, now_us: int) -> None:
        file = self._caught_up_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(_CaughtUp(now_us)))
        settle(part, file)


class _Kinds(dict[str, str]):
    """Kind of each asset, asked once; it becomes a folder's name, so it must be an identifier."""

    def __init__(self, kind_of: Callable[[str], str]) -> None:
        super().__init__()
        self._ask = kind_of

    def __missing__(self, asset: str) -> str:
        self[asset] = identifier(self._ask(asset) or NO_KIND, "kind")
        return self[asset]


def _content(files: tuple[ArchivedFile, ...] | list[ArchivedFile]) -> list[tuple[str, str]]:
    return sorted((one.kind, one.sha256) for one in files)


def _name(us: int) -> str:
    return from_us(us).date().isoformat()


def _next_part(folder: Path) -> int:
    taken = [int(file.name.split("-")[1].split(".")[0]) for file in folder.glob("part-*")]
    return max(taken, default=-1) + 1


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
