"""A student's sources in the notebook that was released: for people to read, and for a person to mark. No code is run here.

Of theirs there is nothing in it but sources: ids, metadata, tags and outputs are those of the released notebook.
"""

import copy
import re
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from utils.grading import words
from utils.grading.intake import files, foreign
from utils.grading.intake.foreign import Cell
from utils.grading.intake.taking import paired, role_of

LONGEST = 20_000  # characters of an answer, or of a cell of theirs, that are shown
LIVE = re.compile(r"<(?=[A-Za-z/!?])|\](?=[(:\[])|\\(?=href)")  # how a tag, a link, an image and a formula's link begin
UNSEEN = "\u200b"  # a space without width, behind which none of these is what it was


def read(handed_in: Path, released: Path) -> NotebookNode:
    """The released notebook with what is in a student's file, and as it was released where that cannot be read."""
    try:
        theirs, _ = foreign.cells(files.read(handed_in)[0])
    except files.Unreadable:
        theirs = []
    return placed(theirs, nbformat.read(released, as_version=4))


def placed(theirs: Sequence[Cell], released: NotebookNode) -> NotebookNode:
    """The released notebook with each answer in its cell, all of them where it was copied, and the student's own cells between.

    A given cell that they changed stays as it was given, and theirs follows as one of their own; a check stays as it is.
    """
    ours = [foreign.cell(cell) for cell in released.cells]
    answers: dict[Cell, list[str]] = {}
    own: dict[Cell | None, list[Cell]] = {}
    last = None
    for cell, model, edited in paired(theirs, ours):
        last = model or last
        if model and role_of(model) in ("solution", "written"):
            answers.setdefault(model, []).append(cell.source)
        elif edited and cell.source.strip() and not (model and role_of(model) == "check"):
            own.setdefault(last, []).append(cell)
    notebook = copy.deepcopy(released)
    cells = [_own(cell) for cell in own.get(None, ())]
    for model, cell in zip(ours, notebook.cells):
        if model in answers and answers[model] != [model.source]:
            cell.source = _shown("\n\n".join(answers[model]), cell.cell_type)
        cells += [cell, *map(_own, own.get(model, ()))]
    notebook.cells = cells
    return notebook


def _own(cell: Cell) -> NotebookNode:
    make = new_code_cell if cell.kind == "code" else new_markdown_cell
    return make(_shown(cell.source, cell.kind))


def _shown(source: str, kind: str) -> str:
    """nbgrader's pages are not safe from the HTML and the links in Markdown, whatever they are told; theirs is to have none."""
    text = words.printable(source, LONGEST)
    return text if kind == "code" else LIVE.sub(rf"\g<0>{UNSEEN}", text)
