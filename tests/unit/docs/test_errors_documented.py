"""Exactly the codes of the source are in the list of both languages, with who fixes each and whether to retry."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from dure.core import errors
from dure.core.errors import DureError

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "src" / "dure"
CODE = re.compile(r"[a-z][a-z0-9_]*\.[a-z0-9_]+")
PATTERN = re.compile(r"(?:[a-z][a-z0-9_]*|\{\})\.(?:[a-z0-9_]|\{\})+")
# Codes that are put together from parts, as they are documented.
COMPOSED = {
    "reading.{}_malformed": {"reading.property_malformed", "reading.asset_malformed"},
    "http.{}": {"http.STATUS"},
    "{}.slow": {"bus.slow", "records.slow", "telemetry.slow"},
}
# Words with a point that are no codes: files, columns of tables, messages of ASGI, events, names of log lines.
FILES = re.compile(
    r".*\.(html|toml|json|jsonl|conf|pid|log|db|duckdb|po|part|parquet|pmtiles|csv|geojson|sqlite|msgpack|txt|npz|svg|xlsx|dbf|prj|shp|typ)"
)
EVENTS = {"device.released", "station.back"}  # `station.silent` is the name of an event and of an error
WAYS = {"doubled.two_values_at_one_instant", "doubled.levels_in_turn", "doubled.rhythms_in_turn"}  # how a finding shows itself
WIRE = {"ocpp1.6", "ocpp2.1"}  # names of subprotocols
OTHERS = (
    WAYS
    | WIRE
    | {"storage.set_power", "dure.web", "assets.id", "people.id", "t.series", "http.request", "http.disconnect", "dure.protocols"}
)
LOGGING = {"debug", "info", "warning", "error", "exception"}
FIXER = {
    "en": {"sender": "sender", "admin": "admin", "operator": "operator", "nobody": "us"},
    "ko": {"sender": "보낸 쪽", "admin": "관리자", "operator": "운영자", "nobody": "두레"},
}
RETRY = {"en": {True: "yes", False: "no"}, "ko": {True: "예", False: "아니요"}}


def modules():
    return [ast.parse(file.read_text("utf-8")) for file in sorted(SOURCE.rglob("*.py"))]


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def is_named_log(call):
    """Calls whose first argument names a log line or a logger."""
    holder = getattr(call.func, "value", None)
    logs = isinstance(holder, ast.Name) and holder.id == "log" and name_of(call) in LOGGING
    return logs or name_of(call) in {"say", "get_logger"}


def codes_in_source():
    found = set()
    for module in modules():
        skipped = {
            id(node)
            for call in ast.walk(module)
            if isinstance(call, ast.Call) and is_named_log(call) and call.args
            for node in ast.walk(call.args[0])
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                if CODE.fullmatch(node.value) and not FILES.fullmatch(node.value):
                    found.add(node.value)
            elif isinstance(node, ast.Call):
                found |= composed_of(node)
    return found - EVENTS - OTHERS


def composed_of(call):
    """Codes of an f-string that is handed to an error or a result."""
    found = set()
    for given in (*call.args, *(one.value for one in call.keywords if one.arg == "code")):
        if isinstance(given, ast.JoinedStr) and name_of(call) in {*CLASSES, "Refused", "Rejected", "EngineHealth", "JobResult"}:
            text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in given.values)
            if PATTERN.fullmatch(text):
                found |= COMPOSED[text]
    return found


CLASSES = {
    name: one
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, DureError) and one is not DureError
}


def classes_by_code():
    """The error classes each code is raised with."""
    found = {}
    for module in modules():
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and name_of(call) in CLASSES and call.args and isinstance(call.args[0], ast.Constant):
                found.setdefault(call.args[0].value, set()).add(CLASSES[name_of(call)])
    return found


def documented(language):
    """Code -> cells of its row; a code that stands twice fails."""
    text = (ROOT / "docs" / language / "errors.md").read_text("utf-8")
    rows = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            code, *cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|")))
            assert code not in rows, code
            rows[code.strip("`")] = cells
    return rows


@pytest.mark.parametrize("language", ["en", "ko"])
def test_exactly_the_codes_of_the_source_are_documented(language):
    listed, raised = set(documented(language)), codes_in_source()
    assert sorted(raised - listed) == []
    assert sorted(listed - raised) == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_who_fixes_it_and_whether_to_retry_are_those_of_its_class(language):
    rows = documented(language)
    wrong = []
    for code, kinds in classes_by_code().items():
        whos = {FIXER[language][kind.who] for kind in kinds}
        retries = {RETRY[language][kind.retry] for kind in kinds}
        if rows[code][1] not in whos or rows[code][2] not in retries:
            wrong.append((code, rows[code][1:3], whos, retries))
    assert wrong == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_code_has_a_meaning_and_a_remedy(language):
    assert [code for code, cells in documented(language).items() if len(cells) != 4 or not all(cells)] == []


def test_both_languages_list_the_same_codes_in_the_same_order():
    assert list(documented("en")) == list(documented("ko"))
