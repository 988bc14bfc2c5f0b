"""The graded tasks of an exercise notebook, read from its metadata: nbgrader's (schema 3) and the course's own."""

from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

CHECK = "check-"  # the id of a check cell is this and the id of its task


@dataclass(frozen=True)
class Exercise:
    """One graded task as the notebook states it."""

    id: str
    title: str
    points: int
    difficulty: int  # 1 to 3
    minutes: int

    @property
    def effort(self) -> str:
        """The line under the task's heading."""
        points = f"{self.points} point{'s' if self.points != 1 else ''}"
        return f"{points} · difficulty {dots(self.difficulty)} · {self.minutes} minutes"


def dots(difficulty: int) -> str:
    """Difficulty 2 of 3 -> ●●○."""
    return "●" * difficulty + "○" * (3 - difficulty)


def cells(notebook: NotebookNode, kind: str) -> Iterator[tuple[str, NotebookNode]]:
    """(grade_id, cell) of the cells of that kind: "solution", which the student fills in, or "grade", the check."""
    for cell in notebook.cells:
        graded = cell.metadata.get("nbgrader", {})
        if graded.get(kind):
            yield graded["grade_id"], cell


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The graded tasks in their order. A task whose cells were copied counts once."""
    points = {id: cell.metadata.nbgrader.points for id, cell in cells(notebook, "grade")}
    found = {}
    for id, cell in cells(notebook, "solution"):
        course = cell.metadata.get("course", {})
        if CHECK + id in points and course:
            found[id] = Exercise(id, course["title"], points[CHECK + id], course["difficulty"], course["minutes"])
    return list(found.values())
