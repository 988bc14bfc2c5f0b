"""Counting against learning: bits per character of recurrent networks and n-grams as the text and the training grow."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils import training
from utils.data.text import characters, stream
from utils.data.wikipedia import split, wikipedia
from utils.ngram import NGram
from utils.rnn import LanguageModel, detach

CHAPTER = "01-recurrent-networks"
CLAIM = "On 300,000 characters an LSTM beats every n-gram within a minute; on 2.7 million the n-grams win at that budget."
SOURCE = "this book; after the n-gram baselines of Jelinek and Mercer 1980"
PUBLISHED = "none at this size"
TOLERANCE = (
    "held out, on every seed: at 300,000 characters and 2,300 steps the LSTM is at least 0.1 bits below the best n-gram; "
    "at 2,700,000 characters and 2,300 steps it is above it"
)
SEEDS = (0, 1, 2)
HELDOUT = 300_000
SIZES = (100_000, 300_000, 1_000_000, 2_700_000)
# hidden units so that each has about as many parameters as the LSTM of 256, embedding and readout included
HIDDEN = {"LSTM": 256, "GRU": 297, "RNN": 515}


def train_language_model(
    layer: nn.RNNBase, ids: Tensor, vocabulary: int, steps: int, rate: float, seed: int
) -> tuple[LanguageModel, training.History]:
    """A character model trained on ids (N,) in pieces of 64 steps, 16 streams wide, its state carried from piece to piece."""
    training.seed(seed)
    layer.reset_parameters()
    model = LanguageModel(vocabulary, layer).to(training.device())
    state = None

    def pieces():
        nonlocal state
        while True:
            state = None  # each pass over the text begins without a past
            yield from stream(ids.to(training.device()), batch=16, time=64)

    def loss_in_bits(inputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal state
        logits, state = model(inputs, state)
        state = detach(state)  # the state goes on, the gradient stops
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) / math.log(2)

    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = training.warmup_cosine
    history = training.train(loss_in_bits, pieces(), optimizer, steps=steps, clip=1.0, schedule=schedule)
    return model.cpu(), history


@torch.no_grad()
def heldout_bits(model: LanguageModel, ids: Tensor) -> float:
    """Bits per character of ids (N,), read as 20 streams, the state carried all the way."""
    state, total, count = None, 0.0, 0
    for inputs, targets in stream(ids, batch=20, time=500):
        logits, state = model(inputs, state)
        total += F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum").item()
        count += targets.numel()
    return total / count / math.log(2)


def settings(scale: str) -> list[dict]:
    """The n-grams of every size, and the networks: (kind, characters, steps)."""
    if scale == "tiny":
        return [{"kind": "n-gram", "size": 20_000}, {"kind": "LSTM", "size": 20_000, "steps": 4}]
    counts = [{"kind": "n-gram", "size": size} for size in SIZES]
    lstm = [{"kind": "LSTM", "size": size, "steps": steps} for steps in (600, 2_300) for size in SIZES]
    longer = [{"kind": "LSTM", "size": 1_000_000, "steps": 6_900}]
    others = [{"kind": kind, "size": 300_000, "steps": 2_300} for kind in ("GRU", "RNN")]
    return [*longer, *others, *lstm, *counts]  # the long ones first, so that no processor waits at the end


def run(seed: int, scale: str, kind: str, size: int, steps: int = 0) -> dict[str, float]:
    corpus = wikipedia()
    vocabulary = characters(corpus)
    text, heldout = split(corpus, HELDOUT)
    ids, heldout_ids = vocabulary.encode(text[:size]), vocabulary.encode(heldout)
    if kind == "n-gram":
        orders = (2, 5) if scale == "tiny" else (2, 3, 4, 5, 6, 7)
        counted = {k: NGram(ids.numpy(), k, len(vocabulary)).bits_per_token(heldout_ids.numpy()) for k in orders}
        return {f"{k}-gram, {size} characters": bits for k, bits in counted.items()}
    layer = getattr(nn, kind)(64, 8 if scale == "tiny" else HIDDEN[kind], batch_first=True)
    rate = 1e-3 if kind == "RNN" else 4e-3
    model, history = train_language_model(layer, ids, len(vocabulary), steps, rate, seed)
    name = f"{kind}, {size} characters, {steps} steps"
    if scale == "tiny":
        return {name: heldout_bits(model, heldout_ids[:4000])}
    return {name: heldout_bits(model, heldout_ids), f"{name}, cpu-seconds": history.cpu_seconds}


def best_ngram(numbers: dict, size: int) -> np.ndarray:
    """The bits of the best order at this size, the same on every seed: (seeds,)."""
    return min((v for name, v in numbers.items() if name.endswith(f"-gram, {size} characters")), key=lambda v: v.mean())


def holds(numbers: dict) -> bool:
    small = best_ngram(numbers, 300_000) - numbers["LSTM, 300000 characters, 2300 steps"]
    large = best_ngram(numbers, 2_700_000) - numbers["LSTM, 2700000 characters, 2300 steps"]
    return bool(small.min() >= 0.1 and large.max() < 0)
