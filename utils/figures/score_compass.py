"""A compass for attention scores: a query to turn and stretch among a few keys, and its weights under six scores at once.

`weights` is what the page computes. Left out: masks and values, and how a score's weights are learned: they are fixed here.

Axes: K keys; keys and query are vectors in the plane, rows as ever.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from utils.figures.embed import Figure, embed

FEWEST, MOST = 3, 6  # keys
LIMIT = 3.0  # the longest arrow that the plane has room for
BETA = 5.0  # the sharpness that the figure opens on
SHARPNESS = (0.1, 20.0)  # and how far it goes
MAPS = {  # W of the general score
    "quarter turn": [[0.0, 1.0], [-1.0, 0.0]],
    "identity": [[1.0, 0.0], [0.0, 1.0]],
    "projection": [[1.0, 0.0], [0.0, 0.0]],
}
ADDITIVE = {  # a hidden layer of three units, of which the first two look both ways
    "W": [[1.0, 0.0, 0.0], [1.0, -1.0, 1.5]],
    "U": [[1.5, -2.0, -2.0], [1.5, 1.5, 1.5]],
    "v": [-0.5, -2.5, 2.5],
}
LOCATION = [[0.9, -0.4, 0.5, -0.8, 0.2, -0.3], [-0.3, 0.8, 0.4, -0.6, -0.5, 0.6]]  # a column for each place


def weights(
    keys: ArrayLike, query: ArrayLike, beta: float = BETA, W: ArrayLike = MAPS["quarter turn"]
) -> dict[str, np.ndarray]:
    """keys (K, 2), query (2,) -> the softmax weights (K,) under each score, as the scores of `utils.attention` give them.

    `beta` is the sharpness of the cosine and W (2, 2) the map of the general score. The additive and the location score take
    ADDITIVE and LOCATION.
    """
    keys, query = _expect_plane(keys, query)
    W = np.asarray(W, float)
    if W.shape != (2, 2):
        raise ValueError(f"W has shape {W.shape}; expected (2, 2)")
    scores = {
        "dot": keys @ query,
        "scaled dot": keys @ query / np.sqrt(2),
        "cosine": beta * _direction(keys) @ _direction(query),
        "general": keys @ (query @ W),
        "additive": np.tanh(query @ ADDITIVE["W"] + keys @ ADDITIVE["U"]) @ ADDITIVE["v"],
        "location": (query @ LOCATION)[: len(keys)],
    }
    return {name: _softmax(score) for name, score in scores.items()}


def score_compass(keys: ArrayLike, names: Sequence[str], query: ArrayLike) -> Figure:
    """The figure for keys (K, 2) with a name each and a first query (2,), all of them vectors no longer than LIMIT."""
    keys, query = _expect_plane(keys, query)
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names is {names!r}; expected a list of strings")
    if len(names) != len(keys):
        raise ValueError(f"names has {len(names)} entries; expected {len(keys)}, one for each key")
    if not all(name.strip() for name in names):
        raise ValueError(f"names is {names!r}; expected words to show")
    for name, vector in [*((f"keys[{i}]", key) for i, key in enumerate(keys)), ("query", query)]:
        if np.linalg.norm(vector) > LIMIT:
            raise ValueError(f"{name} is {vector.tolist()}; expected a vector no longer than {LIMIT:g}")
    return embed(
        "score_compass",
        {
            "names": list(names),
            "keys": keys.tolist(),
            "query": query.tolist(),
            "limit": LIMIT,
            "beta": BETA,
            "sharpness": SHARPNESS,
            "maps": MAPS,
            "additive": ADDITIVE,
            "location": LOCATION,
        },
        title="A compass for scores",
        description=(
            f"A query q among {len(keys)} keys k in the plane, and the softmax weights that six scores give them. Stretch the "
            "query: dot sharpens, and cosine does not change. Turn it: every row answers. Move a key: the last row does not "
            "budge, for it looks at places only. The dashed arrow is qW, with which the general score compares the keys. The "
            "weights inside the additive and the location score are fixed."
        ),
    )


def _direction(x: np.ndarray) -> np.ndarray:
    """x (..., 2) -> x divided by its length; zeros stay zeros."""
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(length > 0, length, 1)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _expect_plane(keys: ArrayLike, query: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    keys, query = np.asarray(keys, float), np.asarray(query, float)
    if keys.ndim != 2 or keys.shape[1] != 2 or not FEWEST <= len(keys) <= MOST:
        raise ValueError(f"keys has shape {keys.shape}; expected (K, 2) with K from {FEWEST} to {MOST}")
    if query.shape != (2,):
        raise ValueError(f"query has shape {query.shape}; expected (2,)")
    for name, numbers in [("keys", keys), ("query", query)]:
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name} holds a NaN or an infinity")
    return keys, query
