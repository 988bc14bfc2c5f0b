"""What a hostile submission is: how it is written, what it aims at, and how to tell that it had its way."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from utils.book.project import find_root
from utils.grading.notebooks import task_of

ROOT = find_root(Path(__file__).parent)
CANARY = "canary-5b1f0c"  # planted wherever a submission has no business; nothing that a student can read may hold it

KINDS = ("forge", "leak", "escape", "deny", "static", "values", "codec", "ingest", "neighbours")
PROTECTIONS = {  # what can be taken away for a test -> in words
    "two rooms": "the check runs in another process than the student's code",
    "walls": "namespaces, or Landlock; and system calls",
    "limits": "memory, processes, files, threads",
    "deadline": "time for each task and cell",
    "rules": "what a task's code may call, from its text",
    "guard": "what a task's code may call, while it runs",
    "codec": "what may cross between the processes",
    "ingest": "only the sources of a student's own cells are taken",
    "restart": "a dead process costs one task",
    "page": "what is written for people is escaped",
}


@dataclass(frozen=True)
class Evidence:
    """What can be seen after a submission was graded, with all protections or without one."""

    points: Mapping[str, float]  # task -> points
    texts: str  # everything that was written of this student, and what their code could get out by any way the test watches
    seconds: float
    survivors: Sequence[int] = ()  # processes of theirs that still run
    files: Sequence[str] = ()  # files of theirs that were left outside the results
    neighbour: Mapping[str, float] = field(default_factory=dict)  # task -> points of the honest student graded next
    alive: bool = True  # the grader
    pages: str = ""  # what was written of this student alone


@dataclass(frozen=True)
class Attack:
    """One hostile submission. `write` puts the student's files into an empty folder of theirs."""

    name: str  # a sentence: what it does
    kind: str  # of KINDS
    aims_at: str  # of PROTECTIONS
    write: Callable[[Path], None]
    had_its_way: Callable[[Evidence], bool]
    tasks: tuple[str, ...] = ()  # those for which it must get no point
    alone: bool = False  # with the protection off, it would spoil the class for other attacks
    as_root: bool = False  # with the protection off, it needs powers that only root has on some machines


def stole(*tasks: str) -> Callable[[Evidence], bool]:
    """It got points for one of these tasks."""
    return lambda evidence: any(evidence.points.get(task, 0) > 0 for task in tasks)


def lost(*tasks: str) -> Callable[[Evidence], bool]:
    """An honest answer of theirs to one of these tasks got no points, or the grader ended."""
    return lambda evidence: not evidence.alive or any(evidence.points.get(task, 0) == 0 for task in tasks)


def stalled(evidence: Evidence) -> bool:
    """It took far longer than the tasks and cells of a notebook may take."""
    return evidence.seconds > 40


def bothers(evidence: Evidence) -> bool:
    """A person is asked to look at what a machine should have marked."""
    return "The check itself failed on what your code returned" in evidence.pages


def shown(mark: str) -> Callable[[Evidence], bool]:
    """This stands in a page as it is; it holds a quotation mark, so that JSON does not show it as it is."""
    return lambda evidence: mark in evidence.pages


def told(evidence: Evidence) -> bool:
    """What it was not to see came out."""
    return CANARY in evidence.texts


def filled(text: str, folder: Path) -> str:
    """The text with what somebody may know about the machine: @STUDENT@, @PLACE@ (see without.py), @PORT@ and @ROOT@.

    @LEFT@ is a name, on this machine nobody else's, for files that are to be noticed afterwards.
    """
    place = folder.parent.parent
    port = (place / "port").read_text() if (place / "port").exists() else "0"
    left = f"hostile-{folder.name}-{port}"
    known = {"STUDENT": folder.name, "PLACE": place, "PORT": port, "ROOT": ROOT, "LEFT": left}
    for name, value in known.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def notebook(
    answers: Mapping[str, str], before: Sequence[str] = (), after: Sequence[str] = (), exercise: str = "00-getting-started"
):
    """The exercise with these sources in place of the solutions of the tasks named, and cells of the student's own around."""
    found = nbformat.read(ROOT / "exercises" / f"{exercise}.ipynb", as_version=4)
    for cell in found.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers.get(task_of(cell.metadata.nbgrader.grade_id), cell.source)
    first = next(i for i, cell in enumerate(found.cells) if cell.metadata.get("nbgrader"))
    found.cells[first:first] = [nbformat.v4.new_code_cell(source) for source in before]
    found.cells += [nbformat.v4.new_code_cell(source) for source in after]
    return found


def written(
    answers: Mapping[str, str], before: Sequence[str] = (), after: Sequence[str] = (), exercise: str = "00-getting-started"
):
    """For Attack.write: that notebook in the student's folder, with `filled` sources."""

    def write(folder: Path) -> None:
        text = filled(json.dumps(notebook(answers, before, after, exercise)), folder)  # as it is: nbformat would mend it
        (folder / f"{exercise}.ipynb").write_text(text, encoding="utf-8")

    return write
