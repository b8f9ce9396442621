"""Every engine of the contract, opened alike."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

from dure.engines.telemetry.clickhouse import ClickHouseTelemetry
from dure.engines.telemetry.clickhouse_copies import restore
from dure.engines.telemetry.duckdb import DuckTelemetry

NUMBERS = itertools.count()


def is_vector(property_id):
    return property_id == "wind_dir"


def open_store(name, url):
    """A store by engine name and file or address."""
    if name == "duckdb":
        return DuckTelemetry(Path(url), vectors=is_vector)
    return ClickHouseTelemetry(url, vectors=is_vector, quiet_s=0.0)


class Wire:
    """chDB behind ClickHouse's HTTP interface, in a process of its own."""

    def __init__(self, folder, port=0):
        self.folder = folder
        script = Path(__file__).parent / "clickhouse_wire.py"
        self._process = subprocess.Popen([sys.executable, str(script), str(folder), str(port)], stdout=subprocess.PIPE, text=True)
        self.port = int(self._process.stdout.readline())

    def url(self, database):
        return f"clickhouse://dure:wire-secret@127.0.0.1:{self.port}/{database}"

    def kill(self):
        self._process.kill()
        self._process.communicate()


class DuckEngine:
    """DuckDB files in a folder of their own."""

    name = "duckdb"
    kills = 8

    def __init__(self, folder):
        self._folder = folder
        self._stores = []

    def url(self, name="t"):
        return str(self._folder / f"{name}.duckdb")

    def store(self, name="t"):
        self._stores.append(open_store(self.name, self.url(name)))
        return self._stores[-1]

    def restore(self, folder):
        self._stores.append(open_store(self.name, folder / "telemetry.duckdb"))
        return self._stores[-1]

    def close(self):
        for store in self._stores:
            store.close()


class ClickHouseEngine(DuckEngine):
    """Databases of their own in one wire."""

    name = "clickhouse"
    kills = 4

    def __init__(self, wire):
        super().__init__(wire.folder)
        self._wire = wire
        self._number = next(NUMBERS)

    def url(self, name="t"):
        return self._wire.url(f"t{self._number}_{name}")

    def restore(self, folder):
        restore(self.url("restored"), str(folder))
        return self.store("restored")
