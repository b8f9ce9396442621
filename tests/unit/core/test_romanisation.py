import pytest

from dure.core.romanisation import romanise, romanise_unit


# Examples printed in 국어의 로마자 표기법 (notice 2014-42), without capitals.
@pytest.mark.parametrize(
    ("korean", "latin"),
    [
        ("구미", "gumi"),
        ("영동", "yeongdong"),
        ("백암", "baegam"),
        ("옥천", "okcheon"),
        ("합덕", "hapdeok"),
        ("호법", "hobeop"),
        ("월곶", "wolgot"),
        ("벚꽃", "beotkkot"),
        ("한밭", "hanbat"),
        ("구리", "guri"),
        ("설악", "seorak"),
        ("칠곡", "chilgok"),
        ("임실", "imsil"),
        ("울릉", "ulleung"),
        ("대관령", "daegwallyeong"),
        ("백마", "baengma"),
        ("종로", "jongno"),
        ("왕십리", "wangsimni"),
        ("별내", "byeollae"),
        ("신라", "silla"),
        ("해돋이", "haedoji"),
        ("같이", "gachi"),
        ("좋고", "joko"),
        ("놓다", "nota"),
        ("묵호", "mukho"),
        ("집현전", "jiphyeonjeon"),
        ("압구정", "apgujeong"),
        ("낙동강", "nakdonggang"),
        ("광희문", "gwanghuimun"),
    ],
)
def test_words_of_the_official_notice_are_written_as_it_prints_them(korean, latin):
    assert romanise(korean) == latin


def test_the_unit_stands_after_a_hyphen_without_sound_change():
    assert [romanise_unit(name) for name in ("석우동", "송림동", "동탄면", "화성시", "삼죽면")] == [
        "Seogu-dong",
        "Songnim-dong",
        "Dongtan-myeon",
        "Hwaseong-si",
        "Samjuk-myeon",
    ]


def test_what_is_no_hangul_stays():
    assert romanise("A-1 (예)") == "A-1 (ye)"
