"""A transformer against an LSTM of as many weights and about the same time, on characters, as text and training grow.

Beside them stand the n-grams. `train_gpt` is the recipe that chapter 14 trains its GPT with.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.crossing import heldout_bits, train_language_model
from utils import training
from utils.data.text import characters
from utils.data.wikipedia import split, wikipedia
from utils.language_models import GPT
from utils.ngram import NGram

CHAPTER = "14-language-models"
CLAIM = (
    "Trained for a minute, an LSTM predicts characters better than a GPT of as many weights, on little text and on much; "
    "trained three times as long on much text, it is less far ahead."
)
SOURCE = "this book; after Karpathy 2015 and nanoGPT, which train one of the two each"
PUBLISHED = "none at this size"
TOLERANCE = (
    "bits per character held out, on every seed: the LSTM is at least 0.1 below the GPT at a minute, on 300,000 and on "
    "2,700,000 characters; on 2,700,000 the distance at three minutes is smaller than at one"
)
SEEDS = (0, 1, 2)
HELDOUT = 300_000
SMALL, LARGE = 300_000, 2_700_000  # characters to train on
TIME, BATCH, RATE = 64, 12, 4e-3  # characters that the GPT sees at once, texts in a step, and its rate
WIDTHS = {"GPT": 120, "LSTM": 256}  # so that each has about as many weights
STEPS = {"GPT": 2_200, "LSTM": 3_900}  # about a minute of each


def character_gpt(vocabulary: int, seed: int, size: int = WIDTHS["GPT"]) -> GPT:
    """A GPT of two blocks over characters, seeded and untrained."""
    training.seed(seed)
    return GPT(vocabulary, size, heads=4, layers=2, longest=TIME, activation=F.relu)


def windows(ids: Tensor, generator: torch.Generator, time: int = TIME, batch: int = BATCH) -> Iterator[tuple[Tensor, Tensor]]:
    """Without end: `batch` pieces of `time` tokens from ids (N,), and the same one token further on.

    Each pass cuts all of ids into pieces, from a new place on, and takes them in a new order.
    """
    within = torch.arange(time + 1)
    while True:
        first = int(torch.randint(time, (), generator=generator))
        count = (len(ids) - 1 - first) // time
        starts = first + time * torch.randperm(count, generator=generator)
        for some in starts[: count - count % batch].view(-1, batch, 1):
            pieces = ids[some + within].to(training.device())
            yield pieces[:, :-1], pieces[:, 1:]


def train_gpt(model: GPT, ids: Tensor, steps: int, seed: int, **cut: int) -> training.History:
    """Train the model on ids (N,); 2,200 steps of `character_gpt` are about a minute on one thread. The loss is in nats.

    `cut` says how `windows` cuts the text.
    """
    model.to(training.device())
    history = training.train(
        model.loss,
        windows(ids, torch.Generator().manual_seed(seed), **cut),
        torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.95)),
        steps=steps,
        clip=1.0,
        schedule=training.warmup_cosine,
    )
    model.cpu().eval()
    return history


@torch.no_grad()
def heldout_nats(model: GPT, ids: Tensor, stride: int = TIME // 2) -> float:
    """Nats per token of ids (N,) after the first, read in windows of TIME that begin `stride` after one another.

    Of each window only its last `stride` tokens count, so that each token counts once, and is predicted from at least
    TIME - stride before it; all count in the first window. Tokens too few for a last window are left out.
    """
    pieces = ids.unfold(0, TIME + 1, stride)  # (windows, TIME + 1)
    losses = []
    for some in pieces.split(64):
        logits, _ = model(some[:, :-1])
        losses.append(F.cross_entropy(logits.mT, some[:, 1:], reduction="none"))
    loss = torch.cat(losses)  # (windows, TIME)
    return torch.cat([loss[0, :-stride], loss[:, -stride:].flatten()]).mean().item()


def settings(scale: str) -> list[dict]:
    if scale == "tiny":
        return [{"kind": kind, "size": 20_000, "times": times} for kind, times in (("n-gram", 0), ("LSTM", 1), ("GPT", 1))]
    networks = [(LARGE, 3), (SMALL, 1), (LARGE, 1)]  # the long ones first
    trained = [{"kind": kind, "size": size, "times": times} for size, times in networks for kind in ("LSTM", "GPT")]
    return [*trained, *({"kind": "n-gram", "size": size, "times": 0} for size in (SMALL, LARGE))]


def run(seed: int, scale: str, kind: str, size: int, times: int) -> dict[str, float]:
    """The bits of the n-grams, or of a network trained `times` times a minute, with its weights and cpu-seconds."""
    tiny, corpus = scale == "tiny", wikipedia()
    vocabulary = characters(corpus)
    text, heldout = split(corpus, HELDOUT)
    ids, tested = vocabulary.encode(text[:size]), vocabulary.encode(heldout[: 4_000 if tiny else None])
    if kind == "n-gram":
        orders = (2, 5) if tiny else (4, 5, 6, 7)
        counted = {n: NGram(ids.numpy(), n, len(vocabulary)).bits_per_token(tested.numpy()) for n in orders}
        return {f"{n}-gram, {size} characters": bits for n, bits in counted.items()}
    steps, width = (3, 8) if tiny else (times * STEPS[kind], WIDTHS[kind])
    if kind == "LSTM":
        layer = nn.LSTM(64, width, batch_first=True)
        model, history = train_language_model(layer, ids, len(vocabulary), steps, 4e-3, seed)
        bits = heldout_bits(model, tested)
    else:
        model = character_gpt(len(vocabulary), seed, width)
        history = train_gpt(model, ids, steps, seed)
        bits = heldout_nats(model, tested) / math.log(2)
    name = named(kind, size, times)
    numbers = {name: bits, f"{name}, weights": float(sum(p.numel() for p in model.parameters()))}
    return numbers if tiny else numbers | {f"{name}, cpu-seconds": history.cpu_seconds}


def named(kind: str, size: int, times: int) -> str:
    return f"{kind}, {size} characters, {times} min"


def ahead(numbers: dict, size: int, times: int) -> np.ndarray:
    """By how many bits the LSTM is below the GPT, on every seed: (seeds,)."""
    return numbers[named("GPT", size, times)] - numbers[named("LSTM", size, times)]


def holds(numbers: dict) -> bool:
    small, large, longer = ahead(numbers, SMALL, 1), ahead(numbers, LARGE, 1), ahead(numbers, LARGE, 3)
    return bool(min(small.min(), large.min()) >= 0.1 and (longer < large).all())
