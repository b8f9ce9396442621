"""Whatever is sent to any address of the OpenAPI document, the server never fails and keeps to the document."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.slow
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
bounded = settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def openapi(running):
    return httpx.get(f"{running.url}/api/v1/openapi.json").json()


@pytest.fixture(scope="session")
def api_schema(running, openapi):
    paths = {path: item for path, item in openapi["paths"].items() if path != "/api/v1/stream"}  # an answer that never ends
    schema = schemathesis.openapi.from_dict(openapi | {"paths": paths})
    schema.config.update(base_url=running.url)
    return schema


def attack(schema, headers, only=""):
    """Send what fits the document and what does not to each of its operations; the operations tried."""
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if only not in operation.path:
            continue
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
    return tried


def test_no_request_of_an_admin_makes_the_server_fail(api_schema, running):
    assert len(attack(api_schema, {"Authorization": f"Bearer {running.tokens['admin']}"})) >= 40


def test_no_request_of_a_device_makes_the_server_fail(api_schema, running):
    headers = {"Authorization": f"Bearer dev-st-07:{running.secrets['st-07']}"}
    assert len(attack(api_schema, headers, "/readings")) == 2
    assert len(attack(api_schema, headers, "/hooks")) == 4


def test_no_request_of_a_visitor_makes_the_server_fail(api_schema):
    assert attack(api_schema, {}, "/assets")


def test_the_document_names_every_route_with_summary_and_refusals(openapi):
    assert len(openapi["paths"]) >= 25
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert "422" in operation["responses"], (method, path)
