"""Which chapter needs which, read off the notebooks, and what that makes of a reader's route.

A chapter needs an earlier one if it imports a module that the earlier one brought into the book, or names it at least twice. A
module that most chapters import, that draws, or that the first chapter brings, is furniture and makes no chapter need another.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from utils.book.sources import code_cells
from utils.imports import imported_modules, module_file

Needs = Mapping[str, set[str]]  # chapter -> earlier chapters, as "07-sequence-to-sequence"

DRAWING = ("utils.plotting", "utils.diagrams", "utils.figures")
NAMED = re.compile(r"\b[Cc]hapters? (\d\d(?:(?:, | and |, and | to )\d\d)*)")
WORDS, LINES = 120, 20  # read in a minute: of prose, of code


def imports(root: Path, notebook: NotebookNode) -> set[str]:
    """The modules of ours that a notebook imports by name."""
    plain = TransformerManager().transform_cell  # magics and shell lines become Python
    names = {name for source in code_cells(notebook) for name in imported_modules(plain(source))}
    return {name for name in names if (file := module_file(root, name)) and file.name != "__init__.py"}


def prose(notebook: NotebookNode) -> str:
    """The text of the notebook's cells of prose."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def furniture(uses: Mapping[str, set[str]]) -> set[str]:
    """The modules that make no chapter need another, given what each chapter imports, in the book's order."""
    first = next(iter(uses.values()), set())
    counts = Counter(module for modules in uses.values() for module in modules)
    common = {module for module, count in counts.items() if count > len(uses) / 2}
    return first | common | {module for module in counts if module.startswith(DRAWING)}


def prerequisites(root: Path, notebooks: Mapping[str, NotebookNode]) -> dict[str, set[str]]:
    """Chapter -> all earlier chapters that it needs by itself. `notebooks` has a chapter's name -> it, in the book's order."""
    uses = {name: imports(root, notebook) for name, notebook in notebooks.items()}
    apart, brought, needs, numbers = furniture(uses), {}, {}, {}
    for name, notebook in notebooks.items():
        named = Counter(number for found in NAMED.findall(prose(notebook)) for number in re.findall(r"\d\d", found))
        needs[name] = {brought[module] for module in uses[name] - apart if module in brought}
        needs[name] |= {numbers[number] for number, count in named.items() if count > 1 and number in numbers}
        brought |= {module: name for module in uses[name] if module not in brought}
        numbers[name[:2]] = name
    return needs


def route(needs: Needs, goals: Iterable[str]) -> list[str]:
    """The goals and everything that they need, directly or through others, in the book's order."""
    found, waiting = set(), list(goals)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(needs[name])
    return [name for name in needs if name in found]


def reduced(needs: Needs) -> dict[str, set[str]]:
    """The same needs without those that follow from others (the transitive reduction)."""
    return {
        name: {a for a in direct if not any(a in route(needs, [other]) for other in direct - {a})}
        for name, direct in needs.items()
    }


def reading_minutes(notebook: NotebookNode) -> int:
    """How long it takes to read a chapter once, without running it. A formula counts as a word, an address as none."""
    text = prose(notebook)
    for found, becomes in ((r"(?s)\$\$.*?\$\$", " x "), (r"\$[^$]*\$", " x "), (r"\]\([^)]*\)", " ")):
        text = re.sub(found, becomes, text)
    lines = sum(len(source.splitlines()) for source in code_cells(notebook))
    return round(len(re.findall(r"\w+", text)) / WORDS + lines / LINES)


def read_notebooks(paths: Iterable[Path]) -> dict[str, NotebookNode]:
    """The notebooks at these paths, by their names, in this order."""
    return {path.stem: nbformat.read(path, as_version=4) for path in paths}
