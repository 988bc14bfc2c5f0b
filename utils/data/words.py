"""Sentences of words as ids: a vocabulary by frequency, subsampling, noise words, and the windows that word vectors learn from.

Everything is made for the whole corpus at once, with no loop over words. What is learnt from it is in `utils.word_vectors`.

Axes: N words in the corpus, V words in the vocabulary, C = 2 * (largest radius) places in a window.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain

import torch
from torch import Tensor

from utils.data.text import Vocabulary
from utils.shapes import expect


@dataclass(frozen=True)
class Corpus:
    """Sentences laid end to end, less their rare words."""

    vocabulary: Vocabulary  # V words, the most frequent first; V itself is the id of an empty place
    counts: Tensor  # (V,) int64: how often each word occurs in the sentences
    ids: Tensor  # (N,) int64
    sentence: Tensor  # (N,) int64: the number of the sentence that each word stands in


def corpus(sentences: Iterable[Iterable[str]], minimum: int = 5) -> Corpus:
    """Number the words that occur at least `minimum` times; the others are taken out, and those around them move together.

    Words of equal count are numbered in the order of the alphabet. ValueError if nothing is left.
    """
    if minimum < 1:
        raise ValueError(f"minimum is {minimum}; expected at least 1 occurrence")
    sentences = [list(words) for words in sentences]
    counts = Counter(chain.from_iterable(sentences))
    kept = sorted((word for word, count in counts.items() if count >= minimum), key=lambda word: (-counts[word], word))
    if not kept:
        raise ValueError(f"sentences hold no word {minimum} times or more; they have {len(counts)} distinct words")
    vocabulary = Vocabulary(kept)
    frequent = [[word for word in words if word in vocabulary] for words in sentences]
    lengths = torch.tensor([len(words) for words in frequent])
    return Corpus(
        vocabulary,
        counts=torch.tensor([counts[word] for word in kept]),
        ids=vocabulary.encode(chain.from_iterable(frequent)),
        sentence=torch.arange(len(lengths)).repeat_interleave(lengths),
    )


def keep_probabilities(counts: Tensor, threshold: float) -> Tensor:
    """How likely each word survives subsampling: min(1, sqrt(t / f(w))), f being its share of all words (V,) -> (V,) float64.

    This is one minus the probability of being dropped in Mikolov et al. (2013b, eq. 5). With t = 1e-3, a word that makes up
    4 % of the text keeps about 16 of 100 occurrences, and one below 0.1 % keeps all.
    """
    expect("counts", counts, ("V",))
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; expected a share of all words above 0")
    return (threshold * counts.sum() / counts.double()).sqrt().clamp(max=1)


def subsample(text: Corpus, threshold: float, generator: torch.Generator) -> Corpus:
    """The corpus less a random part of its frequent words. The words around them move together; the counts stay."""
    keep = torch.rand(len(text.ids), generator=generator) < keep_probabilities(text.counts, threshold)[text.ids]
    if not keep.any():
        raise ValueError(f"threshold is {threshold}, which dropped all {len(keep)} words; expected a larger one")
    return replace(text, ids=text.ids[keep], sentence=text.sentence[keep])


def noise_distribution(counts: Tensor, power: float = 0.75) -> Tensor:
    """The probability of each word as a noise word, counts ** power / their sum (Mikolov et al. 2013b): (V,) float64."""
    expect("counts", counts, ("V",))
    weights = counts.double() ** power
    return weights / weights.sum()


def windows(text: Corpus, radii: Tensor) -> tuple[Tensor, Tensor]:
    """Each word with those at most radii[t] places before and after it in its sentence, radii (N,) int64.

    -> centres (M,), and contexts (M, C), from left to right. V fills the places beyond the radius or the sentence. Words that
    stand alone are left out, so M <= N. word2vec draws each radius evenly from 1 to the size of the window: a
    word at distance d then counts (size + 1 - d) / size times on average.
    """
    expect("radii", radii, (len(text.ids),), torch.int64)
    if radii.min() < 1:
        raise ValueError(f"radii holds {radii.min()}; expected at least 1")
    offsets = window_offsets(int(radii.max()))
    places = torch.arange(len(text.ids))[:, None] + offsets  # (N, C)
    inside = (places >= 0) & (places < len(text.ids)) & (offsets.abs() <= radii[:, None])
    places = places.clamp(0, len(text.ids) - 1)
    inside &= text.sentence[places] == text.sentence[:, None]
    contexts = text.ids[places].masked_fill(~inside, len(text.vocabulary))
    accompanied = inside.any(1)
    if not accompanied.any():
        raise ValueError("text has no sentence of two words or more; expected words that stand beside each other")
    return text.ids[accompanied], contexts[accompanied]


def window_offsets(size: int) -> Tensor:
    """Where the places of a window lie: -size .. -1, 1 .. size, (2 * size,) int64."""
    if size < 1:
        raise ValueError(f"size is {size}; expected a window of at least 1 word on each side")
    return torch.cat([torch.arange(-size, 0), torch.arange(1, size + 1)])


def pairs(centres: Tensor, contexts: Tensor, padding: int) -> Tensor:
    """Windows (M,), (M, C) as (centre, context) pairs (P, 2), less those with an empty place, whose id is `padding`."""
    expect("centres", centres, ("M",), torch.int64)
    expect("contexts", contexts, (len(centres), "C"), torch.int64)
    both = torch.stack([centres[:, None].expand_as(contexts), contexts], -1)  # (M, C, 2)
    return both[contexts != padding]
