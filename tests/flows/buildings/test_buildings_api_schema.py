"""Whatever is sent to any address of public buildings, the server never fails and keeps to its document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from reads_running import BuildingsCity, registers
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)
bounded = settings(max_examples=4, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("schema"), NOON).begun()
    with one.device("e-main") as device:
        device.send(registers("electricity_register", NOON - timedelta(hours=50), [1_000 * n for n in range(50)]))
    one.until_rows("e-main", 50, "electricity_register")
    one.look()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def api_schema(city):
    document = httpx.get(f"{city.url}/api/v1/openapi.json", timeout=60).json()
    paths = {path: item for path, item in document["paths"].items() if path.startswith("/api/v1/buildings")}
    schema = schemathesis.openapi.from_dict(document | {"paths": paths})
    schema.config.update(base_url=city.url)
    return schema


def test_no_request_about_buildings_makes_the_server_fail(city, api_schema):
    headers = {"Authorization": city.signed_in("operator").headers["authorization"]}
    tried = []
    for found in api_schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @bounded
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case):
                case.call_and_validate(headers=headers, checks=CHECKS)

            try:
                send()
            except Unsatisfiable:  # an operation without parameters has nothing that could be wrong
                continue
            tried.append((operation.method, operation.path, mode))
    assert len(tried) >= 12
