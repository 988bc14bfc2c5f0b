"""The student's notebook from its source: each solution cut out and an instruction left in its place, outputs stripped.

In the source, a solution stands between two lines, and the first one says what the student is to do:

    ### BEGIN SOLUTION: return the next state, shape (B, H)
    ### END SOLUTION
"""

import copy
import re
from collections import Counter
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from utils.grading.notebooks import cells

BEGIN = re.compile(r"^(\s*)### BEGIN SOLUTION(?::(.*))?$")
END = re.compile(r"^\s*### END SOLUTION\s*$")
MARKER = re.compile(r"(BEGIN|END) SOLUTION")


def student_version(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook for the student. ValueError where a cell's markers or ids are not as they should be."""
    _expect_ids(notebook)
    student = copy.deepcopy(notebook)
    solutions = {cell.id: id for id, cell in cells(student, "solution")}
    for cell in student.cells:
        if cell.id in solutions:
            cell.source = stub(cell.source, solutions[cell.id])
        elif MARKER.search(cell.source):
            raise ValueError(f"cell {cell.id!r} holds a solution but its metadata does not say so; expected nbgrader.solution")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return student


def stub(source: str, id: str) -> str:
    """A solution cell's source with NotImplementedError in place of each solution; `id` is named in errors."""
    lines, inside = [], False
    for line in source.split("\n"):
        if begin := BEGIN.match(line):
            indent, instruction = begin[1], (begin[2] or "").strip()
            if inside or not instruction:
                wrong = "begins a solution inside another" if inside else "does not say what to do after BEGIN SOLUTION:"
                raise ValueError(f"the cell of {id} {wrong} ({line.strip()!r})")
            lines.append(f'{indent}raise NotImplementedError("{instruction.replace(chr(34), chr(39))}")')
            inside = True
        elif END.match(line):
            if not inside:
                raise ValueError(f"the cell of {id} ends a solution that it did not begin")
            inside = False
        elif MARKER.search(line):
            raise ValueError(f"the cell of {id} has a marker that cannot be read: {line.strip()!r}")
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"the cell of {id} begins a solution and does not end it")
    if not any("raise NotImplementedError(" in line for line in lines):
        raise ValueError(f"the cell of {id} has no solution; expected ### BEGIN SOLUTION: ... and ### END SOLUTION")
    return "\n".join(lines)


def write_exercises(solutions: Path, exercises: Path) -> list[Path]:
    """Write the student's version of each notebook in `solutions` under the same name -> the files written."""
    exercises.mkdir(parents=True, exist_ok=True)
    written = []
    for source in sorted(solutions.glob("*.ipynb")):
        try:
            student = student_version(nbformat.read(source, as_version=4))
        except ValueError as error:
            raise ValueError(f"{source.name}: {error}") from error
        target = exercises / source.name
        target.write_text(nbformat.writes(student) + "\n", encoding="utf-8", newline="\n")
        written.append(target)
    return written


def _expect_ids(notebook: NotebookNode) -> None:
    solutions = [id for id, _ in cells(notebook, "solution")]
    checks = [id for id, _ in cells(notebook, "grade")]
    each = (solutions, checks, [cell.id for cell in notebook.cells])
    repeated = [id for ids in each for id, count in Counter(ids).items() if count > 1]
    if repeated:
        raise ValueError(f"two cells have the id {repeated[0]!r}; expected one")
    alone = set(solutions) ^ set(checks)
    if alone:
        raise ValueError(f"task {min(alone)} has one of its cells only; expected a solution and a check")
