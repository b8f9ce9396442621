"""Our nats-server: started right or not at all, restarted, ended."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dure.core.errors import ConfigError, Unavailable
from dure.engines.bus.client import Bus, StreamPolicy
from dure.engines.bus.server import NatsServer, check_version, find_binary
from dure.engines.bus.settings import BusSecrets, ServerOptions

CHILD = """
import asyncio, sys
from pathlib import Path
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions

async def main():
    server = NatsServer(ServerOptions(data_dir=Path(sys.argv[1])), BusSecrets.generate())
    await server.start()
    print("pid", server.pid, flush=True)
    await server.supervise()

asyncio.run(main())
"""


def _script(tmp_path: Path, body: str) -> str:
    file = tmp_path / "a-server"
    file.write_text("#!/bin/sh\n" + body)
    file.chmod(0o755)
    return str(file)


def _alive(pid: int) -> bool:
    file = Path(f"/proc/{pid}/cmdline")
    return file.exists() and bool(file.read_bytes())


async def _gone(pid: int) -> None:
    while _alive(pid):  # noqa: ASYNC110  # not our child: nobody tells us
        await asyncio.sleep(0.01)


async def test_the_server_writes_before_it_acknowledges_and_listens_on_loopback_only(server):
    varz = await server.varz()

    assert varz["jetstream"]["config"]["sync_always"] is True
    assert (varz["host"], varz["mqtt"]["host"], varz["http_host"]) == ("127.0.0.1", "127.0.0.1", "127.0.0.1")
    assert "no_auth_user" not in json.dumps(varz)


async def test_secrets_are_readable_by_the_owner_only(server):
    file = server.options.folder / "nats.conf"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert server.secrets.password not in repr(server.secrets)


async def test_generated_secrets_differ():
    assert BusSecrets.generate() != BusSecrets.generate()


async def test_a_server_with_known_holes_is_refused(tmp_path):
    old = _script(tmp_path, "echo nats-server: v2.14.6\n")

    with pytest.raises(ConfigError) as refused:
        await NatsServer(ServerOptions(data_dir=tmp_path, binary=old), BusSecrets.generate()).start()

    assert refused.value.code == "bus.version"
    assert "2.15.1" in refused.value.message


async def test_a_server_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError) as refused:
        await NatsServer(ServerOptions(data_dir=tmp_path, binary="/nowhere/nats-server"), BusSecrets.generate()).start()

    assert refused.value.code == "bus.no_server"


def test_the_wheels_server_is_new_enough():
    assert check_version(find_binary()) >= (2, 15, 1)


async def test_a_server_that_acknowledges_before_it_writes_is_refused(tmp_path):
    real = find_binary()
    lax = _script(
        tmp_path,
        f'[ "$1" = --version ] && exec {real} --version\n'
        f'sed \'s/"sync_interval": "always"/"sync_interval": "2m"/\' "$2" > "$2.lax"\nexec {real} -c "$2.lax"\n',
    )
    server = NatsServer(ServerOptions(data_dir=tmp_path, binary=lax), BusSecrets.generate())

    with pytest.raises(ConfigError) as refused:
        await server.start()

    assert refused.value.code == "bus.not_durable"
    assert server.pid is None


@pytest.mark.parametrize("setting", ["nats_port", "mqtt_port", "websocket_port"])
async def test_a_taken_port_is_told_with_the_setting_to_change(tmp_path, setting):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        options = ServerOptions(data_dir=tmp_path, **{setting: other.getsockname()[1]})
        with pytest.raises(ConfigError) as refused:
            await NatsServer(options, BusSecrets.generate()).start()

    assert refused.value.code == "bus.port_taken"
    assert f"Set {setting} to" in refused.value.message


async def test_a_server_that_ends_at_start_says_why(tmp_path):
    real = find_binary()
    broken = _script(tmp_path, f'[ "$1" = --version ] && exec {real} --version\nexit 3\n')

    with pytest.raises(Unavailable) as refused:
        await NatsServer(ServerOptions(data_dir=tmp_path, binary=broken), BusSecrets.generate()).start()

    assert refused.value.code == "bus.start_failed"


async def test_websocket_can_be_switched_on(tmp_path):
    server = NatsServer(ServerOptions(data_dir=tmp_path, websocket_port=0), BusSecrets.generate())
    await server.start()

    assert (await server.varz())["websocket"]["port"] == server.ports.websocket
    await server.stop()


async def test_a_killed_server_is_restarted_on_the_same_ports_with_what_it_kept(server, bus):
    kept = await bus.publish("rows.c.1.d", b"before")
    ports = server.ports

    os.kill(server.pid, signal.SIGKILL)
    after = await bus.publish("rows.c.1.d", b"after", timeout_s=20)

    assert (server.ports, server.restarts) == (ports, 1)
    assert ((await bus.message(kept)).payload, after) == (b"before", kept + 1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs root to mount a small file system")
async def test_a_full_disk_refuses_and_the_bus_heals_when_there_is_room(tmp_path):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(tmp_path)], check=True)  # noqa: ASYNC221  # a blink, and nothing else runs
    server = NatsServer(ServerOptions(data_dir=tmp_path, store_bytes_max=10**10), BusSecrets.generate())
    try:
        await server.start()
        watch = asyncio.create_task(server.supervise())
        bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
        await bus.ensure_streams(StreamPolicy())
        kept = 0
        with pytest.raises(Unavailable):  # noqa: PT012  # it is the one that does not fit any more
            while kept < 200:
                kept = await bus.publish("rows.c.1.d", b"x" * 200_000, timeout_s=3)
        subprocess.run(["mount", "-o", "remount,size=200m", str(tmp_path)], check=True)  # noqa: ASYNC221  # a blink, and nothing else runs

        after = await bus.publish("rows.c.1.d", b"after", timeout_s=30)

        assert 20 < kept < 200
        assert after == kept + 1 == (await bus.state()).messages
        await bus.close()
        await server.stop()
        await watch
    finally:
        await server.stop()
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: ASYNC221  # a blink, and nothing else runs


async def test_a_store_over_its_limit_is_told_as_full(tmp_path):
    server = NatsServer(ServerOptions(data_dir=tmp_path, store_bytes_max=2_000_000), BusSecrets.generate())
    await server.start()
    bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    await bus.ensure_streams(StreamPolicy())

    with pytest.raises(Unavailable) as refused:  # noqa: PT012  # it is the one that does not fit any more
        for _ in range(20):
            await bus.publish("rows.c.1.d", b"x" * 200_000)
    await bus.close()
    await server.stop()

    assert refused.value.code == "bus.full"


async def test_a_stopped_server_stays_stopped(server):
    await server.stop()

    assert server.pid is None
    with pytest.raises(Unavailable) as refused:
        await Bus.connect(server.url, server.secrets.user, server.secrets.password, timeout_s=1)
    assert refused.value.code == "bus.unavailable"


async def test_the_server_ends_when_its_parent_is_killed(tmp_path):
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, str(tmp_path), stdout=subprocess.PIPE)
    lines = [await asyncio.wait_for(parent.stdout.readline(), 20) for _ in range(2)]
    pid = int(next(line for line in lines if line.startswith(b"pid")).split()[1])

    parent.kill()
    await parent.wait()

    await asyncio.wait_for(_gone(pid), 10)


async def test_a_second_dure_on_the_folder_of_a_running_one_is_refused_and_leaves_its_bus_alone(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    first = await asyncio.create_subprocess_exec(sys.executable, str(script), str(tmp_path), stdout=subprocess.PIPE)
    lines = [await asyncio.wait_for(first.stdout.readline(), 20) for _ in range(2)]
    pid = int(next(line for line in lines if line.startswith(b"pid")).split()[1])

    with pytest.raises(Unavailable) as refused:
        await NatsServer(ServerOptions(data_dir=tmp_path), BusSecrets.generate()).start()

    assert refused.value.code == "bus.in_use"
    assert str(first.pid) in str(refused.value)
    os.kill(pid, 0)
    first.terminate()
    await first.wait()
    await asyncio.wait_for(_gone(pid), 10)


async def test_an_orphan_on_the_same_folder_is_ended_first(tmp_path):
    options, secrets = ServerOptions(data_dir=tmp_path), BusSecrets.generate()
    first = NatsServer(options, secrets)
    await first.start()
    await first.stop()
    orphan = await asyncio.create_subprocess_exec(
        str(find_binary()), "-c", str(options.folder / "nats.conf"), stderr=subprocess.DEVNULL
    )
    up = await _listening(first.ports.nats)

    second = NatsServer(options, secrets)
    await second.start()

    assert up
    assert await asyncio.wait_for(orphan.wait(), 5) is not None
    assert second.pid != orphan.pid
    await second.stop()


async def _listening(port: int) -> bool:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return True
    return False


async def test_a_wrong_password_of_our_own_is_told(server):
    with pytest.raises(ConfigError) as refused:
        await Bus.connect(server.url, server.secrets.user, "wrong", timeout_s=5)

    assert refused.value.code == "bus.refused"
    assert "wrong" not in refused.value.message
