"""Every command and every option of the `dure` program stands on the page of commands, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from dure.cli import app

DOCS = Path(__file__).parents[3] / "docs"


def commands(command, name):
    if not hasattr(command, "commands"):
        return {name: {option for one in command.params for option in one.opts if option.startswith("--")} - {"--help"}}
    return {key: value for one in command.commands.values() for key, value in commands(one, f"{name} {one.name}").items()}


def sections(language):
    """Command -> the options of its table, and the text of the section."""
    parts = (DOCS / language / "commands.md").read_text("utf-8").split("\n## ")[1:]
    return {
        part.split("\n", 1)[0].strip("`"): (set(re.findall(r"^\| `(--[a-z-]+)` \|", part, re.MULTILINE)), part) for part in parts
    }


@pytest.mark.parametrize("language", ["en", "ko"])
def test_exactly_the_commands_and_options_there_are_stand_on_the_page(language):
    assert {name: options for name, (options, _) in sections(language).items()} == commands(get_command(app), "dure")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_command_has_an_example(language):
    assert [name for name, (_, text) in sections(language).items() if f"\n{name} " not in text] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_example_uses_only_options_there_are(language):
    wrong = []
    known = commands(get_command(app), "dure")
    for _, text in sections(language).values():
        for line in re.findall(r"^dure .*$", text, re.MULTILINE):
            name = max((one for one in known if line.startswith(f"{one} ")), key=len)
            wrong += [(line, option) for option in re.findall(r" (--[a-z-]+)", line) if option not in known[name]]
    assert wrong == []
