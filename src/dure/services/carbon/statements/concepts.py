"""Concepts of Dure's own XBRL taxonomy: one for each row of a statement, with what else must stand beside it. Rows of data.

Official taxonomies (ISSB, GRI) may not be passed on; ``taxonomy/mapping.toml`` says which disclosure of theirs a concept answers.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.statements.book_figures import CONTRIBUTED, CREDITS, HELD, MONEY, REDUCED, TIERS
from dure.services.carbon.statements.company_drawing import HOURLY
from dure.services.carbon.statements.footprint_figures import CATEGORIES, ENERGY, GASES, SCOPES

VERSION = "2026-11"
NAMESPACE = f"urn:dure:xbrl:carbon:{VERSION}"
PREFIX = "dure"
Type = Literal["decimal", "pure", "monetary", "string", "dateTime"]


class Concept(msgspec.Struct, frozen=True, kw_only=True):
    """A concept over a period.

    Attributes
    ----------
    row : of the statement; of a text the id of what it says
    requires : concepts without which it must not stand
    sum_of : the concept it is a part of, by addition
    """

    name: str
    row: str
    type: Type
    label: Text
    group: str
    requires: tuple[str, ...] = ()
    sum_of: str = ""


def _camel(row: str) -> str:
    return "".join(word.capitalize() for word in row.replace(":", "-").split("-"))


_TEXTS = ("EntityName", "StatementId", "StatementDigest", "KnownAsOf", "WhatIsMissing")
_REQUIRES: dict[str, tuple[str, ...]] = {
    "scope2-location": ("Scope2Market",),
    "scope2-market": ("Scope2Location",),
    "scope2-hourly-location": ("Scope2Location", "Scope2HourlyMarket"),
    "scope2-hourly-market": ("Scope2Market", "Scope2HourlyLocation"),
    "credits-retired": ("CreditsHeld",),
    "contribution-A": ("ContributionB", "ContributionC"),
    "reduction-A": ("ReductionB", "ReductionC"),
}


def _numbers() -> list[Concept]:
    found = [_number(row, words[2], "emissions", _whole(row)) for row, words in SCOPES.items()]
    found += [_number(f"scope3-{number}", name, "emissions", "Scope3") for number, name in CATEGORIES.items()]
    found += [_number("scope2-market", Text("스코프 2(시장 기반)", "Scope 2, market-based"), "emissions")]
    found += [_number(row, name, "emissions") for row, (_, name) in GASES.items()]
    found += [_number(row, name, "emissions", type_=_type(row)) for row, (_, name) in HOURLY.items()]
    found += [_number(row, name, "energy", "" if row == "energy-total" else "EnergyTotal") for row, (_, name) in ENERGY.items()]
    found += [
        _number("renewable-covered", Text("계약 수단으로 덮은 전기", "Electricity covered by instruments"), "energy"),
        _number("renewable-share", Text("그 비율", "Share of it"), "energy", type_="pure"),
        _number("waste-mass", Text("폐기물", "Waste"), "energy"),
        _number("waste-recycled-share", Text("폐기물 재활용 비율", "Share of waste recycled"), "energy", type_="pure"),
        _number("intensity-area", Text("연면적당 배출", "Emissions of a square metre"), "energy"),
        _number("energy-intensity-area", Text("연면적당 에너지", "Energy of a square metre"), "energy"),
        _number("quality", Text("자료 품질", "Quality of the data"), "quality", type_="pure"),
        _number("rows-missing", Text("세지 못한 자료", "Rows that count nothing"), "quality", type_="pure"),
    ]
    found += [_number(row, name, "credits") for row, name in (CREDITS | {"credits-held": HELD}).items()]
    for tier in TIERS:
        kind: Type = "pure" if tier == "C" else "decimal"
        found.append(_number(f"contribution-{tier}", CONTRIBUTED[tier], "contribution", type_=kind))
        found.append(_number(f"reduction-{tier}", REDUCED[tier], "credits", type_=kind))
    return found + [_number(row, name, "money", type_="monetary") for row, name in MONEY.items()]


def _whole(row: str) -> str:
    return "Scope1" if row.startswith("scope1-") else ""


def _type(row: str) -> Type:
    return "pure" if row == "hourly-score" else "decimal"


def _number(row: str, label: Text, group: str, sum_of: str = "", type_: Type = "decimal") -> Concept:
    requires = ("EntityName", *_REQUIRES.get(row, ()), *((sum_of,) if sum_of else ()))
    return Concept(name=_camel(row), row=row, type=type_, label=label, group=group, requires=requires, sum_of=sum_of)


def _text(name: str, label: Text, type_: Type = "string") -> Concept:
    others = tuple(one for one in _TEXTS if one != name)
    return Concept(name=name, row=name, type=type_, label=label, group="subject", requires=others)


CONCEPTS: tuple[Concept, ...] = (
    _text("EntityName", Text("보고하는 곳", "Who reports")),
    _text("StatementId", Text("보고서 번호", "Id of the statement")),
    _text("StatementDigest", Text("보고서의 지문(SHA-256)", "Digest of the statement (SHA-256)")),
    _text("KnownAsOf", Text("기준 시각", "Known as of"), "dateTime"),
    _text("WhatIsMissing", Text("빠진 것", "What is missing")),
    Concept(
        name="Boundary",
        row="boundary",
        type="string",
        label=Text("조직 경계", "Boundary"),
        group="subject",
        requires=("EntityName",),
    ),
    *_numbers(),
)
BY_ROW: dict[str, Concept] = {one.row: one for one in CONCEPTS}
GROUPS: dict[str, Text] = {
    "subject": Text("보고하는 곳", "Who reports"),
    "emissions": Text("배출", "Emissions"),
    "energy": Text("에너지와 자원", "Energy and resources"),
    "credits": Text("검증 감축", "Verified reductions"),
    "contribution": Text("후원의 기여", "Contributions by sponsoring"),
    "money": Text("돈", "Money"),
    "quality": Text("자료의 품질", "Quality of the data"),
}
