"""What a student has done so far: a small file beside the notebooks, and the table made from it."""

import ast
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.table import Table

from utils.grading.notebooks import Exercise, dots, exercises
from utils.grading.task import Result, find, known

FILE = "progress.json"


@dataclass(frozen=True)
class Row:
    """One task and how far the student is with it."""

    exercise: Exercise
    state: str  # "passed", "not yet: <misconception>", "not yet", "not tried", "changed since it was checked"


def load(folder: Path) -> dict[str, dict]:
    """Task id -> its last check: passed, misconception, fingerprint, checked. A file that cannot be read is set aside."""
    path = folder / FILE
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if all(
            entry["passed"] in (True, False) and {"misconception", "fingerprint"} <= entry.keys() for entry in entries.values()
        ):
            return entries
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    taken = len(list(folder.glob(f"{FILE}.broken*")))
    path.rename(folder / f"{FILE}.broken{taken + 1}")
    return {}


def record(folder: Path, result: Result, fingerprint: str | None) -> None:
    """Note the result of a check in the folder's file: a reader finds the old file or the new one, never half of one."""
    entries = load(folder)
    entries[result.task] = {
        "passed": result.passed,
        "misconception": result.misconception,
        "fingerprint": fingerprint,
        "checked": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    handle, name = tempfile.mkstemp(dir=folder, prefix=FILE)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entries, file, indent=1, sort_keys=True)
        os.replace(name, folder / FILE)
    except BaseException:
        os.unlink(name)
        raise


def fingerprint(sources: Iterable[str], names: Iterable[str]) -> str | None:
    """A digest of the last definition of each name in the sources, whatever its comments and layout; None if one is missing."""
    found = {}
    for source in sources:
        try:
            statements = ast.parse(source).body
        except SyntaxError:  # a cell with a magic command, or one being written
            continue
        for statement in statements:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement]
            for name in names:
                if any(name in (getattr(t, "name", None), getattr(t, "id", None)) for t in targets):
                    found[name] = ast.dump(statement)
    if set(found) != set(names):
        return None
    return hashlib.sha256("\n".join(found[name] for name in sorted(found)).encode()).hexdigest()[:16]


def rows(folder: Path) -> list[Row]:
    """Every graded task of the folder's notebooks, in their order."""
    entries, found = load(folder), []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        found += [Row(exercise, _state(entries.get(exercise.id), exercise.id, notebook)) for exercise in exercises(notebook)]
    return found


def _state(entry: dict | None, id: str, notebook: NotebookNode) -> str:
    if entry is None:
        return "not tried"
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    if id in known() and fingerprint(code, find(id).oracle) != entry["fingerprint"]:
        return "changed since it was checked"
    if entry["passed"]:
        return "passed"
    return f"not yet: {entry['misconception']}" if entry["misconception"] else "not yet"


def status(folder: Path) -> Table:
    """The rows of a folder as a table, with the points so far."""
    found = rows(folder)
    earned = sum(row.exercise.points for row in found if row.state == "passed")
    table = Table(title=f"Exercises: {earned} of {sum(row.exercise.points for row in found)} points")
    for heading in ("Task", "Title"):
        table.add_column(heading)
    for heading in ("Points", "Difficulty", "Minutes"):
        table.add_column(heading, justify="right")
    table.add_column("State")
    for row in found:
        e = row.exercise
        table.add_row(e.id, e.title, str(e.points), dots(e.difficulty), str(e.minutes), row.state)
    return table
