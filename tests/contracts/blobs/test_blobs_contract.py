"""What every blob store promises."""

import hashlib

import pytest

from dure.core.errors import Corrupt, InputError, NotFound, TooLarge
from dure.engines.blobs.bus import BusBlobs
from dure.engines.blobs.folder import FolderBlobs
from dure.engines.bus.client import Bus
from dure.engines.bus.server import NatsServer
from dure.engines.bus.settings import BusSecrets, ServerOptions

LIMIT = 400_000


@pytest.fixture(params=["folder", "bus"])
async def blobs(request, tmp_path):
    if request.param == "folder":
        yield FolderBlobs(tmp_path / "blobs", bytes_max=LIMIT)
        return
    server = NatsServer(ServerOptions(data_dir=tmp_path), BusSecrets.generate())
    await server.start()
    bus = await Bus.connect(server.url, server.secrets.user, server.secrets.password)
    yield await BusBlobs.open(bus, bytes_max=LIMIT)
    await bus.close()
    await server.stop()


async def test_a_blob_comes_back_byte_for_byte_with_its_digest(blobs):
    data = bytes(range(256)) * 1_200  # more than one chunk of the object store

    kept = await blobs.put("evidence/2026/a1.jpg", data)

    assert await blobs.get("evidence/2026/a1.jpg") == data
    assert kept == await blobs.info("evidence/2026/a1.jpg")
    assert (kept.size, kept.sha256) == (len(data), hashlib.sha256(data).hexdigest())


async def test_an_empty_blob_is_a_blob(blobs):
    await blobs.put("empty", b"")

    assert await blobs.get("empty") == b""


async def test_a_blob_is_replaced_whole(blobs):
    await blobs.put("report.html", b"a" * 300_000)
    await blobs.put("report.html", b"second")

    assert await blobs.get("report.html") == b"second"
    assert await blobs.names() == ["report.html"]


async def test_a_blob_that_was_never_kept_is_not_found(blobs):
    for question in (blobs.get, blobs.info, blobs.delete):
        with pytest.raises(NotFound) as refused:
            await question("nothing")
        assert refused.value.code == "blob.not_found"


async def test_a_deleted_blob_is_gone(blobs):
    await blobs.put("a", b"1")
    await blobs.delete("a")

    with pytest.raises(NotFound):
        await blobs.get("a")
    assert await blobs.names() == []


async def test_names_are_listed_by_prefix(blobs):
    for name in ("b/2", "a", "b/1"):
        await blobs.put(name, b"x")

    assert await blobs.names() == ["a", "b/1", "b/2"]
    assert await blobs.names("b/") == ["b/1", "b/2"]


async def test_a_store_without_blobs_lists_none(blobs):
    assert await blobs.names() == []


async def test_a_blob_over_the_limit_is_refused_and_not_kept(blobs):
    with pytest.raises(TooLarge) as refused:
        await blobs.put("big", b"x" * (LIMIT + 1))

    assert refused.value.code == "blob.too_large"
    assert await blobs.names() == []


@pytest.mark.parametrize("name", ["", "../secret", "/etc/passwd", "a//b", "a/../b", "A", "가", "a b", "a" * 201, ".hidden"])
async def test_a_name_that_could_lead_elsewhere_is_refused(blobs, name):
    with pytest.raises(InputError) as refused:
        await blobs.put(name, b"x")

    assert refused.value.code == "blob.name"


async def test_changed_bytes_are_told_as_corrupt(tmp_path):
    blobs = FolderBlobs(tmp_path)
    await blobs.put("a", b"right")
    next(tmp_path.glob("*.data")).write_bytes(b"wrong")

    with pytest.raises(Corrupt) as refused:
        await blobs.get("a")

    assert refused.value.code == "blob.corrupt"
