"""Our grader beside nbgrader, and under it: the solved set of chapter 01 as one submission, from the file to the feedback page.

All grade the same notebook after a first one, so that what either loads only once is not counted.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat

from benchmarks.compare import Row
from utils.book.project import find_root
from utils.grading import course
from utils.grading.adapters.nbgrader import write_course
from utils.grading.examiner import Examiner
from utils.grading.notebooks import exercises
from utils.grading.results import feedback, marks
from utils.grading.results.seeds import seed
from utils.grading.rooms import Direct
from utils.grading.sandbox.workers import strongest
from utils.grading.task import find, grade

SET, SUBMISSIONS = "01-recurrent-networks", 10
MORE = 6  # students under nbgrader, beyond the first
SECRET = bytes(32)


def rows() -> Iterator[Row]:
    root = find_root()
    solved = (root / "solutions" / f"{SET}.ipynb").read_bytes()
    ours, tasks = ours_seconds(root, solved), len(find_tasks(root))
    theirs, through = nbgrader_seconds(solved, _plain), nbgrader_seconds(solved, _with_ours)
    yield Row("a solved set, file to feedback", "nbgrader", 1 / ours, 1 / theirs, "submissions/s")
    yield Row("the same, under nbgrader with its gradebook", "nbgrader alone", 1 / through, 1 / theirs, "submissions/s")
    yield Row("a task, all in all", "its check in this process", 1000 * ours / tasks, 1000 * check_seconds(root) / tasks, "ms")


def ours_seconds(root: Path, notebook: bytes) -> float:
    """Seconds a submission, the best of some: collected, graded in the strongest sandbox, result and page written."""
    best = float("inf")
    with strongest() as workers, tempfile.TemporaryDirectory() as folder:
        examiner = Examiner(course.load(root), SECRET, workers, 10)
        for n in range(SUBMISSIONS):
            home = Path(folder, "submitted", f"student{n}")
            home.mkdir(parents=True)
            (home / f"{SET}.ipynb").write_bytes(notebook)
            start = time.perf_counter()
            graded = examiner.examine(home.name, home, None, {}, lambda mark: None, lambda mark: None)
            marks.save(Path(folder, "results"), graded, feedback.page(graded, examiner.course))
            best = min(best, time.perf_counter() - start)
            assert graded.points == graded.of, "the solved set must earn all points"
    return best


def nbgrader_seconds(notebook: bytes, write: Callable[[Path, bytes], object]) -> float:
    """Seconds a submission of its autograde and its feedback, in a course folder as `write` makes it of the solved set."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write(home, notebook)
        _nbgrader(home, "generate_assignment", SET)
        seconds = []
        for n in range(MORE + 1):
            submitted = home / "submitted" / f"student{n}" / SET
            submitted.mkdir(parents=True)
            (submitted / f"{SET}.ipynb").write_bytes(notebook)
        for who in ("--student=student0", "--student=student[1-9]"):
            start = time.perf_counter()
            _nbgrader(home, "autograde", SET, who)
            _nbgrader(home, "generate_feedback", SET, who)
            seconds.append(time.perf_counter() - start)
        assert len(list(home.glob(f"feedback/*/{SET}/*.html"))) == MORE + 1
    return (seconds[1] - seconds[0]) / (MORE - 1)  # one student, then more: the difference is free of what is loaded once


def _plain(home: Path, notebook: bytes) -> None:
    """nbgrader's own way: the checks run in the student's kernel."""
    (home / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "course"\n')
    source = home / "source" / SET
    source.mkdir(parents=True)
    (source / f"{SET}.ipynb").write_bytes(notebook)


def _with_ours(home: Path, notebook: bytes) -> None:
    """Our grader in place of its execution."""
    write_course(course.load(find_root()), {SET: nbformat.reads(notebook.decode(), as_version=4)}, home)


def check_seconds(root: Path) -> float:
    """Seconds of the checks alone, on the solutions in this process."""
    namespace: dict = {}
    for cell in nbformat.read(root / "solutions" / f"{SET}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade"):
            exec(cell.source, namespace)
    best = float("inf")
    for n in range(SUBMISSIONS):
        start = time.perf_counter()
        for task in find_tasks(root):
            assert grade(find(task), Direct(namespace), seed(SECRET, str(n), task)).passed
        best = min(best, time.perf_counter() - start)
    return best


def find_tasks(root: Path) -> list[str]:
    return [e.id for e in exercises(nbformat.read(root / "exercises" / f"{SET}.ipynb", as_version=4))]


def _nbgrader(home: Path, *command: str) -> None:
    found = os.environ | {"PATH": os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])}  # it calls alembic
    subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=home, env=found, check=True, capture_output=True)
