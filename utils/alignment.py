"""Which source word does each target word come from? IBM Model 1, with a diagonal prior or without, and links from weights.

The baselines that attention has to beat as an aligner. Left out: fertility and the models that follow it (IBM 3 to 5), the HMM.

Axes: S source words and T target words in a sentence pair, N target words in the corpus, P cells (a target word beside a source
word of its pair), K distinct pairs of words that share a cell. A matrix of weights is (T, S), its rows target words, as
attention's; a link is (place in the source, place in the target), both from 0.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain

import numpy as np

from utils.metrics import Links

Pair = tuple[Sequence[str], Sequence[str]]  # source, target
NEVER_MET = 1e-12  # the probability of a pair of words outside the table: the prior decides among such


def diagonal_prior(sources: int, targets: int, tension: float) -> np.ndarray:
    """p(source place | target place) = exp(-tension * |i / T - j / S|) / sum over j, places from 1: (T, S).

    Dyer et al. (2013, section 2). Tension 0 is uniform; the larger, the more goes to the places next to the diagonal.
    On its own, through `best_links`, it is the diagonal baseline.
    """
    if not 0 <= tension <= 500:
        raise ValueError(f"tension is {tension}; expected 0 (no preference) to 500")
    if sources < 1 or targets < 1:
        raise ValueError(f"sources and targets are {sources} and {targets}; expected at least 1 word each")
    i, j = np.arange(1, targets + 1)[:, None], np.arange(1, sources + 1)
    weights = np.exp(-tension * np.abs(i * sources - j * targets) / (sources * targets))  # whole numbers first: exact ties
    return weights / weights.sum(1, keepdims=True)


class IBM1:
    """Word translation probabilities t(f | e), learnt from sentence pairs alone by expectation maximisation.

    p(f_1 .. f_T | e_1 .. e_S) = prod_i sum_j p(j | i) t(f_i | e_j). Each target word f_i comes from one source word, and none
    looks at where the others come from. A prior p(j | i) of 1 / S is IBM Model 1 (Brown et al. 1993, section 4.1), which sees
    sentences as bags of words; a `tension` above 0 makes it `diagonal_prior` (Dyer et al. 2013; their program starts from 4).
    With `null`, a further source word, at no place, has the prior 1 / (S + 1), the others share the rest (theirs has 0.08).

    The tension is not fitted. The log likelihood is then concave in t, and every start inside leads to the same value; t
    starts even.
    """

    def __init__(self, pairs: Sequence[Pair], *, iterations: int = 10, tension: float = 0.0, null: bool = False) -> None:
        if iterations < 1:
            raise ValueError(f"iterations is {iterations}; expected at least 1")
        self.tension, self.null = tension, null
        _expect_pairs(pairs)
        self.sources = _numbered([[None]] * null, (source for source, _ in pairs))  # None is the null word
        self.targets = _numbered(target for _, target in pairs)
        cells, widths, prior = self._cells(pairs)
        self.codes, kind = np.unique(cells, return_inverse=True)  # (K,), and which of them each cell holds (P,)
        source = self.codes // (len(self.targets) + 1)  # (K,): the number of e
        self.t = np.full(len(self.codes), 1 / len(self.targets))  # (K,): t(f | e)
        self.bits = []  # before each iteration: -log2 likelihood in bits per target word, which never rises
        for _ in range(iterations):
            posterior, likelihood = _shares(prior * self.t[kind], widths)  # E: where may each target word come from?
            self.bits.append(float(-np.log2(likelihood).mean()))
            counts = np.bincount(kind, posterior)  # (K,) how often e became f, as far as we can tell
            self.t = counts / np.bincount(source, counts)[source]  # M: their share among all that e became

    def posteriors(self, pairs: Sequence[Pair]) -> list[np.ndarray]:
        """For each pair p(source place | target place, both sentences) (T, S), the pairs new or old.

        Rows add up to 1, with `null` to 1 less its share.
        """
        _expect_pairs(pairs)
        cells, widths, prior = self._cells(pairs)
        places = np.searchsorted(self.codes, cells).clip(max=len(self.codes) - 1)
        t = np.where(self.codes[places] == cells, np.maximum(self.t[places], NEVER_MET), NEVER_MET)
        posterior, _ = _shares(prior * t, widths)
        shapes = [(len(target), len(source) + self.null) for source, target in pairs]
        parts = np.split(posterior, np.cumsum([T * S for T, S in shapes])[:-1])
        return [part.reshape(shape)[:, int(self.null) :] for part, shape in zip(parts, shapes)]

    def translations(self, source: str | None) -> dict[str, float]:
        """What a source word becomes, and t(f | e) of each, the likeliest first; None is the null word's."""
        if source not in self.sources:
            raise ValueError(f"source is {source!r}, which is not among the {len(self.sources)} source words")
        e, base, words = self.sources[source], len(self.targets) + 1, list(self.targets)
        first, last = np.searchsorted(self.codes, [e * base, (e + 1) * base])
        found = {words[code % base - 1]: float(t) for code, t in zip(self.codes[first:last], self.t[first:last])}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _cells(self, pairs: Sequence[Pair]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All cells, row after row: their word pairs as numbers (P,), the width of each row (N,), the priors (P,).

        A word pair is its source word's number * (target words + 1) + its target word's: numbers start at 1, 0 is unknown.
        """
        base, codes, widths = len(self.targets) + 1, [], []
        for source, target in pairs:
            e = np.array([self.sources.get(word, 0) for word in ([None, *source] if self.null else source)])
            f = np.array([self.targets.get(word, 0) for word in target])
            codes.append((e * base + f[:, None]).ravel())
            widths.append(np.full(len(f), len(e)))
        prior = cache(self._prior)  # one for each shape
        priors = [prior(len(source), len(target)).ravel() for source, target in pairs]
        return np.concatenate(codes), np.concatenate(widths), np.concatenate(priors)

    def _prior(self, sources: int, targets: int) -> np.ndarray:
        prior = diagonal_prior(sources, targets, self.tension)
        if not self.null:
            return prior
        share = 1 / (sources + 1)
        return np.hstack([np.full((targets, 1), share), prior * (1 - share)])


def best_links(weights: np.ndarray) -> Links:
    """Each target word to its largest weight, of equals the earlier: weights (T, S) -> at most T links.

    A row may add up to less than 1. The rest is the null word's, and a target word whose rest is largest has no link.
    """
    weights = _checked(weights)
    best = weights.argmax(1)
    linked = weights.max(1) >= 1 - weights.sum(1)
    return {(int(best[i]), int(i)) for i in np.flatnonzero(linked)}


def links_above(weights: np.ndarray, threshold: float) -> Links:
    """Every link of at least `threshold`, so that a target word may have several, or none: weights (T, S) -> links."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is {threshold}; expected a weight above 0, at most 1")
    return {(int(j), int(i)) for i, j in np.argwhere(_checked(weights) >= threshold)}


def flipped(links: Links) -> Links:
    """The links of (target, source) as links of (source, target): to intersect (&) or unite (|) both directions."""
    return {(source, target) for target, source in links}


def _shares(joint: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each cell's share of its row (P,), and the sums of the rows (N,)."""
    sums = np.add.reduceat(joint, np.cumsum(widths) - widths)
    return joint / np.repeat(sums, widths), sums


def _numbered(*sentences: Iterable[Iterable[str | None]]) -> dict[str | None, int]:
    """The distinct words in the order they come, numbered from 1."""
    words = dict.fromkeys(chain.from_iterable(chain.from_iterable(sentences)))
    return {word: number for number, word in enumerate(words, start=1)}


def _expect_pairs(pairs: Sequence[Pair]) -> None:
    if len(pairs) == 0:
        raise ValueError("pairs is empty; expected at least one pair of sentences")
    for number, (source, target) in enumerate(pairs):
        for name, sentence in (("source", source), ("target", target)):
            if isinstance(sentence, str):
                raise TypeError(f"pairs[{number}] has the string {sentence!r} as {name}; expected a sequence of words")
            if len(sentence) == 0:
                raise ValueError(f"pairs[{number}] has an empty {name}; expected at least one word")


def _checked(weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or 0 in weights.shape:
        raise ValueError(f"weights has shape {weights.shape}; expected (target words, source words), at least one each")
    if not (weights.min() >= 0 and weights.sum(1).max() <= 1.01):  # the rounding of half precision
        raise ValueError("weights is no distribution; expected rows of numbers from 0 that add up to at most 1")
    return weights
