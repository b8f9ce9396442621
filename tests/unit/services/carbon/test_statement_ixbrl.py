"""Inline XBRL of statements before Arelle, offline: nothing wrong in good ones, something in each of the seeded bad ones."""

from __future__ import annotations

import importlib.util
import io
import sys
import warnings
import zipfile
from pathlib import Path

import msgspec
import pytest
from carbon_house import carbon_house
from stated_company import CITY, YEAR, booked, claim, sponsored, stated_house

from dure.services.carbon.statements import statement_desk, taxonomy
from dure.services.carbon.statements.ixbrl import ixbrl_bytes, package
from dure.services.carbon.statements.statement import Mapped

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


OFFICIAL = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xbrli="http://www.xbrl.org/2003/instance"
  targetNamespace="http://official.example/tax" elementFormDefault="qualified">
  <xs:import namespace="http://www.xbrl.org/2003/instance" schemaLocation="http://www.xbrl.org/2003/xbrl-instance-2003-12-31.xsd"/>
  <xs:element name="GrossScope1" id="o_GrossScope1" type="xbrli:decimalItemType" substitutionGroup="xbrli:item"
    nillable="true" xbrli:periodType="duration"/>
</xs:schema>"""
PACKAGE = """<tp:taxonomyPackage xml:lang="en" xmlns:tp="http://xbrl.org/2016/taxonomy-package"><tp:identifier>http://official.example
</tp:identifier><tp:name>Official</tp:name></tp:taxonomyPackage>"""
CATALOG = """<catalog xmlns="urn:oasis:names:tc:entity:xmlns:xml:catalog">
<rewriteURI uriStartString="http://official.example/" rewritePrefix="../"/></catalog>"""


def test_mapped_facts_are_tagged_by_a_supplied_official_taxonomy_too(said, folder, tmp_path):
    entry = "http://official.example/tax.xsd"
    tax = Mapped(
        concept="Scope1", element="GrossScope1", prefix="off", namespace="http://official.example/tax", entry_point=entry
    )
    file, supplied = folder / "mapped.xhtml", tmp_path / "official.zip"
    file.write_bytes(ixbrl_bytes(msgspec.structs.replace(said, mapping=(tax,)), "ko"))
    with zipfile.ZipFile(supplied, "w") as archive:
        for name, content in {
            "META-INF/taxonomyPackage.xml": PACKAGE,
            "META-INF/catalog.xml": CATALOG,
            "tax.xsd": OFFICIAL,
        }.items():
            archive.writestr(f"official/{name}", content)

    assert mutants.errors_of(file, [supplied]) == []
    assert mutants.errors_of(file)  # the taxonomy is not there


def test_at_least_twenty_bad_ones_are_seeded():
    assert len({one.name for one in mutants.MUTANTS}) >= 20


@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda one: one.name)
def test_arelle_finds_what_is_wrong(said, folder, mutant):
    file = folder / "bad.xhtml"
    file.write_text(mutant.make(ixbrl_bytes(said, "ko").decode()), "utf-8")

    assert mutants.errors_of(file)
