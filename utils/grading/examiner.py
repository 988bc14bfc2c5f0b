"""One student, examined: what they handed in is read, each task that changed is checked, and the rest is kept as it was.

Everything here runs in a process of its own, since a check must touch what a student's code returned. batch.py watches over it.
"""

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

import utils
from utils.grading import checks
from utils.grading.course import Course
from utils.grading.intake.ingest import Work, collect
from utils.grading.notebooks import Exercise, exercises, task_of
from utils.grading.results.marks import Graded, Mark
from utils.grading.results.seeds import commitment, seed
from utils.grading.sandbox.workers import Workers
from utils.grading.session import Session
from utils.grading.task import find
from utils.imports import imported_modules, module_closure

ROOT = Path(utils.__file__).resolve().parent.parent
ENGINE = ROOT / "utils" / "grading"

ALONE = (
    "A cell that stops or is left out costs the tasks that need it, and no other. Cells are run in a fresh Python, from the "
    "first to the last, without other files, a network, a shell or a keyboard: restart your kernel and run all cells to see "
    "the same."
)


@dataclass(frozen=True)
class Examiner:
    """What examining takes, beside a student: the course, its secret, processes for the students' code, and time for a task."""

    course: Course
    secret: bytes
    workers: Workers
    seconds: float

    def examine(
        self,
        student: str,
        path: Path,
        before: Graded | None,
        done: Mapping[str, Mark],
        on_task: Callable[[Mark], None],
        on_mark: Callable[[Mark], None],
    ) -> Graded:
        """Everything that is to be kept of a student. A mark in `done`, or in `before` with nothing changed, is not made again.

        on_task is told of each mark before it is made, still without a result, and on_mark of each that was made.
        """
        handed = collect(student, path, self.course)
        marks, notes = [], {"": handed.notes}
        kept = {mark.task: mark for mark in before.marks} if before else {}
        for work in handed.works:
            blank = [self._blank(work, exercise) for exercise in exercises(self.course.exercises[work.exercise])]
            made = {mark.task: kept[mark.task] for mark in blank if _same(mark, kept.get(mark.task))}
            notes[work.exercise] = before.notes.get(work.exercise, ()) if made else work.notes
            if len(made) < len(blank):
                made |= {mark.task: done[mark.task] for mark in blank if mark.task in done}
                with Session(self.workers, work.cells, _modules(blank), self.seconds) as session:
                    for mark in blank:
                        if mark.task not in made:
                            on_task(mark)
                            made[mark.task] = self._checked(session, student, mark)
                            on_mark(made[mark.task])
                    notes[work.exercise] = (*work.notes, *_about_cells(work, session.errors))
            marks += [made[mark.task] for mark in blank]
        written = {task_of(id): text for work in handed.works for id, text in work.written.items()}
        found = Graded(student, tuple(marks), written, notes, self.workers.level, versions(), commitment(self.secret), "")
        if before and replace(before, graded="") == found:
            return before
        return replace(found, graded=datetime.now(UTC).isoformat(timespec="seconds"))

    def fault(self) -> str:
        """Why nobody can be examined, in a sentence: a task without a check, or checks that cannot be imported."""
        for name, notebook in self.course.exercises.items():
            for exercise in exercises(notebook):
                try:
                    find(exercise.id)
                except Exception as error:
                    return f"task {exercise.id} of {name} cannot be checked: {type(error).__name__}: {error}"
        return ""

    def _blank(self, work: Work, exercise: Exercise) -> Mark:
        """A mark before its task is checked, with the digests of all that it depends on."""
        digests = {
            "answer": _digest([work.cells, work.notes]),
            "check": check_digest(exercise.id),
            "engine": engine_digest(),
            "versions": _digest(versions()),
            "settings": _digest([self.workers.level, commitment(self.secret), self.seconds]),
        }
        return Mark(exercise.id, exercise.title, work.exercise, float(exercise.points), None, digests=digests)

    def _checked(self, session: Session, student: str, blank: Mark) -> Mark:
        outcome = session.grade(find(blank.task), seed(self.secret, student, blank.task))
        return replace(blank, result=outcome.result, problem=outcome.problem, seconds=round(outcome.seconds, 4))


def versions() -> dict[str, str]:
    """Of what computes the values."""
    return {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__}


@cache
def check_digest(task: str) -> str:
    """Of the code of a task's check and of all of ours that it compares with, the engine itself left out."""
    file = Path(find_spec(f"{checks.__name__}.chapter_{task[:2]}").origin)
    compared = {path for path in module_closure(ROOT, imported_modules(file.read_text("utf-8"))) if ENGINE not in path.parents}
    return _digest(sorted(path.read_text("utf-8") for path in compared | {file}))  # wherever the folders lie


@cache
def engine_digest() -> str:
    """Of the code that gives marks: what reads, runs and compares. How marks are kept and shown is not among it."""
    programs = ("examiner", "sandbox.forkserver", "sandbox.plainworker")  # and all that these import
    names = [f"utils.grading.{name}" for name in programs]
    files = [path for path in sorted(module_closure(ROOT, names)) if path.parent.name not in ("checks", "results")]
    return _digest([path.read_text(encoding="utf-8") for path in files])


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _same(blank: Mark, kept: Mark | None) -> bool:
    """Whether a mark that was kept still holds."""
    return kept is not None and replace(kept, result=None, problem="", seconds=0.0) == blank


def _modules(blank: list[Mark]) -> dict[str, str]:
    """The parts of the course's package that the tasks may use: name -> source."""
    names = {name for mark in blank for name in find(mark.task).may_use if name.startswith("utils.")}
    return {name: Path(find_spec(name).origin).read_text(encoding="utf-8") for name in sorted(names)}


def _about_cells(work: Work, errors: Mapping[int, str]) -> Iterator[str]:
    """Sentences about the cells that did not run to their end."""
    for number, error in sorted(errors.items()):
        first = next((line.strip() for line in work.cells[number].splitlines() if line.strip()), "")
        yield f"The cell that begins with “{first[:60]}” {error.rstrip('.')}."
    if errors:
        yield ALONE
