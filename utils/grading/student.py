"""`check("01.2")`: what a student runs under each task of an exercise notebook."""

import inspect
from html import escape
from pathlib import Path
from textwrap import dedent

from IPython.display import display

from utils.grading import progress
from utils.grading.rooms import Direct
from utils.grading.task import Result, find, grade

SEED = 1  # public: the inputs are the same at every run, so a failure can be looked into


def check(id: str) -> None:
    """Check the answer to task `id`, as it is defined in the notebook now, show what was found, and note it as progress."""
    task = find(id)
    namespace = inspect.currentframe().f_back.f_globals
    result = grade(task, Direct(namespace), SEED)
    trouble = None
    try:
        progress.record(Path.cwd(), result, progress.fingerprint(_sources(namespace, task.oracle), task.oracle))
    except OSError as error:
        trouble = f"Your progress could not be saved here ({error})."
    display(Report(result, trouble))


def _sources(namespace: dict, names: list[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(dedent(inspect.getsource(namespace[name])))
        except (KeyError, OSError, TypeError):  # not defined, or not in a cell
            continue
    return found


class Report:
    """A result as a notebook shows it: HTML, or plain text. A sign and a word carry the verdict, colour only repeats it."""

    def __init__(self, result: Result, trouble: str | None = None) -> None:
        self.passed = result.passed
        self.parts, self.notes = result.parts, []
        good = sum(part.passed for part in result.parts)
        if result.unfinished is not None:
            self.parts = ()
            self.heading = f"Task {result.task}: not finished yet"
            self.notes.append(f"Still to do: {result.unfinished or 'replace the NotImplementedError'}")
        elif result.passed:
            self.heading = f"Task {result.task}: passed"
        else:
            self.heading = f"Task {result.task}: not yet ({good} of {len(result.parts)} parts passed)"
        self.notes += [
            f"Your code writes into {name}. That costs nothing here; whoever calls it may still need the old values."
            for name in result.changed
        ]
        self.notes += [trouble] if trouble else []

    def __repr__(self) -> str:
        lines = [self.heading]
        for part in self.parts:
            lines.append(f"  {_verdict(part)}: {part.name}")
            if part.misconception:
                lines.append(f"      This looks like: {part.misconception}. {part.message}")
            elif part.message:
                lines.append(f"      {part.message}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        items = []
        for part in self.parts:
            about = f"This looks like: <em>{escape(part.misconception)}</em>. " if part.misconception else ""
            detail = f"<br>{about}{escape(part.message)}" if part.message else ""
            items.append(f'<li style="margin: 0.3em 0"><strong>{_verdict(part)}</strong>: {escape(part.name)}{detail}</li>')
        parts = f'<ul style="list-style: none; margin: 0; padding: 0">{"".join(items)}</ul>' if items else ""
        notes = "".join(f'<p style="margin: 0.3em 0">{escape(note)}</p>' for note in self.notes)
        return (
            f'<div role="status" style="border-left: 4px solid {"#2e8b57" if self.passed else "#c8641e"}; padding-left: 1em">'
            f'<p style="margin: 0.3em 0"><strong>{escape(self.heading)}</strong></p>{parts}{notes}</div>'
        )


def _verdict(part) -> str:
    return "✓ passed" if part.passed else "✗ not yet"
