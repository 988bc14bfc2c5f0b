"""Queries, keys and values under the reader's hands: one self-attention, each step of its arithmetic on the reader's sentence.

The page computes all of it from the embeddings and each head's three matrices (Vaswani et al. 2017, eq. 1). `rounded` gives
what it computes with, in Python. Left out: biases, unless a component that is always 1 meets them, and what becomes of the
heads' contexts afterwards.

Axes: V words of the vocabulary, D their width, d a head's, T = LONGEST places.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from utils.data.text import Vocabulary
from utils.figures import controls, matrices, packing, sentence
from utils.figures.embed import Figure, embed
from utils.figures.matrices import Matrix, as_numbers
from utils.figures.sentence import expect_examples, typeable

LONGEST = 8  # words of a sentence
HEADS = 8
WIDEST, WIDEST_HEAD = 64, 16  # D and d: a component is a cell on the page
HEAVIEST = 60_000  # weights, 80 kilobytes of the page


def qkv_explorer(
    embeddings: Matrix,
    W_q: Matrix,
    W_k: Matrix,
    W_v: Matrix,
    vocabulary: Vocabulary,
    examples: Sequence[str],
    positions: Matrix | None = None,
) -> Figure:
    """The figure for `embeddings` (V, D) and W_q, W_k, W_v (heads, D, d) each; it opens on the first of the `examples`.

    `positions` (T, D) are added to the words, in float32; without them a sentence is a set. A sentence is words of the
    vocabulary with spaces between them. Tokens in angle brackets, <end> for one, cannot be typed.
    """
    weights = _expect_weights(embeddings, W_q, W_k, W_v)
    if len(weights["embeddings"]) != len(vocabulary):
        raise ValueError(f"embeddings has {len(weights['embeddings'])} rows; expected {len(vocabulary)}, one for each token")
    T_D = LONGEST, weights["embeddings"].shape[1]
    places = np.zeros(T_D, np.float32) if positions is None else as_numbers("positions", positions)
    if places.shape != T_D:
        raise ValueError(f"positions has shape {places.shape}; expected {T_D}, a row for each place")
    words = typeable(vocabulary)
    expect_examples(examples, words, LONGEST, "vocabulary")
    heads, D, d = weights["W_q"].shape
    placed = "" if positions is None else ", its place added"
    return embed(
        "qkv_explorer",
        {name: packing.packed(_as_rows(weight)) for name, weight in weights.items()}
        | {"positions": places}
        | {"tokens": vocabulary.tokens, "words": words, "examples": list(examples), "longest": LONGEST, "heads": heads},
        title="Queries, keys, values",
        description=(
            f"Each of {len(words)} words is a vector x of width {D}{placed}; a head turns it into a query q, a key k and a "
            f"value v of width {d}. Type a sentence, choose a head and the word that asks, and follow the arithmetic: its "
            "query against every key, divided by √d, masked or not, through the softmax, and the values averaged with the "
            "weights. Go to a cell to see its number and where that comes from."
        ),
        parts=[sentence, matrices, controls],
    )


def rounded(embeddings: Matrix, W_q: Matrix, W_k: Matrix, W_v: Matrix) -> tuple[Tensor, ...]:
    """The four as the page has them, of the same shapes, in float32: off by at most 1 / 254 of a word's or unit's largest."""
    weights = _expect_weights(embeddings, W_q, W_k, W_v).values()
    return tuple(_from_rows(packing.rounded(_as_rows(weight)), weight.shape) for weight in weights)


def _as_rows(weight: Tensor) -> Tensor:
    """A row for each word, or for each unit of each head: (heads, D, d) -> (heads * d, D)."""
    return weight if weight.ndim == 2 else weight.mT.flatten(0, 1)


def _from_rows(rows: Tensor, shape: torch.Size) -> Tensor:
    return rows if len(shape) == 2 else rows.view(shape[0], shape[2], shape[1]).mT


def _expect_weights(*given: Matrix) -> dict[str, Tensor]:
    weights = dict(zip(("embeddings", "W_q", "W_k", "W_v"), (torch.as_tensor(weight) for weight in given), strict=True))
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    if len(shapes["embeddings"]) != 2 or not 1 <= shapes["embeddings"][1] <= WIDEST:
        raise ValueError(f"embeddings has shape {shapes['embeddings']}; expected (V, D) with D from 1 to {WIDEST}")
    D = shapes["embeddings"][1]
    heads, _, d = shapes["W_q"] if len(shapes["W_q"]) == 3 else (0, 0, 0)
    if not (1 <= heads <= HEADS and 1 <= d <= WIDEST_HEAD and shapes["W_q"][1] == D):
        raise ValueError(
            f"W_q has shape {shapes['W_q']}; expected (heads, {D}, d) with up to {HEADS} heads and d from 1 to {WIDEST_HEAD}"
        )
    for name in ("W_k", "W_v"):
        if shapes[name] != shapes["W_q"]:
            raise ValueError(f"{name} has shape {shapes[name]}; expected that of W_q, {shapes['W_q']}")
    for name, weight in weights.items():
        if not weight.is_floating_point():
            raise TypeError(f"{name} has dtype {weight.dtype}; expected floating-point numbers")
        if not weight.isfinite().all():
            raise ValueError(f"{name} holds a NaN or an infinity")
    size = sum(weight.numel() for weight in weights.values())
    if size > HEAVIEST:
        raise ValueError(f"the four hold {size} weights; expected at most {HEAVIEST}, since the page carries them all")
    return weights
