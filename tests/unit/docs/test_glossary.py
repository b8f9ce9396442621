import inspect
import re
from pathlib import Path

import pytest

from dure.core import assets, events, observations
from dure.core.observations import Check, Flag
from dure.core.units import UNITS
from dure.running.parts import SERVICES

GLOSSARY = Path(__file__).parents[3] / "docs" / "glossary.md"


def rows(title):
    """Cells of each row of the first table under a heading."""
    _, _, rest = GLOSSARY.read_text("utf-8").partition(f"# {title}")
    section = re.split(r"\n#+ ", rest, maxsplit=1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def word(cell):
    return cell.strip("`")


def classes(module):
    return {name for name, one in vars(module).items() if inspect.isclass(one) and one.__module__ == module.__name__}


def test_every_class_of_the_core_words_is_in_the_glossary_and_nothing_stale():
    assert {word(row[0]) for row in rows("Words of the core")} == classes(assets) | classes(events) | classes(observations)


def test_every_flag_and_check_is_in_the_glossary_with_its_number():
    members = {f"{type(one).__name__}.{one.name}": one.value for kind in (Flag, Check) for one in kind}
    assert {word(row[0]): int(row[1]) for row in rows("Quality flags and checks")} == members


def test_every_registered_kind_is_in_the_glossary_as_it_is_registered():
    registered = {(kind.id, kind.name.ko, kind.name.en, kind.service) for service in SERVICES for kind in service.kinds()}
    assert {(word(row[0]), *row[1:4]) for row in rows("Kinds of asset")} == registered


def test_a_kind_is_not_still_to_come_when_a_service_has_registered_it():
    registered = {kind.id for service in SERVICES for kind in service.kinds()}
    assert {word(row[0]) for row in rows("Kinds of services to come")} & registered == set()


def test_every_registered_property_is_in_the_glossary_with_its_names_and_unit_and_nothing_stale():
    registered = {(one.id, one.name.ko, one.name.en, one.unit) for service in SERVICES for one in service.properties()}
    assert {(word(row[0]), row[1], row[2], word(row[4])) for row in rows("Properties")} == registered


@pytest.mark.parametrize(
    "title", ["Words of the core", "Other words of the house", "Quantities in names", "Kinds of asset", "Properties"]
)
def test_every_word_has_a_korean_name_and_stands_once(title):
    found = rows(title)
    names = [row[0] for row in found]
    assert names
    assert len(set(names)) == len(names)
    assert [row[0] for row in found if not re.search("[가-힣]|pH", row[1])] == []


def test_units_of_quantities_are_known():
    assert {word(row[3]) for row in rows("Quantities in names")} - {"–"} <= set(UNITS)


@pytest.mark.parametrize("term", ["phenomenon time", "result time", "missing", "unknown", "unavailable", "interval", "books"])
def test_the_words_of_the_design_are_explained(term):
    assert term in {row[0] for row in rows("Other words of the house")}
