"""Left to right or from both sides: what a hidden word costs a GPT and a BERT of the same size, on the book's French.

In French much depends on what follows: an article has the gender of a noun that is still to come.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from experiments.recurrence_or_attention import WIDTHS, character_gpt, train_gpt, windows
from utils import training
from utils.data.french.phrases import Pair
from utils.language_models import BERT, GPT, hide
from utils.ngram import NGram
from utils.translation import SPECIAL, Corpus, english_french

CHAPTER = "14-language-models"
CLAIM = (
    "What follows a hidden word is worth more than what BERT loses by learning from one word in seven: after a minute it "
    "guesses a word in the middle better than GPT, and one at the end worse."
)
SOURCE = "Devlin et al. 2019, section 5.1"
PUBLISHED = "none of this kind; on tasks of understanding, one that reads left to right does worse than BERT (table 5)"
TOLERANCE = (
    "bits for a hidden word among 16, on every seed: BERT's are at least 0.5 below GPT's in the middle, and at least 0.2 above "
    "them at the end"
)
SEEDS = (0, 1, 2)
TIME, BATCH = 16, 48  # words that both see at once, and texts in a step
SHARE = 0.15  # of the words that BERT is asked in training
PLACES = {"in the middle": TIME // 2, "at the end": TIME - 1}
RATE, STEPS = 1.5e-3, {"GPT": 2_200, "BERT": 2_200}  # the rate is BERT's; about a minute of each


def stream(corpus: Corpus, pairs: Sequence[Pair]) -> Tensor:
    """The French sentences of the pairs one after another, an end behind each: (N,)."""
    return torch.tensor([token for pair in pairs for token in corpus.target.encode([*pair.french, SPECIAL[2]])])


def bert_of(vocabulary: int, size: int, seed: int) -> BERT:
    """A BERT of two blocks, seeded and untrained; its mask is the token behind the vocabulary."""
    training.seed(seed)
    return BERT(vocabulary + 1, size, heads=4, layers=2, longest=TIME)


def train_bert(model: BERT, ids: Tensor, steps: int, seed: int) -> training.History:
    """Train the model on ids (N,), SHARE of them hidden."""
    model.to(training.device())
    generator, mask = torch.Generator().manual_seed(seed), model.words.num_embeddings - 1

    def loss(tokens: Tensor, _: Tensor) -> Tensor:
        lengths = torch.full((len(tokens),), TIME, device=tokens.device)
        inputs, asked = hide(tokens, torch.ones_like(tokens, dtype=torch.bool), mask, mask, generator, SHARE)
        return model.loss(inputs, lengths, tokens, asked)

    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.95))
    pieces = windows(ids, torch.Generator().manual_seed(seed), TIME, BATCH)
    history = training.train(loss, pieces, optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    model.cpu().eval()
    return history


@torch.no_grad()
def bits_at(model: GPT | BERT, ids: Tensor, place: int) -> float:
    """The mean bits of the word at `place` of each window of TIME in ids (N,): after those before it, or among all others."""
    total, pieces = 0.0, ids.unfold(0, TIME, 1)  # (windows, TIME)
    for some in pieces.split(1024):
        if isinstance(model, GPT):
            logits = model(some[:, :place])[0][:, -1]
        else:
            hidden = some.clone()
            hidden[:, place] = model.words.num_embeddings - 1
            logits = model(hidden, torch.full((len(some),), TIME))[:, place]
        total += F.cross_entropy(logits, some[:, place], reduction="sum").item()
    return total / len(pieces) / math.log(2)


def settings(scale: str) -> list[dict]:
    return [{"kind": kind} for kind in (*STEPS, "trigram")]


def run(seed: int, scale: str, kind: str) -> dict[str, float]:
    tiny = scale == "tiny"
    corpus = english_french(600, longest=8) if tiny else english_french()
    ids, tested = (stream(corpus, part) for part in (corpus.split.train, corpus.split.test))
    V, size = len(corpus.target), 8 if tiny else WIDTHS["GPT"]
    if kind == "trigram":
        return {kind: NGram(ids.numpy(), 3, V).bits_per_token(tested.numpy())}
    steps = 3 if tiny else STEPS[kind]
    if kind == "GPT":
        model = character_gpt(V, seed, size)
        history = train_gpt(model, ids, steps, seed, time=TIME, batch=BATCH)
    else:
        model = bert_of(V, size, seed)
        history = train_bert(model, ids, steps, seed)
    numbers = {f"{kind}, {where}": bits_at(model, tested, place) for where, place in PLACES.items()}
    return numbers if tiny else numbers | {f"{kind}, cpu-seconds": history.cpu_seconds}


def worse(numbers: dict, where: str) -> np.ndarray:
    """How many bits BERT's word costs above GPT's, on every seed: (seeds,)."""
    return numbers[f"BERT, {where}"] - numbers[f"GPT, {where}"]


def holds(numbers: dict) -> bool:
    return bool(worse(numbers, "in the middle").max() <= -0.5 and worse(numbers, "at the end").min() >= 0.2)
