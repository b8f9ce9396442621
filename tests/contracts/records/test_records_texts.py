"""Texts written many at once come back as they were, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from dure.core.errors import InputError
from dure.engines.records import dialect
from dure.engines.records.store import Records
from dure.engines.records.tables_carbon_ledger import carbon_pairs
from dure.services.carbon.ledger.asked_rows import asked

ODD = (
    "", " ", "NULL", "null", "{}", '{"a":1}', "a,b", '"', "\\", "\\\\n", "\n\t\r", "'", "%s %(a)s :b ?", "한글", "é", "e\u0301",
    "🙂", "\x01\x7f", "\u2028", "x" * 10_000,
)  # fmt: skip


def test_texts_of_every_kind_come_back_as_they_were(records: Records) -> None:
    rows = [{"id": n, "source": text, "attribute": "x"} for n, text in enumerate(ODD)]
    with records.begin() as connection:
        assert dialect.insert_new(connection, carbon_pairs, rows) == len(ODD)
        assert dialect.insert_new(connection, carbon_pairs, rows) == 0
    with records.read() as connection:
        kept = connection.execute(select(carbon_pairs.c.source).order_by(carbon_pairs.c.id)).scalars().all()
        given = asked(connection, {"source": str, "n": int}, [(text, n) for n, text in enumerate(ODD)])
        found = connection.execute(
            select(given.c.n, carbon_pairs.c.id).join(carbon_pairs, carbon_pairs.c.source == given.c.source)
        )
        pairs = [tuple(row) for row in found]
    assert tuple(kept) == ODD
    assert sorted(pairs) == [(n, n) for n in range(len(ODD))]


def test_half_a_surrogate_pair_is_refused_like_other_bad_input(records: Records) -> None:
    rows = [{"id": n, "source": text, "attribute": "x"} for n, text in enumerate(("good", "\ud800"))]
    with pytest.raises(InputError) as refused, records.begin() as connection:
        dialect.insert_new(connection, carbon_pairs, rows)
    assert refused.value.code == "records.unfit"
    with records.read() as connection:
        assert connection.execute(select(carbon_pairs)).all() == []
