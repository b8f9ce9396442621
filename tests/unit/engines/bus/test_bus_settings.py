"""The configuration of the server says what it must and nothing that opens a door."""

import json
from pathlib import Path

import pytest

from dure.engines.bus.settings import BusSecrets, ClusterPlace, Ports, ServerOptions, server_config

PORTS = Ports(4222, 1883, -1, 8222)


@pytest.fixture
def config(tmp_path):
    def made(ports=PORTS, **options):
        return json.loads(server_config(ServerOptions(data_dir=tmp_path, **options), ports, BusSecrets.generate()))

    return made


def test_it_syncs_always_and_listens_on_loopback_by_default(config):
    made = config()

    assert made["jetstream"]["sync_interval"] == "always"
    assert (made["listen"], made["mqtt"]["listen"], made["http"]) == ("127.0.0.1:4222", "127.0.0.1:1883", "127.0.0.1:8222")


def test_monitoring_stays_on_loopback_when_the_bus_is_exposed(config):
    made = config(host="0.0.0.0")

    assert (made["listen"], made["http"]) == ("0.0.0.0:4222", "127.0.0.1:8222")


def test_nobody_is_let_in_without_a_credential_and_nothing_is_denied_by_exception(config):
    text = json.dumps(config())

    assert "no_auth_user" not in text
    assert "deny" not in text


def test_websocket_is_off_unless_asked_for(config):
    assert "websocket" not in config()
    assert config(Ports(4222, 1883, 9001, 8222))["websocket"]["listen"] == "127.0.0.1:9001"


def test_a_cluster_knows_its_neighbours_and_copies_mqtt_sessions(config):
    made = config(cluster=ClusterPlace(6222, (6223, 6224)))

    assert made["cluster"]["routes"] == ["nats://127.0.0.1:6223", "nats://127.0.0.1:6224"]
    assert made["mqtt"]["stream_replicas"] == 3


def test_the_issuer_is_an_account_key():
    assert BusSecrets.generate().issuer.startswith("A")


def test_data_stays_in_the_data_folder(config, tmp_path):
    made = config()

    assert all(Path(made[key]).is_relative_to(tmp_path.resolve()) for key in ("pid_file", "log_file"))
