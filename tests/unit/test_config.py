"""Settings: which origin wins, and what is refused by name."""

import msgspec
import pytest

from dure.config import Settings, read_settings
from dure.core.errors import ConfigError


def origin_of(name, *given):
    settings, origins = read_settings(*given)
    (found,) = [one for one in origins if one.name == name]
    return getattr(settings, name), found.origin


@pytest.fixture
def city(tmp_path):
    (tmp_path / "dure.toml").write_text("http_port = 1001\nlog_level = 'debug'\n", "utf-8")
    return tmp_path


def test_the_command_line_wins_over_the_environment_over_the_citys_file_over_the_default(city):
    environ = {"DURE_HTTP_PORT": "1002", "PATH": "x"}
    assert origin_of("http_port", None, {}) == (8600, "default")
    assert origin_of("http_port", city, {}) == (1001, str(city / "dure.toml"))
    assert origin_of("http_port", city, environ) == (1002, "environment")
    assert origin_of("http_port", city, environ, {"http_port": 1003}) == (1003, "command line")
    assert origin_of("http_port", city, environ, {"http_port": None}) == (1002, "environment")
    assert origin_of("log_level", city, environ) == ("debug", str(city / "dure.toml"))
    assert origin_of("city_dir", city, environ) == (str(city), "command line")


def test_an_unknown_setting_of_the_file_is_refused_by_name(tmp_path):
    (tmp_path / "dure.toml").write_text("htpp_port = 1\n", "utf-8")
    with pytest.raises(ConfigError, match=r"dure\.toml.*'htpp_port'") as refused:
        read_settings(tmp_path, {})
    assert refused.value.code == "config.unknown"


@pytest.mark.parametrize(
    "environ",
    [
        {"DURE_HTTP_PORT": "99999"},
        {"DURE_HTTP_PORT": "eighty"},
        {"DURE_LOG_LEVEL": "loud"},
        {"DURE_STREAM_RETENTION_D": "0"},
        {"DURE_SESSION_H": ""},
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_its_setting(environ):
    (name,) = environ
    with pytest.raises(ConfigError, match=name.removeprefix("DURE_").lower()) as refused:
        read_settings(None, environ)
    assert refused.value.code == "config.invalid"


@pytest.mark.parametrize("text", ["http_port = ", "\xff"])
def test_an_unreadable_file_is_refused(tmp_path, text):
    (tmp_path / "dure.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        read_settings(tmp_path, {})
    assert refused.value.code == "config.unreadable"


def test_secrets_are_not_shown():
    _, origins = read_settings(None, {"DURE_NATS_PASSWORD": "hush", "DURE_RECORDS_URL": "postgresql://u:hush@h/d"})
    assert not [one.name for one in origins if "hush" in one.shown]


def test_every_setting_says_what_it_is_and_default_settings_are_on_loopback():
    settings, origins = read_settings(None, {})
    assert [one.name for one in origins if not one.help] == []
    assert {one.name for one in origins} == {field.name for field in msgspec.structs.fields(Settings)}
    assert (settings.http_host, settings.bus_host) == ("127.0.0.1", "127.0.0.1")


def test_folders_follow_the_data_folder():
    settings, _ = read_settings(None, {"DURE_DATA_DIR": "/srv/dure"})
    assert (str(settings.data), str(settings.archive)) == ("/srv/dure", "/srv/dure/archive")
    settings, _ = read_settings(None, {"DURE_DATA_DIR": "/srv/dure", "DURE_ARCHIVE_DIR": "/big"})
    assert str(settings.archive) == "/big"
