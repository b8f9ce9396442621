"""Dure's own XBRL taxonomy as files: schema, labels, presentation, sums, what requires what. Pure.

The files of a version are shipped in ``taxonomy/`` and never change; `made` makes them from the concepts, and a test holds both
against each other. Specifications: XBRL 2.1 (2003, with errata of 2013), sections 5.1 and 5.2.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from dure.core.text import Language
from dure.services.carbon.statements.concepts import CONCEPTS, GROUPS, NAMESPACE, PREFIX, VERSION, Concept

STEM = f"dure-carbon-{VERSION}"
SCHEMA = f"{STEM}.xsd"
FOLDER = Path(__file__).with_name("taxonomy")
_TYPES = {"decimal": "decimalItemType", "pure": "pureItemType", "monetary": "monetaryItemType"}
_LINKS = {
    f"{STEM}-label-ko.xml": "labelLinkbaseRef", f"{STEM}-label-en.xml": "labelLinkbaseRef",
    f"{STEM}-presentation.xml": "presentationLinkbaseRef", f"{STEM}-calculation.xml": "calculationLinkbaseRef",
    f"{STEM}-definition.xml": "definitionLinkbaseRef",
}  # fmt: skip
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_BASE = (
    '<link:linkbase xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink"\n'
    '  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"\n'
    '  xsi:schemaLocation="http://www.xbrl.org/2003/linkbase http://www.xbrl.org/2003/xbrl-linkbase-2003-12-31.xsd">\n'
)
_ROLE = "http://www.xbrl.org/2003/role/"
_ARC = "http://www.xbrl.org/2003/arcrole/"


def shipped() -> dict[str, bytes]:
    """The files as they are shipped, by name."""
    return {name: (FOLDER / name).read_bytes() for name in (SCHEMA, *_LINKS)}


def made() -> dict[str, bytes]:
    """The files as the concepts give them."""
    files = {
        SCHEMA: _schema(),
        f"{STEM}-label-ko.xml": _labels("ko"),
        f"{STEM}-label-en.xml": _labels("en"),
        f"{STEM}-presentation.xml": _presentation(),
        f"{STEM}-calculation.xml": _calculation(),
        f"{STEM}-definition.xml": _definition(),
    }
    return {name: (_HEAD + text).encode() for name, text in files.items()}


def _schema() -> str:
    refs = "\n".join(
        f'      <link:linkbaseRef xlink:type="simple" xlink:href="{name}" xlink:role="{_ROLE}{kind}"\n'
        f'        xlink:arcrole="http://www.w3.org/1999/xlink/properties/linkbase"/>'
        for name, kind in _LINKS.items()
    )
    elements = "\n".join(_element(one) for one in CONCEPTS)
    groups = "\n".join(
        f'  <xs:element name="{_group(one)}" id="{PREFIX}_{_group(one)}" type="xbrli:stringItemType" '
        f'substitutionGroup="xbrli:item" abstract="true" nillable="true" xbrli:periodType="duration"/>'
        for one in GROUPS
    )
    return (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xbrli="http://www.xbrl.org/2003/instance"\n'
        '  xmlns:link="http://www.xbrl.org/2003/linkbase" xmlns:xlink="http://www.w3.org/1999/xlink"\n'
        f'  xmlns:{PREFIX}="{NAMESPACE}" targetNamespace="{NAMESPACE}" elementFormDefault="qualified">\n'
        f"  <xs:annotation>\n    <xs:appinfo>\n{refs}\n    </xs:appinfo>\n  </xs:annotation>\n"
        '  <xs:import namespace="http://www.xbrl.org/2003/instance"'
        ' schemaLocation="http://www.xbrl.org/2003/xbrl-instance-2003-12-31.xsd"/>\n'
        f"{elements}\n{groups}\n</xs:schema>\n"
    )


def _element(one: Concept) -> str:
    kind = _TYPES.get(one.type, f"{one.type}ItemType")
    return (
        f'  <xs:element name="{one.name}" id="{PREFIX}_{one.name}" type="xbrli:{kind}" substitutionGroup="xbrli:item" '
        f'nillable="true" xbrli:periodType="duration"/>'
    )


def _labels(language: Language) -> str:
    rows = [(one.name, one.label(language)) for one in CONCEPTS] + [
        (_group(name), text(language)) for name, text in GROUPS.items()
    ]
    body = "".join(
        f"{_locator(name)}"
        f'    <link:label xlink:type="resource" xlink:label="l_{name}" xlink:role="{_ROLE}label" xml:lang="{language}">'
        f"{escape(text)}</link:label>\n"
        f'    <link:labelArc xlink:type="arc" xlink:arcrole="{_ARC}concept-label" xlink:from="{name}"'
        f' xlink:to="l_{name}"/>\n'
        for name, text in rows
    )
    return _linkbase("labelLink", body)


def _presentation() -> str:
    arcs = [(_group(one.group), one.name) for one in CONCEPTS]
    body = "".join(_locator(name) for name in (*map(_group, GROUPS), *(one.name for one in CONCEPTS)))
    body += "".join(_arc("presentation", "parent-child", pair, f' order="{number}"') for number, pair in enumerate(arcs, 1))
    return _linkbase("presentationLink", body)


def _calculation() -> str:
    arcs = [(one.sum_of, one.name) for one in CONCEPTS if one.sum_of]
    body = "".join(_locator(name) for name in dict.fromkeys(name for pair in arcs for name in pair))
    body += "".join(
        _arc("calculation", "summation-item", pair, f' order="{number}" weight="1"') for number, pair in enumerate(arcs, 1)
    )
    return _linkbase("calculationLink", body)


def _definition() -> str:
    arcs = [(one.name, other) for one in CONCEPTS for other in one.requires]
    body = "".join(_locator(one.name) for one in CONCEPTS)
    body += "".join(_arc("definition", "requires-element", pair, f' order="{number}"') for number, pair in enumerate(arcs, 1))
    return _linkbase("definitionLink", body)


def _linkbase(kind: str, body: str) -> str:
    return f'{_BASE}  <link:{kind} xlink:type="extended" xlink:role="{_ROLE}link">\n{body}  </link:{kind}>\n</link:linkbase>\n'


def _locator(name: str) -> str:
    return f'    <link:loc xlink:type="locator" xlink:href="{SCHEMA}#{PREFIX}_{name}" xlink:label="{name}"/>\n'


def _arc(kind: str, role: str, ends: tuple[str, str], more: str) -> str:
    return (
        f'    <link:{kind}Arc xlink:type="arc" xlink:arcrole="{_ARC}{role}" xlink:from="{ends[0]}" xlink:to="{ends[1]}"{more}/>\n'
    )


def _group(name: str) -> str:
    return f"{name.capitalize()}Abstract"
