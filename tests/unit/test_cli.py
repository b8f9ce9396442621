"""The `dure` command, run as a person runs it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from dure import __version__
from dure.cli import app, main

EXAMPLE = Path(__file__).parents[2] / "examples" / "hwaseong"


def commands(of=None, path=()):
    of = of or typer.main.get_command(app)
    yield path
    for name, one in getattr(of, "commands", {}).items():
        yield from commands(one, (*path, name))


ALL = list(commands())


class Told(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str


@pytest.fixture
def dure(capsys, monkeypatch, tmp_path):
    """Runs the command in this process, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("DURE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words, given="", **environ):
        with monkeypatch.context() as now:
            now.setattr(sys, "argv", ["dure", *words])
            now.setattr(sys, "stdin", io.StringIO(given))
            for name, value in environ.items():
                now.setenv(name, value)
            try:
                main()
            except SystemExit as ended:
                return Told(int(ended.code or 0), *capsys.readouterr())
        return Told(0, *capsys.readouterr())

    return run


def test_every_command_the_design_names_is_there():
    names = {" ".join(path) for path in ALL}
    wanted = {
        "up", "run", "work", "import", "export", "explain", "check", "backup", "restore", "prove",
        "device add", "device rotate", "device revoke", "user add",
    }  # fmt: skip
    assert wanted <= names


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_explains_itself(dure, path):
    told = dure(*path, "--help")
    assert told.code == 0, told.err
    assert "Usage:" in told.out
    assert len([line for line in told.out.splitlines() if line.strip()]) > 3


def started(folder, *words, **environ):
    """The command in a process of its own: what runs sets up logging for its process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DURE_")}
    command = [sys.executable, "-m", "dure", *words]
    environ = kept | {"COLUMNS": "200", "NO_COLOR": "1"} | environ
    return subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_check_shows_each_setting_with_its_origin_and_what_the_city_holds(tmp_path):
    one = started(tmp_path, "check", "--city", str(EXAMPLE), DURE_HTTP_PORT="8601", DURE_NATS_PASSWORD="hush")
    told, trouble = one.communicate(timeout=120)
    assert (one.returncode, trouble) == (0, "")
    lines = {line.split("│")[1].strip(): line for line in told.splitlines() if line.count("│") >= 4}
    assert "8601" in lines["http_port"]
    assert "environment" in lines["http_port"]
    assert "default" in lines["mqtt_port"]
    assert "command line" in lines["city_dir"]
    assert "hush" not in told
    assert "hwaseong" in told
    assert not list(tmp_path.iterdir()), "looking changes nothing"


def test_what_cannot_run_says_why_and_ends(tmp_path):
    city = ("--city", str(EXAMPLE))
    wanted = {
        ("up",): ("city.not_named", "--city"),
        ("run", "kitchen", *city): ("part.unknown", "kitchen"),
        ("run", "web", *city): ("house.not_running", "dure up"),
    }
    for words, one in [(words, started(tmp_path, *words)) for words in wanted]:
        code, name = wanted[words]
        _, told = one.communicate(timeout=120)
        assert (one.returncode, f"[{code}]" in told, name in told) == (2, True, True), told
        assert "Traceback" not in told


def test_the_version_is_told(dure):
    assert dure("--version").out.strip() == f"dure {__version__}"


@pytest.mark.parametrize(
    ("words", "environ", "code", "name"),
    [
        (("check", "--city", "odd"), {}, "config.unknown", "'htpp_port'"),
        (("check",), {"DURE_HTTP_PORT": "many"}, "config.invalid", "http_port"),
        (("restore", "."), {}, "backup.unreadable", "no finished backup"),
        (("user", "add", "kim", "--role", "king"), {}, "role.unknown", "king"),
        (("import", "x.csv"), {}, "cli.usage", "--mapping"),
        (("import", "x.csv", "--stations"), {}, "cli.usage", "--at"),
    ],
)
def test_a_wrong_word_is_one_line_with_its_code_and_the_way_out(dure, tmp_path, words, environ, code, name):
    (tmp_path / "x.csv").write_text("a\n1\n", "utf-8")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "dure.toml").write_text("htpp_port = 1\n", "utf-8")
    told = dure(*words, given="a rather long one 42\n", **environ)
    assert told.code == 2
    assert f"[{code}]" in told.err
    assert name in told.err
    assert "Traceback" not in told.err


def test_devices_and_people_are_kept_while_no_city_runs(dure, tmp_path):
    settings = {"DURE_CITY_DIR": str(EXAMPLE), "DURE_DATA_DIR": str(tmp_path / "data")}
    assert dure("user", "add", "kim", "--role", "operator", given="a rather long one 42\n", **settings).code == 0
    again = dure("user", "add", "kim", "--role", "operator", given="another long one 43\n", **settings)
    assert "[person.exists]" in again.err
    unknown = dure("device", "add", "meter-1", "--asset", "no-such", **settings)
    assert (unknown.code, "[asset.unknown]" in unknown.err) == (2, True)
    assert "[device.unknown]" in dure("device", "revoke", "meter-1", **settings).err
