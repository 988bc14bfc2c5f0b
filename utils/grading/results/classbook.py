"""The tables of a class, for spreadsheets and gradebooks: grades.csv, items.csv, changes.csv. Marks are given elsewhere.

UTF-8 with a byte order mark: without it Excel takes the file for its own 8-bit alphabet and mangles names; other programs and
gradebooks skip it (in Python: encoding="utf-8-sig").
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from utils.grading.course import Course
from utils.grading.results import lms
from utils.grading.results.items import Item, Row, analyse, rows
from utils.grading.results.marks import Change, Graded, write
from utils.grading.results.summary import summary
from utils.grading.words import number, printable

BOM = "\ufeff"
FORMULA = re.compile(r"(^|[;,])(\s*)(?=[=+\-@\uff0b\uff0d\uff1d\uff20])")  # first in a cell, or in what a ; or , may make one
MOST = 2000  # characters in a cell: spreadsheets end at 32,767
CHANGED = ["when", "student", "task", "before", "after", "why"]


def write_class(
    folder: Path,
    graded: Iterable[Graded],
    course: Course,
    exercises: Sequence[str] = (),
    regraded: Sequence[str] = (),
    changes: Sequence[Change] = (),
    columns: str = "tasks",
) -> None:
    """grades.csv, items.csv and summary.md of a class. `items.rows` says which exercises count for whom.

    `regraded` are the students whom this run graded, `changes` the marks that it changed, `columns` is one of COLUMNS.
    """
    counted = rows(graded, course, exercises)
    items = analyse(counted)
    write(folder / "grades.csv", grades_table(counted, columns))
    write(folder / "items.csv", items_table(items))
    write(folder / "summary.md", summary(counted, items, regraded, changes))


def record(folder: Path, changes: Sequence[Change], when: str) -> None:
    """Add rows to changes.csv. What stands there is kept; a change that stands there as the last of its task is not repeated.

    Record a student's changes before their result is saved: if the run is stopped in between, the next one comes upon the
    same changes, and finds them recorded. One thread at a time.
    """
    path = folder / "changes.csv"
    old = path.read_bytes().decode("utf-8-sig", "backslashreplace") if path.exists() else _table([CHANGED])
    try:
        last = {tuple(row[1:3]): row[1:] for row in csv.reader(io.StringIO(old, newline=""))}
    except csv.Error:  # somebody's editing left a quote open
        last = {}
    new = [[_text(c.student), _task(c.task), number(c.before), number(c.after), _text(c.why)] for c in changes]
    new = [row for row in new if last.get(tuple(row[:2])) != row]
    if new or not path.exists():
        line_end = "" if old.endswith("\n") else "\r\n"
        write(path, BOM + old + line_end + _table([when, *row] for row in new))


def tasks(counted: Sequence[Row]) -> lms.Lines:
    """A row a student, a column a task; a blank cell where an exercise does not count for them."""
    tasks: dict[str, list[str]] = {}
    for row in counted:
        for name, marks in row.marks.items():
            tasks[name] = [mark.task for mark in marks]
    names = sorted(tasks)
    heads = ["student", "total", "of", *names, *(_task(task) for name in names for task in tasks[name])]
    lines = [[*heads, "written answers to mark", "notes"]]
    for row in counted:
        sums = [number(sum(m.points for m in row.marks[name])) if name in row.marks else "" for name in names]
        cells = [number(m.points) if m else "" for name in names for m in row.marks.get(name, [None] * len(tasks[name]))]
        written = sum(bool(text.strip()) for text in row.graded.written.values())
        total = [row.graded.student, number(row.points), number(row.of)]
        lines.append([*total, *sums, *cells, str(written), row.notes])
    return lines


COLUMNS = {"tasks": tasks, "canvas": lms.canvas, "moodle": lms.moodle}


def grades_table(counted: Sequence[Row], columns: str = "tasks") -> str:
    """A row a student, in these columns."""
    return BOM + _table([_text(cell) for cell in line] for line in COLUMNS[columns](counted))


def items_table(items: Iterable[Item]) -> str:
    """A row a task; of what is listed with its count, the commonest first."""
    heads = ["exercise", "task", "title", "points", "handed in", "unfinished", "passed", "share"]
    lines = [[*heads, "misconceptions", "most frequent first failed part", "problems", "median seconds"]]
    for item in items:
        counts = [str(item.handed_in), str(item.unfinished), str(item.passed), number(item.share) if item.handed_in else ""]
        lists = (item.misconceptions, item.failed[:1], item.problems)
        listed = [_text("; ".join(f"{n} x {name}" for name, n in each)) for each in lists]
        seconds = "" if item.seconds is None else number(item.seconds)
        lines.append([_text(item.exercise), _task(item.task), _text(item.title), number(item.of), *counts, *listed, seconds])
    return BOM + _table(lines)


def _task(id: str) -> str:
    """A spreadsheet takes 01.1 and 01.10 for one number."""
    return _text(f"task {id}")


def _text(text: str) -> str:
    """Text as a cell of one line that no spreadsheet takes for a formula, wherever it cuts the line into cells."""
    return FORMULA.sub(r"\1\2'", printable(re.sub(r"\s", " ", text), MOST))


def _table(lines: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(lines)
    return out.getvalue()
