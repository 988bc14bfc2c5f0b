"""The page "Start here": a route for each kind of reader, the map of the chapters, and what each costs. All is computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from utils.book.chart import Stop, chart
from utils.book.execute import Chapter
from utils.book.notebooks import chapter_title
from utils.book.paths import LINES, WORDS, prerequisites, read_notebooks, reading_minutes, reduced, route
from utils.grading.notebooks import exercises

NO_BREAK = "\u00a0"

PAGE = """# Start here

Find the line that sounds like you. Each route leads to what you came for, through all that it needs and nothing else.

{routes}

## The map

An arrow leads from a chapter to one that needs it. Nobody drew it: a chapter needs an earlier one if it imports what that
one built, or names it more than once. Arrows that follow from others are left out.

{chart}

## Every chapter in numbers

{table}

*To read* is for reading once, at {words} words or {lines} lines of code a minute. Whoever runs the cells and changes
them needs two or three times as long; each chapter gives its own estimate. *Exercises* adds up what the tasks of a set say of
themselves. *Processor* is what the chapter took in this build, on one thread.
"""


@dataclass(frozen=True)
class Reader:
    """Somebody who comes to the book: in what words, what to do, the chapters wanted (none named: all), and those known."""

    says: str
    advice: str
    goals: tuple[str, ...] = ()
    knows: tuple[str, ...] = ()


READERS = (
    Reader("I have never trained a network", "The whole book, from the front, each chapter with its exercises."),
    Reader(
        "I know recurrent networks",
        "Let them write, let them translate, then do without them.",
        goals=("13-transformer", "14-language-models"),
        knows=("00-getting-started", "01-recurrent-networks"),
    ),
    Reader(
        "I want transformers by Friday",
        "Read, and leave the exercises for next week. If you have trained networks before, leave out the first chapter too.",
        goals=("13-transformer",),
    ),
    Reader("I came for echo state networks", "A short branch of its own.", goals=("05-echo-state-networks",)),
    Reader("I came for word vectors and tokenizers", "Two short branches.", goals=("03-word-vectors", "04-subword-tokens")),
    Reader(
        "I teach",
        "[Teaching with this book](instructors/teaching) has a course of four weeks and one of twelve, "
        "[For instructors](instructors/guide) says how to hand out and grade. {optional}",
    ),
)


@dataclass(frozen=True)
class Cost:
    """What a chapter takes: minutes to read, minutes of exercises, seconds of a processor."""

    reading: int
    exercises: int
    cpu_s: float


def duration(minutes: float) -> str:
    """Minutes as one says them: 45 min, 5 h 35 min."""
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def costs(root: Path, executed: Iterable[Chapter]) -> dict[str, Cost]:
    """Chapter -> what it takes. A chapter without an exercise set has none to do."""
    found = {}
    for chapter in executed:
        path = root / "exercises" / chapter.path.name
        tasks = exercises(nbformat.read(path, as_version=4)) if path.is_file() else []
        minutes = sum(task.minutes for task in tasks)
        found[chapter.path.stem] = Cost(reading_minutes(chapter.executed), minutes, chapter.cost["cpu_s"])
    return found


def route_of(reader: Reader, needs: Mapping[str, set[str]]) -> list[str]:
    """The chapters that a reader goes through; none, if the book has none of those wanted."""
    goals = [goal for goal in reader.goals or needs if goal in needs]
    return [name for name in route(needs, goals) if name not in reader.knows]


def optional(needs: Mapping[str, set[str]]) -> list[str]:
    """The chapters that no other needs."""
    return [name for name in needs if not any(name in others for others in needs.values())]


def links(names: Iterable[str], titles: Mapping[str, str], between: str) -> str:
    """Links to chapters; a chapter's number is not parted from its name."""
    return between.join(f"[{titles[name].replace(' ', NO_BREAK, 1)}](chapters/{name})" for name in names)


def routes(needs: Mapping[str, set[str]], titles: Mapping[str, str], cost: Mapping[str, Cost]) -> str:
    """A section for each reader for whom the book has a route."""
    sections = []
    for reader in READERS:
        names = route_of(reader, needs)
        if names:
            advice = reader.advice.format(optional=f"No other chapter needs these: {links(optional(needs), titles, '; ')}.")
            reading, tasks, cpu = (sum(getattr(cost[n], field) for n in names) for field in ("reading", "exercises", "cpu_s"))
            sums = f"{duration(reading)} to read, {duration(tasks)} of exercises, {duration(cpu / 60)} of processor time"
            sections.append(f"## {reader.says}\n\n{advice}\n\n{links(names, titles, ' → ')}\n\n*{sums}.*")
    return "\n\n".join(sections)


def table(needs: Mapping[str, set[str]], titles: Mapping[str, str], cost: Mapping[str, Cost]) -> str:
    """A row a chapter: what it needs and what it takes."""
    rows = ["| chapter | needs | to read | exercises | processor |", "|---|---|---:|---:|---:|"]
    for name in needs:
        first = ", ".join(f"[{other[:2]}](chapters/{other})" for other in sorted(needs[name])) or "nothing"
        spent = cost[name]
        tasks = f"[{spent.exercises} min](exercises/{name})" if spent.exercises else "none"
        rows.append(f"| [{titles[name]}](chapters/{name}) | {first} | {spent.reading} min | {tasks} | {spent.cpu_s:.0f} s |")
    return "\n".join(rows)


def start_here(root: Path, executed: Sequence[Chapter]) -> str:
    """The page, in Markdown."""
    notebooks = read_notebooks(chapter.path for chapter in executed)
    titles = {name: chapter_title(notebook) for name, notebook in notebooks.items()}
    needs, cost = reduced(prerequisites(root, notebooks)), costs(root, executed)
    notes = {name: f"read {c.reading} min, exercises {c.exercises} min" for name, c in cost.items()}
    stops = [Stop(name, titles[name], notes[name], frozenset(needs[name])) for name in needs]
    return PAGE.format(
        routes=routes(needs, titles, cost), chart=chart(stops), table=table(needs, titles, cost), words=WORDS, lines=LINES
    )
