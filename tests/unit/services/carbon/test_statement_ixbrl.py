"""Inline XBRL of statements before Arelle, offline: nothing wrong in good ones, something in each of the seeded bad ones."""

from __future__ import annotations

import importlib.util
import io
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
from carbon_house import carbon_house
from stated_company import CITY, YEAR, booked, claim, sponsored, stated_house

from dure.services.carbon.statements import statement_desk, taxonomy
from dure.services.carbon.statements.ixbrl import ixbrl_bytes, package

with warnings.catch_warnings():  # its own deprecations are not ours
    warnings.simplefilter("ignore")
    pytest.importorskip("arelle.api.Session", reason="Arelle (arelle-release) is not installed")

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
_spec = importlib.util.spec_from_file_location("ixbrl_mutants", BENCHMARKS / "ixbrl_mutants.py")
mutants = importlib.util.module_from_spec(_spec)
sys.modules["ixbrl_mutants"] = mutants
_spec.loader.exec_module(mutants)

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    house = stated_house(tmp_path_factory.mktemp("stated"))
    sponsored(house)
    return statement_desk.draft(house, YEAR).statement


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("ixbrl")
    for name, content in taxonomy.shipped().items():
        (place / name).write_bytes(content)
    return place


@pytest.mark.parametrize("language", ["ko", "en"])
def test_arelle_finds_nothing_wrong_in_a_companys_statement(said, folder, language):
    file = folder / f"statement-{language}.xhtml"
    file.write_bytes(ixbrl_bytes(said, language))

    assert mutants.errors_of(file) == []


def test_arelle_finds_nothing_wrong_in_the_citys_statement(folder, tmp_path):
    house = carbon_house(tmp_path)
    booked(house, claim(1), claim(2, 700, "B"))
    file = folder / "city.xhtml"
    file.write_bytes(ixbrl_bytes(statement_desk.draft(house, CITY).statement, "ko"))

    assert mutants.errors_of(file) == []


def test_arelle_reads_the_report_package_as_it_is_handed_out(said, tmp_path):
    file = tmp_path / "statement.zip"
    file.write_bytes(package(said, {"statement-ko.xhtml": ixbrl_bytes(said, "ko")}))

    assert mutants.errors_of(file) == []
    names = zipfile.ZipFile(io.BytesIO(file.read_bytes())).namelist()
    assert f"{said.id}/META-INF/reportPackage.json" in names
    assert f"{said.id}/reports/{taxonomy.SCHEMA}" in names


def test_at_least_twenty_bad_ones_are_seeded():
    assert len({one.name for one in mutants.MUTANTS}) >= 20


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda one: one.name)
def test_arelle_finds_what_is_wrong(said, folder, mutant):
    file = folder / "bad.xhtml"
    file.write_text(mutant.make(ixbrl_bytes(said, "ko").decode()), "utf-8")

    assert mutants.errors_of(file)
