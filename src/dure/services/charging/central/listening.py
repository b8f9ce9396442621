"""Where the central system listens, by the settings; others find it by a file in the data folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import ConfigError
from dure.engines.websocket.listening import tls_context
from dure.services.charging.stations.certificates import authority_of

if TYPE_CHECKING:
    import ssl
    from contextlib import AsyncExitStack

    from dure.config import Settings
    from dure.engines.websocket.listening import Server
    from dure.spine.house import House

ADDRESS_FILE = "csms.json"
OFF = -1


class CsmsAddress(msgspec.Struct, frozen=True):
    """Where stations connect: ``ws://host:port/ocpp/IDENTITY``, ``wss://host:tls_port/ocpp/IDENTITY``. -1: off."""

    host: str
    port: int
    tls_port: int
    pid: int = 0


def csms_address(settings: Settings) -> CsmsAddress:
    """Where the central system of a data folder is reached.

    Raises
    ------
    ConfigError : none runs (``csms.not_running``)
    """
    try:
        return msgspec.json.decode((settings.data / ADDRESS_FILE).read_bytes(), type=CsmsAddress)
    except FileNotFoundError:
        raise ConfigError("csms.not_running", f"No central system runs in {settings.data}. Start it with `dure up`.") from None


async def listen(house: House, server: Server, stack: AsyncExitStack) -> tuple[int, int]:
    """Listen where the settings say; the ports, -1 where it is off."""
    settings = house.settings
    port = tls_port = OFF
    try:
        if settings.ocpp_port != OFF:
            port = await server.listen(settings.ocpp_host, settings.ocpp_port)
        if settings.ocpp_tls_port != OFF:
            tls_port = await server.listen(settings.ocpp_host, settings.ocpp_tls_port, await tls_of(house))
    except ConfigError as error:
        if error.code != "websocket.port_taken":
            raise
        raise ConfigError("csms.port_taken", f"{error.message} Set DURE_OCPP_PORT or DURE_OCPP_TLS_PORT to another.") from error
    file = settings.data / ADDRESS_FILE
    file.write_bytes(msgspec.json.encode(CsmsAddress(settings.ocpp_host, port, tls_port, os.getpid())))
    stack.callback(file.unlink, missing_ok=True)
    return port, tls_port


async def tls_of(house: House) -> ssl.SSLContext:
    """TLS as the settings say. Certificates of stations may be of our own authority, which signs what they ask for (A02)."""
    settings = house.settings
    if not settings.ocpp_certificate or not settings.ocpp_certificate_key:
        raise ConfigError(
            "csms.no_certificate", "ocpp_tls_port needs ocpp_certificate and ocpp_certificate_key: PEM files of a certificate."
        )
    client_ca = Path(settings.ocpp_client_ca) if settings.ocpp_client_ca else None
    own = await asyncio.to_thread(authority_of, settings.data, house.city.name.en or house.city.id, house.clock.now())
    return tls_context(Path(settings.ocpp_certificate), Path(settings.ocpp_certificate_key), client_ca, own.pem)
