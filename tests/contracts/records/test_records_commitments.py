"""People are known to the books by a salted commitment; without its salt nothing leads back to them, on both engines."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, Text, cast, select

from dure.engines.records import tables_carbon_transparency as tables
from dure.engines.records.store import Records
from dure.engines.records.tables import metadata
from dure.services.carbon.transparency import commitments
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.staging import stage

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_a_ref_is_kept_until_it_is_forgotten(records: Records) -> None:
    with records.begin() as connection:
        first = commitments.commit(connection, "per-1", NOW)
        again = commitments.commit(connection, "per-1", NOW + timedelta(days=1))
        other = commitments.commit(connection, "per-2", NOW)
        assert (commitments.ref_of(connection, "per-1"), commitments.ref_of(connection, "per-3")) == (first, None)
        assert commitments.forget(connection, "per-1")
        assert not commitments.forget(connection, "per-1")
        later = commitments.commit(connection, "per-1", NOW)

    assert again == first
    assert len({first, other, later}) == 3
    assert len(first) == 32
    assert int(first, 16) >= 0


def test_after_forgetting_nothing_equals_or_hashes_to_the_person(records: Records, tmp_path: Path) -> None:
    desk, person = LogDesk(records, tmp_path / "data", "city.example/carbon-log"), "per-7f3a"
    with records.begin() as connection:
        ref = commitments.commit(connection, person, NOW)
        salt = connection.execute(select(tables.carbon_commitments.c.salt)).scalar_one()
        stage(connection, [Entry(kind="claim", id="clm-1", at=NOW, body={"holder": f"person/{ref}"})])
    desk.place(NOW, 10)
    assert commitments.reference(bytes(salt), person) == ref  # with the salt it could be found
    with records.begin() as connection:
        assert commitments.forget(connection, person)

    values = _every_value(records)
    words = {part for one in values for part in _parts(one)}
    assert any(ref in one for one in values if isinstance(one, str))  # the books are whole
    assert not any(person in one for one in values if isinstance(one, str))
    assert not any(person.encode() in one for one in values if isinstance(one, bytes))
    for salted in (b"", *words):  # nothing kept, used as a salt, leads from the person to the REF or any of its forms
        digest = hashlib.sha256(salted + person.encode()).hexdigest()
        assert ref not in digest
    if records.sqlite:
        records.close()
        content = Path(str(records.url.database)).read_bytes()
        assert bytes(salt) not in content
        assert person.encode() not in content


def _every_value(records: Records) -> list[Any]:
    with records.read() as connection:
        return [
            value
            for table in metadata.sorted_tables
            for row in connection.execute(select(*(_raw(column) for column in table.columns)))
            for value in row
            if value is not None
        ]


def _raw(column: Any) -> Any:
    return column if isinstance(column.type, LargeBinary) else cast(column, Text)


def _parts(value: Any) -> set[bytes]:
    """A value as bytes, and every run of 32 bytes or 64 hex digits in it that might be a salt."""
    content = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
    return {content, *(content[at : at + 32] for at in range(max(1, len(content) - 31)))}
