"""Downloads: the rows of some series as CSV or Parquet, series by series in time order."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dure.core.observations import Check, SeriesKey
from dure.engines.archive.parquet import COPY_OPTIONS, quoted, workbench
from dure.engines.telemetry.port import SeriesColumns, Telemetry

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER = ("asset", "property", "phenomenon_time", "result_time", "value", "flag", "check", "unit")
CHUNK_ROWS = 50_000
BOM = b"\xef\xbb\xbf"


class Selection(msgspec.Struct, frozen=True):
    """What to download: series, a half-open interval of phenomenon time, and optionally as it was known at an instant."""

    keys: Sequence[SeriesKey]
    start_us: int
    end_us: int
    as_of_us: int | None = None


def chunks(telemetry: Telemetry, selection: Selection) -> Iterator[tuple[SeriesKey, SeriesColumns]]:
    """The selected rows in chunks of one series each."""
    for key in sorted(selection.keys):
        start_us = selection.start_us
        while True:
            found = telemetry.series(key, start_us, selection.end_us, as_of_us=selection.as_of_us, limit=CHUNK_ROWS)
            if len(found.time_us):
                yield key, found
            if len(found.time_us) < CHUNK_ROWS:
                break
            start_us = int(found.time_us[-1]) + 1


def csv_chunks(
    telemetry: Telemetry, selection: Selection, unit_of: Callable[[str], str], *, bom: bool = False
) -> Iterator[bytes]:
    """UTF-8 CSV with a header, RFC 4180; `bom` is for Excel. A missing value is empty. Times are RFC 3339 UTC."""
    yield (BOM if bom else b"") + _lines([HEADER])
    for (asset, property_id), found in chunks(telemetry, selection):
        columns = (
            _instants(found.time_us),
            _instants(found.result_us),
            ["" if value != value else repr(value) for value in found.value.tolist()],  # noqa: PLR0124  # NaN is unlike itself
            found.flag.tolist(),
            _checks(found.check),
        )
        unit = unit_of(property_id)
        yield _lines((asset, property_id, *row, unit) for row in zip(*columns, strict=True))


def write_parquet(telemetry: Telemetry, selection: Selection, unit_of: Callable[[str], str], path: Path) -> int:
    """The same rows as a Parquet file at `path`; the number of rows."""
    with workbench(path.parent / f".{path.name}.spill") as bench:
        bench.execute(
            "CREATE TABLE rows (asset VARCHAR, property VARCHAR, time_us BIGINT, result_us BIGINT, value DOUBLE,"
            ' flag UTINYINT, "check" VARCHAR, unit VARCHAR)'
        )
        for (asset, property_id), found in chunks(telemetry, selection):
            columns: dict[str, NDArray[Any]] = {
                "time_us": found.time_us,
                "result_us": found.result_us,
                "value": found.value,
                "flag": found.flag,
                "chk": np.array(_checks(found.check), object),
            }
            bench.register("chunk", columns)
            bench.execute(
                "INSERT INTO rows SELECT ?, ?, time_us, result_us, value, flag, chk, ? FROM chunk",
                [asset, property_id, unit_of(property_id)],
            )
            bench.unregister("chunk")
        bench.execute(
            "COPY (SELECT asset, property, make_timestamp(time_us)::TIMESTAMPTZ AS phenomenon_time,"  # noqa: S608
            ' make_timestamp(result_us)::TIMESTAMPTZ AS result_time, value, flag, "check", unit FROM rows'
            f" ORDER BY rowid) TO {quoted(path)} ({COPY_OPTIONS})"
        )
        row = bench.execute("SELECT count(*) FROM rows").fetchone()
    return int(row[0]) if row else 0


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _instants(time_us: NDArray[np.int64]) -> list[str]:
    found: list[str] = np.datetime_as_string(time_us.astype("datetime64[us]"), timezone="UTC").tolist()
    return found


def _checks(check: NDArray[np.uint8]) -> list[str]:
    known = {int(one): one.name.lower() for one in Check}
    return [known.get(one, str(one)) for one in check.tolist()]
