"""An archive beside a real telemetry store."""

from __future__ import annotations

import pytest
from archive_rows import is_vector

from dure.engines.archive.folder import Archive
from dure.engines.telemetry.duckdb import DuckTelemetry


@pytest.fixture
def telemetry(tmp_path):
    store = DuckTelemetry(tmp_path / "t.duckdb", vectors=is_vector)
    yield store
    store.close()


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive", "hwaseong", kind_of=lambda asset: "bin" if asset.startswith("bin") else "")
