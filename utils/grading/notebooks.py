"""The graded tasks of an exercise notebook. An author writes them down in words; the metadata says the same to nbgrader.

    ## 02.4 Top-k
    2 points · difficulty ●●○ · 10 minutes

Then comes a code cell whose solution stands between its markers, and a cell check("02.4").
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

TASK, CHECK = "task-", "check-"  # how the ids of a task's cells begin; "task-02-4" is of task 02.4
HEADING = re.compile(r"^## (\d\d\.\d+) (.+)$", re.M)
EFFORT = re.compile(r"^(\d+) points? · difficulty (●{1,3})○* · (\d+) minutes$", re.M)
CHECK_CELL = re.compile(r"""^check\(["'](\d\d\.\d+)["']\)$""", re.M)
SOLUTION = "### BEGIN SOLUTION"


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


def task_of(grade_id: str) -> str:
    """The task that a cell's id in nbgrader's metadata stands for, which may hold no dot: task-02-4 or check-02-4 -> 02.4."""
    found = re.fullmatch(rf"(?:{TASK}|{CHECK})(\d\d)-(\d+)", grade_id)
    return f"{found[1]}.{found[2]}" if found else grade_id


def cells(notebook: NotebookNode, kind: str) -> Iterator[tuple[str, NotebookNode]]:
    """(task, cell) of the cells of that kind: "solution", which the student fills in, or "grade", the check."""
    for cell in notebook.cells:
        graded = cell.metadata.get("nbgrader", {})
        if graded.get(kind):
            yield task_of(graded["grade_id"]), cell


def exercises(notebook: NotebookNode) -> list[Exercise]:
    """The graded tasks in their order. A task whose cells were copied counts once."""
    points = {id: cell.metadata.nbgrader.points for id, cell in cells(notebook, "grade")}
    found = {}
    for id, cell in cells(notebook, "solution"):
        course = cell.metadata.get("course", {})
        if id in points and course:
            found[id] = Exercise(id, course["title"], points[id], course["difficulty"], course["minutes"])
    return list(found.values())


def marked(notebook: NotebookNode) -> NotebookNode:
    """A copy whose cells bear the metadata that its words imply, nbgrader's (schema 3) and ours.

    ValueError where a solution stands under no task, or a task does not state its effort.
    """
    notebook, heading, efforts = copy.deepcopy(notebook), None, {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for stale in ("nbgrader", "course"):
                cell.metadata.pop(stale, None)
        if cell.cell_type == "markdown":
            if found := HEADING.search(cell.source):
                heading = found
                efforts[heading[1]] = EFFORT.search(cell.source)
        elif found := CHECK_CELL.search(cell.source):
            effort = _effort(found[1], efforts)
            cell.metadata["nbgrader"] = _nbgrader(found[1], grade=True) | {"points": int(effort[1])}
        elif SOLUTION in cell.source:
            if heading is None:
                raise ValueError(f"cell {cell.id!r} holds a solution under no task; expected a heading above it: ## 02.4 Top-k")
            id, title = heading.groups()
            _, difficulty, minutes = _effort(id, efforts).groups()
            cell.metadata["nbgrader"] = _nbgrader(id, grade=False)
            cell.metadata["course"] = {"title": title, "difficulty": len(difficulty), "minutes": int(minutes)}
    return notebook


def _effort(id: str, efforts: dict[str, re.Match | None]) -> re.Match:
    if efforts.get(id) is None:
        where = "does not state its effort" if id in efforts else "has no heading above it"
        raise ValueError(f"task {id} {where}; expected ## {id} and a title, then 2 points · difficulty ●●○ · 10 minutes")
    return efforts[id]


def _nbgrader(id: str, grade: bool) -> dict:
    kind = {"grade": grade, "locked": grade, "solution": not grade, "task": False}
    return {"cell_type": "code", "grade_id": (CHECK if grade else TASK) + id.replace(".", "-"), "schema_version": 3} | kind
