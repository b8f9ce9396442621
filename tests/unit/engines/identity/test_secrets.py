from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import nkeys
import pytest

from dure.core.errors import ConfigError
from dure.engines.identity.secrets import FILE, Secrets


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = Secrets.load(tmp_path / "data")

    assert Secrets.load(tmp_path / "data") == first
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == [FILE]


def test_no_two_houses_have_a_secret_in_common(tmp_path: Path) -> None:
    one, other = Secrets.load(tmp_path / "a"), Secrets.load(tmp_path / "b")

    for name in ("session_key", "bus_password", "sys_password", "issuer_seed"):
        assert getattr(one, name) != getattr(other, name)
        assert len(getattr(one, name)) >= 43


def test_the_issuer_seed_is_a_seed_of_an_account(tmp_path: Path) -> None:
    keys = nkeys.from_seed(Secrets.load(tmp_path).issuer_seed.encode())

    assert keys.public_key.startswith(b"A")


def test_rotation_changes_every_secret(tmp_path: Path) -> None:
    before = Secrets.load(tmp_path)

    after = Secrets.rotate(tmp_path)

    assert Secrets.load(tmp_path) == after
    for name in ("session_key", "bus_password", "sys_password", "issuer_seed"):
        assert getattr(after, name) != getattr(before, name)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    Secrets.load(tmp_path)
    (tmp_path / FILE).chmod(mode)

    for attempt in (Secrets.load, Secrets.rotate):
        with pytest.raises(ConfigError) as caught:
            attempt(tmp_path)
        assert caught.value.code == "secrets.exposed"
        assert "chmod 600" in caught.value.message


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"session_key": 1}', b"[]"])
def test_a_file_that_is_none_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)

    with pytest.raises(ConfigError) as caught:
        Secrets.load(tmp_path)

    assert caught.value.code == "secrets.unreadable"
    assert (tmp_path / FILE).read_bytes() == content


def test_secrets_do_not_show_themselves(tmp_path: Path) -> None:
    secrets = Secrets.load(tmp_path)

    assert secrets.bus_password not in f"{secrets!r} {secrets}"


def _load(folder: str, gate: Any, found: Any) -> None:
    gate.wait(30)
    found.put(Secrets.load(Path(folder)).session_key)


def test_programs_that_start_at_once_get_the_same_secrets(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate, found = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=_load, args=(str(tmp_path), gate, found)) for _ in range(3)]
    for process in processes:
        process.start()
    keys = {found.get(timeout=30) for _ in processes}
    for process in processes:
        process.join(30)

    assert keys == {Secrets.load(tmp_path).session_key}
