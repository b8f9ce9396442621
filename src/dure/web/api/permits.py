"""What each kind of route demands of its caller; every route takes one of these, a test sees to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer

from dure.core.access import Actor
from dure.web.access import SESSION_COOKIE, require

SeesPublicData = Annotated[Actor, Depends(require("read", "public_data"))]
SeesCityData = Annotated[Actor, Depends(require("read", "city_data"))]
SeesDevices = Annotated[Actor, Depends(require("read", "device"))]
ManagesDevices = Annotated[Actor, Depends(require("manage", "device"))]
SeesParked = Annotated[Actor, Depends(require("read", "parked"))]
ActsOnParked = Annotated[Actor, Depends(require("act", "parked"))]
SeesAudit = Annotated[Actor, Depends(require("read", "audit"))]
SeesSystem = Annotated[Actor, Depends(require("read", "system"))]
SeesDecisions = Annotated[Actor, Depends(require("read", "decision"))]
DoesFieldWork = Annotated[Actor, Depends(require("act", "field_work"))]
ActsOnAlerts = Annotated[Actor, Depends(require("act", "alert"))]
Files = Annotated[Actor, Depends(require("act", "filing"))]
SeesLedger = Annotated[Actor, Depends(require("read", "ledger"))]
Commands = Annotated[Actor, Depends(require("act", "decision"))]

# These only describe the credentials in the OpenAPI document; the gates above read them.
OfDevice = Depends(
    HTTPBearer(scheme_name="device", bearerFormat="DEVICE:SECRET", description="A device's own credential.", auto_error=False)
)
OfPerson = (
    Depends(HTTPBearer(scheme_name="session token", description="The token of a person's session.", auto_error=False)),
    Depends(APIKeyCookie(name=SESSION_COOKIE, scheme_name="session cookie", auto_error=False)),
)
