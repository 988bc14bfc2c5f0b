"""The steps of nbgrader's that are ours, as its configuration names them; nbgrader.py says what they stand for.

Autograde reads a submission twice. First `Submission` puts the student's sources into the notebook that was released; then
`Examine` hands the file, as it was submitted, to the examiners, and writes what they found where nbgrader looks for it.
What these two need is imported when they are at it: it loads torch, and most of nbgrader's commands grade nobody.
"""

from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Float, Unicode

from utils.grading.generate import stub
from utils.grading.notebooks import exercises, task_of


class Stub(ClearSolutions):
    """Leaves what is to be done in place of the solution of a task. Of other solutions, nbgrader's own step makes stubs."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        _checks(nb)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: dict, cell_index: int) -> tuple[NotebookNode, dict]:
        if not (is_solution(cell) and "course" in cell.metadata):
            return super().preprocess_cell(cell, resources, cell_index)
        cell.source = stub(cell.source, task_of(cell.metadata.nbgrader.grade_id))
        return cell, resources


class Submission(NotebookExporter):
    """Reads what a student handed in, whatever it is, as the released notebook with the student's sources in it."""

    def from_filename(self, filename: str, resources: dict, **kw: object) -> tuple[str, dict]:
        coursedir, step = self.parent.coursedir, resources["nbgrader"]
        if Path(filename) != _file(coursedir, coursedir.submitted_directory, step, step["student"]):
            return super().from_filename(filename, resources, **kw)  # autograde's second time, of what it made at the first
        from utils.grading.adapters import placing

        released = _file(coursedir, coursedir.release_directory, step, ".")
        return self.from_notebook_node(placing.read(_unfollowed(Path(filename)), released), resources, **kw)


class Examine(NbGraderPreprocessor):
    """In place of Execute: a check cell gets the output that says what was found, and that gives the points nbgrader counts."""

    level = Unicode("", help="The sandbox: namespaces, landlock or process; if empty, the strongest that works.").tag(
        config=True
    )
    seconds = Float(10.0, help="For each task, and for each cell of a student's.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        from utils.grading.adapters import nbgrader_run

        coursedir, step = self.parent.parent.coursedir, resources["nbgrader"]
        examiners = nbgrader_run.examiners(self.parent, coursedir, self.level or None, self.seconds)
        handed_in = _unfollowed(_file(coursedir, coursedir.submitted_directory, step, step["student"]))
        graded = examiners.examine(step["student"], handed_in, None)
        marks = {mark.task: mark for mark in graded.marks if mark.exercise == step["notebook"]}
        for task, cell in _checks(nb).items():
            cell.outputs = nbgrader_run.outputs(mark := marks.get(task))
            if mark and mark.problem:
                self.log.warning("%s, task %s: %s", step["student"], task, mark.problem)
        nb.cells.insert(0, nbgrader_run.about(graded))
        return nb, resources


GENERATE = [Stub if step is ClearSolutions else step for step in GenerateAssignment.preprocessors.default()]
AUTOGRADE = [Examine if step is Execute else step for step in Autograde.autograde_preprocessors.default()]


def _file(coursedir: CourseDirectory, directory: str, step: dict, student: str) -> Path:
    """The notebook that nbgrader is at, in one of its directories."""
    return Path(coursedir.format_path(directory, student, step["assignment"]), f"{step['notebook']}.ipynb")


def _unfollowed(file: Path) -> Path:
    """The file; or its folder if that is a link, for a reader that follows none."""
    return file.parent if file.parent.is_symlink() else file


def _checks(nb: NotebookNode) -> dict[str, NotebookNode]:
    """Task -> its check cell. ValueError if there is a cell for nbgrader to grade by running it, which nobody would run."""
    cells = {
        task_of(cell.metadata.nbgrader.grade_id): cell
        for cell in nb.cells
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)
    }
    if others := cells.keys() - {exercise.id for exercise in exercises(nb)}:
        raise ValueError(f"cell {min(others)!r} is the check of no task of this course; expected one that a person grades")
    return cells
