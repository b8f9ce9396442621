"""Korean particles and text in two languages."""

import unicodedata

import pytest

from dure.core.text import Text, with_particle


@pytest.mark.parametrize(
    ("word", "pair", "expected"),
    [
        ("물", "은/는", "물은"),
        ("바다", "은/는", "바다는"),
        ("기온", "이/가", "기온이"),
        ("습도", "을/를", "습도를"),
        ("서울", "으로/로", "서울로"),
        ("부산", "으로/로", "부산으로"),
        ("제주", "으로/로", "제주로"),
        ("PM10", "이/가", "PM10이"),
        ("PM2", "이/가", "PM2가"),
        ("1", "으로/로", "1로"),
        ("3", "으로/로", "3으로"),
        ("동탄(東灘)", "은/는", "동탄(東灘)은(는)"),
        ("동탄)", "은/는", "동탄)은"),
        ("NO", "은/는", "NO은(는)"),
        ("", "은/는", "은(는)"),
    ],
)
def test_the_particle_fits_the_last_sound(word, pair, expected):
    assert with_particle(word, pair) == expected


def test_a_decomposed_syllable_sounds_the_same():
    assert with_particle(unicodedata.normalize("NFD", "물"), "이/가").endswith("이")


@pytest.mark.parametrize(
    ("text", "ko", "en"), [(Text("물", "Water"), "물", "Water"), (Text("물"), "물", "물"), (Text("", "Water"), "Water", "Water")]
)
def test_a_text_falls_back_to_the_language_there_is(text, ko, en):
    assert (text("ko"), text("en")) == (ko, en)
