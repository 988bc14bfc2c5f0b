"""The points of a class in the columns that a learning platform imports: a row a student, a column an exercise.

Who somebody is on the platform, the name tells that their file or folder has when it comes from there:
doejane_LATE_1234_5678_notebook of Canvas, "Jane Doe_1234_assignsubmission_file" of Moodle.
"""

import re
from collections.abc import Sequence

from utils.grading.results.items import Row
from utils.grading.words import number

CANVAS = re.compile(r"(?P<name>.+?)(?:_LATE)?_(?P<id>\d+)_\d+_.+")
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_.+")
Lines = list[list[str]]


def canvas(rows: Sequence[Row]) -> Lines:
    """As Canvas exports and imports its gradebook. It finds a student by ID, by login, or by name, in this order."""
    points = _possible(rows)
    lines = [["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *points]]
    lines.append(["Points Possible", "", "", "", "", *map(number, points.values())])
    for row in rows:
        name, id = _who(CANVAS, row)
        lines.append([name, id, "", "" if id else name, "", *_points(row, points)])
    return lines


def moodle(rows: Sequence[Row]) -> Lines:
    """For the gradebook, which asks what each column is; of one exercise, also the worksheet of an assignment."""
    points = _possible(rows)
    exercises = ["Grade"] if len(points) == 1 else list(points)
    lines = [["Identifier", "Full name", "Username", *exercises, "Last modified (grade)"]]
    for row in rows:
        name, id = _who(MOODLE, row)
        who = [f"Participant {id}", name, ""] if id else ["", "", name]
        lines.append([*who, *_points(row, points), row.graded.graded])
    return lines


def _possible(rows: Sequence[Row]) -> dict[str, float]:
    """Exercise -> the points that can be had in it, by name."""
    found = {name: sum(mark.of for mark in marks) for row in rows for name, marks in row.marks.items()}
    return dict(sorted(found.items()))


def _points(row: Row, exercises: dict[str, float]) -> list[str]:
    """Blank where an exercise does not count for them."""
    return [number(sum(mark.points for mark in row.marks[name])) if name in row.marks else "" for name in exercises]


def _who(pattern: re.Pattern, row: Row) -> tuple[str, str]:
    """(name, number on the platform); without the number where the name is not the platform's."""
    found = pattern.fullmatch(row.graded.student)
    return (found["name"], found["id"]) if found else (row.graded.student, "")
