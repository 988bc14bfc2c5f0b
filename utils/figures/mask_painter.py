"""A mask to paint: who may see whom, and what that does to the softmax weights and to what each word reads.

The page computes as `utils.attention.core.attend` does, a word that may see nothing included; beside it stands the mistake of
masking after the softmax. `utils.figures.embed` puts it into the page.

Axes: T words, each a query and a key, D the width of a value.
"""

from collections.abc import Sequence

from utils.figures import matrices
from utils.figures.embed import Figure, embed
from utils.figures.matrices import Matrix, as_numbers

FEWEST, MOST = 4, 8  # words
WIDEST = 16  # D: a component is a cell on the page


def mask_painter(words: Sequence[str], scores: Matrix, values: Matrix) -> Figure:
    """The figure for T words with scores (T, T), a row for each query, and values (T, D). It opens on the causal mask.

    The scores are those that go into the softmax, in attention q k / sqrt(d).
    """
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words is {words!r}; expected a list of strings")
    T = len(words)
    if not FEWEST <= T <= MOST:
        raise ValueError(f"words has {T} entries; expected {FEWEST} to {MOST}")
    if not all(word.strip() for word in words):
        raise ValueError(f"words is {words!r}; expected words to show")
    scores, values = as_numbers("scores", scores), as_numbers("values", values)
    if scores.shape != (T, T):
        raise ValueError(f"scores has shape {scores.shape}; expected {(T, T)}, a row and a column for each word")
    if values.ndim != 2 or len(values) != T or not 1 <= values.shape[1] <= WIDEST:
        raise ValueError(f"values has shape {values.shape}; expected ({T}, D) with D from 1 to {WIDEST}")
    return embed(
        "mask_painter",
        {"words": list(words), "scores": scores, "values": values},
        title="A mask to paint",
        description=(
            f"Each of {T} words asks, a row, and is asked, a column. Paint over the scores to hide a word from another, or "
            "take a ready mask, and the weights and contexts follow. The last panel makes the mistake of masking after the "
            "softmax: its rows no longer sum to 1."
        ),
        parts=[matrices],
    )
