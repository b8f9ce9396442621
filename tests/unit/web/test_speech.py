from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from starlette.requests import Request

from dure.core.units import UNITS
from dure.web.i18n import UNIT_LABELS, Speech, preferred, unit_label

SEOUL = ZoneInfo("Asia/Seoul")
KO, EN = Speech("ko", SEOUL), Speech("en", SEOUL)
AT = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)


def request(**headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1234.5, 1, "1,234.5"),
        (-3.25, 1, "−3.2"),
        (None, 1, "–"),
        (float("nan"), 0, "–"),
        (0.0, 3, "0.000"),
        (1e6, 0, "1,000,000"),
    ],
)
def test_numbers_have_thousands_separators_and_a_true_minus(value, decimals, text):
    assert KO.number(value, decimals) == text


def test_a_quantity_carries_its_unit():
    assert KO.quantity(21.4, 1, "Cel") == "21.4℃"
    assert EN.quantity(35, 0, "ug/m3") == "35\N{NO-BREAK SPACE}µg/m³"
    assert EN.quantity(3, 0, "1") == "3"


def test_times_are_local_with_their_date():
    assert KO.when(AT) == "2026. 11. 25. 00:30"
    assert EN.when(AT) == "25 Nov 2026 00:30"


def test_ages_are_words():
    assert KO.ago(timedelta(minutes=3)) == "3분 전"
    assert EN.ago(timedelta(minutes=3)) == "3 minutes ago"
    assert KO.ago(timedelta(0)) == "방금"


def test_unit_labels_belong_to_known_units():
    assert set(UNIT_LABELS) <= set(UNITS)
    assert unit_label("kWh") == "kWh"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("en-US,en;q=0.9", "en"),
        ("ko", "ko"),
        ("fr", "ko"),
        ("", "ko"),
        ("fr;q=1, en;q=0.2, ko;q=0.5", "ko"),
        ("en;q=x, ko", "ko"),
    ],
)
def test_the_language_follows_the_browser(accept, language):
    assert preferred(request(accept_language=accept)) == language


def test_the_cookie_wins_over_the_browser():
    assert preferred(request(accept_language="en", cookie="dure_language=ko")) == "ko"


def test_korean_names_come_before_latin_ones_in_korean():
    assert sorted(["b", "나", "가", "A"], key=KO.sort_key) == ["가", "나", "A", "b"]
    assert sorted(["b", "나", "A"], key=EN.sort_key) == ["A", "b", "나"]
