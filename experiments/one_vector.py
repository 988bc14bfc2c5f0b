"""How long may a sentence be whose translation must pass through one vector? Exact match and BLEU against length."""

import numpy as np

from utils import training
from utils.data.french.pairs import pairs
from utils.data.french.splits import Split
from utils.metrics import bleu
from utils.seq2seq import EveryStep, FirstState, Translator
from utils.translation import END, START, Corpus, corpus_of, english_french, right, train, translate

CHAPTER = "07-sequence-to-sequence"
CLAIM = "One vector is enough for short sentences and not for long ones, wherever the decoder reads it."
SOURCE = "Cho, van Merriënboer, Bahdanau and Bengio 2014, On the properties of neural machine translation"
PUBLISHED = "quality falls fast as sentences grow (English to French, BLEU; no table)"
SCALE = "theirs: real text, millions of sentence pairs; ours: sentences that a grammar makes, minutes of one core"
TOLERANCE = (
    "on every seed and for each model: exact match is at least 0.9 for sentences of 3 to 6 words, and at least 0.4 lower for "
    "those of 17 to 20, as many of which were trained on"
)
SEEDS = (0, 1, 2)
BANDS = ((3, 6), (7, 10), (11, 14), (15, 16), (17, 20), (21, 25), (26, 30))  # English words; training has up to 20
EMBEDDING = 64
STEPS = 1_600  # about 60 cpu-seconds
MODELS = {  # a kind, and a hidden width that gives each about 600,000 parameters, as many as chapter 08's translator
    "first state": (FirstState, 248),
    "every step": (EveryStep, 180),
}


def corpus(scale: str) -> Corpus:
    """English and French up to 20 words to train on, 200 test pairs in each band of lengths, the longer ones new in kind."""
    if scale == "tiny":
        return english_french(600, longest=8)
    known, longer = english_french(), pairs(400, seed=1, shortest=21, longest=30)
    return corpus_of(Split(known.split.train, known.split.validation, [*known.split.test, *longer]))


def by_band(name: str, model: Translator, corpus: Corpus) -> dict[str, float]:
    """Exact match and BLEU of the test pairs, in each band of English lengths that the test has, and of all up to 20."""
    lengths = np.array([len(pair.english) for pair in corpus.split.test])
    numbers = {}
    for least, most in [*BANDS, (3, 20)]:
        chosen = [pair for pair, n in zip(corpus.split.test, lengths) if least <= n <= most]
        if chosen:
            found = translate(model, corpus, chosen)
            where = f"{name}, {least} to {most} words"
            numbers[f"exact match, {where}"] = float(right(found, chosen).mean())
            numbers[f"BLEU, {where}"] = bleu(found, [pair.french for pair in chosen])
    return numbers


def worst_and_best(numbers: dict, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Exact match on the longest trained and on the shortest sentences: (seeds,) each."""
    return numbers[f"exact match, {name}, 17 to 20 words"], numbers[f"exact match, {name}, 3 to 6 words"]


def settings(scale: str) -> list[dict]:
    return [{"name": name} for name in MODELS]


def run(seed: int, scale: str, name: str) -> dict[str, float]:
    data, (kind, width) = corpus(scale), MODELS[name]
    training.seed(seed)
    model = kind(len(data.source), len(data.target), EMBEDDING, 8 if scale == "tiny" else width, start=START, end=END)
    history = train(model, data, 4 if scale == "tiny" else STEPS, seed)
    numbers = by_band(name, model, data)
    return numbers if scale == "tiny" else numbers | {f"cpu-seconds, {name}": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    ends = [worst_and_best(numbers, name) for name in MODELS]
    return all(bool(short.min() >= 0.9 and (short - long).min() >= 0.4) for long, short in ends)
