"""A map of word vectors under the reader's hands: a word's nearest words, and a is to b as c is to what?

The page computes all of it from the vectors, as `utils.word_space` does: cosines, answers, principal components. Left out:
words that are not on the map. `utils.figures.embed` puts it into the page.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn.functional import normalize

from utils.figures.embed import Figure, embed
from utils.word_space import WordVectors

FEWEST, MOST = 3, 1000  # words
LEVELS = 127  # of a coordinate on either side of 0


def word_map(
    vectors: WordVectors, words: Sequence[str], *, word: str | None = None, question: tuple[str, str, str] | None = None
) -> Figure:
    """The figure for some `words`, the more telling first: of labels that would overlap, the earlier word's is drawn.

    It opens on the nearest of `word` and on the `question` (a, b, c), or else on the first words.
    """
    words = _expect_words(vectors, words)
    word = words[0] if word is None else word
    question = tuple(words[:3] if question is None else question)
    if len(question) != 3:
        raise ValueError(f"question is {question!r}; expected three words, (a, b, c)")
    for name, each in [("word is", word), *(("question holds", each) for each in question)]:
        if each not in words:
            raise ValueError(f"{name} {each!r}; expected one of the {len(words)} words of the map")
    if not vectors[words].isfinite().all():
        raise ValueError("vectors holds a NaN or an infinity among these words")
    return embed(
        "word_map",
        {"words": words, "vectors": _rounded(vectors, words), "word": word, "question": question},
        title="A map of words",
        description=(
            f"{len(words)} words on the two principal components of their vectors, each of length 1. Choose a word, by name or "
            "on the map, and see which others have the largest cosine with it in all dimensions, and a plane of their own. Ask "
            "what is to c as b is to a, with the question's own words left out of the answers or not."
        ),
    )


def _rounded(vectors: WordVectors, words: Sequence[str]) -> np.ndarray:
    """A byte for each coordinate, (n, D) uint8, 128 standing for 0: the page makes each row of length 1 again.

    So a row's scale is free, and its largest coordinate takes the last level. Of vectors of 100 numbers, two in three cosines
    are then exact to 0.001, 999 in a thousand to 0.004, and all to 0.01: good for the two digits that are shown.
    """
    rows = normalize(vectors[words].double(), dim=1)
    rows = rows.where(rows.norm(dim=1, keepdim=True) > 0.5, 0)  # too short for a length of 1: zeros, but for rounding
    largest = rows.abs().amax(1, keepdim=True)
    return (rows / largest.where(largest > 0, 1) * LEVELS + 128).round().to(torch.uint8).numpy()


def _expect_words(vectors: WordVectors, words: Sequence[str]) -> list[str]:
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"words is {words!r}; expected a list of strings")
    if not FEWEST <= len(words) <= MOST:
        raise ValueError(f"words has {len(words)} entries; expected {FEWEST} to {MOST}")
    for word in words:
        if word not in vectors.vocabulary:
            raise ValueError(f"words holds {word!r}, which has no vector; expected words of the vocabulary")
        if not word or word != word.strip():
            raise ValueError(f"words holds {word!r}; expected words that can be typed, with no space around them")
    if len(set(words)) < len(words):
        twice = next(word for i, word in enumerate(words) if word in words[:i])
        raise ValueError(f"words holds {twice!r} more than once; expected distinct words")
    return list(words)
