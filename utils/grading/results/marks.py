"""What is kept of a student: their marks, as JSON in a file that is whole or not there, and what changed between two runs.

How a mark comes about is not known here, nor how it is shown. RESULTS/students/NAME/ holds result.json and feedback.html.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from utils.grading.task import Result

HALF = ".half-written-"  # how the name of a file begins that is not whole yet
MOST = 1e9  # no points and no seconds are as many
WHY = {  # of what a mark depends on, what it means that its digest is another
    "answer": "the submission changed",
    "check": "the check was mended",
    "engine": "the grader changed",
    "versions": "versions changed",
    "settings": "settings changed",
}


@dataclass(frozen=True)
class Mark:
    """One task of one student. Without a result, `problem` says why there is none, in a sentence to the student.

    `digests` are of what the mark depends on, the keys of WHY; there is none of the answer where none was handed in.
    """

    task: str
    title: str
    exercise: str
    of: float
    result: Result | None
    problem: str = ""
    seconds: float = 0.0
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.result is not None and self.result.passed and not self.problem

    @property
    def points(self) -> float:
        """All or nothing."""
        return self.of if self.passed else 0.0

    @property
    def handed_in(self) -> bool:
        return bool(self.digests.get("answer"))


@dataclass(frozen=True)
class Graded:
    """Everything that is kept of one student."""

    student: str
    marks: tuple[Mark, ...]
    written: Mapping[str, str]  # task -> text, for a person to mark
    notes: Mapping[str, tuple[str, ...]]  # about the notebook of each exercise, and under "" about the other files
    sandbox: str  # "namespaces", "landlock" or "process"
    versions: Mapping[str, str]
    commitment: str
    graded: str  # ISO time, UTC

    @property
    def points(self) -> float:
        return sum(mark.points for mark in self.marks)

    @property
    def of(self) -> float:
        return sum(mark.of for mark in self.marks)


@dataclass(frozen=True)
class Change:
    """A task whose points a later run changed."""

    student: str
    task: str
    before: float
    after: float
    why: str


def to_json(graded: Graded) -> str:
    """ASCII, so that any text that a notebook can hold comes back as it was. ValueError for a number that is not finite."""
    return json.dumps(graded, default=_fields, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Graded:
    """What `to_json` wrote. ValueError, and no other error, for any other text."""
    try:
        return _read(Graded, json.loads(text))
    except RecursionError:
        raise ValueError("the text is nested too deeply") from None


def write(path: Path, text: str) -> None:
    """Write a file: whoever reads it, and whenever this is stopped, finds the old one or the new one whole.

    What UTF-8 cannot hold, half a surrogate pair, is written as its escape.
    """
    half = path.with_name(HALF + secrets.token_hex(8))
    try:
        with open(half, "x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(half, path)
    except BaseException:
        half.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove what killed runs left half written in the results. Not while another run writes there."""
    for half in [*folder.glob(f"{HALF}*"), *folder.glob(f"students/*/{HALF}*")]:
        half.unlink(missing_ok=True)


def load(folder: Path, student: str) -> Graded | None:
    """What was kept of a student; None where nothing was, or where the file is damaged or another student's."""
    path = _home(folder, student) / "result.json"
    try:
        graded = from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return graded if graded.student == student else None


def save(folder: Path, graded: Graded, page: str) -> None:
    """Keep a student's result and the page they read, the result last; a file that holds just this is left alone.

    Of a run that was stopped between the two, the old result remains, so the next one sees that it must grade anew. One that
    finds the result up to date saves it all the same: that mends the page.
    """
    home = _home(folder, graded.student)
    home.mkdir(parents=True, exist_ok=True)
    for name, text in (("feedback.html", page), ("result.json", to_json(graded))):
        path = home / name
        if not path.is_file() or path.read_bytes() != text.encode("utf-8", "backslashreplace"):
            write(path, text)


def changes(before: Graded | None, after: Graded) -> list[Change]:
    """The tasks whose points differ, and why. A first mark of a task is no change, so a student's new exercises are none."""
    now = {mark.task: mark for mark in after.marks}
    found = []
    for old in before.marks if before else ():
        points = now[old.task].points if old.task in now else 0.0
        if old.handed_in and points != old.points:
            found.append(Change(after.student, old.task, old.points, points, _why(old, now.get(old.task), after)))
    return found


def _why(old: Mark, new: Mark | None, after: Graded) -> str:
    if new is None and any(mark.exercise == old.exercise for mark in after.marks):
        return "the task is gone"
    if new is None or not new.handed_in:
        return "the submission is gone"
    reasons = [why for key, why in WHY.items() if old.digests.get(key) != new.digests.get(key)]
    reasons += ["the task is worth other points"] if old.of != new.of else []
    return ", ".join(reasons) or "graded again, with nothing else changed"


def _home(folder: Path, student: str) -> Path:
    if student in ("", ".", "..") or set("/\\\0") & set(student):
        raise ValueError(f"student is {student!r}; expected a name that can be a folder's")
    return folder / "students" / student


def _fields(value: Any) -> dict[str, Any]:
    """A dataclass or another mapping than a dict, one floor of it, as JSON can hold it."""
    return {f.name: getattr(value, f.name) for f in fields(value)} if is_dataclass(value) else dict(value)


def _read(kind: Any, value: Any) -> Any:
    """A value out of JSON as of type `kind`: a dataclass, a tuple of one type, a mapping from str, a type or None, a scalar."""
    inside = get_args(kind)
    if is_dataclass(kind) and type(value) is dict:
        kinds = get_type_hints(kind)
        if value.keys() == kinds.keys():
            return kind(**{name: _read(kinds[name], value[name]) for name in kinds})
    elif get_origin(kind) is tuple and type(value) is list:
        return tuple(_read(inside[0], item) for item in value)
    elif get_origin(kind) is Mapping and type(value) is dict:
        return {key: _read(inside[1], item) for key, item in value.items()}
    elif get_origin(kind) is UnionType:
        return None if value is None else _read(inside[0], value)
    elif kind is float:
        if type(value) in (int, float) and 0 <= value < MOST:
            return float(value)
    elif type(value) is kind:
        return value
    raise ValueError(f"{str(value)[:40]!r} is not {getattr(kind, '__name__', kind)}")
