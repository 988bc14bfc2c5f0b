"""Skip-gram against CBOW: rare words, frequent words, little text, and time. All else is equal, rates are tuned alike.

Judged by Spearman's rho with WordSim-353. Of its pairs that the vocabulary covers, those are rare whose less frequent word
occurs less often than that of the median pair.
"""

import time
from statistics import median

import numpy as np

from utils.data.similarity import similarity_table
from utils.data.wikipedia import article_words
from utils.data.words import Corpus, corpus
from utils.word_space import agreement
from utils.word_vectors import train

CHAPTER = "03-word-vectors"
CLAIM = "Skip-gram does better on rare words and on little text, CBOW on frequent words, and CBOW trains several times faster."
SOURCE = "Mikolov 2013, as quoted in many courses; Mikolov et al. 2013a, section 4"
PUBLISHED = "no numbers for rare and frequent words; CBOW trained in a third of skip-gram's time (2013a, tables 5 and 6)"
SCALE = "theirs: news, far more words; ours: 206 pages of an encyclopedia"
TOLERANCE = (
    "medians over 3 seeds, each model at the best of 4 rates: rho of skip-gram above CBOW's by .02 on rare pairs, and with an "
    "eighth of the text; CBOW's above skip-gram's on frequent pairs; CBOW's seconds at most half"
)
SEEDS = (0, 1, 2)
RATES = {"skip-gram": (0.01, 0.02, 0.04, 0.07), "cbow": (0.06, 0.13, 0.27, 0.4)}  # twice the last, and vectors overflow
SHARES = {0.125: 56, 0.35: 20, 1.0: 7}  # of the articles: epochs, so that all are trained equally long


def part_of(share: float, seed: int) -> Corpus:
    """The corpus of a random share of the articles; the seed says which."""
    every = article_words()
    chosen = np.random.default_rng(seed).permutation(len(every))[: max(round(share * len(every)), 1)]
    return corpus(every[i] for i in sorted(chosen))


def by_frequency(text: Corpus) -> dict[str, list]:
    """WordSim's covered pairs: all, and the halves whose less frequent word is rare or frequent."""
    counts = dict(zip(text.vocabulary.tokens, text.counts.tolist()))
    covered = [row for row in similarity_table("wordsim353") if row[0] in counts and row[1] in counts]
    rarer = {row: min(counts[row[0]], counts[row[1]]) for row in covered}
    middle = median(rarer.values())
    halves = {"rare": [r for r in covered if rarer[r] < middle], "frequent": [r for r in covered if rarer[r] >= middle]}
    return {"all": covered} | halves


def settings(scale: str) -> list[dict]:
    if scale == "tiny":
        return [{"model": model, "rate": rates[0], "share": 0.125} for model, rates in RATES.items()]
    return [{"model": m, "rate": rate, "share": share} for m, rates in RATES.items() for rate in rates for share in SHARES]


def run(seed: int, scale: str, model: str, rate: float, share: float) -> dict[str, float]:
    text = part_of(share, seed)
    start = time.process_time()
    size = {"epochs": 1, "dim": 8} if scale == "tiny" else {"epochs": SHARES[share]}
    vectors, _ = train(text, model, seed=seed, rate=rate, **size)
    seconds = time.process_time() - start
    name = f"{model}, {share:g} of the text, rate {rate:g}"
    kinds = {kind: pairs for kind, pairs in by_frequency(text).items() if share == 1 or kind == "all"}
    rho = {f"{name}: rho, {kind}": agreement(vectors, pairs).rho for kind, pairs in kinds.items()}
    return rho if scale == "tiny" else rho | {f"{name}: cpu-seconds": seconds}


def best(numbers: dict, model: str, share: float, kind: str = "all") -> np.ndarray:
    """rho on every seed at the rate whose median is best: (seeds,)."""
    return max((numbers[f"{model}, {share:g} of the text, rate {rate:g}: rho, {kind}"] for rate in RATES[model]), key=np.median)


def seconds(numbers: dict, model: str) -> np.ndarray:
    """cpu-seconds of the whole text, the same work at each rate, so the least of them: (seeds,)."""
    return np.min([numbers[f"{model}, 1 of the text, rate {rate:g}: cpu-seconds"] for rate in RATES[model]], axis=0)


def holds(numbers: dict) -> bool:
    def ahead(share: float, kind: str = "all") -> float:
        skip_gram, cbow = (np.median(best(numbers, model, share, kind)) for model in RATES)
        return float(skip_gram - cbow)

    faster = np.median(seconds(numbers, "cbow")) <= np.median(seconds(numbers, "skip-gram")) / 2
    return bool(ahead(1.0, "rare") >= 0.02 and ahead(0.125) >= 0.02 and ahead(1.0, "frequent") < 0 and faster)
