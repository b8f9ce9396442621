"""Inline XBRL files that are wrong in one way each, made from a good one, and what Arelle says of a file.

Arelle runs offline, in this process, with the core schemas of its own package. An error here is a message of level error or
inconsistency, or two facts that contradict one another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

BAD_LEVELS = frozenset({"ERROR", "CRITICAL", "INCONSISTENCY", "ERROR-SEMANTIC"})
CONTRADICTION = "arelle:duplicateFacts"


class Mutant(NamedTuple):
    """What is wrong, and how it is made of a good file."""

    name: str
    make: Callable[[str], str]


def errors_of(file: Path, packages: Sequence[Path] = ()) -> list[str]:
    """Codes of all that Arelle finds wrong in a file, with these taxonomy packages beside its own schemas."""
    from arelle.api.Session import Session
    from arelle.logging.handlers.StructuredMessageLogHandler import StructuredMessageLogHandler
    from arelle.RuntimeOptions import RuntimeOptions

    options = RuntimeOptions(
        entrypointFile=str(file), validate=True, internetConnectivity="offline", calcs="xbrl21",
        validateDuplicateFacts="inconsistent", disablePersistentConfig=True, packages=[str(one) for one in packages] or None,
        logFormat="[%(messageCode)s] %(message)s",
    )  # fmt: skip
    with Session() as session:
        session.run(options, logHandler=StructuredMessageLogHandler())
        told = session.get_log_messages()
    return [
        f"{one['messageCode']}: {one['msg']}"
        for one in told
        if one["levelname"].upper() in BAD_LEVELS or one["messageCode"] == CONTRADICTION
    ]


def _swap(old: str, new: str, count: int = 1) -> Callable[[str], str]:
    def make(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, count)

    return make


def _fact(name: str, change: Callable[[str], str]) -> Callable[[str], str]:
    """Change the element of one fact."""

    def make(text: str) -> str:
        found = re.search(rf'<ix:non(Fraction|Numeric) name="dure:{name}".*?</ix:non\1>', text, re.DOTALL)
        assert found, name
        return text[: found.start()] + change(found.group()) + text[found.end() :]

    return make


def _without(name: str) -> Callable[[str], str]:
    return _fact(name, lambda text: re.sub(r"<[^>]*>", "", text))


def _twice(text: str) -> str:
    return text + re.sub(r">[^<]*<", ">1.000000<", text)


MUTANTS: tuple[Mutant, ...] = (
    Mutant("a concept that is not in the taxonomy", _swap("dure:Scope1Stationary", "dure:Scope1Imagined")),
    Mutant("a concept of another namespace", _swap('name="dure:Scope1"', 'name="xbrli:item"')),
    Mutant("a group instead of a concept", _swap('name="dure:Scope1"', 'name="dure:EmissionsAbstract"')),
    Mutant("a unit that is not there", _fact("Scope1", lambda text: text.replace('unitRef="tCO2e"', 'unitRef="gone"'))),
    Mutant("no unit", _fact("Scope1", lambda text: text.replace(' unitRef="tCO2e"', ""))),
    Mutant("money in tonnes", _fact("SponsorPaid", lambda text: text.replace('unitRef="KRW"', 'unitRef="tCO2e"'))),
    Mutant("a unit of a word that is none", _swap("iso4217:KRW", "iso4217:WONS")),
    Mutant("a context that is not there", _fact("Scope1", lambda text: text.replace('"period"', '"elsewhere"'))),
    Mutant("a period that ends before it begins", lambda text: re.sub(r"(<xbrli:endDate>)\d{4}", r"\g<1>1999", text)),
    Mutant(
        "an instant for what lasts a year",
        lambda text: re.sub(
            r"<xbrli:startDate>.*?</xbrli:startDate><xbrli:endDate>(.*?)</xbrli:endDate>",
            r"<xbrli:instant>\1</xbrli:instant>",
            text,
        ),
    ),
    Mutant("a day that is none", lambda text: re.sub(r"(<xbrli:endDate>\d{4})-\d\d-\d\d", r"\1-02-30", text)),
    Mutant("decimals in words", _fact("Scope1", lambda text: text.replace('decimals="6"', 'decimals="six"'))),
    Mutant("no decimals", _fact("Scope1", lambda text: text.replace(' decimals="6"', ""))),
    Mutant("decimals and precision", _fact("Scope1", lambda text: text.replace('decimals="6"', 'decimals="6" precision="3"'))),
    Mutant("two facts that contradict one another", _fact("Scope2Location", _twice)),
    Mutant("a sum that is not that of its parts", _fact("Scope1", lambda text: re.sub(r">[\d,.]+<", ">99,999.000000<", text))),
    Mutant("market-based scope 2 without location-based", _without("Scope2Location")),
    Mutant("nobody's name", _without("EntityName")),
    Mutant("no digest of the statement", _without("StatementDigest")),
    Mutant("an amount in words", _fact("Scope1", lambda text: re.sub(r">[\d,.]+<", ">some<", text))),
    Mutant("a format that is none", _swap("ixt:num-dot-decimal", "ixt:num-imagined")),
    Mutant("contributions of one tier without the others", _without("ContributionC")),
    Mutant("no taxonomy", lambda text: re.sub(r"<ix:references>.*?</ix:references>", "<ix:references></ix:references>", text)),
    Mutant("a taxonomy that is not there", _swap('xlink:href="dure-carbon', 'xlink:href="gone-carbon')),
    Mutant("an instant of knowing that is none", _fact("KnownAsOf", lambda text: re.sub(r">[^<]+<", ">yesterday<", text))),
)
