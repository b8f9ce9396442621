"""Settings of the program, read once: defaults, then ``dure.toml`` of the city, then ``DURE_…`` variables, then the command line.

A setting is one row below. `dure check` prints each value with its origin; docs/en/settings.md lists them all.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from dure.core.errors import ConfigError

Help = msgspec.Meta
SECRET_FIELDS = frozenset({"oidc_client_secret", "smtp_url", "records_url", "telemetry_url", "nats_password"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. Secrets that Dure makes for itself live in ``<data_dir>/secrets.json``, not here."""

    data_dir: Annotated[str, Help(description="Folder of everything Dure keeps.")] = "dure-data"
    city_dir: Annotated[str, Help(description="Folder of the city: city.toml, zones, assets, codecs.")] = ""
    http_host: Annotated[str, Help(description="Address the web face listens on. 0.0.0.0 exposes it.")] = "127.0.0.1"
    http_port: Annotated[int, Help(ge=0, le=65535, description="Port of the web face; 0 picks a free one.")] = 8600
    public_url: Annotated[str, Help(description="Address under which people reach Dure, behind a proxy.")] = ""
    nats_url: Annotated[str, Help(description="External NATS cluster, comma-separated; empty starts our own server.")] = ""
    nats_user: Annotated[str, Help(description="User of Dure at an external NATS cluster.")] = ""
    nats_password: Annotated[str, Help(description="Password of Dure at an external NATS cluster.")] = ""
    nats_server: Annotated[str, Help(description="Path of a nats-server of your own, >= 2.15.1; empty takes the wheel's.")] = ""
    bus_host: Annotated[str, Help(description="Address NATS and MQTT listen on. 0.0.0.0 exposes them.")] = "127.0.0.1"
    nats_port: Annotated[int, Help(ge=0, le=65535, description="Port of NATS; 0 picks a free one.")] = 4222
    mqtt_port: Annotated[int, Help(ge=0, le=65535, description="Port of MQTT 3.1.1; 0 picks a free one.")] = 1883
    websocket_port: Annotated[int, Help(ge=-1, le=65535, description="Port of MQTT and NATS over WebSocket; -1 is off.")] = -1
    ocpp_host: Annotated[str, Help(description="Address the central system of chargers listens on. 0.0.0.0 exposes it.")] = (
        "127.0.0.1"
    )
    ocpp_port: Annotated[int, Help(ge=-1, le=65535, description="Port of OCPP without TLS; 0 picks a free one, -1 is off.")] = (
        8887
    )
    ocpp_tls_port: Annotated[int, Help(ge=-1, le=65535, description="Port of OCPP with TLS; 0 picks a free one, -1 is off.")] = -1
    ocpp_certificate: Annotated[str, Help(description="PEM file of the central system's certificate chain.")] = ""
    ocpp_certificate_key: Annotated[str, Help(description="PEM file of that certificate's key.")] = ""
    ocpp_client_ca: Annotated[
        str,
        Help(description="PEM file of one more CA of stations' certificates, for profile 3; those signed here are good anyway."),
    ] = ""
    ocpp_per_address: Annotated[int, Help(ge=1, description="Connections of stations from one address at a time.")] = 2_000
    stream_retention_d: Annotated[int, Help(ge=1, description="Days the bus keeps readings.")] = 7
    stream_replicas: Annotated[int, Help(ge=1, le=5, description="Copies of the stream in an external cluster.")] = 1
    records_url: Annotated[str, Help(description="SQLAlchemy address of the records; empty is SQLite in data_dir.")] = ""
    telemetry_url: Annotated[str, Help(description="clickhouse://… of the telemetry; empty is a DuckDB file in data_dir.")] = ""
    archive_dir: Annotated[str, Help(description="Folder of the Parquet archive; empty is data_dir/archive.")] = ""
    quarantine_good_n: Annotated[int, Help(ge=0, description="Good readings after which a new device goes live.")] = 10
    readings_per_minute: Annotated[int, Help(ge=1, description="Readings one device may send by HTTP in a minute.")] = 600_000
    request_bytes_max: Annotated[int, Help(ge=1024, description="Largest HTTP body in bytes, after unpacking.")] = 8_388_608
    session_h: Annotated[int, Help(ge=1, description="Hours a sign-in lasts.")] = 12
    disk_free_min_mb: Annotated[int, Help(ge=0, description="Below this free space readings are refused, not lost.")] = 256
    oidc_issuer: Annotated[str, Help(description="OpenID Connect issuer; empty offers local accounts only.")] = ""
    oidc_client_id: Annotated[str, Help(description="Client id at the issuer.")] = ""
    oidc_client_secret: Annotated[str, Help(description="Client secret at the issuer.")] = ""
    oidc_roles_claim: Annotated[str, Help(description="Claim that lists a person's Dure roles.")] = "roles"
    smtp_url: Annotated[
        str, Help(description="smtp://USER:PASSWORD@HOST:587 or smtps://… of the mail server; empty sends no mail.")
    ] = ""
    mail_from: Annotated[str, Help(description="Address that mails come from; empty is dure@ and the mail server.")] = ""
    webhook_private_ok: Annotated[bool, Help(description="Lets webhooks go to this network and by http.")] = False
    workers: Annotated[int, Help(ge=0, description="Processes for heavy work; 0 is one per core.")] = 0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Help(description="Least serious line logged.")] = "info"
    log_format: Annotated[Literal["console", "json"], Help(description="Lines for people or for machines.")] = "console"

    @property
    def data(self) -> Path:
        """The data folder."""
        return Path(self.data_dir)

    @property
    def archive(self) -> Path:
        """The folder of the archive."""
        return Path(self.archive_dir) if self.archive_dir else self.data / "archive"


class Origin(msgspec.Struct, frozen=True):
    """Where a setting's value came from, for `dure check`."""

    name: str
    value: object
    origin: str
    help: str

    @property
    def shown(self) -> str:
        """The value as text, secrets hidden."""
        return "••••••" if self.name in SECRET_FIELDS and self.value else str(self.value)


def read_settings(
    city_dir: Path | None = None, environ: Mapping[str, str] = os.environ, overrides: Mapping[str, Any] | None = None
) -> tuple[Settings, list[Origin]]:
    """Settings and the origin of each value; a wrong or unknown one is refused by name."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    names = {field.name: field for field in msgspec.structs.fields(Settings)}

    def take(found: Mapping[str, Any], origin: str) -> None:
        for name, value in found.items():
            if name not in names:
                raise ConfigError("config.unknown", f"{origin}: there is no setting {name!r}.")
            values[name] = value
            origins[name] = origin

    if city_dir is not None:
        take({"city_dir": str(city_dir)}, "command line")
        file = city_dir / "dure.toml"
        if file.exists():
            take(_read_toml(file), str(file))
    take(
        {name: environ[f"DURE_{name.upper()}"] for name in names if f"DURE_{name.upper()}" in environ},
        "environment",
    )
    take({k: v for k, v in (overrides or {}).items() if v is not None}, "command line")
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError("config.invalid", f"A setting is wrong: {error}") from error
    return settings, [
        Origin(name, getattr(settings, name), origins.get(name, "default"), _help(field)) for name, field in names.items()
    ]


def _help(field: msgspec.structs.FieldInfo) -> str:
    info = msgspec.inspect.type_info(field.type)
    extra = getattr(info, "extra_json_schema", None) or {}
    return str(extra.get("description", ""))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("config.unreadable", f"{file}: {error}") from error
