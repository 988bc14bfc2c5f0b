"""Word vectors in use: neighbours, analogies, agreement with people's judgements, a map. It knows not how they were learnt.

Left out: other similarities than the cosine, other maps than the two principal components.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from utils.data.text import Vocabulary
from utils.shapes import expect


@dataclass(frozen=True)
class WordVectors:
    """One vector for each word: row i of `vectors` (V, D) belongs to word i of the vocabulary."""

    vocabulary: Vocabulary
    vectors: Tensor

    def __post_init__(self) -> None:
        expect("vectors", self.vectors, (len(self.vocabulary), "D"))

    def __getitem__(self, words: str | Sequence[str]) -> Tensor:
        """The vector (D,) of a word, or those (n, D) of several. ValueError names the first unknown one."""
        ids = self.vocabulary.encode([words] if isinstance(words, str) else words)
        return self.vectors[ids[0] if isinstance(words, str) else ids]


def cosine(vectors: WordVectors, one: str, other: str) -> float:
    """The cosine of the angle between two words' vectors, 0 where one of them is zero."""
    return float(normalize(vectors[one], dim=0) @ normalize(vectors[other], dim=0))


def nearest(vectors: WordVectors, query: str | Tensor, count: int = 10, exclude: Iterable[str] = ()) -> list[tuple[str, float]]:
    """The `count` words of the largest cosine with a word, itself left out, or with a vector (D,), best first, each with it."""
    if count < 1:
        raise ValueError(f"count is {count}; expected at least 1")
    if isinstance(query, str):
        query, exclude = vectors[query], {query, *exclude}
    expect("query", query, (vectors.vectors.shape[1],))
    cosines = normalize(vectors.vectors, dim=1) @ normalize(query, dim=0)  # (V,)
    excluded = vectors.vocabulary.encode(exclude)
    cosines[excluded] = -torch.inf
    best = cosines.topk(min(count, len(cosines) - len(excluded.unique())))
    return list(zip(vectors.vocabulary.decode(best.indices), best.values.tolist()))


def analogy(vectors: WordVectors, a: str, b: str, c: str, count: int = 5) -> list[tuple[str, float]]:
    """a is to b as c is to ...: the words nearest to b - a + c, each of length 1, less these three (Mikolov et al. 2013c).

    Levy and Goldberg (2014) call it 3CosAdd. Without leaving out the three, the answer would often be b or c itself.
    """
    unit = normalize(vectors[[a, b, c]], dim=1)
    return nearest(vectors, unit[1] - unit[0] + unit[2], count, exclude={a, b, c})


def ranks(values: Tensor) -> Tensor:
    """The place of each value in the sorted order, from 1; equal ones share the mean of their places: (N,) -> (N,) float64."""
    expect("values", values, ("N",))
    _, group, sizes = values.unique(return_inverse=True, return_counts=True)
    last = sizes.cumsum(0)
    return (last - (sizes - 1) / 2).double()[group]


def spearman(x: Tensor, y: Tensor) -> float:
    """Spearman's rank correlation of x (N,) and y (N,): Pearson's, between their ranks. ValueError if either is constant."""
    expect("x", x, ("N",))
    expect("y", y, (len(x),))
    for name, values in (("x", x), ("y", y)):
        if (values == values[0]).all():
            raise ValueError(f"{name} is constant; expected at least two different values to rank")
    return float(torch.corrcoef(torch.stack([ranks(x), ranks(y)]))[0, 1])


class Agreement(NamedTuple):
    """How well cosines order pairs of words as people do."""

    rho: float  # Spearman's
    covered: int  # pairs whose two words both have a vector; the others are left out
    pairs: int


def agreement(vectors: WordVectors, table: Sequence[tuple[str, str, float]]) -> Agreement:
    """Spearman's rho between the cosines and a table of (word, word, people's mean score)."""
    known = [row for row in table if row[0] in vectors.vocabulary and row[1] in vectors.vocabulary]
    if len(known) < 2:
        raise ValueError(f"table has {len(known)} pairs of known words; expected at least 2")
    first, second, scores = zip(*known)
    cosines = (normalize(vectors[first], dim=1) * normalize(vectors[second], dim=1)).sum(1)
    return Agreement(spearman(cosines, torch.tensor(scores)), len(known), len(table))


def plane(vectors: WordVectors, words: Sequence[str]) -> Tensor:
    """The words on the two principal components of their vectors: (n, 2), centred, the first axis the widest.

    A component's sign is free; here its largest coordinate is positive, so that the map does not flip from run to run.
    """
    if len(words) < 3:
        raise ValueError(f"words has {len(words)} words; expected at least 3")
    centred = vectors[words] - vectors[words].mean(0)
    _, _, components = torch.linalg.svd(centred, full_matrices=False)  # (min(n, D), D)
    points = centred @ components[:2].mT
    largest = points.gather(0, points.abs().argmax(0, keepdim=True))  # (1, 2)
    return points * largest.sign()
