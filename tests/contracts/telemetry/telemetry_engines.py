"""Every engine of the contract, opened alike."""

from __future__ import annotations

from pathlib import Path

from dure.engines.telemetry.duckdb import DuckTelemetry


def is_vector(property_id):
    return property_id == "wind_dir"


def open_store(name, url):
    """A store by engine name and file or address."""
    assert name == "duckdb"
    return DuckTelemetry(Path(url), vectors=is_vector)


class DuckEngine:
    """DuckDB files in a folder of their own."""

    name = "duckdb"

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
