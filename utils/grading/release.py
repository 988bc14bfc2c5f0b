"""Hands a course out: first each solution must earn its points and each stub none, then everything but the answers is copied.

The proof is made as grading is, in the sandbox. What the students hand in is batch.py's business.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from utils.grading import course as courses
from utils.grading.generate import student_version
from utils.grading.notebooks import exercises, marked
from utils.grading.session import Session
from utils.grading.task import find
from utils.grading.workers import Workers

SEEDS = (0, 1, 2)
SECONDS = 10.0  # for a task
ANSWERS = ("solutions", "tests", "checks")  # of a course's own; the book's checks are part of its package, and public
NOT_OURS = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info")


class ReleaseError(ValueError):
    """The course is not fit to be handed out, and why."""


def release(folder: Path, out: Path, workers: Workers, on_task: Callable[[str], None] = lambda task: None) -> list[Path]:
    """Prove every task of the course in `folder`, then write what students may have to `out` -> the notebooks in it.

    ReleaseError lists every task that fails its proof. `out` must not exist, and must not lie in the folder.
    """
    folder, out = folder.resolve(), out.resolve()
    if out.exists() or folder in out.parents:
        what = "exists" if out.exists() else f"lies in {folder}"
        raise ReleaseError(f"{out} {what}; expected a folder that can be made anew")
    sources = sorted((folder / "solutions").glob("*.ipynb"))
    if not sources:
        raise ReleaseError(f"there is no notebook in {folder / 'solutions'}")
    courses.know(folder / "checks")
    solved = {path: marked(nbformat.read(path, as_version=4)) for path in sources}
    student = {path: student_version(notebook) for path, notebook in solved.items()}
    faults = [fault for path in sources for fault in faults_of(solved[path], student[path], workers, on_task)]
    if faults:
        raise ReleaseError("\n".join(faults))

    def left_out(parent: str, names: list[str]) -> set[str]:
        return set(NOT_OURS(parent, names)) | (set(ANSWERS) if Path(parent) == folder else set())

    shutil.copytree(folder, out, ignore=left_out)
    (out / "exercises").mkdir(exist_ok=True)
    written = []
    for path, notebook in student.items():
        written.append(out / "exercises" / path.name)
        written[-1].write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
    return written


def faults_of(solved: NotebookNode, student: NotebookNode, workers: Workers, on_task: Callable[[str], None]) -> list[str]:
    """What is wrong with the tasks of one notebook: a solution that does not pass, a stub that does."""
    faults = []
    with Session(workers, _code(solved), {}, SECONDS) as right, Session(workers, _code(student), {}, SECONDS) as stub:
        for exercise in exercises(solved):
            on_task(exercise.id)
            for seed in SEEDS:
                outcome = right.grade(find(exercise.id), seed)
                if outcome.result is None or not outcome.result.passed:
                    why = outcome.problem or next(f"{p.name}: {p.message}" for p in outcome.result.parts if not p.passed)
                    faults.append(f"{exercise.id}: its solution does not pass with seed {seed} ({why})")
                outcome = stub.grade(find(exercise.id), seed)
                if outcome.result is not None and outcome.result.passed:
                    faults.append(f"{exercise.id}: its stub passes with seed {seed}")
    return faults


def _code(notebook: NotebookNode) -> list[str]:
    """The sources of the code cells, the checks left out."""
    return [c.source for c in notebook.cells if c.cell_type == "code" and not c.metadata.get("nbgrader", {}).get("grade")]
