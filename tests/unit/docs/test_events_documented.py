"""The types of event that the source makes are exactly those on the page of events."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TYPE = re.compile(r"[a-z]+(\.[a-z_]+)+")


def texts(node, names):
    """Texts an expression may become: a literal, a name of the module, a value of its table, or either side of a choice."""
    if isinstance(node, ast.Constant):
        return {node.value}
    if isinstance(node, ast.Name):
        return {names[node.id]}
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return set(names[node.value.id])
    if isinstance(node, ast.IfExp):
        return texts(node.body, names) | texts(node.orelse, names)
    raise AssertionError(f"An event's type should be a text, not {ast.unparse(node)}")


def constants_of(table):
    return [one.value for one in table.values if isinstance(one, ast.Constant)]


def types_in_source():
    found = set()
    for file in (ROOT / "src" / "dure").rglob("*.py"):
        module = ast.parse(file.read_text("utf-8"))
        names = {}
        for one in module.body:
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant | ast.Dict):
                kept = one.value.value if isinstance(one.value, ast.Constant) else constants_of(one.value)
                names |= {target.id: kept for target in one.targets if isinstance(target, ast.Name)}
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Event":
                found |= {text for one in call.keywords if one.arg == "type" for text in texts(one.value, names)}
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_exactly_the_types_of_event_there_are_stand_on_the_page(language):
    page = (ROOT / "docs" / language / "events.md").read_text("utf-8")
    listed = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(types_in_source())
    assert [one for one in listed if not TYPE.fullmatch(one)] == []
