"""A notebook file from anywhere, as its cells: whatever wrote it, whatever is wrong with it, any version of the format.

Of a cell only its kind, its ids and its text are kept, and nothing of them is believed here; whose cell it is, ingest.py asks.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from utils.grading.intake.files import Unreadable

MAX_CELLS = 500
MAX_BRACKETS = 1_000_000  # of lists and dictionaries: each takes some 200 bytes of memory for its two in the file

NO_CHARACTER = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of surrogate pairs
NO_NOTEBOOK = "is no complete notebook: it is cut off, or another kind of file under this name. " + (
    "Open your notebook in Jupyter, save it and hand it in again."
)


@dataclass(frozen=True)
class Cell:
    """One cell, of a student's notebook or of ours."""

    kind: str  # "code", "markdown", "raw" or whatever the file says
    id: str
    grade_id: str  # nbgrader's
    solution: bool  # nbgrader's: it is for the student to fill in
    grade: bool  # nbgrader's: it bears points
    source: str


def cells(data: bytes) -> tuple[list[Cell], list[str]]:
    """The cells of a notebook file and what was odd, to be read after the file's name. Unreadable if it is no notebook."""
    if not data.strip():
        raise Unreadable("is empty. Save your notebook and hand it in again.")
    text, broken = _text(data)
    if text.count("{") + text.count("[") > MAX_BRACKETS:
        raise Unreadable("holds too much besides your cells. Clear the outputs, save and hand in again.")
    try:
        notebook = json.loads(text, strict=False, parse_int=float)  # float: a whole number of a million digits takes for ever
    except RecursionError as error:
        raise Unreadable("is nested too deeply to be read. Clear the outputs, save and hand in again.") from error
    except ValueError as error:
        raise Unreadable(NO_NOTEBOOK) from error
    found = _listed(notebook)
    if not found:
        raise Unreadable("has no cells. Hand in the notebook with your answers.")
    version, language = _get(notebook, "nbformat"), _language(notebook)
    notes = []
    if isinstance(version, float) and version > 4:
        notes.append("is in a newer format than the grader knows; what could be read was graded.")
    if language and language.casefold() not in ("python", "ipython"):
        notes.append("says that it is not written in Python; its code cells were graded as Python. Choose a Python kernel.")
    if len(found) > MAX_CELLS:
        notes.append(f"has {len(found)} cells; only the first {MAX_CELLS} were read. Delete the cells that you do not need.")
    read = [cell(one) for one in found[:MAX_CELLS]]
    if None in read:
        notes.append(f"has damaged cells, which were left out ({read.count(None)}). Open it in Jupyter, mend them and save it.")
    read = [one for one in read if one is not None]
    if broken or any(NO_CHARACTER.search(one.source) for one in read):
        notes.append("holds characters that cannot be read and were replaced by �. Save it as UTF-8 and hand it in again.")
    read = [replace(one, source=NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", one.source)) for one in read]
    return read, notes


def cell(value: Any) -> Cell | None:
    """A cell of a notebook's JSON; None if it is none, or has no text."""
    source = _get(value, "source", _get(value, "input"))  # `input` in the format's version 3
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    metadata = _get(value, "metadata")
    nbgrader = _get(metadata, "nbgrader")
    return Cell(
        kind=_string(_get(value, "cell_type")),
        id=_string(_get(value, "id")) or _string(_get(metadata, "id")),  # Colab's place for it
        grade_id=_string(_get(nbgrader, "grade_id")),
        solution=_get(nbgrader, "solution") is True,
        grade=_get(nbgrader, "grade") is True,
        source=source.replace("\r\n", "\n").replace("\r", "\n"),
    )


def _text(data: bytes) -> tuple[str, bool]:
    """The text, and whether some of it could not be decoded."""
    encoding = json.detect_encoding(data)  # a mark at its beginning, or what of UTF-8, 16 and 32 it looks like
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError:
        return data.decode(encoding, errors="replace"), True


def _listed(notebook: Any) -> list:
    """Its cells; in version 3 of the format they lie in worksheets."""
    found = _get(notebook, "cells")
    if isinstance(found, list):
        return found
    sheets = _get(notebook, "worksheets")
    lists = [_get(sheet, "cells") for sheet in sheets] if isinstance(sheets, list) else []
    return [one for found in lists if isinstance(found, list) for one in found]


def _language(notebook: Any) -> str:
    metadata = _get(notebook, "metadata")
    return _string(_get(_get(metadata, "kernelspec"), "language")) or _string(_get(_get(metadata, "language_info"), "name"))


def _get(value: Any, key: str, default: Any = None) -> Any:
    return value.get(key, default) if isinstance(value, dict) else default


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
