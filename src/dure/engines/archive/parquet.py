"""Batches into Parquet files and back, by DuckDB in memory. Times are UTC timestamps in µs; missing values are null."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from dure.core.errors import Corrupt, Unavailable
from dure.core.observations import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS = (
    "CREATE TABLE rows (kind VARCHAR, asset VARCHAR, property VARCHAR, time_us BIGINT, result_us BIGINT, value DOUBLE,"
    " flag UTINYINT, chk UTINYINT, seq BIGINT)"
)
COPY_OPTIONS = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880"
CHUNK_ROWS = 122_880
MEMORY_MB = 512


@contextmanager
def workbench(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB in memory, spilling into a folder when a day is large; its errors are ours."""
    connection = duckdb.connect(
        config={
            "memory_limit": f"{MEMORY_MB}MB",
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    except (duckdb.Error, OSError) as error:
        text = str(error)
        if "No space left" in text or "Disk quota" in text:
            raise Unavailable("archive.full", "The disk of the archive is full. Free space; the day is written later.") from error
        if isinstance(error, duckdb.IOException | OSError):
            raise Unavailable("archive.down", f"The archive cannot be read or written: {text[:300]}") from error
        raise Corrupt("archive.corrupt", f"A file of the archive cannot be read: {text[:300]}") from error
    finally:
        connection.close()


def gather(bench: duckdb.DuckDBPyConnection, batches: Iterable[Batch], kinds: dict[str, str]) -> None:
    """Put rows into the table `rows`, each with its asset's kind."""
    for batch in batches:
        chunk = {
            "kind": _text([kinds[asset] for asset, _ in batch.keys], batch.series),
            "asset": _text([asset for asset, _ in batch.keys], batch.series),
            "property": _text([property_id for _, property_id in batch.keys], batch.series),
            "time_us": batch.time_us,
            "result_us": batch.result_us,
            "value": batch.value,
            "flag": batch.flag,
            "chk": batch.check,
            "seq": batch.seq,
        }
        bench.register("chunk", chunk)
        bench.execute("INSERT INTO rows FROM chunk")
        bench.unregister("chunk")


def _text(names: Sequence[str], index: NDArray[np.int32]) -> NDArray[Any]:
    return np.array(names, object)[index]


def quoted(path: Path) -> str:
    """A path as an SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"


def read_chunks(bench: duckdb.DuckDBPyConnection, path: Path, rows: int) -> Iterator[Batch]:
    """The rows of a file in its order, in chunks."""
    for start in range(0, rows, CHUNK_ROWS):
        found = bench.execute(
            "SELECT asset, property, epoch_us(phenomenon_time) AS time_us, epoch_us(result_time) AS result_us, value, flag,"  # noqa: S608
            f' "check" AS chk, seq FROM read_parquet({quoted(path)}, file_row_number = true)'
            f" WHERE file_row_number >= {start} AND file_row_number < {start + CHUNK_ROWS} ORDER BY file_row_number"
        ).fetchnumpy()
        yield _batch(found)


def _batch(found: dict[str, Any]) -> Batch:
    asset, property_id = np.asarray(found["asset"], object), np.asarray(found["property"], object)
    new = np.ones(len(asset), bool)
    new[1:] = (asset[1:] != asset[:-1]) | (property_id[1:] != property_id[:-1])
    first = np.flatnonzero(new)
    value = found["value"]
    return Batch(
        list(zip(asset[first].tolist(), property_id[first].tolist(), strict=True)),
        (np.cumsum(new) - 1).astype(np.int32),
        np.asarray(found["time_us"], np.int64),
        np.asarray(found["result_us"], np.int64),
        np.asarray(value.filled(np.nan) if isinstance(value, np.ma.MaskedArray) else value, np.float64),
        np.asarray(found["flag"], np.uint8),
        np.asarray(found["chk"], np.uint8),
        np.asarray(found["seq"], np.int64),
    )
