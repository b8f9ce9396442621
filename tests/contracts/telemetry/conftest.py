"""The telemetry contract runs on every engine: DuckDB, and ClickHouse's SQL on chDB behind its real HTTP wire."""

from __future__ import annotations

import pytest
from telemetry_engines import DuckEngine


@pytest.fixture
def engine(tmp_path):
    made = DuckEngine(tmp_path)
    yield made
    made.close()


@pytest.fixture
def store(engine):
    return engine.store()
