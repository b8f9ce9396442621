"""A statement as inline XBRL 1.1: one XHTML file that people read and machines take facts from. Pure.

What is not known has no fact. Amounts are exact: whole books written with all their digits. The file refers to the taxonomy
beside it (`taxonomy`); `package` puts both into one report package.

Specifications: Inline XBRL 1.1 (2013), Transformation Registry 4 (2020-02-12), Report Packages 1.0 (2023).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from xml.sax.saxutils import escape, quoteattr

from dure.core.text import Language, Text
from dure.core.time import format_instant
from dure.services.carbon.statements import statement as made
from dure.services.carbon.statements.concepts import BY_ROW, NAMESPACE, PREFIX
from dure.services.carbon.statements.statement import Figure, Gap, Mapped, Statement
from dure.services.carbon.statements.taxonomy import SCHEMA, shipped
from dure.services.carbon.statements.units import SHOWN, spelled
from dure.services.carbon.statements.words import GROUPS, HEADINGS, title

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: no clock in a file that is printed again
_UNITS = {
    "tCO2e": f"{PREFIX}:tCO2e", "t": f"{PREFIX}:t", "MWh": "utr:MWh", "KRW": "iso4217:KRW", "pure": "xbrli:pure",
}  # fmt: skip
_RATIOS = {"kgCO2e_m2": (f"{PREFIX}:kgCO2e", f"{PREFIX}:m2"), "kWh_m2": (f"{PREFIX}:kWh", f"{PREFIX}:m2")}
_SPACES = {
    "": "http://www.w3.org/1999/xhtml", "ix": "http://www.xbrl.org/2013/inlineXBRL",
    "ixt": "http://www.xbrl.org/inlineXBRL/transformation/2020-02-12", "xbrli": "http://www.xbrl.org/2003/instance",
    "link": "http://www.xbrl.org/2003/linkbase", "xlink": "http://www.w3.org/1999/xlink",
    "iso4217": "http://www.xbrl.org/2003/iso4217", "utr": "http://www.xbrl.org/2009/utr", PREFIX: NAMESPACE,
}  # fmt: skip
_META = '<meta http-equiv="Content-Type" content="text/html; charset=UTF-8"/>'
_STYLE = (
    "body{font-family:'Pretendard GOV',sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1e2124}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border-bottom:1px solid #cdd1d5;padding:.3rem;text-align:left;"
    "vertical-align:top}td.n{text-align:right}code{font-size:.8em}.soft{color:#464c53}"
)
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def ixbrl_bytes(statement: Statement, language: Language) -> bytes:
    """The XHTML file."""
    named = _SPACES | {one.prefix: one.namespace for one in statement.mapping}
    spaces = "".join(f" xmlns{':' if name else ''}{name}={quoteattr(uri)}" for name, uri in named.items())
    sections = "".join(_table(statement, group, language) for group in GROUPS)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<html{spaces} xml:lang="{language}">\n<head>{_META}<title>{_text(title(statement, language))}</title>'
        f'<style type="text/css">{_STYLE}</style></head>\n<body>\n{_header(statement)}'
        f"<h1>{_text(title(statement, language))}</h1>\n{_subject(statement, language)}{sections}"
        f"{_missing(statement.gaps, language)}{_factors(statement, language)}{_disclosures(statement, language)}"
        "</body>\n</html>\n"
    )
    return text.encode()


def package(statement: Statement, reports: Mapping[str, bytes]) -> bytes:
    """A report package: the XHTML files with the taxonomy beside them. The same statement gives the same bytes."""
    head = {"documentInfo": {"documentType": "https://xbrl.org/report-package/2023"}}
    files = {f"{statement.id}/META-INF/reportPackage.json": json.dumps(head).encode()}
    files |= {f"{statement.id}/reports/{name}": content for name, content in sorted((*reports.items(), *shipped().items()))}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, ZIP_TIME)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content)
    return target.getvalue()


def _header(statement: Statement) -> str:
    asked = statement.question
    last = asked.after - timedelta(days=1)
    number = next((one.value.ko for one in statement.facts if one.id == "number"), "")
    scheme, ident = ("urn:dure:kr-business-number", number) if number else ("urn:dure:subject", asked.subject)
    units = "".join(
        f'<xbrli:unit id="{name}"><xbrli:measure>{measure}</xbrli:measure></xbrli:unit>' for name, measure in _UNITS.items()
    )
    units += "".join(
        f'<xbrli:unit id="{name}"><xbrli:divide><xbrli:unitNumerator><xbrli:measure>{over}</xbrli:measure>'
        f"</xbrli:unitNumerator><xbrli:unitDenominator><xbrli:measure>{under}</xbrli:measure></xbrli:unitDenominator>"
        "</xbrli:divide></xbrli:unit>"
        for name, (over, under) in _RATIOS.items()
    )
    schemas = dict.fromkeys((SCHEMA, *(one.entry_point for one in statement.mapping)))
    refs = "".join(f'<link:schemaRef xlink:type="simple" xlink:href={quoteattr(one)}/>' for one in schemas)
    return (
        f'<div style="display:none"><ix:header><ix:references>{refs}</ix:references><ix:resources>'
        f'<xbrli:context id="period"><xbrli:entity><xbrli:identifier scheme="{scheme}">{_text(ident)}</xbrli:identifier>'
        f"</xbrli:entity><xbrli:period><xbrli:startDate>{asked.first}</xbrli:startDate><xbrli:endDate>{last}</xbrli:endDate>"
        f"</xbrli:period></xbrli:context>\n{units}</ix:resources></ix:header></div>\n"
    )


def _subject(statement: Statement, language: Language) -> str:
    asked = statement.question
    rows = [("EntityName", statement.name.ko), ("StatementId", statement.id)]
    rows += [("StatementDigest", made.sha256(made.canonical(statement))), ("KnownAsOf", format_instant(asked.as_of))]
    boundary = next((one.value.en for one in statement.facts if one.id == "boundary"), "")
    rows += [("Boundary", boundary)] if boundary else []
    body = "".join(
        f"<tr><th>{_text(BY_ROW.get(name, BY_ROW['boundary']).label(language))}</th><td>{_words(name, value)}</td></tr>\n"
        for name, value in rows
    )
    body += "".join(
        f"<tr><th>{_text(one.name(language))}</th><td>{_text(one.value(language))}</td></tr>\n"
        for one in statement.facts
        if one.id not in {"name", "boundary"}
    )
    return f"<table>\n{body}</table>\n"


def _table(statement: Statement, group: str, language: Language) -> str:
    figures = [one for one in statement.figures if one.group == group]
    if not figures:
        return ""
    body = "".join(
        f"<tr><td>{_text(one.name(language))}{f' <em>({one.mark})</em>' if one.mark else ''}</td>"
        f'<td class="n">{_amount(one, language, statement.mapping)}</td><td>{SHOWN[one.unit].name}</td>'
        f"<td><code>carbon/statement/{statement.id}/{_text(one.row)}</code></td></tr>\n"
        for one in figures
    )
    return f"<h2>{_text(GROUPS[group](language))}</h2>\n<table>\n{body}</table>\n"


def _amount(one: Figure, language: Language, mapped: Sequence[Mapped]) -> str:
    if one.amount is None:
        return f'<span class="soft">{_text(one.why(language))}</span>'
    concept = BY_ROW.get(one.row)
    shown = spelled(abs(one.amount), one.unit)
    minus = "−" if one.amount < 0 else ""
    if concept is None:
        return f"{minus}{shown}"
    sign = ' sign="-"' if one.amount < 0 else ""
    scale = ' scale="-2"' if one.unit == "ppm" else ""
    decimals = SHOWN[one.unit].decimals + (2 if one.unit == "ppm" else 0)
    more = f'contextRef="period" unitRef="{SHOWN[one.unit].xbrl}" decimals="{decimals}" format="ixt:num-dot-decimal"{scale}{sign}'
    names = [f"{PREFIX}:{concept.name}", *(f"{each.prefix}:{each.element}" for each in mapped if each.concept == concept.name)]
    opened = "".join(f'<ix:nonFraction name="{name}" {more}>' for name in names)
    return f"{minus}{opened}{shown}{'</ix:nonFraction>' * len(names)}"


def _missing(gaps: Sequence[Gap], language: Language) -> str:
    told = " ".join(f"{one.words(language)} ({one.count})" for one in gaps) or HEADINGS["nothing_missing"](language)
    return f"<h2>{_text(HEADINGS['missing'](language))}</h2>\n<p>{_words('WhatIsMissing', told)}</p>\n"


def _factors(statement: Statement, language: Language) -> str:
    """Factors are told, not tagged: the taxonomy has figures of a period."""
    body = "".join(
        f'<tr><td><code>{_text(one.id)}</code></td><td class="n">{one.value}</td>'
        f"<td>kgCO2e/{_text(f'{one.per} {one.heat}'.strip())}</td>"
        f"<td>{_text(one.source)} ({_text(one.mark)})</td></tr>\n"
        for one in statement.factors
    )
    return f"<h2>{_text(HEADINGS['factors'](language))}</h2>\n<table>\n{body}</table>\n" if body else ""


def _disclosures(statement: Statement, language: Language) -> str:
    found = ""
    for standard in statement.standards:
        rows = [one for one in statement.disclosures if one.standard == standard.id]
        body = "".join(
            f"<tr><td>{_text(one.code)}</td><td>{_text(one.name(language))}{' (draft revision)' if one.draft else ''}</td>"
            f"<td>{_text(', '.join(one.rows)) or _soft(one.left, language)}</td></tr>\n"
            for one in rows
        )
        found += (
            f'<h2>{_text(standard.name(language))}</h2>\n<p class="soft">{_text(standard.source)} ({_text(standard.mark)})</p>\n'
            f"<table>\n{body}</table>\n"
        )
    return found


def _soft(text: Text, language: Language) -> str:
    return f'<span class="soft">{_text(text(language))}</span>'


def _words(name: str, value: str) -> str:
    return f'<ix:nonNumeric name="{PREFIX}:{name}" contextRef="period">{_text(value)}</ix:nonNumeric>'


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))
