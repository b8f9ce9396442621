"""Partners' signatures and places' codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dure.core.errors import ConfigError
from dure.services.carbon.practising.practice_key import FILE, practice_key
from dure.services.carbon.practising.signing import (
    code_of,
    compared,
    comparing_key,
    partner_key,
    read_code,
    signature,
    turn_at,
)

SECRET = bytes(range(32))
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_a_signature_is_of_partner_time_nonce_and_body_alike():
    key = partner_key(SECRET, "cafe", 1)
    right = ("cafe", "2026-11-24T03:00:00Z", "n" * 16, b"{}")
    others = [
        ("caf3", *right[1:]),
        (right[0], "2026-11-24T03:00:01Z", *right[2:]),
        (*right[:2], "m" * 16, right[3]),
        (*right[:3], b"{ }"),
    ]
    assert all(signature(key, *each) != signature(key, *right) for each in others)
    assert signature(key, *right) == signature(key, *right)


def test_a_signature_is_made_as_the_documentation_says():
    """HMAC-SHA-256 over five lines; the vector was made with openssl dgst -sha256 -hmac."""
    found = signature("key", "cafe", "2026-11-24T03:00:00Z", "0123456789abcdef", b"{}")
    assert found == VECTOR


VECTOR = "c6225a58002590148db1f2272e0f48bb05741d0b255b1c21e09f7ca2086c4aef"


def test_keys_differ_by_partner_number_and_secret():
    keys = {
        partner_key(SECRET, "a", 1),
        partner_key(SECRET, "a", 2),
        partner_key(SECRET, "b", 1),
        partner_key(SECRET[::-1], "a", 1),
    }
    assert len(keys) == 4


def test_a_code_is_read_alone_and_at_the_end_of_an_address():
    code = code_of(SECRET, "plaza", 1, turn_at(NOW, 60))
    assert read_code(str(code)) == read_code(f"https://dure.example/ko/carbon/scan?code={code}") == code


@pytest.mark.parametrize("text", ["", "plaza", "plaza.1", "plaza.1.zz", "a" * 10_000, "plaza.9999999999999.00000000000000000000"])
def test_what_is_no_code_is_none(text):
    assert read_code(text) is None


def test_a_code_changes_with_its_turn():
    assert turn_at(NOW, 60) + 1 == turn_at(NOW + timedelta(seconds=60), 60)
    assert code_of(SECRET, "plaza", 1, 5).tag != code_of(SECRET, "plaza", 1, 6).tag


def test_numbers_of_another_scheme_are_compared_without_blanks_and_hyphens():
    key = comparing_key(SECRET, "gg-pass")
    assert compared(key, "1234-5678 ab") == compared(key, "12345678AB") != compared(comparing_key(SECRET, "other"), "12345678AB")


def test_the_secret_is_made_once_and_read_by_nobody_else(tmp_path):
    secret = practice_key(tmp_path)
    assert practice_key(tmp_path) == secret
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_secret_others_may_read_is_refused(tmp_path):
    practice_key(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(ConfigError) as refused:
        practice_key(tmp_path)
    assert refused.value.code == "secrets.exposed"
