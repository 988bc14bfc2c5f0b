"""A small course of one's own and students for it, in a folder: what the tests of the grader as a whole share."""

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from utils.grading import checks
from utils.grading.examiner import check_digest
from utils.grading.generate import student_version
from utils.grading.notebooks import marked

CHECK = """
@task("{id}", oracle={{"{name}": {right}}}, mistakes={{"the input unchanged": mistake("Look again.", {name}=lambda x: x)}})
def check_{name}(room, rng):
    yield "of some numbers", room.call("{name}", rng.normal(size=3))
    yield "of others", room.call("{name}", rng.normal(size=4))
"""
CHECKS_BEGIN = '"""Checks of a small course."""\n\nimport os\nimport ctypes\n\nimport numpy as np\n\n'
CHECKS_BEGIN += "from utils.grading.task import mistake, task\n"
TASKS = {"91.1": ("double", 1, "2 * x"), "91.2": ("shift", 2, "x + 1"), "92.1": ("minus", 3, "-x")}
WRONG = "x"
EXERCISES = {"91-first": ("91.1", "91.2"), "92-second": ("92.1",)}


def small_course(folder: Path) -> Path:
    """Two exercises with three tasks of 1, 2 and 3 points, solutions and checks."""
    for name, ids in EXERCISES.items():
        checks = [CHECK.format(id=id, name=TASKS[id][0], right=f"lambda x: {TASKS[id][2]}") for id in ids]
        write_course(folder, name, {id: TASKS[id] for id in ids}, CHECKS_BEGIN + "\n".join(checks))
    return folder


def write_course(folder: Path, exercise: str, tasks: Mapping[str, tuple[str, int, str]], checks: str) -> None:
    """One exercise: its solutions, the notebook that students get, its checks. Of each task: function, points, solution."""
    cells = [new_markdown_cell(f"# {exercise}"), new_code_cell("from utils.grading.student import check")]
    for id, (name, points, right) in tasks.items():
        solution = f"def {name}(x):\n    ### BEGIN SOLUTION: return it\n    return {right}\n    ### END SOLUTION"
        effort = f"{points} point{'s' * (points > 1)} · difficulty ●○○ · 5 minutes"
        cells += [new_markdown_cell(f"## {id} {name.title()}\n{effort}"), new_code_cell(solution)]
        cells += [new_code_cell(f'check("{id}")')]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{exercise}-{number}"
    solved = marked(new_notebook(cells=cells))
    for place, notebook in (("solutions", solved), ("exercises", student_version(solved))):
        (folder / place).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / place / f"{exercise}.ipynb")
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks" / f"chapter_{exercise[:2]}.py").write_text(checks, encoding="utf-8")


def hand_in(course: Path, home: Path, answers: Mapping[str, str], exercises: Iterable[str] = EXERCISES) -> None:
    """A student's folder: function -> what it returns in their notebooks, a stub where nothing is said."""
    home.mkdir(parents=True, exist_ok=True)
    for exercise in exercises:
        notebook = nbformat.read(course / "exercises" / f"{exercise}.ipynb", as_version=4)
        nbformat.write(answered(notebook, answers), home / f"{exercise}.ipynb")


def answered(notebook: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """The notebook with these functions written; an answer of several lines is all that follows their first line."""
    for cell in notebook.cells:
        found = re.match(r"def (\w+)\(x\):", cell.source)
        if found and found[1] in answers:
            answer = answers[found[1]]
            cell.source = f"{found[0]}\n" + (answer if "\n" in answer else f"    return {answer}")
    return notebook


RIGHT = {name: right for name, _, right in TASKS.values()}


def mend(course: Path, chapter: str, before: str, after: str) -> None:
    """Change the checks of a chapter."""
    path = course / "checks" / f"chapter_{chapter}.py"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def forget():
    """As a process that has not imported the checks of such a class."""
    for name in [name for name in sys.modules if name.startswith(f"{checks.__name__}.chapter_9")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    check_digest.cache_clear()
