"""The task that every translator of this book meets: English to French with known alignments, training on it, and scores.

Chapters and experiments share it, so that a row of one table can be set beside a row of another. Left out: other languages,
whose sentences have no gold alignments.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from utils import training
from utils.batches import Padded, bucketed, pad, take
from utils.data.french.pairs import pairs
from utils.data.french.phrases import Pair
from utils.data.french.splits import Split, at_random
from utils.data.text import Vocabulary
from utils.decoding import greedy
from utils.metrics import Links, alignment_score
from utils.seq2seq import Translator

PADDING, START, END = 0, 1, 2
SPECIAL = ["<pad>", "<start>", "<end>"]
RATE, BATCH, CLIP = 4e-3, 64, 1.0  # how all of them are trained, with Adam
AT_ONCE = 256  # sentences in a batch where nothing is learnt


@dataclass(frozen=True)
class Corpus:
    """Pairs to train on and to be tested with, and the vocabularies of both sides, whose first three words are `SPECIAL`."""

    split: Split
    source: Vocabulary
    target: Vocabulary

    def encode(self, pairs: Sequence[Pair]) -> tuple[Padded, Padded]:
        """Sources, and targets each with END behind."""
        sources = [self.source.encode(pair.english) for pair in pairs]
        return pad(sources, PADDING), pad([self.target.encode([*pair.french, SPECIAL[END]]) for pair in pairs], PADDING)

    def batches(self, seed: int) -> Iterator[tuple[Tensor, ...]]:
        """The training pairs for ever, on the device."""
        generator, device = torch.Generator().manual_seed(seed), training.device()
        for batch in bucketed(*self.encode(self.split.train), size=BATCH, generator=generator):
            yield tuple(part.to(device) for part in batch)


def corpus_of(split: Split) -> Corpus:
    """The vocabularies hold the words of all the pairs: a grammar has few, and all but a tiny training set shows each."""
    pairs = [pair for part in split for pair in part]
    sides = [sorted({word for pair in pairs for word in getattr(pair, side)}) for side in ("english", "french")]
    return Corpus(split, *(Vocabulary([*SPECIAL, *words]) for words in sides))


def english_french(count: int = 44_000, seed: int = 0, longest: int = 20) -> Corpus:
    """`count` pairs of up to `longest` English words: 90 % to train on, 5 % each for validation and for the test."""
    return corpus_of(at_random(pairs(count, seed, longest=longest), seed, share=0.05))


def spelled(pair: Pair) -> Pair:
    """The pair in characters, blanks among them: what a model reads that knows no words. Its links are gone."""
    return Pair(tuple(" ".join(pair.english)), tuple(" ".join(pair.french)), frozenset(), "", frozenset())


def train(
    model: Translator,
    corpus: Corpus,
    steps: int,
    seed: int,
    schedule: Callable[[float], float] = training.warmup_cosine,
) -> training.History:
    """Adam from RATE on, up in a line and down along a cosine, on batches of about equally long pairs."""
    model.to(training.device()).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    return training.train(model.loss, corpus.batches(seed), optimizer, steps=steps, clip=CLIP, schedule=schedule)


def translate(model: Translator, corpus: Corpus, pairs: Sequence[Pair], longest: int = 80) -> list[tuple[str, ...]]:
    """The greedy translation of each pair's English, of at most `longest` words."""

    def words(source: Tensor, lengths: Tensor, *_: Tensor) -> list[tuple[str, ...]]:
        found = greedy(model.step, *model.begin(source, lengths), longest, model.end)
        rows = [row[:n] for row, n in zip(found.sequences.tolist(), found.lengths.tolist())]
        return [tuple(corpus.target.decode([token for token in row if token != END])) for row in rows]

    return _in_batches(words, model, corpus, pairs)


def alignments(model: Translator, corpus: Corpus, pairs: Sequence[Pair]) -> list[np.ndarray]:
    """Where a model with attention looks while it reads each pair's own French: weights (French words, English words)."""

    def weights(source: Tensor, source_lengths: Tensor, target: Tensor, target_lengths: Tensor) -> list[np.ndarray]:
        found = model.alignments(source, source_lengths, target, target_lengths).cpu().numpy()
        return [row[: T - 1, :S] for row, T, S in zip(found, target_lengths.tolist(), source_lengths.tolist())]

    return _in_batches(weights, model, corpus, pairs)


@torch.no_grad()
def _in_batches(function: Callable[..., list], model: Translator, corpus: Corpus, pairs: Sequence[Pair]) -> list:
    """What `function` makes of batches of pairs, one after another, without dropout."""
    device, was_training = next(model.parameters()).device, model.training
    sides, found = corpus.encode(pairs), []
    model.eval()
    for index in torch.arange(len(pairs)).split(AT_ONCE):
        found += function(*(part.to(device) for part in take(sides, index)))
    model.train(was_training)
    return found


def right(found: Sequence[Sequence[str]], pairs: Sequence[Pair]) -> np.ndarray:
    """Which translations are the French of their pair, word by word: (N,) bool."""
    return np.array([tuple(one) == pair.french for one, pair in zip(found, pairs, strict=True)])


def alignment_error(found: Sequence[Links], pairs: Sequence[Pair]) -> float:
    """The alignment error rate of links against the gold ones, sure and possible."""
    return alignment_score(found, [pair.sure for pair in pairs], [pair.links for pair in pairs]).error_rate
