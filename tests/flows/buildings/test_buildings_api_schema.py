"""Whatever is sent to a route of public buildings, the server never fails and keeps to its document."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from reads_running import BuildingsCity
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow
NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
bounded = settings(max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
PARTS = (
    *("/buildings/measures", "/buildings/weather", "/buildings/bridge", "/{building}/weather"),
    *("/meters/{meter}/models", "/expected", "/normal-year"),
)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("schema"), NOON).begun()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def api_schema(city):
    client = city.signed_in("admin")
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    schema.config.update(base_url=city.url)
    return schema, dict(client.headers)


@pytest.mark.parametrize("part", PARTS)
def test_no_request_makes_the_server_fail(api_schema, part):
    schema, headers = api_schema
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if part not in operation.path:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @bounded
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case):
                case.call_and_validate(headers={"Authorization": headers["authorization"]}, checks=CHECKS)

            try:
                send()
            except Unsatisfiable:  # an operation without parameters has nothing that could be wrong
                continue
            tried += 1
    assert tried
