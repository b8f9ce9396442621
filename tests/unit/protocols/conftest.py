"""Shared data of the protocol tests: found through DURE_TEST_DATA or beside the repository."""

import os
from pathlib import Path

import pytest

ENVIRONMENT = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "environment"


@pytest.fixture(scope="session")
def environment_data() -> Path:
    if not ENVIRONMENT.is_dir():
        pytest.skip(f"the shared test data is not at {ENVIRONMENT}; set DURE_TEST_DATA")
    return ENVIRONMENT
