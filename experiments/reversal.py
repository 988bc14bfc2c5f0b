"""Does it help to feed the source backwards? A model with one vector, and one with attention, each both ways."""

from dataclasses import replace

import numpy as np
from torch import nn

from experiments.attention_and_length import translator
from experiments.one_vector import EMBEDDING, corpus
from utils import training
from utils.data.french.phrases import Pair
from utils.data.french.splits import Split
from utils.seq2seq import FirstState, Translator
from utils.translation import END, START, Corpus, right, train, translate

CHAPTER = "07-sequence-to-sequence"
CLAIM = "Reversing the source helps a model that has one vector, and does nothing for one with attention in both directions."
SOURCE = "Sutskever, Vinyals and Le 2014, section 3.3"
PUBLISHED = "test perplexity 5.8 to 4.7, BLEU 25.9 to 30.6, English to French, without attention"
SCALE = "theirs: real text, millions of sentence pairs, four layers; ours: sentences that a grammar makes, minutes of one core"
TOLERANCE = (
    "exact match up to 20 words: without attention higher on every seed when reversed; with attention the means differ by at "
    "most 0.02"
)
SEEDS = (0, 1, 2)
STEPS = {"one vector": 1_600, "attention": 1_100}  # about 60 cpu-seconds each
WIDTHS = {"one vector": 214, "attention": 128}  # about 600,000 parameters each
ORDERS = ("forwards", "backwards")


def reversed_source(pair: Pair) -> Pair:
    """The pair with its English backwards; its links are gone."""
    return replace(pair, english=pair.english[::-1], links=frozenset())


def model_of(name: str, corpus: Corpus, width: int) -> Translator:
    if name == "attention":
        return translator(corpus, width)
    return FirstState(len(corpus.source), len(corpus.target), EMBEDDING, width, start=START, end=END, kind=nn.LSTM)


def settings(scale: str) -> list[dict]:
    return [{"name": name, "order": order} for name in STEPS for order in ORDERS]


def run(seed: int, scale: str, name: str, order: str) -> dict[str, float]:
    data, tiny = corpus(scale), scale == "tiny"
    if order == "backwards":
        data = replace(data, split=Split(*([reversed_source(pair) for pair in part] for part in data.split)))
    training.seed(seed)
    model = model_of(name, data, 8 if tiny else WIDTHS[name])
    history = train(model, data, 4 if tiny else STEPS[name], seed)
    chosen = [pair for pair in data.split.test if len(pair.english) <= 20]
    exact = float(right(translate(model, data, chosen), chosen).mean())
    numbers = {f"exact match, {name}, {order}": exact, f"loss in training, {name}, {order}": float(np.mean(history.loss[-50:]))}
    return numbers if tiny else numbers | {f"cpu-seconds, {name}, {order}": history.cpu_seconds}


def gain(numbers: dict, name: str) -> np.ndarray:
    """What reading backwards adds to the exact match: (seeds,)."""
    return numbers[f"exact match, {name}, backwards"] - numbers[f"exact match, {name}, forwards"]


def holds(numbers: dict) -> bool:
    return bool(gain(numbers, "one vector").min() > 0 and abs(gain(numbers, "attention").mean()) <= 0.02)
