import re
from zoneinfo import ZoneInfo

import pytest

from dure.web.bar_charts import (
    PATTERNS,
    BarChart,
    HeatMap,
    Line,
    LineChart,
    Series,
    Stack,
    bar_summary,
    heat_map,
    line_over,
    shade,
    stacked_chart,
    swatch,
)
from dure.web.i18n import Speech

KO = Speech("ko", ZoneInfo("Asia/Seoul"))
EN = Speech("en", ZoneInfo("Asia/Seoul"))
FUELS = (Series("electricity", "전기"), Series("city_gas", "도시<가스>", "hatch"))


def chart(*stacks, **more):
    return BarChart(id="use", title="월 사용량 <b>", unit="kWh", series=FUELS, stacks=stacks, **more)


def heights(svg, name):
    return [float(one) for one in re.findall(rf'class="bar-{name} bar-layer"[^>]*height="([\d.]+)"', str(svg))]


def test_layers_are_as_high_as_their_values():
    drawn = stacked_chart(chart(Stack("1", "1월", (100.0, 50.0)), Stack("2", "2월", (200.0, None))), KO)
    first, second = heights(drawn, "electricity")
    assert second == pytest.approx(2 * first, abs=0.2)
    assert heights(drawn, "city_gas") == [pytest.approx(first / 2, abs=0.2)]


def test_a_pattern_lies_over_a_layer_so_that_colour_is_never_alone():
    drawn = str(stacked_chart(chart(Stack("1", "1월", (100.0, 50.0))), KO))
    assert '<pattern id="use-760-city_gas"' in drawn
    assert 'fill="url(#use-760-city_gas)"' in drawn
    assert "use-760-electricity" not in drawn


def test_the_two_sizes_of_a_chart_share_no_id():
    one, other = chart(Stack("1", "1월", (1.0, 1.0))), chart(Stack("1", "1월", (1.0, 1.0)))
    ids = re.findall(r' id="([^"]+)"', f"{stacked_chart(one, KO, width=1120)}{stacked_chart(other, KO, width=340)}")
    assert len(ids) == len(set(ids)) == 2


def test_what_is_given_back_hangs_below_the_line_of_nothing():
    drawn = str(stacked_chart(chart(Stack("1", "1월", (100.0, None)), Stack("2", "2월", (-40.0, None))), KO))
    tops = [float(one) for one in re.findall(r'class="bar-electricity bar-layer" x="[\d.]+" y="([\d.]+)"', drawn)]
    assert tops[1] > tops[0]
    assert "−40" in drawn or "−50" in drawn


def test_an_unsure_or_incomplete_column_has_a_shape():
    drawn = str(
        stacked_chart(chart(Stack("1", "1월", (100.0, 5.0), unsure=3.0), Stack("2", "2월", (50.0, 5.0), complete=False)), KO)
    )
    assert drawn.count("chart-suspect") == 1
    assert drawn.count("bar-part") == 1


def test_the_year_before_is_a_mark_of_its_own_and_widens_the_scale():
    drawn = str(stacked_chart(chart(Stack("1", "1월", (100.0, None), compare=900.0)), KO))
    assert drawn.count("bar-compare") == 1
    assert "1,000" in drawn


def test_every_text_inside_is_escaped():
    drawn = str(stacked_chart(chart(Stack("<i>", "1월 <u>", (100.0, 50.0))), KO))
    assert not re.search(r"<(b|i|u|가스)>", drawn)


def test_the_text_alternative_names_the_most_and_the_least():
    told = bar_summary(chart(Stack("1", "January", (100.0, 50.0)), Stack("2", "February", (20.0, None))), EN)
    assert "Most in January with 150" in told
    assert "least in February with 20" in told


def test_a_chart_without_values_says_so():
    assert "쓸 수 있는 값이 없습니다" in str(stacked_chart(chart(Stack("1", "1월", (None, None))), KO))
    assert "쓸 수 있는 값이 없습니다" in str(stacked_chart(chart(), KO))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_pattern_has_a_key_for_legends(pattern):
    drawn = str(swatch(Series("heat", "열", pattern)))
    assert drawn.startswith("<svg")
    assert ("bar-lines" in drawn) == (pattern != "plain")


def test_a_line_breaks_where_nothing_is_known_and_a_lone_value_is_a_dot():
    lines = [Line("평일", (1.0, 2.0, None, 3.0)), Line("주말", (1.0, 1.0, 1.0, 1.0), "broken")]
    drawn = str(line_over(LineChart(id="day", title="하루", unit="kW", labels="0369", lines=lines), KO))
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 1
    assert "line-broken" in drawn


def test_an_interval_is_a_band_around_its_line():
    line = Line("전망", (2.0, 3.0), low=(1.0, 2.0), high=(3.0, 4.0))
    assert str(line_over(LineChart(id="y", title="전망", unit="", labels=("a", "b"), lines=[line]), KO)).count("chart-band") == 1


def test_shades_go_from_pale_to_dark_and_the_unknown_is_hatched():
    drawn = str(
        heat_map(HeatMap(id="h", title="때", unit="kWh", rows=["월"], columns=["0", "1", "2"], values=[[0.0, 10.0, None]]), KO)
    )
    assert "heat-0" in drawn
    assert "heat-6" in drawn
    assert 'fill="url(#h-760-none)"' in drawn
    assert "월 1" in drawn


@pytest.mark.parametrize(("value", "expected"), [(0.0, 0), (9.99, 6), (10.0, 6), (5.0, 3)])
def test_a_shade_is_a_seventh_of_the_span(value, expected):
    assert shade(value, 0.0, 10.0) == expected


def test_one_value_everywhere_is_one_shade():
    assert shade(4.0, 4.0, 4.0) == 0
