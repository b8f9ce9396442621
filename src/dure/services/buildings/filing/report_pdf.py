"""A report as PDF: tagged (PDF/UA-1), with its fonts inside and its charts as vectors. The same report gives the same bytes.

Typst sets it from ``report.typ``, which reads the report as JSON: nothing a person entered is ever read as markup.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path

import msgspec
import typst

from dure.core.errors import ConfigError
from dure.services.buildings.filing.report_model import Report

TEMPLATE = Path(__file__).with_name("report.typ")
FONTS = ("PretendardGOV-Regular.ttf", "PretendardGOV-Bold.ttf")


def pdf_bytes(report: Report) -> bytes:
    """The file. Where a name holds a character that the font does not have, it is tagged all the same but claims no PDF/UA."""
    given = {"report": msgspec.json.encode(report).decode()}
    try:
        return _set(given, ["ua-1"], report)
    except typst.TypstError as error:
        if "could not be displayed" not in str(error):
            raise
        return _set(given, [], report)


def _set(given: dict[str, str], standards: list[typst.PDFStandard], report: Report) -> bytes:
    made = _compiler().compile(
        input=TEMPLATE.read_bytes(), format="pdf", sys_inputs=given, pdf_standards=standards, timestamp=report.as_of
    )
    if not isinstance(made, bytes):
        raise ConfigError("report.no_file", "The typesetter gave back no file.")
    return made


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    folder = font_folder()
    return typst.Compiler(font_paths=[folder], ignore_system_fonts=True, root=folder)


def font_folder() -> Path:
    """The folder with the fonts, which the front-end assets bring; ``report.fonts`` where they are missing."""
    folder = Path(str(resources.files("dure"))) / "web" / "static" / "vendor"
    if not all((folder / name).is_file() for name in FONTS):
        raise ConfigError("report.fonts", f"The fonts of reports are missing in {folder}. Run scripts/assets.py.")
    return folder
