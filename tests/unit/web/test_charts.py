from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dure.core.observations import Flag
from dure.core.time import to_us
from dure.web.charts import Band, Chart, Dot, line_chart, nice_step, summary, time_ticks
from dure.web.i18n import Speech

KO = Speech("ko", ZoneInfo("Asia/Seoul"))
EN = Speech("en", ZoneInfo("Asia/Seoul"))
START = to_us(datetime(2026, 11, 23, 15, 0, tzinfo=UTC))  # midnight in Seoul
STEP = 600_000_000


def chart(dots, bands=(), end=START + 144 * STEP):
    return Chart(title="기온 <b>", unit="Cel", decimals=1, start_us=START, end_us=end, dots=dots, gap_us=3 * STEP, bands=bands)


def good(*values):
    return [Dot(START + n * STEP, value, Flag.GOOD) for n, value in enumerate(values)]


def test_a_line_breaks_where_readings_are_missing():
    dots = good(1.0, 2.0, 3.0)
    late = [Dot(START + 20 * STEP, 4.0, Flag.GOOD), Dot(START + 21 * STEP, 5.0, Flag.GOOD)]
    assert str(line_chart(chart(dots + late), KO)).count("<polyline") == 2


def test_a_missing_value_breaks_the_line_and_leaves_a_tick():
    dots = good(1.0, 2.0, 3.0, 4.0, 5.0)
    dots[2] = Dot(dots[2].time_us, None, Flag.MISSING)
    drawn = str(line_chart(chart(dots), KO))
    assert drawn.count("<polyline") == 2
    assert drawn.count("chart-missing") == 1


@pytest.mark.parametrize(
    ("flag", "shape"), [(Flag.SUSPECT, "chart-suspect"), (Flag.FAIL, "chart-fail"), (Flag.NOT_EVALUATED, "chart-unevaluated")]
)
def test_each_flag_has_a_shape_of_its_own(flag, shape):
    dots = [*good(1.0, 2.0), Dot(START + 2 * STEP, 2.5, flag)]
    drawn = str(line_chart(chart(dots), KO))
    assert drawn.count(shape) == 1


def test_a_failed_value_does_not_stretch_the_scale():
    dots = [*good(1.0, 2.0), Dot(START + 2 * STEP, 9_999.0, Flag.FAIL)]
    assert "9,999" not in str(line_chart(chart(dots), KO))


def test_the_title_is_escaped_and_the_text_alternative_tells_the_story():
    drawn = str(line_chart(chart(good(1.0, 3.5)), KO))
    assert "<b>" not in drawn
    assert 'role="img"' in drawn
    assert "최저 1.0℃, 최고 3.5℃" in drawn


def test_the_text_alternative_says_when_nothing_can_be_used():
    assert summary(chart([]), EN) == "기온 <b>: no usable values in this period."


def test_an_empty_chart_is_drawn_without_error():
    assert "chart-axis" in str(line_chart(chart([]), EN))


def test_a_constant_series_is_drawn_inside_the_frame():
    assert "<polyline" in str(line_chart(chart(good(5.0, 5.0, 5.0)), EN))


def test_bands_are_drawn_from_low_to_high():
    drawn = str(line_chart(chart(good(2.0), [Band(START, START + 6 * STEP, 1.0, 3.0)]), EN))
    assert drawn.count("chart-band") == 1


def test_many_points_are_thinned_but_their_extremes_stay():
    dots = [Dot(START + n * 1_000_000, 100.0 if n == 5_000 else 1.0, Flag.GOOD) for n in range(20_000)]
    drawn = str(line_chart(chart(dots, end=START + 20_000_000_000), EN))
    assert len(drawn) < 60_000
    assert "100" in drawn


@pytest.mark.parametrize(("raw", "step"), [(0.03, 0.05), (1.0, 1.0), (1.1, 2.0), (26, 50), (501, 1000)])
def test_steps_are_one_two_or_five(raw, step):
    assert nice_step(raw) == pytest.approx(step)


def test_ticks_stand_on_local_hours_and_midnight():
    start, end = datetime(2026, 11, 23, 20, 30, tzinfo=UTC), datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    hours = [tick.hour for tick in time_ticks(start, end, 6, KO)]
    assert hours == [6, 12, 18, 0]
