"""The instructor's page about a class, in Markdown: how it went, what to teach again, what a person should look at.

What is counted, and for whom, is decided in items.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from statistics import mean, median, quantiles

from utils.grading.results.items import Item, Row
from utils.grading.results.marks import Change, Mark
from utils.grading.words import number, printable

HARDEST, COMMONEST, MOST_LINES, MOST_NAMES = 5, 10, 50, 5


def summary(rows: Sequence[Row], items: Sequence[Item], regraded: Sequence[str], changes: Sequence[Change]) -> str:
    """The page. Of long lists the beginning is shown; the tables beside it hold all."""
    sections = [
        ["# Summary of the class", *_run(rows, regraded)],
        ["## Points", *_points(rows)],
        ["## The hardest tasks", *_hardest(items)],
        ["## The commonest misconceptions", *_misconceptions(rows, items)],
        ["## Marks that this run changed", *_changes(changes)],
        ["## For a person to look at", *_problems(rows), *_notes(rows)],
    ]
    return "\n\n".join("\n\n".join(section) for section in sections) + "\n"


def _run(rows: Sequence[Row], regraded: Sequence[str]) -> list[str]:
    graded = [row.graded for row in rows]
    anew = len({one.student for one in graded} & set(regraded))
    lines = [f"- {_count(len(graded), 'student')}; this run graded {anew} and kept {len(graded) - anew} as they were."]
    if graded:
        first, last = (_text(pick(one.graded for one in graded)) for pick in (min, max))
        lines.append(f"- The first was graded {first}, the last {last}.")
    for what, names in (
        ("Isolation", (one.sandbox for one in graded)),
        ("Versions", (", ".join(f"{name} {version}" for name, version in sorted(one.versions.items())) for one in graded)),
    ):
        lines += [f"- {what}: {_text(name)} ({_count(n, 'student')})." for name, n in sorted(Counter(names).items())]
    return ["\n".join(lines)]


def _points(rows: Sequence[Row]) -> list[str]:
    names = sorted({name for row in rows for name in row.marks})
    if not names:
        return ["Nothing was handed in."]
    lines = []
    for name in names:
        of_it = [row.marks[name] for row in rows if name in row.marks]
        shares = [(sum(mark.points for mark in marks), sum(mark.of for mark in marks)) for marks in of_it]
        lines.append([_text(name), number(shares[0][1]), str(sum(map(_handed_in, of_it))), *_spread(shares)])
    took = sum(any(map(_handed_in, row.marks.values())) for row in rows)
    lines.append(["All", "", str(took), *_spread([(row.points, row.of) for row in rows])])
    heads = ["Exercise", "Points", "Handed in by", "Mean", "Lower quartile", "Median", "Upper quartile"]
    intro = "In per cent of the points that count for a student. What was not handed in counts 0 if the exercises were named."
    return [intro, _table(heads, lines)]


def _handed_in(marks: Iterable[Mark]) -> bool:
    return any(mark.handed_in for mark in marks)


def _spread(points: Sequence[tuple[float, float]]) -> list[str]:
    """Mean and quartiles of (points, of), in per cent."""
    shares = [100 * points / of for points, of in points if of]
    if not shares:
        return [""] * 4
    lower, _, upper = quantiles(shares, n=4, method="inclusive") if len(shares) > 1 else shares * 3
    return [f"{share:.0f}" for share in (mean(shares), lower, median(shares), upper)]


def _hardest(items: Iterable[Item]) -> list[str]:
    hard = sorted((item for item in items if item.share is not None and item.share < 1), key=lambda item: item.share)[:HARDEST]
    heads = ["Task", "Handed in", "Unfinished", "Passed", "Share", "Fails first at"]
    lines = [
        [
            _text(f"{item.task} {item.title}"),
            *map(str, (item.handed_in, item.unfinished, item.passed)),
            f"{100 * item.share:.0f} %",
            _text(item.failed[0][0]) if item.failed else "",
        ]
        for item in hard
    ]
    return [_table(heads, lines)] if lines else ["Everybody passed what they handed in."]


def _misconceptions(rows: Iterable[Row], items: Iterable[Item]) -> list[str]:
    hints = {
        (mark.task, part.misconception): re.split(r"(?<=[.?!])\s", part.message)[0]
        for row in rows
        for marks in row.marks.values()
        for mark in marks
        for part in (mark.result.parts if mark.result else ())
    }
    found = [(n, item, name) for item in items for name, n in item.misconceptions]
    lines = [
        [str(n), _text(item.task), _text(name), _text(hints[item.task, name])]
        for n, item, name in sorted(found, key=lambda one: -one[0])[:COMMONEST]
    ]
    return [_table(["Students", "Task", "Looks like", "Hint"], lines)] if lines else ["None was recognised."]


def _changes(changes: Sequence[Change]) -> list[str]:
    if not changes:
        return ["None."]
    reasons = sorted(Counter(change.why for change in changes).items(), key=lambda one: (-one[1], one[0]))
    counts = "\n".join(f"- {_text(why)}: {_count(n, 'mark')}" for why, n in reasons)
    order = sorted(changes, key=lambda change: (change.student, change.task))
    lines = [[_text(c.student), _text(c.task), number(c.before), number(c.after), _text(c.why)] for c in order]
    return [counts, _table(["Student", "Task", "Before", "After", "Why"], lines), *_more(lines, "changes.csv")]


def _problems(rows: Iterable[Row]) -> list[str]:
    """Each kind of trouble once, with who met it: what many meet is the course's rather than theirs."""
    met: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for mark in (mark for marks in row.marks.values() for mark in marks if mark.problem and mark.handed_in):
            met.setdefault((mark.task, mark.problem), []).append(row.graded.student)
    lines = []
    for (task, problem), names in sorted(met.items(), key=lambda one: (-len(one[1]), one[0])):
        who = ", ".join(map(_text, names[:MOST_NAMES])) + (" …" if len(names) > MOST_NAMES else "")
        lines.append([str(len(names)), _text(task), _text(problem), who])
    if not lines:
        return ["No task was stopped."]
    return [_table(["Students", "Task", "What they were told", "Who"], lines), *_more(lines, "items.csv")]


def _notes(rows: Iterable[Row]) -> list[str]:
    rows = list(rows)
    written = sum(bool(text.strip()) for row in rows for text in row.graded.written.values())
    noted = [[_text(row.graded.student), _text(row.notes)] for row in rows if row.notes]
    notes = [_table(["Student", "Notes about their files"], noted), *_more(noted, "grades.csv")] if noted else []
    return [f"{_count(written, 'written answer')} to mark, in the students' result.json and feedback.html.", *notes]


def _more(lines: Sequence[Sequence[str]], file: str) -> list[str]:
    return [f"And {len(lines) - MOST_LINES} more: see {file}."] if len(lines) > MOST_LINES else []


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, ["---"] * len(heads), *lines[:MOST_LINES]])


def _text(text: str) -> str:
    """Text on one line in which nothing is Markdown or HTML."""
    line = escape(printable(" ".join(text.split()), 300), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", line)
