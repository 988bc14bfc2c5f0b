"""One run of nbgrader's autograde: the examiners that it keeps over all students, and what they found, in nbgrader's cells."""

import shutil
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from weakref import WeakKeyDictionary

from nbconvert.exporters import Exporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.coursedir import CourseDirectory

from utils.grading import words
from utils.grading.adapters.nbgrader import ENGINE
from utils.grading.examiners import Examiners
from utils.grading.results import seeds
from utils.grading.results.marks import Graded, Mark
from utils.grading.student import Report

ABOUT = "# How this notebook was graded"
UNREAD = "Nothing was checked. The beginning of this page says why."
LONGEST = 20_000  # characters of what is said in a cell
_RUNS: WeakKeyDictionary[Exporter, Examiners] = WeakKeyDictionary()


def examiners(run: Exporter, coursedir: CourseDirectory, level: str | None, seconds: float) -> Examiners:
    """Those of the run to which this exporter belongs, one for all students: made when first asked for, gone with it."""
    if run not in _RUNS:
        stack = ExitStack()
        weakref.finalize(run, stack.close)
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="course-nbgrader-")))
        key, scratch = Path(coursedir.root, ENGINE), place / "scratch"
        key.mkdir(exist_ok=True)
        scratch.mkdir()
        setting = _course(coursedir, place / "course"), seeds.secret(key), level, seconds
        _RUNS[run] = stack.enter_context(Examiners(setting, str(scratch)))
    return _RUNS[run]


def _course(coursedir: CourseDirectory, place: Path) -> Path:
    """A folder for the examiners: all notebooks as they were released, and the course's own checks."""
    (place / "exercises").mkdir(parents=True)
    step = {"nbgrader_step": coursedir.release_directory, "student_id": ".", "assignment_id": "*"}
    for notebook in sorted(Path(coursedir.root).glob(f"{coursedir.directory_structure.format(**step)}/*.ipynb")):
        shutil.copy(notebook, place / "exercises")
    checks = Path(coursedir.root, ENGINE, "checks")
    if checks.is_dir():
        shutil.copytree(checks, place / "checks")
    return place


def outputs(mark: Mark | None) -> list[NotebookNode]:
    """A check cell's, which say what was found. Where there is an error, nbgrader gives no points, and else all of them."""
    said = UNREAD if mark is None else mark.problem or repr(Report(mark.result))
    found = [_text(said)]
    if mark is None or not mark.passed:
        found.append(new_output("error", ename="NoPoints", evalue="", traceback=["No points for this task."]))
    return found


def about(graded: Graded) -> NotebookNode:
    """A cell that says in its output what is to be said about the notebook as a whole."""
    notes = [note for notes in graded.notes.values() for note in notes]
    return new_code_cell(ABOUT, outputs=[_text("\n".join([*notes, *_ending(graded)]))])


def _ending(graded: Graded) -> list[str]:
    if not graded.commitment:
        return []
    secret = "The checks drew their inputs from a secret that was fixed beforehand. Its SHA-256:"
    return [f"Isolation: {graded.sandbox}.", secret, graded.commitment]


def _text(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=words.printable(text, LONGEST) + "\n")
