"""Ids of figures: what they read like, what they name, and that nothing else is taken for one."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import NotFound
from dure.services.buildings.explaining.figures import Figure, parse

NOON = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
GOOD = [
    ("meter/m-1/month/2026-05", Figure(subject="meter", what="month", id="m-1", first="2026-05", last="2026-05")),
    ("meter/m-1/interval/2026-05-01T03:00:00Z", Figure(subject="meter", what="interval", id="m-1", at=NOON)),
    ("meter/m-1/gap/2026-05-01T03:00:00Z", Figure(subject="meter", what="gap", id="m-1", at=NOON)),
    (
        "building/b-1/energy/2025-11..2026-10",
        Figure(subject="building", what="energy", id="b-1", first="2025-11", last="2026-10"),
    ),
    (
        "building/b-1/carbon/2026?fuel=heat&programme=ESG",
        Figure(subject="building", what="carbon", id="b-1", first="2026-01", last="2026-12", programme="ESG", fuel="heat"),
    ),
    ("building/b-1/eui/2025-11..2026-10", Figure(subject="building", what="eui", id="b-1", first="2025-11", last="2026-10")),
    ("building/b-1/grade/2026", Figure(subject="building", what="grade", id="b-1", first="2026-01", last="2026-12")),
    ("building/b-1/grade/2026-10", Figure(subject="building", what="grade", id="b-1", first="2025-11", last="2026-10")),
    (
        "body/%ED%99%94%EC%84%B1%EC%8B%9C/carbon/2026",
        Figure(subject="body", what="carbon", id="화성시", first="2026-01", last="2026-12"),
    ),
    ("portfolio/won/2026-05..2026-05", Figure(subject="portfolio", what="won", first="2026-05", last="2026-05")),
    ("saving/led-1/2026-11-01", Figure(subject="saving", what="saving", id="led-1", until=date(2026, 11, 1))),
    ("finding/t-9", Figure(subject="finding", what="finding", id="t-9")),
    (
        "building/b-1/won/2026?as_of=2026-05-01T03%3A00%3A00Z",
        Figure(subject="building", what="won", id="b-1", first="2026-01", last="2026-12", as_of=NOON),
    ),
]
BAD = [
    "", "/", "meter", "meter/m-1/month/2026-13", "meter/m-1/month/2026", "meter//month/2026-05", "meter/m-1/month/2026-05/x",
    "building/b-1/energy/2026-05..2025-01", "building/b-1/energy/1000-01..9000-12", "building/b-1/colour/2026",
    "building/b-1/eui/2026?fuel=heat", "building/b-1/energy/2026?fuel=wood", "building/b-1/energy/2026?as_of=yesterday",
    "building/b-1/energy/2026?as_of=2026-05-01T03:00:00", "building/b-1/energy/2026?x=1",
    "saving/led/2026-02-30", "saving/led", "finding/", "finding/a/b", "body//carbon/2026", "body/a%00b/carbon/2026",
    "portfolio/grade/2026", "a" * 500, "meter/m 1/month/2026-05", "meter/m-1/interval/now", "observation/x",
]  # fmt: skip


@pytest.mark.parametrize(("text", "figure"), GOOD)
def test_an_id_names_its_figure_and_a_figure_its_id(text, figure):
    assert parse(text) == figure
    assert parse(str(figure)) == figure


@pytest.mark.parametrize("text", BAD)
def test_what_names_no_figure_is_refused_with_one_code(text):
    with pytest.raises(NotFound) as caught:
        parse(text)
    assert caught.value.code == "figure.unknown"


@given(st.sampled_from(["{}", "meter/{}/month/2026-05", "building/b/energy/{}", "finding/x?{}"]), st.text(max_size=60))
def test_any_text_names_a_figure_that_reads_like_it_or_none(form, text):
    with suppress(NotFound):
        found = parse(form.format(text))
        assert parse(str(found)) == found


def test_an_instant_of_the_question_holds_where_the_id_says_none():
    assert parse("finding/t-9", NOON).as_of == NOON
    other = datetime(2026, 6, 1, tzinfo=UTC)
    assert parse("finding/t-9?as_of=2026-06-01T00:00:00Z", NOON).as_of == other
