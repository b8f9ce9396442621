"""Whatever is sent to any address of the OpenAPI document, the server never fails."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.openapi.checks import (
    RejectedPositiveData,
)

from conftest import ADMIN

pytestmark = pytest.mark.slow
EXAMPLES = 15


@pytest.fixture(scope="session")
def openapi(running):
    return httpx.get(f"{running.url}/api/v1/openapi.json").json()


@pytest.fixture(scope="session")
def api_schema(running, openapi):
    paths = {path: item for path, item in openapi["paths"].items() if path != "/api/v1/stream"}  # it never ends
    schema = schemathesis.openapi.from_dict(openapi | {"paths": paths})
    schema.config.update(base_url=running.url)
    return schema
