"""A mixture of experts: what more weights at the same work are worth, and what keeps the load even."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from experiments.recurrence_or_attention import (
    BATCH,
    HELDOUT,
    LARGE,
    RATE,
    TIME,
    WIDTHS,
    heldout_nats,
    windows,
)
from utils import training
from utils.data.text import characters
from utils.data.wikipedia import split, wikipedia
from utils.experts import MixtureOfExperts, balance_loss, load, routing
from utils.language_models import GPT
from utils.transformer import FeedForward

CHAPTER = "14-language-models"
CLAIM = (
    "Eight experts of which each character uses two predict better than one network that costs as much; without the balance "
    "loss the load is uneven."
)
SOURCE = "Shazeer et al. 2017; Fedus, Zoph and Shazeer 2022"
PUBLISHED = "Fedus et al., abstract: up to 7 times as fast in pre-training at equal work (one expert a token, larger models)"
SCALE = "theirs: larger models by orders of magnitude, on many machines; ours: minutes of one core"
TOLERANCE = (
    "on every seed after equally many steps: the balanced mixture's bits are below those of the dense network of equal work; "
    "its busiest expert has at most twice its share of 1/8, and without the balance loss more than twice"
)
SEEDS = (0, 1, 2)
EXPERTS, CHOSEN = 8, 2
STEPS, BALANCE = 400, 0.01
KINDS = ("dense, equal work", "dense, four times the work", "experts, balanced", "experts, unbalanced")


def build(kind: str, vocabulary: int, size: int, seed: int) -> GPT:
    """A GPT whose places think in one network, or in two of eight experts half as wide."""
    training.seed(seed)
    hidden = 4 * size
    between = {
        "dense, equal work": lambda: FeedForward(size, hidden, F.relu),
        "dense, four times the work": lambda: FeedForward(size, EXPERTS // CHOSEN * hidden, F.relu),
    }.get(kind, lambda: MixtureOfExperts(size, hidden // CHOSEN, EXPERTS, chosen=CHOSEN))
    return GPT(vocabulary, size, heads=4, layers=2, longest=TIME, between=between)


def train(model: GPT, ids: torch.Tensor, steps: int, seed: int, balance: float) -> training.History:
    """As `train_gpt`, with `balance` times the balance loss of all mixtures added."""

    def loss(tokens: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with routing(model) as routed:
            predicted = model.loss(tokens, targets)
        return predicted + balance * sum(balance_loss(*call) for call in routed)

    model.to(training.device())
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, betas=(0.9, 0.95))
    pieces = windows(ids, torch.Generator().manual_seed(seed))
    history = training.train(loss, pieces, optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    model.cpu().eval()
    return history


@torch.no_grad()
def loads(model: GPT, ids: torch.Tensor) -> np.ndarray:
    """The share of the work that each expert does on ids (N,): (blocks, experts)."""
    tokens = ids[: len(ids) // TIME * TIME].view(-1, TIME)
    with routing(model) as routed:
        model(tokens)
    return np.array([load(*call) for call in routed])


def settings(scale: str) -> list[dict]:
    return [{"kind": kind} for kind in KINDS]


def run(seed: int, scale: str, kind: str) -> dict[str, float]:
    tiny, corpus = scale == "tiny", wikipedia()
    vocabulary = characters(corpus)
    text, heldout = split(corpus, HELDOUT)
    ids, tested = vocabulary.encode(text[: 20_000 if tiny else LARGE]), vocabulary.encode(heldout[: 2_000 if tiny else 100_000])
    model = build(kind, len(vocabulary), 8 if tiny else WIDTHS["GPT"], seed)
    history = train(model, ids, 3 if tiny else STEPS, seed, BALANCE if kind == "experts, balanced" else 0.0)
    numbers = {
        kind: heldout_nats(model, tested) / math.log(2),
        f"{kind}, weights": float(sum(p.numel() for p in model.parameters())),
    }
    if kind.startswith("experts"):
        numbers[f"{kind}, largest load"] = float(loads(model, tested[: BATCH * TIME * 10]).max())
    return numbers if tiny else numbers | {f"{kind}, cpu-seconds": history.cpu_seconds}


def holds(numbers: dict) -> bool:
    even, uneven = (numbers[f"experts, {kind}, largest load"] for kind in ("balanced", "unbalanced"))
    twice = 2 / EXPERTS
    return bool(
        (numbers["experts, balanced"] < numbers["dense, equal work"]).all() and even.max() <= twice and uneven.min() > twice
    )
