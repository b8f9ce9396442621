"""The rule pack ``xbrl_mapping``: which elements of official taxonomies a concept answers, where somebody supplied them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dure.core.rules import Rule
from dure.core.text import Text
from dure.services.carbon.rules import load_pack
from dure.services.carbon.statements.statement import Mapped


class Taxonomy(Rule, frozen=True, kw_only=True):
    """A row of ``[[taxonomies]]``; nothing is mapped to one without namespace and entry point."""

    name: Text
    prefix: str
    namespace: str = ""
    entry_point: str = ""


class Element(Rule, frozen=True, kw_only=True):
    """A row of ``[[elements]]``: `element` is its local name in the taxonomy, empty where nobody supplied it."""

    concept: str
    taxonomy: str
    disclosure: str
    element: str = ""


def mapping(on: date, folder: Path | None = None) -> tuple[Mapped, ...]:
    """The supplied elements in force for periods that begin on a day."""
    pack = load_pack("xbrl_mapping", folder)
    known = {one.id: one for one in pack.rows("taxonomies", Taxonomy, on) if one.namespace and one.entry_point}
    found = []
    for one in pack.rows("elements", Element, on):
        taxonomy = known.get(one.taxonomy)
        if taxonomy is not None and one.element:
            found.append(
                Mapped(
                    concept=one.concept,
                    element=one.element,
                    prefix=taxonomy.prefix,
                    namespace=taxonomy.namespace,
                    entry_point=taxonomy.entry_point,
                )
            )
    return tuple(found)
