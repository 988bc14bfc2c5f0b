"""`check("01.2")`: what a student runs under each task of an exercise notebook."""

import inspect
import re
from html import escape
from pathlib import Path
from textwrap import dedent

from IPython import get_ipython
from IPython.display import Markdown, display

from utils.grading import progress, words
from utils.grading.allowed.cells import so_far
from utils.grading.allowed.rules import violations
from utils.grading.course import know
from utils.grading.rooms import Direct
from utils.grading.task import Part, Result, find, grade, known

SEED = 1  # public: the inputs are the same at every run, so a failure can be looked into


def check(id: str) -> None:
    """Check the answer to task `id`, as it is defined in the notebook now, show what was found, and note it as progress."""
    know(Path.cwd() / "checks")
    try:
        task = find(id)
    except ValueError:
        if not re.fullmatch(r"\d\d\.[1-9]\d*", id) or id[:2] in {task[:2] for task in known()}:
            raise
        display(Markdown(f"Task {id} is checked after you have handed it in."))
        return
    namespace = inspect.currentframe().f_back.f_globals
    if broken := violations(so_far(_cells()), [*task.oracle], task.may_use, task.not_use):
        result = Result(id, tuple(Part("what your code may call", False, message=said) for said in broken))
    else:
        result = grade(task, Direct(namespace), SEED)
    trouble = None
    try:
        progress.record(Path.cwd(), result, progress.fingerprint(_sources(namespace, task.oracle), task.oracle))
    except OSError as error:
        trouble = f"Your progress could not be saved here ({error})."
    display(Report(result, trouble))


def _cells() -> list[str]:
    """What has been run in this notebook, cell by cell; nothing is known of it outside of one."""
    shell = get_ipython()
    return shell.history_manager.input_hist_raw if shell and shell.history_manager else []


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
        self.passed, self.parts = result.passed, words.parts(result)
        self.heading = f"Task {result.task}: {words.standing(result)}"
        self.notes = words.notes(result) + ([trouble] if trouble else [])

    def __repr__(self) -> str:
        lines = [self.heading]
        for part in self.parts:
            lines.append(f"  {words.verdict(part)}: {part.name}")
            about = words.LOOKS_LIKE.format(part.misconception) if part.misconception else ""
            if part.message:
                lines.append(f"      {about}{part.message}")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        items = []
        for part in self.parts:
            about = words.LOOKS_LIKE.format(f"<em>{escape(part.misconception)}</em>") if part.misconception else ""
            detail = f"<br>{about}{escape(part.message)}" if part.message else ""
            said = f"<strong>{words.verdict(part)}</strong>: {escape(part.name)}{detail}"
            items.append(f'<li style="margin: 0.3em 0">{said}</li>')
        parts = f'<ul style="list-style: none; margin: 0; padding: 0">{"".join(items)}</ul>' if items else ""
        notes = "".join(f'<p style="margin: 0.3em 0">{escape(note)}</p>' for note in self.notes)
        return (
            f'<div role="status" style="border-left: 4px solid {"#2e8b57" if self.passed else "#c8641e"}; padding-left: 1em">'
            f'<p style="margin: 0.3em 0"><strong>{escape(self.heading)}</strong></p>{parts}{notes}</div>'
        )
