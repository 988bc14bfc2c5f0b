"""The tree of prefixes that beam search explores, stepped, over a small model whose probabilities the reader edits.

The page runs the search of `utils.decoding` itself, its ties, finished hypotheses and length penalty included, and beside it
the greedy one and, where there are few enough, all sequences. `utils.figures.embed` puts it into the page.
"""

from collections.abc import Sequence
from numbers import Real
from typing import Any

from utils.figures.embed import Figure, embed

FEWEST, MOST = 2, 5  # tokens
WIDEST = 5  # beams
SHORTEST, LONGEST = 2, 10  # steps
LONGEST_NAME = 12  # characters of a token, which stands in a node
ENUMERABLE = 20_000  # sequences: the page tries them all again at each change


def beam_tree(
    tokens: list[str],
    start: list[float],
    table: list[list[float]],
    *,
    beams: int = 2,
    steps: int = 4,
    end: str | None = None,
) -> Figure:
    """The figure for a model whose next token depends on the previous one alone.

    With V `tokens`, `start` (V,) holds p(first) and `table` (V, V) p(next | previous), a row for each token in their order.
    Nothing follows the token `end`: where one is given it has no row, and `table` is (V - 1, V). Rows need not sum to 1; the
    page marks those that do not.
    """
    _expect_tokens(tokens)
    if end is not None and end not in tokens:
        raise ValueError(f"end is {end!r}; expected one of the tokens {', '.join(tokens)}")
    previous = [token for token in tokens if token != end]
    _expect_rows("start", [start], tokens)
    if len(table) != len(previous):
        raise ValueError(f"table has {len(table)} rows; expected {len(previous)}, after {', '.join(previous)}")
    _expect_rows("table", table, tokens)
    return _figure(
        {"tokens": tokens, "table": [start, *table], "by_time": False, "end": None if end is None else tokens.index(end)},
        beams,
        steps,
        LONGEST,
        "the model gives p(next | previous)",
    )


def beam_tree_by_time(tokens: list[str], matrix: list[list[float]], *, beams: int = 2, steps: int | None = None) -> Figure:
    """The figure for a model without memory: row t of `matrix` (T, V) holds p(token) at step t, whatever came before.

    It opens on `steps`, all T of them unless told. Rows need not sum to 1; the page marks those that do not.
    """
    _expect_tokens(tokens)
    if not SHORTEST <= len(matrix) <= LONGEST:
        raise ValueError(f"matrix has {len(matrix)} rows; expected {SHORTEST} to {LONGEST}, one for each step")
    _expect_rows("matrix", matrix, tokens)
    return _figure(
        {"tokens": tokens, "table": matrix, "by_time": True, "end": None},
        beams,
        len(matrix) if steps is None else steps,
        len(matrix),
        "the model gives p(token) for each step, whatever came before",
    )


def _figure(model: dict[str, Any], beams: int, steps: int, most_steps: int, words: str) -> Figure:
    for name, value, least, most in (("beams", beams, 1, WIDEST), ("steps", steps, SHORTEST, most_steps)):
        if not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"{name} is {value!r}; expected a whole number from {least} to {most}")
    table = [[float(p) for p in row] for row in model["table"]]
    choices = {"beams": beams, "widest": WIDEST, "steps": steps, "shortest": SHORTEST, "most_steps": most_steps}
    return embed(
        "beam_tree",
        model | {"table": table, "enumerable": ENUMERABLE} | choices,
        title="The beam tree",
        description=(
            f"Beam search over {len(model['tokens'])} tokens; {words}. At each step it ranks all continuations of the prefixes "
            "it keeps, and again keeps the best of them: thick lines run on, thin ones were dropped. Of equals, the earlier "
            "prefix comes first, then the earlier token. Step through it, change a probability, the beam width, or the "
            "penalty, and see what the search finds and what it misses."
        ),
    )


def _expect_tokens(tokens: list[str]) -> None:
    if isinstance(tokens, str) or not all(isinstance(token, str) for token in tokens):
        raise TypeError(f"tokens is {tokens!r}; expected a list of strings")
    if not FEWEST <= len(tokens) <= MOST:
        raise ValueError(f"tokens has {len(tokens)} entries; expected {FEWEST} to {MOST}")
    for token in tokens:
        if not token.strip() or len(token) > LONGEST_NAME:
            raise ValueError(f"tokens holds {token!r}; expected names of 1 to {LONGEST_NAME} characters")
        if tokens.count(token) > 1:
            raise ValueError(f"tokens holds {token!r} more than once; expected distinct names")


def _expect_rows(name: str, rows: Sequence[Sequence[float]], tokens: list[str]) -> None:
    for row in rows:
        if len(row) != len(tokens):
            raise ValueError(f"{name} has a row of {len(row)} numbers; expected {len(tokens)}, one for each token")
        for p in row:
            if not isinstance(p, Real) or not 0 <= p <= 1:  # a NaN too
                raise ValueError(f"{name} holds {p!r}; expected probabilities, numbers from 0 to 1")
