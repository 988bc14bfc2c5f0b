"""Files that are not what they look like, and notebooks that say of themselves what they are worth."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
from answers.chapter_00 import CROSS_ENTROPY, VECTORISED
from hostile.attack import Attack, Evidence, lost, notebook, stalled, stole
from nbformat import NotebookNode

HONEST = {"00.1": VECTORISED, "00.2": CROSS_ENTROPY}
FIRST, SECOND = "00-getting-started.ipynb", "01-recurrent-networks.ipynb"
WRONG = "def softmax(logits): return logits"


def edited(answers: dict, edit: Callable[[NotebookNode], None]) -> Callable[[Path], None]:
    """The notebook with these answers, which `edit` changes."""

    def write(folder: Path) -> None:
        found = notebook(answers)
        edit(found)
        (folder / FIRST).write_text(json.dumps(found), encoding="utf-8")

    return write


def cell(found: NotebookNode, id: str) -> NotebookNode:
    return next(cell for cell in found.cells if cell.get("id") == id)


def beside(put: Callable[[Path], None]) -> Callable[[Path], None]:
    """An honest notebook for one exercise, and something put where that of another belongs."""

    def write(folder: Path) -> None:
        (folder / FIRST).write_text(json.dumps(notebook(HONEST)), encoding="utf-8")
        put(folder / SECOND)

    return write


def solutions(folder: Path) -> Path:
    """Where the grader keeps them."""
    return folder.parent.parent / "course" / "solutions"


def link_to_solutions(folder: Path) -> None:
    (folder / FIRST).symlink_to(solutions(folder) / FIRST)


def become_the_solutions(folder: Path) -> None:
    folder.rmdir()
    folder.symlink_to(solutions(folder), target_is_directory=True)


def claim_points(found: NotebookNode) -> None:
    cell(found, "check-00-1").metadata.nbgrader.points = 100


def claim_another_task(found: NotebookNode) -> None:
    for id, kind in (("task-00-2", "task"), ("check-00-2", "check")):
        cell(found, id).metadata.nbgrader.grade_id = f"{kind}-01-2"
    cell(found, "task-00-2").source = "last_states = lambda states, lengths: states[np.arange(len(lengths)), lengths - 1]"


def drop_a_task(found: NotebookNode) -> None:
    found.cells = [cell for cell in found.cells if cell.get("id") not in ("task-00-2", "check-00-2")]


def answer_in_the_check(found: NotebookNode) -> None:
    cell(found, "check-00-1").source = VECTORISED


def add_many_cells(found: NotebookNode) -> None:
    found.cells += [nbformat.v4.new_code_cell("0") for _ in range(60_000)]


def add_a_damaged_cell(found: NotebookNode) -> None:
    found.cells.append({"cell_type": "code", "source": 5})


def add_half_a_character(found: NotebookNode) -> None:
    cell(found, "task-00-1").source += "# \ud800"


def write_as_latin(folder: Path) -> None:
    text = json.dumps(notebook(HONEST, before=["# déjà vu"]), ensure_ascii=False)
    (folder / FIRST).write_text(text, encoding="latin-1", errors="replace")


def attack(name: str, write: Callable[[Path], None], had_its_way: Callable[[Evidence], bool], *tasks: str) -> Attack:
    return Attack(name, "ingest", "ingest", write, had_its_way, tasks)


ATTACKS = [
    attack("says that a task is worth 100 points", edited(HONEST, claim_points), lambda e: e.points.get("00.1", 0) > 1),
    attack(
        "puts a task of another exercise in place of one that is harder",
        edited(HONEST, claim_another_task),
        stole("01.2"),
        "01.2",
    ),
    attack(
        "leaves out the task that it did not solve",
        edited({"00.1": VECTORISED}, drop_a_task),
        lambda e: "00.2" not in e.points,
        "00.2",
    ),
    attack("has its answer in the cell of the check", edited({"00.1": WRONG}, answer_in_the_check), stole("00.1"), "00.1"),
    attack("hands in a link to the solution", link_to_solutions, stole("00.1", "00.2"), "00.1", "00.2"),
    attack("hands in a link to the folder of the solutions", become_the_solutions, stole("00.1", "00.2"), "00.1", "00.2"),
    attack("a pipe into which nobody writes", beside(lambda path: os.mkfifo(path)), stalled),
    attack("a link to itself", beside(lambda path: path.symlink_to(path.name)), lost("00.1", "00.2")),
    attack("a folder that is called a notebook", beside(lambda path: path.mkdir()), lost("00.1", "00.2")),
    attack(
        "a file of brackets alone, a hundred thousand deep",
        beside(lambda path: path.write_text('{"cells": ' + "[" * 100_000)),
        lost("00.1", "00.2"),
    ),
    attack("half a notebook", beside(lambda path: path.write_text('{"cells": [{"cell_type": "co')), lost("00.1", "00.2")),
    attack("sixty thousand cells", edited(HONEST, add_many_cells), lost("00.1", "00.2")),
    attack("a cell whose source is a number", edited(HONEST, add_a_damaged_cell), lost("00.1", "00.2")),
    attack("a cell with half of a character", edited(HONEST, add_half_a_character), lost("00.2")),
    attack("letters of another encoding", write_as_latin, lost("00.1", "00.2")),
]
