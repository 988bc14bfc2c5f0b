"""What each part of the transformer contributes: one is taken out at a time, and the rest is trained as before."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from experiments.without_recurrence import SIZE, transformer
from utils import training
from utils.alignment import best_links
from utils.attention.multihead import MultiHeadAttention
from utils.transformer import Block, Transformer
from utils.translation import alignment_error, alignments, english_french, right, train, translate

CHAPTER = "13-transformer"
CLAIM = (
    "Attention to the source, residual connections and a sense of place cannot be taken out; the others cost less or nothing "
    "at this size."
)
SOURCE = "Vaswani et al. 2017, table 3; Xiong et al. 2020 for the order of the normalisation"
PUBLISHED = (
    "English to German, BLEU on the development set: 25.8; with one head 24.9, learned places 25.7, no dropout 24.6, without "
    "label smoothing 25.3 (table 3)"
)
SCALE = "theirs: real text, millions of sentence pairs, 65 million weights; ours: sentences that a grammar makes, two blocks"
TOLERANCE = (
    "mean exact match: without cross-attention, residual connections or places at least 0.3 below the whole; without "
    "warm-up, label smoothing, the shared matrix or several heads within 0.15 of it"
)
SEEDS = (0, 1, 2)
STEPS = 600  # about 30 cpu-seconds each
Change = Callable[[Transformer], None]


class Silent(MultiHeadAttention):
    """Attention whose answer is 0, wherever it looks."""

    def read(self, *arguments) -> tuple[Tensor, Tensor]:
        out, weights = super().read(*arguments)
        return torch.zeros_like(out), weights


class Nothing(nn.Module):
    """A network that answers 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def in_blocks(change: Callable[[Block], None], *stacks: str) -> Change:
    """The change made in each block of the named stacks, of both if none is named."""

    def everywhere(model: Transformer) -> None:
        for stack in stacks or ("encoder", "decoder"):
            for block in getattr(model, stack).blocks:
                change(block)

    return everywhere


def silence(part: str) -> Callable[[Block], None]:
    return lambda block: setattr(block, part, Silent(SIZE["size"], SIZE["heads"]))


def no_residuals(block: Block) -> None:
    block.add = lambda i, x, new: new


def no_norms(model: Transformer) -> None:
    for stack in (model.encoder, model.decoder):
        stack.norm = None
        for block in stack.blocks:
            block.norms = nn.ModuleList(nn.Identity() for _ in block.norms)


def no_places(model: Transformer) -> None:
    model.embed = lambda table, tokens, first=0: table(tokens) * math.sqrt(table.embedding_dim)


def separate_readout(model: Transformer) -> None:
    model.readout.weight = nn.Parameter(model.readout.weight.detach().clone())


OPTIONS: dict[str, dict] = {  # what is built otherwise
    "several heads": {"heads": 1},
    "label smoothing": {"smoothing": 0.0},
    "normalising first": {"norm_first": False},
}
CHANGES: dict[str, Change] = {  # what is taken out of the built model
    "residual connections": in_blocks(no_residuals),
    "normalisation": no_norms,
    "the network of each place": in_blocks(lambda block: setattr(block, "between", Nothing())),
    "self-attention, encoder": in_blocks(silence("attention"), "encoder"),
    "self-attention, decoder": in_blocks(silence("attention"), "decoder"),
    "cross-attention": in_blocks(silence("cross"), "decoder"),
    "places": no_places,
    "the shared matrix": separate_readout,
}
PARTS = ("nothing", *CHANGES, *OPTIONS, "warm-up")


def settings(scale: str) -> list[dict]:
    return [{"part": part} for part in PARTS]


def run(seed: int, scale: str, part: str) -> dict[str, float]:
    tiny = scale == "tiny"
    data = english_french(600, longest=8) if tiny else english_french()
    training.seed(seed)
    model = transformer(data, **OPTIONS.get(part, {}))
    CHANGES.get(part, lambda model: None)(model)
    schedule = partial(training.warmup_cosine, warmup=0.0) if part == "warm-up" else training.warmup_cosine
    history = train(model, data, 2 if tiny else STEPS, seed, schedule)
    numbers = {f"last loss without {part}": float(np.mean(history.loss[-20:]))}
    if tiny:
        return numbers
    test = data.split.test
    numbers[f"exact match without {part}"] = float(right(translate(model, data, test), test).mean())
    links = [best_links(one) for one in alignments(model, data, test)]
    return numbers | {f"error rate without {part}": alignment_error(links, test)}


def holds(numbers: dict) -> bool:
    loss = {part: (numbers["exact match without nothing"] - numbers[f"exact match without {part}"]).mean() for part in PARTS}
    needed = "cross-attention", "residual connections", "places"
    spared = "warm-up", "label smoothing", "the shared matrix", "several heads"
    return min(loss[part] for part in needed) >= 0.3 and max(loss[part] for part in spared) <= 0.15
