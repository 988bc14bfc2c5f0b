"""Whose cell is whose: which exercise a notebook answers, and which of its sources are the student's own.

Our notebook tells: by nbgrader's grade_id, else by the cell's id, else by a text that is still ours. No code is run or parsed.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from utils.grading.intake.foreign import Cell
from utils.grading.notebooks import HEADING, task_of

MAX_SOURCE = 100_000  # characters of a cell

DEFINED = re.compile(r"^(?:async +)?(?:def|class) +(\w+)|^(\w+) *(?::[^=\n]*)?=(?!=)", re.M)  # at the left margin
CHANGED_CHECK = "has a changed check cell. Check cells are not graded: put code of your own into a cell of its own."

Pair = tuple[Cell, Cell | None, bool]  # a student's cell, the cell of ours that it was, whether it was edited or is their own


@dataclass(frozen=True)
class Taken:
    """What is taken of a notebook: whether it answers anything, the sources to run, the written answers, and what was odd."""

    tried: bool
    sources: tuple[str, ...]
    written: dict[str, str]  # by grade_id
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Signs:
    """What tells one exercise from the others: ids of cells, and task ids in headings with the names of functions."""

    ids: frozenset
    words: frozenset


def signs(ours: Mapping[str, Sequence[Cell]]) -> dict[str, Signs]:
    """Exercise -> what occurs in it alone."""
    ids, words = Counter(), Counter()
    for cells in ours.values():
        ids.update(_ids(cells))
        words.update(_words(cells))
    return {
        name: Signs(frozenset(s for s in _ids(cells) if ids[s] == 1), frozenset(s for s in _words(cells) if words[s] == 1))
        for name, cells in ours.items()
    }


def exercise_of(stem: str, theirs: Sequence[Cell], known: Mapping[str, Signs]) -> str | None:
    """The exercise whose ids most of the cells bear, else that of the file's name, else that of most headings and functions."""
    ids, words, file = _ids(theirs), _words(theirs), f"-{_slug(stem)}-"
    alike = {
        name: (len(own.ids & ids), len(name) if f"-{_slug(name)}-" in file else 0, len(own.words & words))
        for name, own in known.items()
    }
    best = max(alike.values(), default=(0, 0, 0))
    names = [name for name in alike if alike[name] == best and any(best)]
    return names[0] if len(names) == 1 else None


def take(theirs: Sequence[Cell], ours: Sequence[Cell]) -> Taken:
    """The code that we gave, as we gave it, and then the student's own in its order.

    A check cell never runs, a given cell only where it was edited, and a stub that was left as it was only if nothing else
    answers its task, and then once. The notes are to be read after the file's name.
    """
    pairs = paired(theirs, ours)
    code, notes = [], []
    for cell, model, edited in pairs:
        role = role_of(model or cell)
        if cell.kind != "code" or not _text(cell) or (model and role == "written"):
            continue
        if role == "check":
            notes += [CHANGED_CHECK] if edited else []
        elif len(cell.source) > MAX_SOURCE:
            notes.append(
                f"has a code cell longer than {MAX_SOURCE} characters, which was left out. Shorten it and hand in again."
            )
        elif edited or role == "solution":
            code.append((cell, model, edited))
    sources, answered = _sources(code, ours)
    there, running = {model for _, model, _ in pairs}, {model for cell, model, _ in pairs if cell.kind == "code"}
    for model in ours:
        role, task = role_of(model), task_of(model.grade_id or model.id)
        if role in ("solution", "written") and model not in there | answered:
            notes.append(
                f"lacks the cell of task {task}. Put your answer into the notebook that you were given and hand that in."
            )
        elif role == "solution" and model not in running | answered:
            notes.append(
                f"has the cell of task {task} as text, which does not run. Turn it into a code cell and hand in again."
            )
    written = _written(pairs)
    if any(len(text) > MAX_SOURCE for text in written.values()):
        notes.append(f"has a written answer longer than {MAX_SOURCE} characters, of which the beginning is read. Shorten it.")
    written = {task: text[:MAX_SOURCE] for task, text in written.items()}
    return Taken(bool(answered or written), tuple(sources), written, tuple(notes))


def paired(theirs: Sequence[Cell], ours: Sequence[Cell]) -> list[Pair]:
    """Each cell of the student's with the cell of ours that it was, if any, and whether it was edited or is their own."""
    by_grade_id = {cell.grade_id: cell for cell in ours if cell.grade_id}
    by_id = {cell.id: cell for cell in ours if cell.id}
    by_text = {_text(cell): cell for cell in ours if _text(cell)}
    pairs = []
    for cell in theirs:
        model = by_grade_id.get(cell.grade_id) or by_id.get(cell.id) or by_text.get(_text(cell))
        pairs.append((cell, model, model is None or _text(cell) != _text(model)))
    return pairs


def _sources(code: Sequence[Pair], ours: Sequence[Cell]) -> tuple[list[str], set[Cell]]:
    """The sources to run, of given cells and of the student's, and the stubs of ours that are answered by some of them."""
    models = {model for _, model, edited in code if edited}
    names = {name for cell, _, edited in code if edited for name in _names(cell)}
    stubs = [cell for cell in ours if role_of(cell) == "solution"]
    answered = {stub for stub in stubs if stub in models or (_names(stub) and _names(stub) <= names)}
    sources = [cell.source for cell in ours if cell.kind == "code" and role_of(cell) == "given" and _text(cell)]
    needless = set(answered)
    for cell, model, edited in code:
        if edited or model not in needless:
            sources.append(cell.source)
        if not edited:
            needless.add(model)
    return sources, answered


def _written(pairs: Sequence[Pair]) -> dict[str, str]:
    """The written answers by grade_id, where there is one; of a cell that was copied, all texts."""
    texts = {}
    for cell, model, edited in pairs:
        if model and role_of(model) == "written" and edited and cell.source.strip():
            texts.setdefault(model.grade_id, []).append(cell.source)
    return {task: "\n\n".join(parts) for task, parts in texts.items()}


def role_of(cell: Cell) -> str:
    if cell.solution:
        return "written" if cell.grade else "solution"
    return "check" if cell.grade else "given"


def _text(cell: Cell) -> str:
    """Its source without what cannot be seen at the ends of lines."""
    return "\n".join(line.rstrip() for line in cell.source.split("\n")).strip("\n")


def _names(cell: Cell) -> set[str]:
    """What it defines at the top level, as far as its lines tell."""
    return {first or second for first, second in DEFINED.findall(cell.source)}


def _ids(cells: Sequence[Cell]) -> set[tuple[str, str]]:
    pairs = {("id", cell.id) for cell in cells} | {("grade_id", cell.grade_id) for cell in cells}
    return {(kind, id) for kind, id in pairs if id}


def _words(cells: Sequence[Cell]) -> set[str]:
    """The tasks in its headings and the names that its code defines."""
    headings = {id for cell in cells if cell.kind != "code" for id, _ in HEADING.findall(cell.source)}
    return headings.union(*(_names(cell) for cell in cells if cell.kind == "code"))


def _slug(name: str) -> str:
    return re.sub(r"[\W_]+", "-", name.casefold())
