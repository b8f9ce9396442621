from pathlib import Path

import msgspec
import pytest

from dure import city, city_lists

DOCS = Path(__file__).parents[3] / "docs"
WORDS = [
    *(one.name for kind in (city._CityFile, city.Integration, city.PropertyRange) for one in msgspec.structs.fields(kind)),  # noqa: SLF001  # its words are what is documented
    *city_lists.ASSET_COLUMNS,
    "zone",
]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_word_of_a_citys_files_is_on_its_page(language):
    page = (DOCS / language / "city.md").read_text("utf-8")
    assert [word for word in WORDS if f"`{word}`" not in page] == []
