"""The telemetry contract runs on every engine: DuckDB, and ClickHouse's SQL on chDB behind its real HTTP wire."""

from __future__ import annotations

import pytest
from telemetry_engines import ClickHouseEngine, DuckEngine, Wire


@pytest.fixture(scope="session")
def wire(tmp_path_factory):
    made = Wire(tmp_path_factory.mktemp("wire"))
    yield made
    made.kill()


@pytest.fixture(params=["duckdb", "clickhouse"])
def engine(request, tmp_path):
    made = DuckEngine(tmp_path) if request.param == "duckdb" else ClickHouseEngine(request.getfixturevalue("wire"))
    yield made
    made.close()


@pytest.fixture
def store(engine):
    return engine.store()
