"""What a NATS server of ours is told: its places, secrets and neighbours, and the configuration file made of them."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

import msgspec
import nkeys

ACCOUNT = "CITY"
SYSTEM_ACCOUNT = "SYS"
PAYLOAD_BYTES_MAX = 1_048_576


class BusSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """Passwords of Dure's own users and the seed that signs what devices may do. Never logged."""

    password: str
    system_password: str
    issuer_seed: str
    user: str = "dure"
    system_user: str = "dure-system"

    @classmethod
    def generate(cls) -> BusSecrets:
        """New secrets from the operating system's randomness."""
        seed = nkeys.encode_seed(os.urandom(32), prefix=nkeys.PREFIX_BYTE_ACCOUNT)
        return cls(password=secrets.token_urlsafe(32), system_password=secrets.token_urlsafe(32), issuer_seed=seed.decode())

    @property
    def issuer(self) -> str:
        """Public key of the issuer."""
        public: bytes = nkeys.from_seed(self.issuer_seed.encode()).public_key
        return public.decode()

    def __repr__(self) -> str:
        return "BusSecrets(…)"


class ClusterPlace(msgspec.Struct, frozen=True):
    """A server's place among its neighbours: the port it hears them on and their ports, on the same host."""

    port: int
    neighbour_ports: tuple[int, ...]
    name: str = "dure"


class ServerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server keeps its data and what it listens on; a port of 0 picks a free one, WebSocket -1 is off."""

    data_dir: Path
    host: str = "127.0.0.1"
    nats_port: int = 0
    mqtt_port: int = 0
    websocket_port: int = -1
    binary: str = ""
    name: str = "dure"
    store_bytes_max: int = 0
    connections_max: int = 65_536
    cluster: ClusterPlace | None = None

    @property
    def folder(self) -> Path:
        """The bus's own folder."""
        return self.data_dir / "bus"


class Ports(msgspec.Struct, frozen=True):
    """Ports a server really listens on; WebSocket -1 is off. Monitoring is on loopback only."""

    nats: int
    mqtt: int
    websocket: int
    monitoring: int


def server_config(options: ServerOptions, ports: Ports, keys: BusSecrets) -> str:
    """The configuration file, in the JSON form that nats-server reads too.

    Acknowledged means kept: ``sync_interval`` is always. Devices have no entry here: they are judged by the auth
    callout, and there is neither an anonymous user nor a deny rule.
    """
    folder = options.folder.resolve()
    config: dict[str, Any] = {
        "server_name": options.name,
        "listen": f"{options.host}:{ports.nats}",
        "http": f"127.0.0.1:{ports.monitoring}",
        "pid_file": str(folder / "nats.pid"),
        "log_file": str(folder / "nats.log"),
        "logfile_size_limit": 33_554_432,
        "logfile_max_num": 4,
        "max_payload": PAYLOAD_BYTES_MAX,
        "max_connections": options.connections_max,
        "max_pending": 268_435_456,
        "max_control_line": 4096,
        "ping_interval": "30s",
        "write_deadline": "10s",
        "jetstream": _jetstream(options, folder),
        "mqtt": {"listen": f"{options.host}:{ports.mqtt}", "ack_wait": "30s", "max_ack_pending": 1000, "js_api_timeout": "30s"},
        "accounts": {
            ACCOUNT: {"jetstream": "enabled", "users": [{"user": keys.user, "password": keys.password}]},
            SYSTEM_ACCOUNT: {"users": [{"user": keys.system_user, "password": keys.system_password}]},
        },
        "system_account": SYSTEM_ACCOUNT,
        "authorization": {
            "timeout": 30,
            "auth_callout": {"issuer": keys.issuer, "account": ACCOUNT, "auth_users": [keys.user, keys.system_user]},
        },
    }
    if ports.websocket >= 0:
        config["websocket"] = {"listen": f"{options.host}:{ports.websocket}", "no_tls": True}
    if options.cluster is not None:
        config["cluster"] = {
            "name": options.cluster.name,
            "listen": f"{options.host}:{options.cluster.port}",
            "routes": [f"nats://{options.host}:{port}" for port in options.cluster.neighbour_ports],
        }
        config["mqtt"]["stream_replicas"] = len(options.cluster.neighbour_ports) + 1
    return json.dumps(config, indent=2)


def _jetstream(options: ServerOptions, folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = {"store_dir": str(folder), "sync_interval": "always"}
    if options.store_bytes_max:
        config["max_file_store"] = options.store_bytes_max
    return config
