"""A course as the grader sees it: a folder with exercises/, the notebooks that were handed out, and perhaps checks/ of its own.

The book is one; an instructor's own graded tasks live in another. Chapters, solutions and data are no business of the grader's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from utils.grading import checks


@dataclass(frozen=True)
class Course:
    """A folder of exercises: "01-recurrent-networks" -> the student's notebook, stubs and points in it."""

    folder: Path
    exercises: Mapping[str, NotebookNode]


def load(folder: Path) -> Course:
    """The course in `folder`; its own checks, checks/chapter_NN.py, become known beside the book's.

    ValueError if there is no notebook in its exercises/.
    """
    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in sorted((folder / "exercises").glob("*.ipynb"))}
    if not notebooks:
        raise ValueError(f"there is no notebook in {folder / 'exercises'}; expected the exercises that were handed out")
    know(folder / "checks")
    return Course(folder, notebooks)


def know(folder: Path) -> None:
    """Make the checks in this folder, chapter_NN.py, known beside the book's. ValueError if one bears a number of the book's.

    Nothing happens if there is no such folder.
    """
    own, book = str(folder.resolve()), Path(checks.__path__[0])
    taken = sorted({path.name for path in folder.glob("chapter_*.py")} & {path.name for path in book.glob("chapter_*.py")})
    if taken and not folder.samefile(book):
        raise ValueError(f"{folder / taken[0]} bears the number of a chapter of the book; expected one that is free")
    if folder.is_dir() and own not in checks.__path__:
        checks.__path__.append(own)
