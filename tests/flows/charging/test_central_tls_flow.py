"""Security profiles 2 and 3: TLS with Basic, TLS with a client certificate; each station only with its own."""

from __future__ import annotations

import base64
import json
import ssl

import pytest
import websockets
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ocpp_certificates import Authority
from ocpp_city import charger_row, running

from dure.core.errors import ConfigError, NotFound
from dure.engines.records.audit import By
from dure.services.charging.central.listening import csms_address
from dure.services.charging.stations import certificate_records
from dure.services.charging.stations.certificate_records import StationCertificate
from dure.services.charging.stations.certificates import authority_of, signed

ROWS = [charger_row("cp-1"), charger_row("cp-2", profile=2), charger_row("cp-3", profile=3, serial="SN-3")]


@pytest.fixture
async def tls(tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("csms")
    files = {"ocpp_certificate": str(certificate), "ocpp_certificate_key": str(key), "ocpp_client_ca": str(authority.file)}
    async with running(tmp_path, ROWS, ocpp_tls_port=0, **files) as world:
        yield world, authority


def context(authority, own=None):
    found = ssl.create_default_context(cafile=authority.file)
    if own is not None:
        found.load_cert_chain(*own)
    return found


async def connect(world, authority, identity, own=None, secret=""):
    basic = base64.b64encode(f"{identity}:{secret}".encode()).decode()
    return await websockets.connect(
        f"wss://127.0.0.1:{world.central.tls_port}/ocpp/{identity}",
        ssl=context(authority, own),
        subprotocols=["ocpp2.0.1"],
        additional_headers={"Authorization": f"Basic {basic}"} if secret else {},
        proxy=None,
    )


async def refused(world, authority, identity, **more):
    with pytest.raises(websockets.exceptions.InvalidStatus) as found:
        await connect(world, authority, identity, **more)
    return found.value.response.body.decode().rpartition("[")[2].rstrip("]")


async def test_profile_2_is_tls_with_a_password(tls):
    world, authority = tls
    async with await connect(world, authority, "cp-2", secret=world.secrets["cp-2"]) as station:
        await station.send(json.dumps([2, "1", "Heartbeat", {}]))
        assert json.loads(await station.recv())[:2] == [3, "1"]
        assert station.transport.get_extra_info("ssl_object").compression() is None
    assert await refused(world, authority, "cp-2", secret="wrong") == "station.credential"


async def test_profile_3_is_a_certificate_of_the_operator_for_this_station(tls):
    world, authority = tls
    for common in ("SN-3", "cp-3"):
        async with await connect(world, authority, "cp-3", own=authority.issue(common)) as station:
            await station.send(json.dumps([2, "1", "Heartbeat", {}]))
            assert json.loads(await station.recv())[:2] == [3, "1"]
    assert await refused(world, authority, "cp-3", own=authority.issue("SN-4")) == "station.certificate"
    assert await refused(world, authority, "cp-3", own=authority.issue("SN-3", "Another")) == "station.certificate"


def own_certificate(world, folder, common, operator="Dure Operator"):
    """What a station has after it asked us for a certificate (A02)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    now = world.house.clock.now()
    authority = authority_of(world.house.settings.data, "Testville", now)
    made = signed(authority, csr.public_bytes(serialization.Encoding.PEM).decode(), operator, now, 30)
    folder.mkdir(parents=True, exist_ok=True)
    certificate_file, key_file = folder / f"{common}.pem", folder / f"{common}.key"
    certificate_file.write_text(made.pem)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key_file.write_bytes(private)
    return certificate_file, key_file


@pytest.mark.parametrize("another_ca", [False, True])
async def test_certificates_that_were_signed_here_are_good_for_profile_3(tmp_path, another_ca):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("csms")
    files = {"ocpp_certificate": str(certificate), "ocpp_certificate_key": str(key)}
    files |= {"ocpp_client_ca": str(authority.file)} if another_ca else {}
    async with running(tmp_path, ROWS, ocpp_tls_port=0, **files) as world:
        async with await connect(world, authority, "cp-3", own=own_certificate(world, tmp_path, "SN-3")) as station:
            await station.send(json.dumps([2, "1", "Heartbeat", {}]))
            assert json.loads(await station.recv())[:2] == [3, "1"]
        assert await refused(world, authority, "cp-3", own=own_certificate(world, tmp_path, "SN-4")) == "station.certificate"
        if another_ca:
            async with await connect(world, authority, "cp-3", own=authority.issue("SN-3")):
                pass


async def test_a_certificate_that_is_revoked_is_closed_and_does_not_come_in_again(tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("csms")
    files = {"ocpp_certificate": str(certificate), "ocpp_certificate_key": str(key)}
    async with running(tmp_path, ROWS, ocpp_tls_port=0, **files) as world:
        own, other = (own_certificate(world, tmp_path / name, "SN-3") for name in ("one", "two"))
        now = world.house.clock.now()
        pem = own[0].read_text()
        signed_here = StationCertificate(
            serial=f"{x509.load_pem_x509_certificate(pem.encode()).serial_number:x}", charger="cp-3",
            use="ChargingStationCertificate", subject="CN=SN-3", pem=pem, signed_at=now, expires_at=now,
        )  # fmt: skip
        with world.house.records.begin() as connection:
            certificate_records.add(connection, signed_here)
        async with await connect(world, authority, "cp-3", own=own) as station:
            with world.house.records.begin() as connection:
                certificate_records.revoke(connection, "cp-3", signed_here.serial, By("test", now))
            await world.central.register.refresh()
            with pytest.raises(websockets.exceptions.ConnectionClosed) as ended:
                await station.recv()
        assert "revoked" in str(ended.value)
        assert await refused(world, authority, "cp-3", own=own) == "station.revoked"
        async with await connect(world, authority, "cp-3", own=other):
            pass
        with pytest.raises(NotFound), world.house.records.begin() as connection:
            certificate_records.revoke(connection, "cp-3", "abc", By("test", now))


async def test_a_station_with_another_profile_than_its_own_is_refused(tls):
    world, authority = tls
    assert await refused(world, authority, "cp-1", secret=world.secrets["cp-1"]) == "station.profile"
    assert await refused(world, authority, "cp-3", secret=world.secrets["cp-3"]) == "station.profile"
    assert await refused(world, authority, "cp-2", own=authority.issue("cp-2")) == "station.profile"
    with pytest.raises(websockets.exceptions.InvalidStatus) as found:
        await world.connect("cp-2")
    assert found.value.response.status_code == 403


async def test_a_certificate_of_a_stranger_does_not_come_through_the_handshake(tls, tmp_path):
    world, authority = tls
    stranger = Authority(tmp_path / "stranger", "Another CA").issue("SN-3")
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError, websockets.exceptions.WebSocketException)):
        await connect(world, authority, "cp-3", own=stranger)


async def test_older_tls_is_refused(tls):
    world, authority = tls
    old = context(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        await websockets.connect(f"wss://127.0.0.1:{world.central.tls_port}/ocpp/cp-2", ssl=old, proxy=None)


async def test_others_find_the_ports_in_the_data_folder(tls):
    world, _ = tls
    found = csms_address(world.house.settings)
    assert (found.port, found.tls_port) == (world.central.port, world.central.tls_port)


async def test_tls_without_a_certificate_is_said_at_the_start(tmp_path):
    with pytest.raises(ConfigError) as found:
        async with running(tmp_path, ROWS, ocpp_tls_port=0):
            pass
    assert found.value.code == "csms.no_certificate"


async def test_a_port_that_is_taken_is_said_with_its_setting(tls, tmp_path):
    world, _ = tls
    with pytest.raises(ConfigError, match="DURE_OCPP_PORT") as found:
        async with running(tmp_path / "second", ROWS, ocpp_port=world.central.port):
            pass
    assert found.value.code == "csms.port_taken"
