"""A whole class: every student examined, and each kept as soon as done. A run that is stopped loses nothing that was done;
the next one does the rest. The processes that examine are the business of examiners.py.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from joblib import Parallel, delayed

from utils.grading import course as courses
from utils.grading.backends import parallel
from utils.grading.course import Course
from utils.grading.examiners import Examiners, Setting
from utils.grading.intake.ingest import passed_over, students
from utils.grading.results import marks, seeds
from utils.grading.results.classbook import record, write_class
from utils.grading.results.feedback import page
from utils.grading.results.items import rows
from utils.grading.results.marks import Change, Graded

SCRATCH = ".scratch"  # in the results: what a killed run leaves there, the next one removes
GONE = "Nothing was handed in any more when the class was last graded; these are earlier marks."


@dataclass(frozen=True)
class Run:
    """What one run over a class did."""

    graded: tuple[Graded, ...]  # the whole class
    anew: tuple[str, ...]  # the students of whom something was graded in this run
    changes: tuple[Change, ...]
    passed_over: tuple[str, ...]  # what lies among the submissions and is no student's


def grade_class(
    submissions: Path,
    results: Path,
    course: Path,
    exercises: Sequence[str] = (),
    level: str | None = None,
    seconds: float = 10.0,
    jobs: int = 2,
    backend: str = "threading",
    scheduler: str | None = None,
    columns: str = "tasks",
    on_start: Callable[[int], None] = lambda students: None,
    on_done: Callable[[Graded], None] = lambda graded: None,
    on_wait: Callable[[], None] = lambda: None,
) -> Run:
    """Grade every student in `submissions` and write everything into `results`. SandboxError where no sandbox can be set up.

    `exercises` are those that count for everybody, handed in or not; left out, what a student handed in counts. A second
    run in the same folder waits for the first. `seconds` are for each task, and for each cell. ValueError where folders,
    exercises or checks are not as they should be; nothing is graded then.
    """
    if submissions.resolve() in (results.resolve(), *results.resolve().parents):
        raise ValueError(f"the results {results} lie among the submissions; expected a folder outside {submissions}")
    handed_out = courses.load(course)
    rows((), handed_out, exercises)  # all of them are known
    results.mkdir(parents=True, exist_ok=True)
    with parallel(jobs, backend, scheduler) as workers, _alone(results, on_wait), _scratch(results) as scratch:
        marks.sweep(results)
        found, others = students(submissions), passed_over(submissions)
        if not found:
            raise ValueError(f"there is no student in {submissions}; expected a folder or a notebook of each")
        on_start(len(found))
        setting = course, seeds.secret(results), level, seconds
        graded, anew, changed = [], [], []
        for before, after in _examined(found, results, setting, scratch, workers):
            changed += _keep(results, before, after, handed_out)
            graded.append(after)
            anew += [after.student] if after != before else []
            on_done(after)
        gone = {path.name for path in results.glob("students/*")} - found.keys()
        graded += [replace(old, notes={**old.notes, "": (GONE,)}) for name in gone if (old := marks.load(results, name))]
        graded.sort(key=lambda g: g.student)
        write_class(results, graded, handed_out, exercises, sorted(anew), changed, columns)
        return Run(tuple(graded), tuple(sorted(anew)), tuple(changed), tuple(others))


@contextmanager
def _alone(results: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """While no other run writes there."""
    lock = FileLock(results / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _scratch(results: Path) -> Iterator[str]:
    """An empty folder for the examiners' temporary files: one that is killed cannot remove them itself."""
    folder = results.resolve() / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _examined(
    found: dict[str, Path], results: Path, setting: Setting, scratch: str, workers: Parallel
) -> Iterator[tuple[Graded | None, Graded]]:
    """(what was kept before, what is to be kept now) of each student, as they are done."""
    before = {student: marks.load(results, student) for student in found}
    with Examiners(setting, scratch) as examiners:
        ask = delayed(examiners.examine)
        for graded in workers(ask(student, path, before[student]) for student, path in found.items()):
            yield before[graded.student], graded


def _keep(results: Path, before: Graded | None, after: Graded, course: Course) -> list[Change]:
    changes = marks.changes(before, after)
    record(results, changes, datetime.now(UTC).isoformat(timespec="seconds"))
    marks.save(results, after, page(after, course))
    return changes
