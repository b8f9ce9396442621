"""A table file of unknown make: CSV or workbook."""

from __future__ import annotations

from dure.core.errors import InputError
from dure.protocols.sheets.archives import ZIP_HEAD
from dure.protocols.sheets.rows import Sheet, read_csv
from dure.protocols.sheets.workbook import read_workbook

OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")  # the compound file of .xls and of workbooks with a password


def read_file(body: bytes, sheet: str = "") -> Sheet:
    """The rows of a CSV file or of one sheet of a workbook, the first unless named.

    Raises
    ------
    InputError : ``table.…``, ``archive.…``, ``xml.…``, ``sheet.old_excel``, ``sheet.too_large``, ``workbook.…``
    """
    if body.startswith(OLD_EXCEL):
        raise InputError(
            "sheet.old_excel", "This is an old or a locked Excel file. Save it as .xlsx without a password, or as CSV."
        )
    return read_workbook(body, sheet) if body.startswith(ZIP_HEAD) else read_csv(body)
