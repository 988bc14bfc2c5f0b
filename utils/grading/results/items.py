"""The tasks of a class: which marks count for whom, and how each task went. Nothing is written here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from utils.grading.course import Course
from utils.grading.notebooks import exercises as tasks_of
from utils.grading.results.marks import Graded, Mark


@dataclass(frozen=True)
class Row:
    """What counts of one student: exercise -> their mark of each of its tasks, in order."""

    graded: Graded
    marks: dict[str, tuple[Mark, ...]]

    @property
    def notes(self) -> str:
        """All notes about what they handed in, those about no exercise first."""
        return " ".join(note for name in sorted(self.graded.notes) for note in self.graded.notes[name])

    @property
    def points(self) -> float:
        return sum(mark.points for marks in self.marks.values() for mark in marks)

    @property
    def of(self) -> float:
        return sum(mark.of for marks in self.marks.values() for mark in marks)


@dataclass(frozen=True)
class Item:
    """How one task went. What is counted is students; the counters hold the commonest first."""

    exercise: str
    task: str
    title: str
    of: float
    handed_in: int
    unfinished: int
    passed: int
    misconceptions: tuple[tuple[str, int], ...]
    failed: tuple[tuple[str, int], ...]  # the part that failed first
    problems: tuple[tuple[str, int], ...]
    seconds: float | None  # the median

    @property
    def share(self) -> float | None:
        """Passed, of those who handed it in."""
        return self.passed / self.handed_in if self.handed_in else None


def rows(graded: Iterable[Graded], course: Course, exercises: Sequence[str] = ()) -> list[Row]:
    """A row a student, by name.

    Where `exercises` are named, these and no others count, for everybody: a task that was not handed in has 0 of its points.
    Where none is named, an exercise counts for those who handed in some of it, and for the others it is left out.
    ValueError for an exercise that the course does not have.
    """
    strangers = [name for name in exercises if name not in course.exercises]
    if strangers:
        raise ValueError(f"there is no exercise {strangers[0]!r}; known are {', '.join(course.exercises)}")
    tasks = {name: tasks_of(book) for name, book in course.exercises.items() if name in exercises or not exercises}
    found = []
    for student in sorted(graded, key=lambda one: one.student):
        took = {mark.exercise for mark in student.marks if mark.handed_in}
        marks = {(mark.exercise, mark.task): mark for mark in student.marks}
        count = {
            name: tuple(marks.get((name, e.id)) or Mark(e.id, e.title, name, e.points, None, "not handed in") for e in each)
            for name, each in tasks.items()
            if exercises or name in took
        }
        found.append(Row(student, count))
    return found


def analyse(rows: Iterable[Row]) -> list[Item]:
    """Every task that counts for somebody, in the order of the notebooks."""
    marks: dict[tuple[str, str], list[Mark]] = {}
    for row in rows:
        for name, each in row.marks.items():
            for mark in each:
                marks.setdefault((name, mark.task), []).append(mark)
    return [_item(marks[key]) for key in sorted(marks, key=lambda key: key[0])]


def _item(marks: list[Mark]) -> Item:
    first, tried = marks[0], [mark for mark in marks if mark.handed_in]
    results = [mark.result for mark in tried if mark.result]
    finished = [result for result in results if result.unfinished is None]
    return Item(
        first.exercise,
        first.task,
        first.title,
        first.of,
        handed_in=len(tried),
        unfinished=len(results) - len(finished),
        passed=sum(mark.passed for mark in tried),
        misconceptions=_commonest(result.misconception for result in finished),
        failed=_commonest(next((part.name for part in result.parts if not part.passed), None) for result in finished),
        problems=_commonest(mark.problem for mark in tried),
        seconds=median(mark.seconds for mark in tried) if tried else None,
    )


def _commonest(names: Iterable[str | None]) -> tuple[tuple[str, int], ...]:
    """Each name with its count, the most frequent first and equal ones by name."""
    return tuple(sorted(Counter(filter(None, names)).items(), key=lambda pair: (-pair[1], pair[0])))
