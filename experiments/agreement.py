"""Which French word is each English one? A word by itself, a word in a set of words, a word in a sentence."""

from collections import defaultdict

import torch
from torch import Tensor

from utils import training
from utils.attention.tagger import Tagger
from utils.batches import bucketed, pad
from utils.data.french.pairs import first_words
from utils.data.french.phrases import Pair
from utils.data.text import Vocabulary
from utils.translation import PADDING, Corpus, english_french

CHAPTER = "11-self-attention"
CLAIM = (
    "One layer of self-attention lets the form of a word depend on other words; without positions it often takes the wrong one."
)
SOURCE = "the encyclopedia's example: reading that, the network should look at girl; no published number"
PUBLISHED = "none"
TOLERANCE = (
    "share right of the words that have several French forms, on every seed: with attention and positions at least 0.9, "
    "without positions at least 0.05 lower, and by itself at most 0.6"
)
SEEDS = (0, 1, 2)
SIZE, HEADS, STEPS = 48, 4, 1_500
MODELS = {  # what a model may know of the other words
    "by itself": {"attends": False, "placed": False},
    "in a set of words": {"placed": False},
    "in a sentence": {},
}


def task(scale: str) -> tuple[Corpus, Vocabulary]:
    """Sentences of up to 12 words, and the labels: French words."""
    data = english_french(600, longest=8) if scale == "tiny" else english_french(12_000, longest=12)
    pairs = [pair for part in data.split for pair in part]
    return data, Vocabulary(["<pad>", *sorted({word for pair in pairs for word in first_words(pair)})])


def encode(data: Corpus, labels: Vocabulary, pairs: list[Pair]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """English words and French labels as ids, each with its lengths."""
    words = pad([data.source.encode(pair.english) for pair in pairs], PADDING)
    return *words, *pad([labels.encode(first_words(pair)) for pair in pairs], PADDING)


def trained(name: str, data: Corpus, labels: Vocabulary, seed: int, steps: int) -> Tagger:
    """A tagger of one of the `MODELS`."""
    training.seed(seed)
    model = Tagger(len(data.source), len(labels), SIZE, HEADS, **MODELS[name]).to(training.device())
    words, lengths, targets, _ = encode(data, labels, data.split.train)
    batches = bucketed((words, lengths), (targets, lengths), size=64, generator=torch.Generator().manual_seed(seed))
    batches = (tuple(part.to(training.device()) for part in batch) for batch in batches)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    training.train(
        lambda words, lengths, labels, _: model.loss(words, lengths, labels),
        batches,
        optimizer,
        steps=steps,
        clip=1.0,
        schedule=training.warmup_cosine,
    )
    return model


def shares(model: Tagger, data: Corpus, labels: Vocabulary) -> tuple[float, float]:
    """The share of test words with the right label: of all, and of those that have several in training."""
    forms = defaultdict(set)
    for pair in data.split.train:
        for word, form in zip(pair.english, first_words(pair)):
            forms[word].add(form)
    several = torch.tensor([len(forms[word]) > 1 for word in data.source.tokens])
    words, lengths, targets, _ = (part.to(training.device()) for part in encode(data, labels, data.split.test))
    right = model.right(words, lengths, targets)
    open_ = several.to(words.device)[words]
    return float(right.sum() / lengths.sum()), float(right[open_].float().mean())


def settings(scale: str) -> list[dict]:
    return [{"name": name} for name in MODELS]


def run(seed: int, scale: str, name: str) -> dict[str, float]:
    data, labels = task(scale)
    model = trained(name, data, labels, seed, 4 if scale == "tiny" else STEPS)
    return dict(zip((f"all words, {name}", f"words of several forms, {name}"), shares(model, data, labels)))


def holds(numbers: dict) -> bool:
    alone, unplaced, placed = (numbers[f"words of several forms, {name}"] for name in MODELS)
    return bool(placed.min() >= 0.9 and (placed - unplaced).min() >= 0.05 and alone.max() <= 0.6)
