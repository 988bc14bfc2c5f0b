"""Is attention alignment? The error rate of its links against gold ones, beside aligners that know no translation."""

import numpy as np

from experiments.attention_and_length import translator
from utils import training
from utils.alignment import IBM1, best_links, diagonal_prior
from utils.data.french.phrases import Pair
from utils.metrics import Links, alignment_score
from utils.translation import Corpus, alignment_error, alignments, english_french, right, train, translate

CHAPTER = "08-bahdanau-attention"
CLAIM = "Attention aligns better than the diagonal and IBM Model 1; reading both ways helps, and a query with the last word."
SOURCE = "Ghader and Monz 2017; Bahdanau, Cho and Bengio 2015; Dyer et al. 2013 for the prior"
PUBLISHED = "Ghader and Monz: attention agrees with alignment in part, most for nouns (German to English; other measures)"
SCALE = "theirs: real text with links by hand; ours: sentences that a grammar makes, whose links are known"
TOLERANCE = (
    "alignment error rate on every seed: of the translator with the last word in its query at most 0.12, below IBM Model 1 and "
    "the diagonal; and at least 0.05 above it both with the query of the paper and with an encoder that reads one way"
)
SEEDS = (0, 1, 2)
STEPS = 1_150  # about 60 cpu-seconds for the first
MODELS = {  # hidden width (about 600,000 parameters each), directions, the last word in the query
    "both ways, last word in the query": (128, True, True),
    "both ways, the paper's query": (129, True, False),
    "one way, last word in the query": (161, False, True),
}
ALIGNERS = {"diagonal": None, "IBM Model 1": 0.0, "IBM Model 1 with a diagonal prior": 4.0}  # the prior's tension


def aligned(name: str, corpus: Corpus) -> list[np.ndarray]:
    """The weights of an aligner that is no translator, for the test pairs: (French words, English words) each."""
    sides = [[(pair.english, pair.french) for pair in part] for part in (corpus.split.train, corpus.split.test)]
    if name == "diagonal":
        return [diagonal_prior(len(english), len(french), tension=4.0) for english, french in sides[1]]
    return IBM1(sides[0], tension=ALIGNERS[name]).posteriors(sides[1])


def errors(name: str, weights: list[np.ndarray], test: list[Pair]) -> dict[str, float]:
    """The error rate of each French word's largest weight, and what it is when no link is only possible."""
    found: list[Links] = [best_links(one) for one in weights]
    strict = alignment_score(found, [pair.links for pair in test]).error_rate
    return {f"error rate, {name}": alignment_error(found, test), f"error rate with all links sure, {name}": strict}


def settings(scale: str) -> list[dict]:
    return [{"name": name} for name in (*MODELS, *ALIGNERS)]


def run(seed: int, scale: str, name: str) -> dict[str, float]:
    tiny = scale == "tiny"
    data = english_french(600, longest=8) if tiny else english_french()
    test = data.split.test
    if name in ALIGNERS:
        return errors(name, aligned(name, data), test)
    width, both, word = MODELS[name]
    training.seed(seed)
    model = translator(data, 8 if tiny else width, bidirectional=both, word_in_query=word)
    history = train(model, data, 4 if tiny else STEPS, seed)
    numbers = errors(name, alignments(model, data, test), test)
    numbers[f"exact match, {name}"] = float(right(translate(model, data, test), test).mean())
    return numbers if tiny else numbers | {f"cpu-seconds, {name}": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    best, paper, one_way = (numbers[f"error rate, {name}"] for name in MODELS)
    others = np.minimum(numbers["error rate, diagonal"], numbers["error rate, IBM Model 1"])
    return bool(best.max() <= 0.12 and (others - best).min() > 0 and min((paper - best).min(), (one_way - best).min()) >= 0.05)
