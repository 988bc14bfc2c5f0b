"""Hands a course out: first each solution must earn its points and each stub none, then everything but the answers is copied.

The proof is made as a class is graded, by the examiner, in the sandbox. What students hand in is batch.py's business; what
nbgrader and Gradescope want is written by adapters/.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from utils.grading import course as courses
from utils.grading import progress
from utils.grading.adapters.gradescope_zips import write_zips
from utils.grading.adapters.nbgrader import write_course
from utils.grading.course import Course
from utils.grading.examiner import Examiner
from utils.grading.generate import student_version
from utils.grading.notebooks import exercises, marked
from utils.grading.results.marks import Mark
from utils.grading.sandbox.workers import Workers

SECRETS = (b"0", b"1", b"2")  # each makes for other inputs
SECONDS = 10.0  # for a task
ANSWERS = ("solutions", "tests", "checks")  # of a course's own; the book's checks are part of its package, and public
NOT_OURS = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", progress.FILE)


class ReleaseError(ValueError):
    """The course is not fit to be handed out, and why."""


def release(
    folder: Path,
    workers: Workers,
    out: Path | None = None,
    nbgrader: Path | None = None,
    gradescope: Path | None = None,
    level: str | None = None,
    on_task: Callable[[str], None] = lambda task: None,
) -> list[Path]:
    """Prove every task of the course in `folder`, then write what was asked for -> the notebooks and zips among it.

    `out` gets what students may have, `nbgrader` a course folder of nbgrader's; neither may exist. `gradescope` gets a zip for
    each exercise, whose sandbox is `level`. None may lie in the course. ReleaseError lists every task that fails its proof;
    nothing is written then.
    """
    folder = folder.resolve()
    for place in filter(None, (out, nbgrader, gradescope)):
        _expect_apart(place.resolve(), folder, new=place is not gradescope)
    if marks := [key.parent for key in folder.rglob("secret.key")]:
        raise ReleaseError(f"{marks[0]} holds the marks of a class; move it out of {folder}, or they are handed out too")
    course, solved = _proven(folder, workers, on_task)
    written = []
    if out:
        shutil.copytree(folder, out, ignore=partial(_left_out, folder))
        (out / "exercises").mkdir(exist_ok=True)
        written += _write(out / "exercises", course.exercises)
    if nbgrader:
        written += write_course(course, solved, nbgrader)
    if gradescope:
        written += write_zips(course, gradescope, level)
    return written


def _expect_apart(place: Path, folder: Path, new: bool) -> None:
    if new and place.exists():
        raise ReleaseError(f"{place} exists; expected a folder that can be made anew")
    if folder in (place, *place.parents):
        raise ReleaseError(f"{place} lies in {folder}; expected a folder elsewhere")


def _left_out(folder: Path, parent: str, names: list[str]) -> set[str]:
    return set(NOT_OURS(parent, names)) | (set(ANSWERS) if Path(parent) == folder else set())


def _proven(folder: Path, workers: Workers, on_task: Callable[[str], None]) -> tuple[Course, dict[str, NotebookNode]]:
    """The course with its stubs, and the notebooks with their solutions. ReleaseError if a task fails its proof."""
    solved, stubs = {}, {}
    for path in sorted((folder / "solutions").glob("*.ipynb")):
        try:
            solved[path.stem] = marked(nbformat.read(path, as_version=4))
            stubs[path.stem] = student_version(solved[path.stem])
        except ValueError as error:
            raise ReleaseError(f"{path.name}: {error}") from error
    if not solved:
        raise ReleaseError(f"there is no notebook in {folder / 'solutions'}")
    courses.know(folder / "checks")
    course = Course(folder, stubs)
    if faults := dict.fromkeys(_faults(course, solved, workers, on_task)):
        raise ReleaseError("\n".join(faults))
    return course, solved


def _faults(
    course: Course, solved: Mapping[str, NotebookNode], workers: Workers, on_task: Callable[[str], None]
) -> Iterator[str]:
    """What is wrong with the tasks: a solution that does not pass, a stub that does."""
    tasks = {exercise.id: name for name, notebook in solved.items() for exercise in exercises(notebook)}
    with tempfile.TemporaryDirectory(prefix="course-release-") as place:
        _write(Path(place, "solution"), solved)
        _write(Path(place, "stub"), course.exercises)
        for secret in SECRETS:
            examiner = Examiner(course, secret, workers, SECONDS)
            if fault := examiner.fault():
                yield fault
                return
            for handed in ("solution", "stub"):
                graded = examiner.examine(
                    handed, Path(place, handed), None, {}, on_task=lambda mark: on_task(mark.task), on_mark=lambda mark: None
                )
                found = {mark.task: mark for mark in graded.marks}
                for task, name in tasks.items():
                    if handed == "stub" and task in found and found[task].passed:
                        yield f"{task}: its stub passes"
                    elif handed == "solution" and not (task in found and found[task].passed):
                        about = graded.notes.get(name, graded.notes[""])
                        yield f"{task}: its solution does not pass ({_why(found.get(task))}) {' '.join(about)}".rstrip()


def _why(mark: Mark | None) -> str:
    if mark is None:
        return "its notebook is not recognised"
    if mark.problem or mark.result is None:
        return mark.problem
    failed = next((part for part in mark.result.parts if not part.passed), None)
    return f"{failed.name}: {failed.message}" if failed and mark.result.unfinished is None else "it is not finished"


def _write(folder: Path, notebooks: Mapping[str, NotebookNode]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.ipynb" for name in notebooks]
    for path in written:
        path.write_text(nbformat.writes(notebooks[path.stem]) + "\n", encoding="utf-8", newline="\n")
    return written
