"""Folding revised flags into the DuckDB file: into the rows, and into the roll-ups of rows that moved to `body` already.

`append` leaves revisions in a table of their own, in its transaction, and answers lay them over the rows they read. A
fold is one transaction too, so a kill leaves the file before or after it. Appends go on meanwhile: they only add to
`revisions` and `tail`. The hours touched are summed anew from their rows, and their days from the hours. An hour whose
rows are not all there any more keeps the sums it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from dure.engines.telemetry.columns import DAY_US, HOUR_US

HOURS_PER_DAY = DAY_US // HOUR_US


class Span:
    """The least span of series and time that holds some revisions: it keeps a scan short, for rows lie sorted by both."""

    def __init__(self, series_min: int, series_max: int, time_min: int, time_max: int) -> None:
        self._series = (int(series_min), int(series_max))
        self._times = (int(time_min), int(time_max))

    def rows(self, table: str, bucket_us: int = 1) -> str:
        """The condition for rows of a table; with a bucket, of every bucket that is touched."""
        first, last = (one // bucket_us for one in self._times)
        return (
            f"{table}.series BETWEEN {self._series[0]} AND {self._series[1]}"
            f" AND {table}.time_us >= {first * bucket_us} AND {table}.time_us < {(last + 1) * bucket_us}"
        )

    def buckets(self, table: str, bucket_us: int) -> str:
        """The condition for roll-up parts of a table."""
        first, last = (one // bucket_us for one in self._times)
        return f"{table}.series BETWEEN {self._series[0]} AND {self._series[1]} AND {table}.bucket BETWEEN {first} AND {last}"


class Fold:
    """The statements of one fold, inside a transaction of the caller's.

    `new_run` numbers a sorted run of a roll-up table; `hour_parts` is the SQL of the hourly parts of some rows; `sums` and
    `order` say how roll-up parts become one, and how a table of them is sorted.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        new_run: Callable[[str], int],
        hour_parts: Callable[[str], str],
        sums: Sequence[str],
        order: str,
    ) -> None:
        self._db = connection
        self._new_run = new_run
        self._hour_parts = hour_parts
        self._sums = sums
        self._order = order

    def run(self) -> int:
        """Fold everything that is pending; the number of the last revision folded, 0 when there was none."""
        ((upto, at_us, *span),) = self._db.execute(
            "SELECT max(n), max(at_us), min(series), max(series), min(time_us), max(time_us) FROM revisions"
        ).fetchall()
        if upto is None:
            return 0
        self._table(
            "last",
            "SELECT series, time_us, arg_max(flag, n) AS flag, arg_max(chk, n) AS chk FROM revisions GROUP BY series, time_us",
        )
        self._db.execute(
            "UPDATE tail SET flag = r.flag, chk = r.chk FROM last r WHERE tail.series = r.series AND tail.time_us = r.time_us"
        )
        self._change_body(Span(*span))
        day = f"(time_us // {DAY_US})::INTEGER"
        self._db.execute(f"DELETE FROM revised WHERE day IN (SELECT {day} FROM last)")  # noqa: S608  # numbers of ours only, here and below
        self._db.execute(f"INSERT INTO revised SELECT DISTINCT {day}, ? FROM last", [at_us])  # noqa: S608
        self._db.execute("DELETE FROM revisions WHERE n <= ?", [upto])
        return int(upto)

    def _change_body(self, span: Span) -> None:
        changed = self._table(
            "changed",
            "SELECT b.series, b.time_us, r.flag, r.chk, b.flag <> r.flag AS counts FROM body b"  # noqa: S608
            f" JOIN last r USING (series, time_us) WHERE {span.rows('b')} AND (b.flag <> r.flag OR b.chk <> r.chk)",
        )
        if not changed:
            return
        self._db.execute(
            "UPDATE body SET flag = r.flag, chk = r.chk FROM changed r"  # noqa: S608
            f" WHERE body.series = r.series AND body.time_us = r.time_us AND {span.rows('body')}"
        )
        if self._whole_hours(span):
            self._sum_hours(span)
            self._sum_days(span)

    def _whole_hours(self, span: Span) -> int:
        """Find the hours whose sums changed and whose rows are all there."""
        self._table(
            "touched",
            f"SELECT DISTINCT series, (time_us // {HOUR_US})::INTEGER AS bucket FROM changed WHERE counts",  # noqa: S608
        )
        return self._table(
            "hours",
            "SELECT series, bucket FROM (SELECT b.series, t.bucket, count(*) AS n FROM body b JOIN touched t"  # noqa: S608
            f" ON t.series = b.series AND t.bucket = b.time_us // {HOUR_US} WHERE {span.rows('b', HOUR_US)}"
            " GROUP BY b.series, t.bucket) JOIN (SELECT h.series, h.bucket, sum(n1 + n2 + n3 + n4 + n9) AS n FROM hourly h"
            f" JOIN touched USING (series, bucket) WHERE {span.buckets('h', HOUR_US)} GROUP BY h.series, h.bucket)"
            " USING (series, bucket, n)",
        )

    def _sum_hours(self, span: Span) -> None:
        self._db.execute(
            f"DELETE FROM hourly WHERE {span.buckets('hourly', HOUR_US)}"  # noqa: S608
            " AND (series, bucket) IN (SELECT series, bucket FROM hours)"
        )
        rows = (
            f"(SELECT b.* FROM body b JOIN hours h ON h.series = b.series AND h.bucket = b.time_us // {HOUR_US}"  # noqa: S608
            f" WHERE {span.rows('b', HOUR_US)})"
        )
        self._db.execute(
            f"INSERT INTO hourly SELECT prop, series, bucket, {self._new_run('hourly')}, n1, n2, n3, n4, n9, total, low, high,"  # noqa: S608
            f" east, north FROM ({self._hour_parts(rows)}) ORDER BY {self._order}"
        )

    def _sum_days(self, span: Span) -> None:
        """Sum the days of those hours anew, from all their hours."""
        self._table(
            "days",
            "SELECT d.series, d.bucket, max(d.last_us) AS last_us FROM daily d"  # noqa: S608
            f" WHERE {span.buckets('d', DAY_US)} AND (d.series, d.bucket) IN"
            f" (SELECT series, (bucket // {HOURS_PER_DAY})::INTEGER FROM hours) GROUP BY d.series, d.bucket",
        )
        self._db.execute(
            f"DELETE FROM daily WHERE {span.buckets('daily', DAY_US)} AND (series, bucket) IN (SELECT series, bucket FROM days)"  # noqa: S608
        )
        self._db.execute(
            f"INSERT INTO daily SELECT prop, series, day AS bucket, {self._new_run('daily')} AS run, {', '.join(self._sums)},"  # noqa: S608
            f" max(last_us) FROM (SELECT h.* EXCLUDE (bucket), d.bucket AS day, d.last_us FROM hourly h JOIN days d"
            f" ON d.series = h.series AND d.bucket = h.bucket // {HOURS_PER_DAY}) GROUP BY prop, series, day"
            f" ORDER BY {self._order}"
        )

    def _table(self, name: str, query: str) -> int:
        """Make a table of this connection's own; its rows."""
        self._db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        ((rows,),) = self._db.execute(f"SELECT count(*) FROM {name}").fetchall()  # noqa: S608
        return int(rows)
