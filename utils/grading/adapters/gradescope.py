"""Grades one submission on Gradescope: what `run_autograder` starts there, in a container that is made for it and thrown away.

In PLACE (there it is /autograder) it reads submission/ and submission_metadata.json and writes results/results.json, which the
student sees at once. source/ holds what `gradescope_zips.py` has packed. Gradescope says how these files look:
https://gradescope-autograders.readthedocs.io
"""

import json
import sys
import tempfile
from pathlib import Path
from textwrap import indent
from typing import Any

from utils.grading import course as courses
from utils.grading import words
from utils.grading.course import Course
from utils.grading.examiners import Examiners
from utils.grading.results import marks
from utils.grading.results.items import rows
from utils.grading.results.marks import Graded, Mark
from utils.grading.sandbox.workers import SandboxError
from utils.grading.words import printable

SETTINGS, KEY, COURSE = "settings.json", "secret.key", "course"  # in source/
SECONDS = 10.0  # for each task, and for each cell
MOST_NOTES, MOST_WRITTEN = 50, 20_000  # notes; characters of an answer in words
UNKNOWN = "somebody"
ABOUT_UNKNOWN = "Gradescope does not say who handed this in, so the inputs were not drawn for you alone. Tell your instructor."
INSTEAD = "No student was graded. If you accept a level below landlock, release the zip again with --sandbox process."


def main(place: Path) -> None:
    """Grade what lies in PLACE/submission. SandboxError, and no results, where no sandbox can be set up."""
    source = place / "source"
    level = json.loads((source / SETTINGS).read_text(encoding="utf-8"))["sandbox"]
    setting = source / COURSE, (source / KEY).read_bytes(), level, SECONDS
    with tempfile.TemporaryDirectory(prefix="course-gradescope-") as scratch, Examiners(setting, scratch) as examiners:
        graded = grade(place, courses.load(source / COURSE), examiners)
    print(f"{words.number(graded.points)} points; sandbox: {graded.sandbox}")  # for the instructor alone


def grade(place: Path, course: Course, examiners: Examiners) -> Graded:
    """Examine the submission in PLACE and write its results.json; an earlier one is gone if this fails."""
    path = place / "results" / "results.json"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    graded = examiners.examine(submitter(place / "submission_metadata.json") or UNKNOWN, place / "submission", None)
    marks.write(path, json.dumps(results(graded, course), indent=1, allow_nan=False) + "\n")
    return graded


def submitter(metadata: Path) -> str:
    """Who handed in, the same at every submission: Gradescope's number of the student, of a group all of them in order.

    The address where there is no number; nothing where the file is missing or damaged.
    """
    try:
        users = json.loads(metadata.read_bytes())["users"]
        return ", ".join(sorted({str(user.get("id") or user["email"]) for user in users}))
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return ""


def results(graded: Graded, course: Course) -> dict[str, Any]:
    """What is kept of a student, as Gradescope shows it: a test a task, and every text as plain text."""
    (row,) = rows([graded], course, [*course.exercises])
    made = [mark for each in row.marks.values() for mark in each]
    return {
        "score": row.points,
        "output": _about(graded),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(mark) for mark in made],
        "extra_data": {
            "student": printable(graded.student),
            "sandbox": graded.sandbox,
            "versions": graded.versions,
            "commitment": graded.commitment,
            "digests": {mark.task: mark.digests for mark in made},
            "written": {printable(task): printable(text, MOST_WRITTEN) for task, text in graded.written.items()},
        },
    }


def _test(mark: Mark) -> dict[str, Any]:
    return {
        "number": mark.task,
        "name": printable(mark.title),
        "name_format": "text",
        "score": float(mark.points),
        "max_score": float(mark.of),
        "status": "passed" if mark.passed else "failed",
        "output": _said(mark),
        "output_format": "text",
        "visibility": "visible",
    }


def _said(mark: Mark) -> str:
    """How the task stands, and every part of its check; what is a student's is moved in, so that it passes for nothing else."""
    if not mark.handed_in:
        return "There is no answer to this task in what was graded."
    lines = [printable(mark.problem)] if mark.problem else []
    if mark.result:
        lines.append(words.standing(mark.result))
        for part in words.parts(mark.result):
            about = words.LOOKS_LIKE.format(part.misconception) if part.misconception else ""
            lines.append(f"{words.verdict(part)}: {printable(part.name)}")
            lines += [indent(printable(about + part.message), "    ")] if part.message else []
        lines += [indent(printable(note), "    ") for note in words.notes(mark.result)[:MOST_NOTES]]
    return "\n".join(lines)


def _about(graded: Graded) -> str:
    """What is to be said of the submission as a whole: its files, how it was graded, and how that can be proved."""
    notes = [note for each in graded.notes.values() for note in each] + [ABOUT_UNKNOWN] * (graded.student == UNKNOWN)
    notes += [f"Your written answer to {task} is kept for a person to mark." for task in graded.written]
    about = [indent(printable(note), "    ") for note in notes[:MOST_NOTES]]
    versions = ", ".join(f"{name} {version}" for name, version in graded.versions.items())
    return "\n".join(
        [
            *(["About your files:", *about] if about else []),
            f"Graded {graded.graded} with {versions}. Isolation: {graded.sandbox or 'none'}.",
            f"The checks drew their inputs from a secret and from your number on Gradescope, {printable(graded.student)}. The "
            f"secret was fixed beforehand; its SHA-256 is {graded.commitment}. When your instructor publishes the secret, it "
            "proves that nobody chose the inputs after reading your answer.",
        ]
    )


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    except SandboxError as error:
        sys.exit(f"{error}\n{INSTEAD}")
