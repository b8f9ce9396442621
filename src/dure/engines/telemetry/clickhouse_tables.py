"""ClickHouse's tables, on one server or as Replicated and Distributed tables of a cluster, and what its errors mean.

Address: ``clickhouse://user:password@host:8123/database?cluster=NAME&secure=1``. With `cluster` every table `x` is a
Distributed table over `x_local`, sharded by asset. A cluster is not part of our tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import clickhouse_connect
import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from dure.core.errors import ConfigError, Corrupt, EngineError, Unavailable
from dure.core.identifiers import identifier

REPLICA = "'{replica}'"
DEDUPLICATED_INSERTS = 1000  # the server remembers the tokens of so many inserts
PARTS = (
    "property LowCardinality(String), asset String, bucket Int32, epoch UInt32, n1 UInt32, n2 UInt32, n3 UInt32, n4 UInt32,"
    " n9 UInt32, total Float64, low Float64, high Float64, east Float64, north Float64, at Int64"
)


class Table(NamedTuple):
    """One table; `version` is the column whose highest value wins among rows of one key."""

    name: str
    columns: str
    key: str
    shard: str
    version: str = ""
    partition: str = ""


TABLES = (
    Table(
        "observations",
        "property LowCardinality(String), asset String, time_us Int64, result_us Int64 CODEC(Delta, ZSTD), value Float64,"
        " flag UInt8, chk UInt8, seq Int64 CODEC(Delta, ZSTD), INDEX by_result result_us TYPE minmax GRANULARITY 1",
        "property, asset, time_us",
        "cityHash64(asset)",
        partition="toYYYYMM(fromUnixTimestamp64Micro(time_us, 'UTC'))",
    ),
    Table("series", "property LowCardinality(String), asset String", "property, asset", "cityHash64(asset)"),
    Table("cursors", "stream String, seq Int64, at Int64", "stream", "cityHash64(stream)", "at"),
    Table(
        "days",
        "property LowCardinality(String), day Int32, sealed UInt8, at Int64",
        "property, day",
        "cityHash64(property)",
        "at",
    ),
    Table("hourly", PARTS, "property, asset, bucket, epoch", "cityHash64(asset)", "at"),
    Table("daily", PARTS, "property, asset, bucket, epoch", "cityHash64(asset)", "at"),
    Table("revised", "day Int32, at Int64", "day", "cityHash64(day)", "at"),
    Table(
        "expiries",
        "property LowCardinality(String), day Int32, horizon_us Int64, phase UInt8, at Int64",
        "property, day, horizon_us",
        "cityHash64(property)",
        "at",
    ),
)


class Address(msgspec.Struct, frozen=True):
    """A telemetry address, read."""

    host: str
    port: int
    user: str
    password: str
    database: str
    cluster: str
    secure: bool

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of every request."""
        found: dict[str, Any] = {"max_partitions_per_insert_block": 0, "async_insert": 0, "lightweight_deletes_sync": 2}
        if self.cluster:
            found |= {"distributed_foreground_insert": 1, "insert_quorum": "auto", "insert_quorum_parallel": 0}
            found |= {"select_sequential_consistency": 1}
        return found

    @property
    def suffix(self) -> str:
        """What a table's own name ends in, where its rows really are."""
        return "_local" if self.cluster else ""

    @property
    def on_cluster(self) -> str:
        """The clause of a statement for every server of the cluster."""
        return f" ON CLUSTER `{self.cluster}`" if self.cluster else ""


def address_of(url: str) -> Address:
    """Read a telemetry address; refused when it is none."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "clickhouse" or not parts.hostname or set(options) - {"cluster", "secure"}:
        raise ConfigError("config.invalid", "telemetry_url must read clickhouse://user:password@host:8123/database?cluster=NAME")
    database = parts.path.strip("/") or "dure"
    if not database.replace("_", "").isalnum():
        raise ConfigError("config.invalid", f"telemetry_url names the database {database!r}: use letters, digits and '_'.")
    return Address(
        parts.hostname,
        parts.port or 8123,
        unquote(parts.username or "default"),
        unquote(parts.password or ""),
        database,
        identifier(options["cluster"], "cluster") if "cluster" in options else "",
        options.get("secure") == "1",
    )


def connect(address: Address) -> Client:
    """A client in the address's database, which is made when absent, with its tables."""
    with answering(address):
        first = _client(address, "default")
        first.command(f"CREATE DATABASE IF NOT EXISTS `{address.database}`{address.on_cluster}")
        first.close()
        client = _client(address, address.database)
        for table in TABLES:
            for statement in definition(table, address):
                client.command(statement)
    return client


def _client(address: Address, database: str) -> Client:
    return clickhouse_connect.get_client(
        host=address.host,
        port=address.port,
        username=address.user,
        password=address.password,
        database=database,
        secure=address.secure,
        settings=address.settings,
        autogenerate_session_id=False,  # threads ask side by side
        compress="lz4",
    )


def definition(table: Table, address: Address) -> list[str]:
    """Statements that make a table."""
    version = [table.version] if table.version else []
    window = ""
    if address.cluster:
        place = f"'/clickhouse/tables/{{shard}}/{address.database}/{table.name}'"
        engine = f"ReplicatedReplacingMergeTree({', '.join([place, REPLICA, *version])})"
    else:
        engine = f"ReplacingMergeTree({', '.join(version)})"
        window = f" SETTINGS non_replicated_deduplication_window = {DEDUPLICATED_INSERTS}"
    partition = f" PARTITION BY {table.partition}" if table.partition else ""
    own = f"{table.name}{address.suffix}"
    head = f"CREATE TABLE IF NOT EXISTS {own}{address.on_cluster} ({table.columns})"
    made = [f"{head} ENGINE = {engine}{partition} ORDER BY ({table.key}){window}"]
    if address.cluster:
        made.append(
            f"CREATE TABLE IF NOT EXISTS {table.name}{address.on_cluster} AS {own}"
            f" ENGINE = Distributed(`{address.cluster}`, `{address.database}`, {own}, {table.shard})"
        )
    return made


@contextmanager
def answering(address: Address) -> Iterator[None]:
    """Errors of the server as ours."""
    try:
        yield
    except (ClickHouseError, OSError) as error:
        raise _trouble(error, f"{address.host}:{address.port}") from error


FULL = {243}
DAMAGED = {40, 246, 271}
SIGN_IN = {192, 193, 194, 497, 516}


def _trouble(error: Exception, where: str) -> EngineError | ConfigError:
    code = getattr(error, "code", None)
    text = str(error)[:300]
    if code in FULL or "No space left" in text:
        return Unavailable(
            "telemetry.full", f"The disk of ClickHouse at {where} is full. Free space; nothing acknowledged is lost."
        )
    if code in DAMAGED:
        return Corrupt(
            "telemetry.corrupt", f"ClickHouse at {where} cannot read a part ({text}). Restore it from a replica or backup."
        )
    if code in SIGN_IN:
        return ConfigError("telemetry.sign_in", f"ClickHouse at {where} refuses the user of telemetry_url: {text}")
    return Unavailable("telemetry.down", f"ClickHouse at {where} does not answer: {text}")
