"""The page that a student reads: one file without a script or a request, in which all that is the student's is text.

It shows what a result holds and nothing besides: no seed, no input, no expected value, no time.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path

from utils.grading import words
from utils.grading.course import Course
from utils.grading.results.marks import Graded, Mark
from utils.grading.task import Part

STYLE = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
POLICY = (  # nothing at all but this very style; a style in an attribute is refused too
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)
LONGEST = 20_000  # characters of a written answer that are shown; result.json holds the whole
MOST_NOTES = 50

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Feedback for {student}</h1>
{body}
</main>
</body>
</html>
"""


def page(graded: Graded, course: Course) -> str:
    """What a student is shown of everything that is kept of them, as HTML."""
    names = dict.fromkeys([*course.exercises, *(mark.exercise for mark in graded.marks)])  # in the course's order
    marks = {name: [mark for mark in graded.marks if mark.exercise == name] for name in names}
    body = [
        f'<p class="total">{_points(graded.points, graded.of)}</p>',
        '<p class="quiet">All cells of a notebook are run, from the first to the last, and then each task is checked. '
        "Its points are given when every part of its check passes.</p>",
        *(_exercise(_title(name, course), marks[name], graded.notes.get(name, ())) for name in names if marks[name]),
        _written(graded),
        _notes("About your files", [note for name, each in graded.notes.items() if not marks.get(name) for note in each]),
        _footer(graded),
    ]
    return PAGE.format(
        policy=escape(POLICY),
        title=escape(words.printable(f"Feedback for {graded.student}", 200)),
        style=STYLE,
        student=_text(graded.student, 200),
        body="\n".join(filter(None, body)),
    )


def _text(text: str, most: int = 2000) -> str:
    """Any text as HTML that shows it, whatever it holds; its direction of writing ends with it."""
    return f"<bdi>{escape(words.printable(text, most))}</bdi>"


def _points(points: float, of: float) -> str:
    return f"{words.number(points)} of {words.number(of)} point{'' if of == 1 else 's'}"


def _title(name: str, course: Course) -> str:
    """The first heading of the exercise as it was handed out."""
    cells = course.exercises[name].cells if name in course.exercises else []
    headings = (re.search(r"^# (.+)$", cell.source, re.M) for cell in cells if cell.cell_type == "markdown")
    return next((heading[1] for heading in headings if heading), name)


def _exercise(title: str, marks: list[Mark], notes: Sequence[str]) -> str:
    total = _points(sum(mark.points for mark in marks), sum(mark.of for mark in marks))
    head = f"<section>\n<h2>{_text(title)}</h2>\n<p>{total}</p>"
    return "\n".join([head, *map(_task, marks), _notes("About this notebook", notes, "h3"), "</section>"])


def _task(mark: Mark) -> str:
    kind, standing = _standing(mark)
    lines = [
        f'<article class="{kind}">\n<h3>{_text(mark.task)} {_text(mark.title)}</h3>',
        f'<p><span class="standing">{standing}</span> · {_points(mark.points, mark.of)}</p>',
    ]
    if mark.problem:
        lines.append(f"<p>{_text(mark.problem)}</p>")
    if mark.result:
        items = "\n".join(map(_part, words.parts(mark.result)))
        lines += [f'<ul class="parts">\n{items}\n</ul>'] if items else []
        lines += [f"<p>{_text(note)}</p>" for note in words.notes(mark.result)[:MOST_NOTES]]
    return "\n".join([*lines, "</article>"])


def _standing(mark: Mark) -> tuple[str, str]:
    """The kind of card, and a sign with the words."""
    if mark.passed:
        return "passed", "✓ passed"
    if not mark.handed_in:
        return "open", "○ not handed in"
    if mark.problem or mark.result is None:
        return "failed", "✗ not yet"
    if mark.result.unfinished is not None:
        return "open", f"○ {words.standing(mark.result)}"
    return "failed", f"✗ {words.standing(mark.result)}"


def _part(part: Part) -> str:
    about = words.LOOKS_LIKE.format(f"<em>{_text(part.misconception)}</em>") if part.misconception else ""
    detail = f'<div class="said">{about}{_text(part.message)}</div>' if part.message else ""
    kind = "passed" if part.passed else "failed"
    return f'<li class="{kind}"><strong>{words.verdict(part)}</strong>: {_text(part.name)}{detail}</li>'


def _written(graded: Graded) -> str:
    if not graded.written:
        return ""
    answers = [
        f"<h3>{_text(task)}</h3>\n<pre>{_text(text if text.strip() else 'Nothing is written here.', LONGEST)}</pre>"
        for task, text in graded.written.items()
    ]
    intro = "<h2>Written answers</h2>\n<p>Kept for a person to mark. The points above do not count them.</p>"
    return "\n".join([f"<section>\n{intro}", *answers, "</section>"])


def _notes(title: str, notes: Sequence[str], heading: str = "h2") -> str:
    if not notes:
        return ""
    items = [f"<li>{_text(note)}</li>" for note in notes[:MOST_NOTES]]
    items += [f"<li>And {len(notes) - MOST_NOTES} more.</li>"] if len(notes) > MOST_NOTES else []
    return "\n".join([f"<section>\n<{heading}>{title}</{heading}>\n<ul>", *items, "</ul>\n</section>"])


def _footer(graded: Graded) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in graded.versions.items())
    return (
        f"<footer>\n<p>Graded {_text(graded.graded)} with {_text(versions)}. Isolation: {_text(graded.sandbox)}.</p>\n"
        "<p>The checks drew their inputs from a secret that was fixed beforehand. Its SHA-256 is below. Keep it: when your "
        "instructor publishes the secret, it proves that nobody chose the inputs after reading your answer.</p>\n"
        f"<p><code>{_text(graded.commitment)}</code></p>\n</footer>"
    )
