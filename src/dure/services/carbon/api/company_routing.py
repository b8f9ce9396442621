"""Addresses of the routes of companies, with what each answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from dure.services.carbon.api.company_forms import BridgeForm, TargetForm
from dure.services.carbon.companies.activity import Activity
from dure.services.carbon.companies.activity_desk import Preview
from dure.services.carbon.companies.activity_records import Import
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.company_records import Meter
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.figure_desk import HourlyAnswer
from dure.services.carbon.companies.footprint import Footprint
from dure.services.carbon.companies.targets import Target
from dure.web.api.answers import page_schema, schema_of, told
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from dure.services.carbon.api.company_api import CompanyRoutes

READS, WRITES = (401, 403, 404, 503), (400, 401, 403, 404, 409, 503)
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file: CSV (UTF-8, UTF-16, CP949) or XLSX.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
PEOPLE = {"type": "object", "properties": {"people": {"type": "array", "items": {"type": "string"}}}}
UNDONE = {"type": "object", "properties": {"undone": {"type": "integer"}}}
HOURS = {
    "type": "object",
    "properties": {
        "hours": {"type": "integer"},
        "days": {"type": "integer"},
        "notices": {"type": "array", "items": {"type": "object"}},
    },
}
ONE = "/{company}"


def add_routes(desk: CompanyRoutes) -> APIRouter:
    """The router of companies."""
    router = APIRouter(prefix="/carbon/companies", tags=["carbon"], route_class=CheckedRoute)
    _profile(router, desk)
    _data(router, desk)
    _figures(router, desk)
    return router


def _profile(router: APIRouter, desk: CompanyRoutes) -> None:
    company = schema_of(Company)
    _get(router, "", desk.companies, "Companies", page_schema(Company))
    _post(router, "", desk.found, "Enter a company", company)
    _get(router, ONE, desk.one, "One company", company)
    router.put(ONE, summary="Change a profile", response_class=Response, responses=told(company, *WRITES))(desk.change)
    _post(router, f"{ONE}/people", desk.join, "Let a person speak for it", PEOPLE)
    _delete(router, f"{ONE}/people/{{person}}", desk.leave, "Let them speak for it no longer")
    _get(router, f"{ONE}/meters", desk.meters, "Its customer numbers", page_schema(Meter))
    _post(router, f"{ONE}/meters", desk.bind, "Enter a customer number", schema_of(Meter))
    _delete(router, f"{ONE}/meters/{{meter}}", desk.release, "Take a customer number off")


def _data(router: APIRouter, desk: CompanyRoutes) -> None:
    router.post(
        f"{ONE}/imports/preview", summary="Look at a file of activity data", response_class=Response,
        responses=told(schema_of(Preview), *WRITES, 413), openapi_extra=FILE,
    )(desk.look)  # fmt: skip
    _post(router, f"{ONE}/imports", desk.bring, "Take a file of activity data in", schema_of(Import), FILE)
    _get(router, f"{ONE}/imports", desk.imports, "Files that were brought", page_schema(Import))
    router.delete(
        f"{ONE}/imports/{{ident}}", summary="Undo a file", response_class=Response, responses=told(UNDONE, *WRITES)
    )(desk.undo)  # fmt: skip
    _get(router, f"{ONE}/activities", desk.activities, "Rows of activity data", page_schema(Activity))
    _delete(router, f"{ONE}/activities/{{ident}}", desk.undo_row, "Undo a row")
    _post(router, f"{ONE}/hours/{{role}}", desk.hours, "Bring hours of a load or a source", HOURS, FILE)


def _figures(router: APIRouter, desk: CompanyRoutes) -> None:
    _get(router, f"{ONE}/footprint", desk.footprint, "Emissions of a reporting year", schema_of(Footprint))
    _get(router, f"{ONE}/hourly", desk.hourly, "Scope 2 matched by the hour", schema_of(HourlyAnswer))
    _get(router, f"{ONE}/bridge", desk.bridge, "Why a year differs from the one before", schema_of(BridgeForm))
    _get(router, f"{ONE}/contracts", desk.contracts, "Contracts", page_schema(Contract))
    _post(router, f"{ONE}/contracts", desk.add_contract, "Enter a contract", schema_of(Contract))
    _delete(router, f"{ONE}/contracts/{{ident}}", desk.end_contract, "End a contract")
    _get(router, f"{ONE}/targets", desk.targets, "Targets and where they stand", page_schema(TargetForm))
    _post(router, f"{ONE}/targets", desk.add_target, "Enter a target", schema_of(Target))
    _delete(router, f"{ONE}/targets/{{ident}}", desk.end_target, "End a target")


def _get(router: APIRouter, path: str, route: Any, summary: str, schema: dict[str, Any]) -> None:
    router.get(path, summary=summary, response_class=Response, responses=told(schema, *READS))(route)


def _post(  # an address with what it takes and answers
    router: APIRouter, path: str, route: Any, summary: str, schema: dict[str, Any], body: dict[str, Any] | None = None
) -> None:
    refusals = (*WRITES, 413) if body else WRITES
    router.post(
        path, summary=summary, status_code=201, response_class=Response, responses=told(schema, *refusals, status=201),
        openapi_extra=body,
    )(route)  # fmt: skip


def _delete(router: APIRouter, path: str, route: Any, summary: str) -> None:
    router.delete(
        path, summary=summary, status_code=204, response_class=Response, responses=told(None, *WRITES, status=204)
    )(route)  # fmt: skip
