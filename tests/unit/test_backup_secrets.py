"""What a restored city cannot make again goes into every backup: each private file any part of the program keeps."""

from __future__ import annotations

import re
from pathlib import Path

import dure
from dure.running.backups import SECRETS
from dure.services.carbon.households.customer_digests import KEY_FILE
from dure.services.carbon.practising.practice_key import FILE

PRIVATE = re.compile(r'"([a-z][a-z0-9-]*\.(?:key|pem))"')


def test_every_private_file_a_part_of_the_program_names_is_in_backups():
    root = Path(dure.__file__).parent
    named = {name for file in root.rglob("*.py") for name in PRIVATE.findall(file.read_text("utf-8"))}
    assert len(named) >= 7
    assert named <= set(SECRETS)


def test_the_secrets_of_practices_and_of_customer_numbers_are_in_backups():
    assert {FILE, KEY_FILE} <= set(SECRETS)
