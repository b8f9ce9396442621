"""Green Button files: what must be refused, what real samples bend, and the round trip."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError, TooLarge
from dure.protocols.green_button import BYTES_MAX, Block, Feed, Reading, Series, read_feed, write_feed

SAMPLES = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "buildings" / "greenbutton"
COUNTS = {
    "Coastal_Multi_Family_12hr_Jan_1_2011_to_Jan_1_2012_RetailCustomer_3.xml": 8_760,
    "Inland_Single_Family_Jan_1_2011_to_Jan_1_2012_RetailCustomer_9.xml": 8_760,
    "TestGBDataHourlyNineDaysBinnedDaily.xml": 216,
    "TestGBDataOneYearDailyBinnedMonthly.xml": 444,
    "espi_test_usage_data.xml": 1_340,
    "espi_test_usage_data_01.xml": 96,
    "espi_test_usage_data_1.xml": 480,
    "espi_test_usage_data_11.xml": 92,
    "ngma_gas_provider_2024-07-16.xml": 36,
    "ngma_natural_gas_billing_billing_data_Service_1_1_2021-05-26_to_2024-04-25.xml": 35,
    "electric_containerized.xml": None,
    "gas_containerized.xml": 3,
    "gas_direct.xml": 5,
}


@pytest.fixture(scope="session")
def samples() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip(f"the shared test data is not at {SAMPLES}; set DURE_TEST_DATA")
    return SAMPLES


def feed_of(readings: str, before: str = "") -> bytes:
    block = f"<IntervalBlock>{readings}</IntervalBlock>"
    return f"{before}<feed><entry><content>{block}</content></entry></feed>".encode()


def reading(start: str = "0", duration: str = "900", value: str = "5") -> str:
    period = f"<timePeriod><duration>{duration}</duration><start>{start}</start></timePeriod>"
    return f"<IntervalReading>{period}<value>{value}</value></IntervalReading>"


def refusal(body: bytes) -> str:
    with pytest.raises(InputError) as caught:
        read_feed(body)
    return caught.value.code


@pytest.mark.parametrize(
    "body", [b"", b"meter,kWh\n1,2\n", b"<feed><entry>", b"\xff\xfe<feed", b'<?xml version="1.0" encoding="cp949"?><feed/>']
)
def test_what_is_no_xml_is_refused(body):
    assert refusal(body) == "xml.broken"


def test_xml_without_readings_is_refused():
    assert refusal(b"<html><body/></html>") == "green_button.no_series"


def test_an_external_entity_is_refused_and_its_file_never_read():
    head = '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    assert refusal(feed_of(reading(value="&x;"), head)) == "xml.doctype"


def test_a_billion_laughs_are_refused():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    assert refusal(feed_of(reading(value="&l9;"), f'<!DOCTYPE feed [<!ENTITY l0 "ha">{laughs}]>')) == "xml.doctype"


def test_an_external_document_type_is_refused():
    assert refusal(feed_of(reading(), '<!DOCTYPE feed SYSTEM "http://127.0.0.1/x.dtd">')) == "xml.doctype"


def test_fifty_megabytes_are_refused_before_they_are_parsed():
    with pytest.raises(TooLarge) as caught:
        read_feed(b" " * (BYTES_MAX + 1))
    assert caught.value.code == "xml.too_large"


def test_endless_depth_and_endless_text_are_refused():
    assert refusal(b"<a>" * 100_000) == "xml.too_large"
    assert refusal(b"<feed>" + b"x" * 200_000 + b"</feed>") == "xml.too_large"


@pytest.mark.parametrize(
    "bad",
    [reading(value="1,5"), reading(value=""), reading(start="1e999999999"), reading(start="yesterday"), reading(value="9" * 20)],
)
def test_a_reading_that_is_no_number_is_named_and_the_others_are_read(bad):
    found = read_feed(feed_of(reading() + bad + reading(start="900")))
    assert [(one.row, one.code) for one in found.rejected] == [(2, "green_button.reading")]
    assert len(found.series[0].readings) == 2


@pytest.mark.parametrize("duration", ["0", "-900", "99999999999"])
def test_a_reading_of_no_or_endless_duration_is_named(duration):
    found = read_feed(feed_of(reading() + reading(duration=duration)))
    assert [one.code for one in found.rejected] == ["green_button.duration"]


def test_a_power_of_ten_beyond_measure_is_told_and_never_computed():
    kind = "<ReadingType><uom>72</uom><powerOfTenMultiplier>99999999</powerOfTenMultiplier></ReadingType>"
    entry = f"<feed><entry><content>{kind}</content></entry>"
    found = read_feed(feed_of(reading()).replace(b"<feed>", entry.encode()))
    assert found.series[0].multiplier == 0
    assert "green_button.unit" in {notice.code for notice in found.notices}


def test_starts_that_cannot_be_true_are_told(samples):
    found = read_feed((samples / "ngma_gas_provider_2024-07-16.xml").read_bytes())
    assert not found.series[0].starts_trusted
    assert "green_button.start_repeated" in {notice.code for notice in found.notices}
    assert found.series[0].readings[0].start_us == 1_721_154_384_661_360
    assert found.series[0].service_kind is None
    assert {reading.qualities for reading in found.series[0].readings} == {(0,)}


def test_a_block_that_claims_another_span_than_its_readings_is_told(samples):
    found = read_feed((samples / "gas_direct.xml").read_bytes())
    assert {notice.code for notice in found.notices} == {"green_button.outside_block"}
    assert found.series[0].unit == "[therm]"
    assert found.series[0].usage_point == "1 MAIN ST, ANYTOWN ME 12345"


def test_a_sample_of_hourly_electricity_is_read_whole(samples):
    found = read_feed((samples / "electric_containerized.xml").read_bytes())
    series = found.series[0]
    assert (series.unit, series.multiplier, series.service_kind) == ("Wh", 1, 0)
    assert (series.title, series.usage_point) == ("Hourly Electricity Consumption", "Coastal Multi-Family 12hr")
    assert series.readings[0] == Reading(1_293_868_800_000_000, 3600, 450)
    assert found.local_time["tzOffset"] == "-28800"
    assert found.notices == ()


@pytest.mark.parametrize("name", COUNTS)
def test_the_samples_go_out_as_they_came_in(name, samples):
    body = (samples / name).read_bytes()
    found = read_feed(body)
    readings = [one for series in found.series for one in series.readings]
    assert len(readings) == len(re.findall(rb"<(?:\w+:)?IntervalReading>", body))
    assert COUNTS[name] in {None, len(readings)}
    stated = re.findall(rb"timePeriod>\s*<(?:\w+:)?value>\s*(-?\d+)\s*</", body)
    assert sum(one.value for one in readings) == sum(map(int, stated))
    again = read_feed(write_feed(found, "2026-11-01T00:00:00Z"))
    assert [series.blocks for series in again.series] == [series.blocks for series in found.series]
    assert [(s.title, s.usage_point, s.service_kind, s.reading_type) for s in again.series] == [
        (s.title, s.usage_point, s.service_kind, s.reading_type) for s in found.series
    ]
    assert again.rejected == found.rejected == ()


words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
readings = st.builds(
    Reading,
    start_us=st.integers(0, 10**16),
    duration_s=st.integers(1, 10**6),
    value=st.integers(-(10**14), 10**14),
    qualities=st.lists(st.integers(0, 19), max_size=2).map(tuple),
    cost=st.none() | st.integers(0, 10**9),
)
blocks = st.builds(Block, st.integers(0, 10**16), st.integers(1, 10**6), st.lists(readings, min_size=1, max_size=4).map(tuple))


@settings(max_examples=60, deadline=None)
@given(all_blocks=st.lists(st.lists(blocks, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3), title=words)
def test_whatever_is_written_is_read_again(all_blocks, title):
    series = tuple(
        Series(title=title, usage_point=title, service_kind=n, reading_type={"uom": 72}, blocks=blocks)
        for n, blocks in enumerate(all_blocks)
    )
    again = read_feed(write_feed(Feed(title=title, series=series), "2026-11-01T00:00:00Z"))
    assert [one.blocks for one in again.series] == [one.blocks for one in series]
    assert {(one.title, one.usage_point) for one in again.series} == {(title, title)}


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200) | words.map(lambda text: f"<feed>{text}</feed>".encode()))
def test_noise_is_refused_with_a_code(body):
    assert refusal(body) in {"xml.broken", "xml.doctype", "green_button.no_series"}
