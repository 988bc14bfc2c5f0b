"""The facts of a notebook's cells: of those handed in, and of those that a student has run so far.

What one cell refers to is facts.py's business; what of it is allowed, rules.py's.
"""

from collections.abc import Sequence
from itertools import dropwhile
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager

from utils.grading.allowed.facts import facts


def of_cell(source: str) -> dict[str, Any]:
    """Its facts: magic commands as calls, and what stands below %%time, %%capture and their like as it stands there."""
    below = dropwhile(lambda line: not line.strip() or line.lstrip().startswith("%%"), source.splitlines(keepends=True))
    return facts(TransformerManager().transform_cell("".join(below)))


def so_far(sources: Sequence[str]) -> list[dict[str, Any]]:
    """The facts of cells in the order in which they were run: what a later one binds anew no longer counts."""
    found, bound = [], set()
    for source in reversed(sources):
        cell = of_cell(source)
        rows = [row for row in cell["bindings"] if row[0] not in bound]
        bound |= {row[0] for row in rows}
        found.append(cell | {"bindings": rows})
    return found[::-1]
